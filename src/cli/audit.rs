use super::cloud::CloudArgs;
use super::collect::LiveArgs;
use super::facts::FactArgs;
use super::keep::{self, HistoryArgs, Keeping};
use super::known::KnownArgs;
use super::output::OutputArgs;
use super::pipeline::{self, Case};
use super::{CliError, ExitStatus, Global, input, interrupt, reflect, rules};
use crate::model::{Gap, Severity};
use crate::observation::Observations;
use crate::pathproof::Auditor;
use crate::probe::{self, DEFAULT_RATE, Options};
use crate::spec::{self, config::Config};
use crate::survey::Survey;
use crate::{attestation, audit, history, resolve};
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `portcullis audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Spec files and folders; `-` is standard input [default: spec.yaml, spec or specs]
    #[arg(value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Folder of more rules (repeatable; adds to the configuration's)
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub probing: Probing,
    #[command(flatten)]
    pub live: LiveArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub known: KnownArgs,
    #[command(flatten)]
    pub history: HistoryArgs,
}

/// What is sent, and how fast.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probing")]
pub struct Probing {
    /// Send no probe: what only a probe could tell is a gap
    #[arg(long)]
    pub no_probe: bool,
    /// Probe packets a second; 0 is as fast as the path carries [default: the configured limit, else 2000]
    #[arg(long, value_name = "N")]
    pub rate: Option<u32>,
}

/// Runs `portcullis audit`.
///
/// # Errors
/// Usage and tool errors; findings and gaps are an [`ExitStatus`].
pub fn run(args: &AuditArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let config = input::config(global)?;
    let auditor = input::auditor(&config, global)?;
    let sources = input::sources(&args.specs)?;
    let spec = spec::load(&sources).map_err(input::rendered)?;
    let baseline = args.known.read()?;
    let file = args.history.place(&config, global);
    if !keep::BUILT_IN && (args.known.since_last || args.history.history.is_some()) {
        return Err(keep::not_built_in());
    }
    if args.known.since_last && file.is_none() {
        return Err(CliError::new("compare with the last run: no history is kept")
            .because("`history: { off: true }` of the configuration")
            .hint("name one with --history FILE"));
    }
    let file = file.filter(|_| keep::BUILT_IN);
    let mut folders: Vec<PathBuf> = config.rules.iter().map(|f| beside(global, f)).collect();
    folders.extend(args.rules.iter().cloned());
    let rules = rules::load(&folders)?;
    let exports = args.output.open()?;

    let now = Timestamp::now();
    // Before the long work: a file of facts that is not there is told at once.
    let facts = args.facts.gather(&spec, &config, &args.live, global)?;
    let snapshot = args.cloud.read(&args.live, global, now)?;
    let options = audit::Options {
        fail_on: args.output.fail_on.or(config.fail_on).unwrap_or(Severity::Low),
        allow_gaps: args.output.accepted_gaps(),
        ..audit::Options::default()
    };
    let in_scope = config.scope_addresses();
    let (mut report, digest) = std::thread::scope(|scope| {
        // Beside the audit, because a large snapshot takes its time.
        let digest = file.as_ref().map(|_| scope.spawn(|| keep::of_snapshot(&snapshot)));
        let case = Case {
            spec: &spec,
            snapshot: &snapshot,
            resolution: &resolve::resolve(&spec, &snapshot),
            facts: &facts,
            rules: &rules,
            options: &options,
            probed: None,
            sweep: &BTreeSet::new(),
            scope: &in_scope,
            limits: pipeline::limits(&config),
            now,
        };
        let audited = pipeline::run(&case, &mut |survey, gaps| {
            if args.probing.no_probe || global.offline {
                return Observations::default();
            }
            probe_here(survey, gaps, &args.probing, &config, &auditor, global)
        });
        (audited.report, digest.and_then(|d| d.join().ok()).unwrap_or_default())
    });
    let baselined = args.known.apply(baseline.as_ref(), &mut report);
    let kept = file.map(|file| {
        let places = snapshot.regions.iter().map(|v| format!("{}/{}", v.account, v.region));
        let scope = keep::scope("audit", &args.specs, places.collect());
        // Asked, whether it answered or not: one that did not is a gap, and no narrower look.
        let asked = facts.sources.iter().map(|s| s.name.to_string()).collect();
        let scope = history::Scope { sources: asked, ..scope };
        let spec = attestation::of_spec(&sources);
        let keeping = Keeping { scope, spec, snapshot: digest, rules: &rules };
        keep::keep(&file, &config, keeping, &mut report, args.known.since_last)
    });
    // Whatever became of the files beside it, the report is printed.
    let status = args.output.finish(exports, &report)?;
    let code = status.code();
    baselined?;
    match kept {
        Some(Err(error)) => Err(error
            .hint(format!("the report above is whole, and would have ended in exit code {code}"))),
        _ => Ok(status),
    }
}

/// A path of the configuration: relative to the file that names it.
pub(super) fn beside(global: &Global, path: &str) -> PathBuf {
    let folder = global.config.as_ref().and_then(|c| c.parent());
    folder.map_or_else(|| PathBuf::from(path), |f| f.join(path))
}

/// As [`probe_until`]; an interrupt ends the process.
pub(super) fn probe_here(
    survey: &Survey,
    gaps: &mut Vec<Gap>,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
) -> Observations {
    let observations = probe_until(survey, gaps, probing, config, auditor, global);
    interrupt::check(|| {
        let (done, of) = (observations.rows.len(), survey.targets.len());
        format!("{done} of {of} endpoints were probed, no report was written")
    });
    observations
}

/// Probes from this machine, with progress where a person watches; what its own address is, the
/// configured STUN server is asked first. An interrupt leaves the rest out.
pub(super) fn probe_until(
    survey: &Survey,
    gaps: &mut Vec<Gap>,
    probing: &Probing,
    config: &Config,
    auditor: &Option<Auditor>,
    global: &Global,
) -> Observations {
    let limits = &config.limits;
    let mut options = Options {
        vantage: super::probe::here(config),
        rate: probing.rate.or(limits.rate).unwrap_or(DEFAULT_RATE),
        in_flight: limits.in_flight.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX),
        deadline: limits.deadline.and_then(|d| Duration::try_from(d).ok()),
        second_look: true,
        auditor: auditor.clone(),
        stop: interrupt::stop(),
        proxies: super::proxies::proxies(config, global),
        ..Options::default()
    };
    let heeding = interrupt::heed();
    if let Some(server) = super::probe::reflector(config) {
        gaps.extend(reflect::reflect(server, survey, &mut options));
    }
    let bar = super::probe::progress(survey, global);
    let observations = probe::run(survey, &options, &mut |_| bar.inc(1));
    bar.finish_and_clear();
    drop(heeding);
    observations
}
