//! What a spec declares, asked from outside between batches by the steps of an audit.

use super::super::audit::Probing;
use super::super::pipeline::{self, Case};
use super::super::saved::TakenArgs;
use super::super::vantages::probe_until;
use super::super::{input, rules};
use super::agreed::Agreed;
use super::native;
use crate::apply::Watch;
use crate::cleanup::watch::Watched;
use crate::cli::{CliError, ExitStatus, Global};
use crate::fact::Gathered;
use crate::observation::Observations;
use crate::pathproof::Auditor;
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::config::Config;
use crate::spec::{self, Spec};
use crate::survey::{self, Hope, Survey, Why};
use crate::{audit, collect, gate, resolve};
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What must go on answering, and whose hosts it is declared for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Health from outside")]
pub struct WatchArgs {
    /// Spec files and folders: what they require must answer between batches as it did before the
    /// first one (repeatable)
    #[arg(long = "spec", value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// The hosts: a snapshot that `portcullis collect` wrote [default: AWS itself where the plan is
    /// one of AWS, else those that the spec declares]
    #[arg(long, value_name = "FILE", requires = "specs", conflicts_with = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// The hosts: saved `aws ... describe-*` answers
    #[arg(long, value_name = "DIR", requires = "specs")]
    pub aws_json: Option<PathBuf>,
    #[command(flatten)]
    pub taken: TakenArgs,
    /// Probe packets a second [default: the configured limit, else 2000]
    #[arg(long, value_name = "N", requires = "specs")]
    pub rate: Option<u32>,
    /// Leave out what no probe can prove: UDP without a protocol, ICMP
    #[arg(long, requires = "specs")]
    pub accept_unproven: bool,
}

impl WatchArgs {
    /// What asks, where a spec is named.
    ///
    /// # Errors
    /// Specs and snapshots that cannot be read; `--offline`, which forbids asking.
    pub(super) fn watcher(
        &self,
        agreed: &Agreed,
        global: &Global,
    ) -> Result<Option<Watcher>, CliError> {
        if self.specs.is_empty() {
            return Ok(None);
        }
        if global.offline {
            return Err(CliError::new("ask from outside what the spec declares, with --offline")
                .hint("leave out --spec or --offline")
                .with_status(ExitStatus::Refused));
        }
        let config = input::config(global)?;
        let auditor = input::auditor(&config, global)?;
        Ok(Some(Watcher {
            spec: spec::load(&input::sources(&self.specs)?).map_err(input::rendered)?,
            snapshot: self.hosts(agreed)?,
            rules: rules::load(&[])?,
            probing: Probing { no_probe: false, rate: self.rate },
            accept_unproven: self.accept_unproven,
            config,
            auditor,
            global: global.clone(),
        }))
    }

    fn hosts(&self, agreed: &Agreed) -> Result<Snapshot, CliError> {
        let now = Timestamp::now();
        match (&self.snapshot, &self.aws_json) {
            (Some(path), _) => input::snapshot(path),
            (_, Some(dir)) => collect::saved::read_all(dir, self.taken.taken_at)
                .map(|saved| saved.snapshot)
                .map_err(|e| CliError::new(e.to_string())),
            _ if super::adapter::built_in(&agreed.words) => {
                native::snapshot(&agreed.approved.plan().target)
            }
            _ => Ok(Snapshot::empty(now)),
        }
    }
}

impl Watcher {
    /// What is declared.
    pub(super) const fn spec(&self) -> &Spec {
        &self.spec
    }
}

/// Asks everything that a spec requires, as an audit does.
pub(super) struct Watcher {
    spec: Spec,
    snapshot: Snapshot,
    rules: RuleSet,
    config: Config,
    auditor: Option<Auditor>,
    probing: Probing,
    accept_unproven: bool,
    global: Global,
}

impl Watch for Watcher {
    fn look(&mut self) -> Result<Watched, String> {
        let resolution = resolve::resolve(&self.spec, &self.snapshot);
        let (none, facts, options) =
            (BTreeSet::new(), Gathered::default(), audit::Options::default());
        let scope = self.config.scope_addresses();
        let case = Case {
            spec: &self.spec,
            snapshot: &self.snapshot,
            resolution: &resolution,
            facts: &facts,
            rules: &self.rules,
            options: &options,
            probed: None,
            sweep: &none,
            scope: &scope,
            limits: pipeline::limits(&self.config),
            now: Timestamp::now(),
        };
        let audited = pipeline::run(&case, &mut |survey, gaps| {
            let required = required(survey);
            if required.targets.iter().all(|t| t.why == Why::Control) {
                return Observations::default();
            }
            let (config, auditor) = (&self.config, &self.auditor);
            probe_until(&required, gaps, &self.probing, config, auditor, &self.global)
        });
        let (rows, seen) = (&audited.met.joined.rows, &audited.observations);
        let ours = survey::all_ours(&self.snapshot, &resolution, &scope);
        Ok(gate::watched(rows, seen, &ours, self.accept_unproven))
    }
}

/// Of everything that an audit would probe, what must answer, and what proves the vantage.
fn required(survey: &Survey) -> Survey {
    let mut required = survey.clone();
    required.targets.retain(|t| t.why == Why::Control || t.hope == Hope::Answer);
    required.profiled.clear();
    required
}
