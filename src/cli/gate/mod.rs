//! `portcullis gate`: may these new hosts enter rotation?

mod attest;
mod kept;
mod lifecycle;
mod look;
mod verify;
mod wait;

use super::cloud::CloudArgs;
use super::collect::{AllowedGap, LiveArgs, gap_kind};
use super::declared::{Declared, DeclaredArgs};
use super::facts::FactArgs;
use super::keep::{self, HistoryArgs};
use super::{CliError, ExitStatus, Global, input, rules, time};
use crate::gate::{self, Answer, Trait, Verdicts, Wanted};
use crate::model::{GapKind, Severity};
use crate::pathproof::Auditor;
use crate::report;
use crate::spec::Source;
use crate::spec::config::{Config, HERE};
use crate::{attestation, history};
use attest::{AttestArgs, Attested};
use clap::{Args, Subcommand, ValueEnum};
use lifecycle::{Continuing, LifecycleArgs};
use look::{Gate, Looked};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `portcullis gate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["host", "asg", "target_group", "print_lifecycle_policy"]))]
pub struct GateArgs {
    #[command(subcommand)]
    pub command: Option<GateCommand>,
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// The role the hosts are to serve in
    #[arg(long, value_name = "ROLE", required_unless_present = "print_lifecycle_policy")]
    pub role: Option<String>,
    /// Hosts: instance ids, addresses, declared names, or a Name tag that one host has
    #[arg(long, value_name = "ID|ADDR", num_args = 1.., value_delimiter = ',')]
    pub host: Vec<String>,
    /// The instances of an Auto Scaling group that are not in service yet
    #[arg(long, value_name = "NAME|ARN")]
    pub asg: Option<String>,
    /// The targets of a target group that are not healthy yet
    #[arg(long, value_name = "ARN")]
    pub target_group: Option<String>,
    /// Look again until every host passes, at most this long: 90s, 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = time::within::<Duration>(1..=time::DAY))]
    pub wait: Option<Duration>,
    /// With --wait, how long after a look the next one begins
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time::within::<Duration>(1..=time::DAY))]
    pub every: Duration,
    #[command(flatten)]
    pub lifecycle: LifecycleArgs,
    #[command(flatten)]
    pub asks: Asks,
    /// Folder of more rules (repeatable; adds to the configuration's)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub live: LiveArgs,
    #[command(flatten)]
    pub attest: AttestArgs,
    #[command(flatten)]
    pub history: HistoryArgs,
    #[command(flatten)]
    pub output: Output,
}

/// What else `gate` does than gating.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Check a signed attestation before acting on it: exit 0, or 4 with the reason
    Verify(verify::VerifyArgs),
}

/// What a host must prove.
#[derive(Debug, Args)]
#[command(next_help_heading = "What must be proven")]
pub struct Asks {
    /// Do not look at every TCP port: what answers on an undeclared one may stay unseen
    #[arg(long)]
    pub no_sweep: bool,
    /// Accept UDP that no protocol can prove where the configuration permits it
    #[arg(long)]
    pub accept_unproven: bool,
    /// Hosts that serve already to compare with, at most; 0 compares with none
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub peers: usize,
    /// Traits in which a host may not be the odd one; the others are told. `none`, `all`, or names
    #[arg(
        long,
        value_name = "TRAIT,…",
        value_delimiter = ',',
        default_value = "permissions,network-acl,routes,addresses,source-dest-check,ports,tls",
        value_parser = traits()
    )]
    pub parity: Vec<String>,
    /// Probe packets a second; 0 is as fast as the path carries [default: the configured limit, else 2000]
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
}

/// What is printed, and what holds.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Output {
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Lowest severity of a finding that holds: info, low, medium, high, critical [default: the configuration's, else low]
    #[arg(long, value_name = "SEVERITY", value_parser = super::output::severities(), hide_possible_values = true)]
    pub fail_on: Option<Severity>,
    /// Kinds of gap that do not hold; without a value, all
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = gap_kind)]
    pub allow_gaps: Vec<AllowedGap>,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines: one object, versioned
    Json,
    /// For a job summary or a pull request
    Markdown,
}

fn traits() -> clap::builder::PossibleValuesParser {
    let mut names = Trait::NAMES.to_vec();
    names.extend(["none", "all"]);
    clap::builder::PossibleValuesParser::new(names)
}

/// Runs `portcullis gate`.
///
/// # Errors
/// Usage and tool errors; hosts that are held are an [`ExitStatus`].
pub fn run(args: &GateArgs, global: &Global) -> Result<ExitStatus, CliError> {
    match &args.command {
        Some(GateCommand::Verify(args)) => verify::run(args, global),
        None if args.lifecycle.print_lifecycle_policy => lifecycle::print_policy(global),
        None => gate(args, global),
    }
}

fn gate(args: &GateArgs, global: &Global) -> Result<ExitStatus, CliError> {
    // Before anything that may fail: an older yes must not outlive it.
    let attested = Attested::open(&args.attest)?;
    if global.offline {
        return Err(CliError::new("gate anything: --offline was given")
            .hint("a host is proven by probes from outside; `portcullis audit --offline` judges the configuration alone")
            .with_status(ExitStatus::Refused));
    }
    once(args)?;
    // `--host` takes all that follows it.
    let is_spec = |host: &&String| {
        let path = Path::new(host.as_str());
        let named = |e| e == "yaml" || e == "yml";
        path.extension().is_some_and(named) && path.exists() || host.contains('/') && path.is_dir()
    };
    if let Some(spec) = args.host.iter().find(is_spec) {
        let cannot = format!("gate a host called {}", super::saved::escape(spec));
        return Err(CliError::new(cannot)
            .because("it is a spec that --host took with the hosts before it")
            .hint("put specs before --host, or write `--host=ID`"));
    }
    let config = input::config(global)?;
    let Declared { spec, sources } = args.declared.read()?;
    let named = args.role.as_deref().unwrap_or_default();
    let Some(role) = spec.roles.get(named) else {
        let roles: Vec<&str> = spec.roles.keys().map(String::as_str).collect();
        let hint = if roles.is_empty() {
            "the spec declares no role".to_owned()
        } else {
            format!("the spec declares {}", roles.join(", "))
        };
        return Err(
            CliError::new(format!("find role `{}`", super::saved::escape(named))).hint(hint)
        );
    };
    let wanted_hook = lifecycle::wanted(&args.lifecycle, args.asg.as_deref(), &config)?;
    let continuing = Continuing::open(wanted_hook, &config, &args.live.regions, global)?;
    // Before anything is read: the hook's time runs already.
    if let Some(continuing) = &continuing {
        continuing.keep(args.host.iter().map(String::as_str));
    }
    let mut folders: Vec<PathBuf> = config.rules.iter().map(|f| input::beside(global, f)).collect();
    folders.extend(args.rules.iter().cloned());
    let auditor = input::auditor(&config, global)?;
    let gate = Gate {
        args,
        global,
        config: &config,
        spec: &spec,
        role,
        rules: rules::load(&folders)?,
        wanted: wanted(args),
        options: gate::Options {
            fail_on: args.output.fail_on.or(config.fail_on).unwrap_or(Severity::Low),
            allow_gaps: allowed(&args.output.allow_gaps),
            sweep: !args.asks.no_sweep,
            accept_unproven: args.asks.accept_unproven,
            vantages: asked(&config),
            auditor: auditor.as_ref().map(Auditor::fingerprint),
        },
        deciding: deciding(&args.asks.parity),
        auditor,
        before: RefCell::default(),
        continuing: RefCell::new(continuing),
    };
    let file = place(args, &config, global)?;
    let looked = wait::until(&gate)?;
    let kept = file.map(|file| keep(&file, &gate, &looked, &sources));
    let Looked { verdicts, snapshot, entered, .. } = &looked;
    print(args.output.format, verdicts)?;
    if let Some(Err(error)) = kept {
        let code = status(verdicts).code();
        return Err(error
            .hint(format!("the answer above is whole, and would have ended in exit code {code}"))
            .hint("nothing was attested or continued; --no-history gates without it"));
    }
    if let Some(attested) = attested {
        attested.write(verdicts, snapshot, &sources, &gate)?;
    }
    // After everything else that can go wrong: what is continued cannot be taken back.
    if let Some(continuing) = gate.continuing.take() {
        continuing.finish(verdicts, entered)?;
    }
    Ok(status(verdicts))
}

/// What each look reads anew cannot come from standard input, which gives it once.
fn once(args: &GateArgs) -> Result<(), CliError> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    let from = [
        ("--snapshot", args.cloud.snapshot.iter().any(is_stdin)),
        ("--facts", args.facts.facts.iter().any(is_stdin)),
    ];
    match from.into_iter().find(|(_, stdin)| *stdin && args.wait.is_some()) {
        None => Ok(()),
        Some((flag, _)) => Err(CliError::new(format!("use `{flag} -` with --wait"))
            .because("every look reads it again, and standard input comes once")
            .hint("put it into a file")),
    }
}

/// Where the answer is kept; `None` where nothing is.
fn place(args: &GateArgs, config: &Config, global: &Global) -> Result<Option<PathBuf>, CliError> {
    if !keep::BUILT_IN && args.history.history.is_some() {
        return Err(keep::not_built_in());
    }
    Ok(args.history.place(config, global).filter(|_| keep::BUILT_IN))
}

/// Keeps the answer, a run for each host.
fn keep(file: &Path, gate: &Gate<'_>, looked: &Looked, sources: &[Source]) -> Result<(), CliError> {
    let snapshot = &looked.snapshot;
    let places = snapshot.regions.iter().map(|v| format!("{}/{}", v.account, v.region));
    let scope = keep::scope("gate", &gate.args.declared.paths(), places.collect());
    let asked = looked.report.facts.iter().map(|s| s.name.to_string()).collect();
    let kept = kept::Kept {
        scope: history::Scope { sources: asked, ..scope },
        spec: attestation::of_spec(sources),
        snapshot: keep::of_snapshot(snapshot),
        rules: gate.rules.rules().iter().map(|r| r.id.clone()).collect(),
        looked,
    };
    for (run, exit) in kept.runs() {
        keep::store(file, gate.config, &run, &mut |_| exit)?;
    }
    Ok(())
}

/// How a gate ended: held over not seen over passed.
fn status(verdicts: &Verdicts) -> ExitStatus {
    match verdicts.answer() {
        Answer::Pass => ExitStatus::Clean,
        Answer::Hold if verdicts.only_unseen() => ExitStatus::Incomplete,
        Answer::Hold => ExitStatus::Findings,
    }
}

fn wanted(args: &GateArgs) -> Wanted {
    if let Some(name) = &args.asg {
        return Wanted::AutoScalingGroup(name.clone());
    }
    match &args.target_group {
        Some(arn) => Wanted::TargetGroup(arn.clone()),
        None => Wanted::Hosts(args.host.clone()),
    }
}

/// The vantages that are asked: this machine unless it is off, and the others.
fn asked(config: &Config) -> Vec<gate::AskedVantage> {
    let local = config.local();
    let here = gate::AskedVantage {
        name: local.map_or(HERE, |v| &*v.name).to_owned(),
        remote: false,
        required: local.is_none_or(|v| v.required),
    };
    let others = config.remote().map(|v| gate::AskedVantage {
        name: v.name.clone(),
        remote: true,
        required: v.required,
    });
    (local.is_none_or(|v| !v.off)).then_some(here).into_iter().chain(others).collect()
}

fn allowed(kinds: &[AllowedGap]) -> BTreeSet<String> {
    let accepted = GapKind::ALL.into_iter().filter(|k| kinds.iter().any(|a| a.accepts(*k)));
    accepted.map(|k| k.name().to_owned()).collect()
}

fn deciding(named: &[String]) -> BTreeSet<&'static str> {
    let has = |name: &str| named.iter().any(|n| n == name);
    let of = |name: &&'static str| !has("none") && (has("all") || has(name));
    Trait::NAMES.into_iter().filter(of).collect()
}

fn print(format: Format, verdicts: &Verdicts) -> Result<(), CliError> {
    let mut out = Vec::new();
    let written = match format {
        Format::Text => report::gate::text(verdicts, &super::output::style(), &mut out),
        Format::Json => report::gate::json(verdicts, &mut out),
        Format::Markdown => report::gate::markdown(verdicts, &mut out),
    };
    let cannot = |error| CliError::new("write the answer").because(error);
    written.map_err(cannot)?;
    match std::io::stdout().lock().write_all(&out) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(cannot(error)),
        _ => Ok(()),
    }
}
