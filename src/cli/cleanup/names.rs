//! Names that lead to what is cleaned up: asked when a plan is made, and again before each act.

use super::marked::{Mark, Marked};
use super::outside::addresses_of;
use super::refused::refused;
use crate::cleanup::names::{Led, Names};
use crate::cleanup::plan::Plan;
use crate::cleanup::{Digest, Listing, Reason, Refusal, Resource, World};
use crate::cli::CliError;
use crate::report::escape::visible;
use crate::spec::Spec;
use crate::{dns, dossier};
use clap::Args;
use jiff::Timestamp;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Names, and who says where they lead.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Names")]
pub struct NamesArgs {
    /// Names that keep what they lead to: one a line, or what `aws route53
    /// list-resource-record-sets` prints; `-` is standard input (repeatable). A plan that was made
    /// with it is applied with it
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_NAMES", value_delimiter = ',')]
    pub names: Vec<PathBuf>,
    /// Who says where names lead (repeatable) [default: the resolvers of the system]
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = resolver)]
    pub resolver: Vec<SocketAddr>,
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let alone = || text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    text.parse().or_else(|_| alone()).map_err(|_| "write an address, with a port or without".into())
}

/// How long an answer counts: names are asked anew for each batch, not for each item of it.
const FRESH: Duration = Duration::from_secs(30);

impl NamesArgs {
    /// Reads the lists: once in a run, because standard input and pipes say it once.
    ///
    /// # Errors
    /// Lists that cannot be read: the name that is lost may be the one that leads to something.
    pub(super) fn lists(&self) -> Result<Listed<'_>, CliError> {
        let mut names = Names::default();
        for path in &self.names {
            let cannot = || {
                CliError::new(format!("read the names of {}", visible(&path.display().to_string())))
            };
            let bytes = bytes(path).map_err(|e| cannot().because(visible(&e)))?;
            names.read(&bytes).map_err(|e| cannot().because(visible(&e)))?;
        }
        Ok(Listed { names, resolvers: &self.resolver })
    }

    /// A world in which what names lead to is alive, for the acts of a plan.
    ///
    /// # Errors
    /// The plan was made with names, and here are none.
    pub(super) fn keep(
        &self,
        plan: &Plan,
        spec: Option<&Spec>,
        world: Box<dyn World>,
    ) -> Result<Box<dyn World>, CliError> {
        let listed = self.lists()?;
        if let Some(pinned) = plan.pins.names.as_ref().filter(|p| listed.pin().as_ref() != Some(p))
        {
            let says = format!(
                "the plan was made with the names {pinned}, and they are asked again before each act"
            );
            return Err(refused("act without them", &Refusal::new(Reason::Loosening, says))
                .hint("--names FILE, the very list that the plan was made with"));
        }
        let resolvers = self.resolver.clone();
        Ok(match listed.with(spec)? {
            Some(names) => {
                let mark = Named { names, resolvers, led: None };
                Box::new(Marked { inner: world, mark })
            }
            None => world,
        })
    }
}

/// The lists that were named, as they were read.
pub(super) struct Listed<'a> {
    names: Names,
    resolvers: &'a [SocketAddr],
}

impl Listed<'_> {
    /// The digest that a plan pins of the lists; `None` without one.
    pub(super) fn pin(&self) -> Option<Digest> {
        (!self.names.ask.is_empty()).then(|| self.names.digest())
    }

    /// The names of the lists, and of a spec where there is one; `None` where there is none at all.
    ///
    /// # Errors
    /// A name of the spec that nobody can be asked for.
    pub(super) fn with(&self, spec: Option<&Spec>) -> Result<Option<Names>, CliError> {
        let mut names = self.names.clone();
        for name in spec.into_iter().flat_map(|s| s.names.keys()) {
            names
                .add(name)
                .map_err(|e| CliError::new("ask where the spec's names lead").because(e))?;
        }
        Ok((!names.ask.is_empty()).then_some(names))
    }

    /// Where names lead now.
    ///
    /// # Errors
    /// Nobody can be asked at all. A name that nobody answers for is no error: it is unknown.
    pub(super) fn led(&self, names: &Names) -> Result<Led, CliError> {
        ask(names, self.resolvers).map_err(|e| CliError::new("ask where names lead").because(e))
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    if path.as_os_str() != "-" {
        return dossier::read_file(path).map_err(|e| e.to_string());
    }
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(dossier::MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|e| e.to_string())?;
    if bytes.len() as u64 > dossier::MAX_BYTES {
        return Err("it is longer than 64 MiB".into());
    }
    Ok(bytes)
}

fn ask(names: &Names, resolvers: &[SocketAddr]) -> Result<Led, String> {
    let options = dns::Options { resolvers: resolvers.to_vec(), ..dns::Options::default() };
    let answers = dns::ask(&names.ask, &options)?;
    Ok(Led::new(names, answers, Timestamp::now()))
}

/// Names that keep what they lead to alive, as of a moment ago.
struct Named {
    names: Names,
    resolvers: Vec<SocketAddr>,
    led: Option<(Instant, Led)>,
}

impl Mark for Named {
    fn refresh(&mut self) -> Result<(), String> {
        if self.led.as_ref().is_none_or(|(at, _)| at.elapsed() > FRESH) {
            self.led = Some((Instant::now(), ask(&self.names, &self.resolvers)?));
        }
        Ok(())
    }

    fn mark(&self, thing: &mut Resource) {
        if let Some((_, led)) = &self.led {
            tell(thing, led);
        }
    }
}

/// Says of each thing of an adapter's listing what names say of it.
pub(super) fn mark(listing: &mut Listing, led: &Led) {
    listing.resources.iter_mut().for_each(|thing| tell(thing, led));
}

fn tell(thing: &mut Resource, led: &Led) {
    match addresses_of(thing) {
        Ok(addresses) => led.mark(thing, addresses),
        Err(why) => thing.unknown.push(why),
    }
}
