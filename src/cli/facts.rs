//! Where facts of hosts come from: `--facts`, and the configuration's list.

use super::collect::LiveArgs;
use super::{CliError, Global};
use crate::collect::facts::{self as edge, From, MAX_BYTES, Wanted};
use crate::fact::{Gathered, SourceRead};
use crate::model::{Gap, GapKind};
use crate::spec::Spec;
use crate::spec::config::{Config, FactFrom, FactSource};
use clap::Args;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Facts of hosts: flags of every command that judges what hosts are.
#[derive(Debug, Clone, Default, Args)]
pub struct FactArgs {
    /// Facts of hosts: JSON, NDJSON, Ansible facts, osquery results; `-` is standard input
    /// (repeatable; adds to the configuration's)
    #[arg(long, value_name = "FILE|DIR|-")]
    pub facts: Vec<PathBuf>,
}

impl FactArgs {
    /// Reads every source of the flags and of the configuration; `live` says which accounts and
    /// regions SSM Inventory is read in.
    ///
    /// # Errors
    /// A path of `--facts` that is not there, accounts and regions that make no sense, and an
    /// interrupt. What else cannot be read is among the gaps.
    pub fn gather(
        &self,
        spec: &Spec,
        config: &Config,
        live: &LiveArgs,
        global: &Global,
    ) -> Result<Gathered, CliError> {
        let wanted = spec.fact_names();
        let mut out = Gathered { max_age: config.limits.fact_max_age, ..Gathered::default() };
        for path in &self.facts {
            out.merge(edge::read(&flag(path)?, &wanted));
        }
        for source in &config.facts {
            out.merge(configured(source, config, live, global, &wanted)?);
        }
        Ok(out)
    }
}

/// A path that was typed: one that is not there is a mistake of the caller, not of the estate.
fn flag(path: &Path) -> Result<edge::Source, CliError> {
    let cannot = |why: std::io::Error| {
        CliError::new(format!("read the facts {}", path.display())).because(why)
    };
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let bound = MAX_BYTES as u64 + 1;
        std::io::stdin().lock().take(bound).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() > MAX_BYTES {
            let limit = format!("more than {} MiB", MAX_BYTES >> 20);
            return Err(CliError::new("read the facts from standard input").because(limit));
        }
        return Ok(source("<stdin>", From::Bytes(bytes.into()), BTreeMap::new()));
    }
    std::fs::metadata(path).map_err(cannot)?;
    Ok(source(&path.display().to_string(), From::Path(path.into()), BTreeMap::new()))
}

fn source(name: &str, from: From, rename: BTreeMap<String, String>) -> edge::Source {
    edge::Source { name: name.into(), from, rename }
}

fn configured(
    item: &FactSource,
    config: &Config,
    live: &LiveArgs,
    global: &Global,
    wanted: &Wanted,
) -> Result<Gathered, CliError> {
    let FactSource { from, name, rename, at: _ } = item;
    let folder =
        global.config.as_ref().and_then(|c| c.parent()).filter(|f| !f.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    match from {
        FactFrom::File(path) => {
            let name = name.as_deref().unwrap_or(path);
            let path = if folder == Path::new(".") { path.into() } else { folder.join(path) };
            Ok(edge::read(&source(name, From::Path(path), rename.clone()), wanted))
        }
        FactFrom::Command { argv, timeout } => {
            let program = argv.first().map_or("", String::as_str);
            let name = name.clone().unwrap_or_else(|| format!("command {program}"));
            if global.offline {
                return Ok(not_asked(&name, "--offline, and a program may ask the network"));
            }
            let from = From::Command { argv: argv.clone(), folder, timeout: *timeout };
            Ok(edge::read(&source(&name, from, rename.clone()), wanted))
        }
        FactFrom::Ssm(types) => {
            let name = name.clone().unwrap_or_else(|| "ssm".into());
            if global.offline {
                return Ok(not_asked(&name, "--offline"));
            }
            ssm(&name, types, rename, (config, live), wanted)
        }
    }
}

/// A source that was left out: whoever needs it has a gap.
fn not_asked(name: &str, why: &str) -> Gathered {
    let name: Arc<str> = name.into();
    let gap = Gap::new(GapKind::Facts, &*name, format!("not asked: {why}"));
    let sources = vec![SourceRead { name, read_at: None, hosts: 0 }];
    Gathered { sources, gaps: vec![gap], ..Gathered::default() }
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unnecessary_wraps, reason = "the build with the feature can fail")]
fn ssm(
    name: &str,
    _: &[String],
    _: &BTreeMap<String, String>,
    _: (&Config, &LiveArgs),
    _: &Wanted,
) -> Result<Gathered, CliError> {
    Ok(not_asked(name, "this build was made without the `aws` feature"))
}

#[cfg(feature = "aws")]
fn ssm(
    name: &str,
    types: &[String],
    rename: &BTreeMap<String, String>,
    (config, live): (&Config, &LiveArgs),
    wanted: &Wanted,
) -> Result<Gathered, CliError> {
    use super::interrupt;
    use crate::collect::aws;

    let mut wanted = wanted.clone();
    wanted.extend(rename.values().cloned());
    let options = super::collect::options(live, config, jiff::Timestamp::now())?;
    let heeding = interrupt::heed();
    let read = aws::inventory(&options, name, types, &wanted);
    drop(heeding);
    let mut out = read.map_err(|error| match error {
        aws::Error::Interrupted => interrupt::error("facts were being read, nothing was judged"),
        aws::Error::NoRegion => CliError::new(format!("read the facts {name}"))
            .because(error)
            .hint("name them: --regions eu-west-1,us-east-1"),
        other => CliError::new(format!("read the facts {name}")).because(other),
    })?;
    edge::rename(&mut out, rename);
    Ok(out)
}
