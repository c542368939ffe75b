//! One audit from what was read to the report: the same steps for `audit`, `gate` and `demo`.

use crate::audit::{self, AuditReport, Met};
use crate::fact::{Facts, Gathered};
use crate::model::{AddressSet, Gap, GapKind};
use crate::observation::{Observations, elsewhere};
use crate::reach::{self, ExposedEndpoint, Reach};
use crate::resolve::{self, Resolution};
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::{Spec, config::Config};
use crate::survey::{self, Refused, Sampled, Survey};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What an audit starts from.
pub(super) struct Case<'a> {
    pub(super) spec: &'a Spec,
    pub(super) snapshot: &'a Snapshot,
    /// The hosts of both.
    pub(super) resolution: &'a Resolution,
    /// What fact sources gave; [`Gathered::default`] where none was asked.
    pub(super) facts: &'a Gathered,
    pub(super) rules: &'a RuleSet,
    pub(super) options: &'a audit::Options,
    /// The hosts that are probed, by id: those that are judged, and whom they are compared with.
    /// `None` takes all.
    pub(super) probed: Option<&'a BTreeSet<String>>,
    /// Those of them of which every TCP port is probed.
    pub(super) sweep: &'a BTreeSet<String>,
    /// What may be probed beyond what the snapshot says is ours.
    pub(super) scope: &'a AddressSet,
    pub(super) limits: survey::Limits,
    pub(super) now: Timestamp,
}

/// An audit, and what it was made of.
pub(super) struct Audited {
    pub(super) observations: Observations,
    pub(super) facts: Facts,
    pub(super) met: Met,
    pub(super) report: AuditReport,
}

/// Computes, surveys, probes (by what is handed in, which may do nothing, and adds what it could not
/// see to the gaps), joins and judges.
pub(super) fn run(
    case: &Case<'_>,
    probe: &mut dyn FnMut(&Survey, &mut Vec<Gap>) -> Observations,
) -> Audited {
    let Case {
        spec,
        snapshot,
        resolution,
        facts,
        rules,
        options,
        probed: only,
        sweep,
        scope,
        limits,
        now,
    } = *case;
    let facts = resolve::facts(facts, snapshot, resolution, now);
    let assume_bpa_off = options.allow_gaps.contains(GapKind::VpcBpa.name());
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off });
    let mut exposed = reach.exposed_of(&AddressSet::outside(), only);
    exposed.extend(inside(spec, &reach, scope, only));
    let survey = survey::plan(&survey::Input {
        spec,
        resolution,
        snapshot: (!snapshot.regions.is_empty()).then_some(snapshot),
        exposed: &exposed,
        scope,
        sweep,
        limits,
        only,
        now,
    });
    drop(exposed);
    let mut gaps = survey.gaps.clone();
    let mut observations = probe(&survey, &mut gaps);
    gaps.extend(elsewhere(&mut observations));
    if !observations.vantages.is_empty() {
        gaps.extend(survey.refused.iter().map(refused));
    }
    let input = audit::Input {
        spec,
        snapshot,
        resolution,
        reach: &reach,
        observations: &observations,
        facts: &facts,
        rules,
        gaps: &gaps,
        options,
        now,
    };
    let met = audit::join(&input);
    let mut report = audit::judge(&input, &met);
    if !observations.vantages.is_empty() {
        report.not_judged.extend(sampled(&survey.sampled));
    }
    Audited { observations, facts, met, report }
}

/// What the networks of the spec that are no part of the internet may reach of the addresses that `scope`
/// names: a vantage that lies in one of them sees it, and nobody else is asked for it.
fn inside(
    spec: &Spec,
    reach: &Reach<'_>,
    scope: &AddressSet,
    only: Option<&BTreeSet<String>>,
) -> Vec<ExposedEndpoint> {
    let named = spec.networks.values().map(|n| &n.addresses);
    let clients =
        named.fold(AddressSet::empty(), |all, one| all.union(one)).subtract(&AddressSet::outside());
    if clients.is_empty() || scope.subtract(&AddressSet::outside()).is_empty() {
        return Vec::new();
    }
    let mut exposed = reach.exposed_of(&clients, only);
    exposed.retain(|e| scope.contains(e.address));
    exposed
}

/// The survey's limits as the configuration has them.
pub(super) fn limits(config: &Config) -> survey::Limits {
    let defaults = survey::Limits::default();
    survey::Limits {
        snapshot_max_age: config.limits.snapshot_max_age,
        samples: config.limits.samples.unwrap_or(defaults.samples),
        ..defaults
    }
}

fn refused(refused: &Refused) -> Gap {
    Gap::new(GapKind::Probe, refused.address.to_string(), format!("not probed: {}", refused.why))
}

/// Ranges of which a sample was probed, in words, each range once.
fn sampled(sampled: &[Sampled]) -> Vec<String> {
    let mut ranges: BTreeMap<_, (usize, u32)> = BTreeMap::new();
    for Sampled { address: _, of, probed } in sampled {
        let (addresses, most) = ranges.entry(of).or_default();
        *addresses += 1;
        *most = (*most).max(*probed);
    }
    ranges
        .into_iter()
        .map(|(of, (addresses, probed))| {
            let addresses =
                if addresses == 1 { "1 address".into() } else { format!("{addresses} addresses") };
            format!("{of} of {addresses}: {probed} of {} ports were probed", of.ports.len())
        })
        .collect()
}
