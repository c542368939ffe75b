//! Where claims and the halt switch are, as commands are told it.

use super::ground;
use super::refused::refused;
use crate::apply::{FileRegister, GitRegister, Register};
use crate::cleanup::plan::{Places, Plan};
use crate::cleanup::{Digest, Reason, Refusal, Target, day, denied, newest};
use crate::cli::CliError;
use crate::report::escape::visible;
use clap::Args;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A place where one writer wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file: of one machine.
    File(PathBuf),
    /// A ref of a git repository that everybody can push to.
    Git { remote: String },
    /// A bucket of a NATS server.
    Nats { server: String, bucket: String },
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(remote) = text.strip_prefix("git:").filter(|r| !r.is_empty()) {
            // Claims are pushed from a folder of their own, which knows no remote of a checkout.
            if !remote.contains(['/', ':']) {
                return Err(format!(
                    "{remote} is a name that only a checkout knows: write the repository's URL or path"
                ));
            }
            return Ok(Self::Git { remote: remote.into() });
        }
        if text.starts_with("nats://") || text.starts_with("tls://") {
            return match text.rsplit_once('/') {
                Some((server, bucket)) if !server.ends_with('/') && !bucket.is_empty() => {
                    Ok(Self::Nats { server: server.into(), bucket: bucket.into() })
                }
                _ => Err("write nats://HOST:PORT/BUCKET".into()),
            };
        }
        match text.strip_prefix("file:").unwrap_or(text) {
            "" => Err("write a file's path, git:REMOTE or nats://HOST:PORT/BUCKET".into()),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl fmt::Display for Place {
    /// As it is written on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Git { remote } => write!(f, "git:{remote}"),
            Self::Nats { server, bucket } => write!(f, "{server}/{bucket}"),
        }
    }
}

impl Place {
    /// Opens it for anybody's writes. `name` is that of the thing in it: a plan's folder, `halt`.
    pub(in crate::cli) fn open(
        &self,
        name: &str,
        state: &Path,
    ) -> Result<Box<dyn Register>, CliError> {
        Ok(match self {
            Self::File(path) => Box::new(
                FileRegister::shared(path)
                    .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?,
            ),
            Self::Git { remote } => {
                let reference = format!("refs/portcullis/{name}");
                let scratch = state.join("git").join(&Digest::of(remote.as_bytes()).hex()[..16]);
                let register = GitRegister::open(&scratch, remote, &reference);
                Box::new(register.map_err(CliError::new)?)
            }
            #[cfg(feature = "fleet")]
            Self::Nats { server, bucket } => {
                let place = crate::apply::bucket::Place {
                    server: server.clone(),
                    bucket: bucket.clone(),
                    credentials: std::env::var_os("PORTCULLIS_NATS_CREDS").map(PathBuf::from),
                };
                // A server that is down is a no with its class, as a repository that is down is.
                match crate::apply::bucket::Bucket::open(&place) {
                    Ok(bucket) => {
                        Box::new(crate::apply::BucketRegister::new(bucket, name.replace('/', ".")))
                    }
                    Err(e) => Box::new(crate::apply::DownRegister::new(e.to_string())),
                }
            }
            #[cfg(not(feature = "fleet"))]
            Self::Nats { server, bucket } => {
                let cannot = CliError::new(format!("open the bucket {bucket} at {server}"));
                return Err(cannot.because("this build has no NATS (feature `fleet`)"));
            }
        })
    }
}

/// What is kept between runs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Claims and halts")]
pub struct StateArgs {
    /// Where one of several runs wins: git:REMOTE, nats://HOST:PORT/BUCKET, or `file` for this
    /// machine alone: not in CI, and not on a disk that others see or that goes with a container
    #[arg(long, value_name = "PLACE", env = "PORTCULLIS_CLAIM", default_value = "file")]
    pub claim: String,
    /// The halt switch, which must be readable and say run: a file, git:REMOTE or
    /// nats://HOST:PORT/BUCKET
    #[arg(long, value_name = "PLACE", env = "PORTCULLIS_HALT")]
    pub halt: Place,
    /// Claims, anchors and halts that this machine remembers
    /// [default: $XDG_STATE_HOME/portcullis or ~/.local/state/portcullis]
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_STATE")]
    pub state: Option<PathBuf>,
}

impl StateArgs {
    pub(in crate::cli) fn folder(&self) -> Result<PathBuf, CliError> {
        state_folder(self.state.as_deref())
    }

    /// Holds these places against those that the plan's policy names.
    ///
    /// # Errors
    /// Another place: a claim there holds nobody off, and a halt elsewhere is not seen.
    pub(in crate::cli) fn are(&self, places: &Places) -> Result<(), CliError> {
        let halt = self.halt.to_string();
        for (what, named, given) in
            [("claim", &places.claim, self.claim.as_str()), ("halt", &places.halt, halt.as_str())]
        {
            if let Some(named) = named.as_deref().filter(|n| *n != given) {
                let says = format!("the policy's {what} is at {named}, and not at {given}");
                return Err(refused(
                    "act by another place than was agreed to",
                    &Refusal::new(Reason::Loosening, says),
                )
                .hint(format!("--{what} {named}")));
            }
        }
        Ok(())
    }

    /// The register of a plan's claim. `folder` is the plan's, where its journal lies.
    pub(in crate::cli) fn claims(
        &self,
        digest: &Digest,
        folder: &Path,
    ) -> Result<Box<dyn Register>, CliError> {
        let state = self.folder()?;
        if self.claim != "file" {
            let place: Place = self.claim.parse().map_err(CliError::new)?;
            if let Place::File(path) = &place {
                let path = visible(&path.display().to_string()).into_owned();
                return Err(CliError::new(format!("claim a plan by the file {path}"))
                    .because("claims in files lie in the folder of --state, under a name of ours")
                    .hint("--claim file, --claim git:REMOTE or --claim nats://HOST:PORT/BUCKET"));
            }
            return place.open(&format!("claims/{}", digest.hex()), &state);
        }
        ground::stands(&state, folder)?;
        let path = state.join("claims").join(digest.folder());
        FileRegister::open(&path)
            .map(|register| Box::new(register) as Box<dyn Register>)
            .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))
    }

    /// The register of the acts of an account's day, beside its claims.
    pub(in crate::cli) fn day(&self, target: &Target) -> Result<Box<dyn Register>, CliError> {
        self.beside(&format!("days/{}", day::name(target)))
    }

    /// The register of the newest plan of a scope, beside its claims.
    pub(in crate::cli) fn newest(&self, plan: &Plan) -> Result<Box<dyn Register>, CliError> {
        self.beside(&format!("newest/{}", newest::name(plan)))
    }

    /// The register of a no to a plan, beside its claim.
    pub(in crate::cli) fn denied(&self, plan: &Digest) -> Result<Box<dyn Register>, CliError> {
        self.beside(&format!("denied/{}", denied::name(plan)))
    }

    /// The same, on this machine.
    pub(in crate::cli) fn denied_here(&self, plan: &Digest) -> Result<Box<dyn Register>, CliError> {
        let state = self.folder()?;
        Place::File(state.join("denied").join(denied::name(plan))).open("", &state)
    }

    fn beside(&self, name: &str) -> Result<Box<dyn Register>, CliError> {
        let state = self.folder()?;
        if self.claim != "file" {
            let place: Place = self.claim.parse().map_err(CliError::new)?;
            if !matches!(place, Place::File(_)) {
                return place.open(name, &state);
            }
        }
        Place::File(state.join(name)).open("", &state)
    }

    pub(in crate::cli) fn halt(&self) -> Result<Box<dyn Register>, CliError> {
        self.halt.open("halt", &self.folder()?)
    }
}

/// Where this machine remembers.
pub(in crate::cli) fn state_folder(given: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    variable("XDG_STATE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
        .map(|folder| folder.join("portcullis"))
        .ok_or_else(|| {
            CliError::new("find a folder to remember in").hint("--state DIR, or set HOME")
        })
}
