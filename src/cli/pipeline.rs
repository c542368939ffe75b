//! One audit from what was read to the report: the same steps for `audit` and for `demo`.

use crate::audit::{self, AuditReport};
use crate::fact::Gathered;
use crate::model::{AddressSet, Gap, GapKind};
use crate::observation::Observations;
use crate::reach::{self, Reach};
use crate::resolve;
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use crate::survey::{self, Refused, Sampled, Survey};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What an audit starts from.
pub(super) struct Case<'a> {
    pub(super) spec: &'a Spec,
    pub(super) snapshot: &'a Snapshot,
    /// What fact sources gave; [`Gathered::default`] where none was asked.
    pub(super) facts: &'a Gathered,
    pub(super) rules: &'a RuleSet,
    pub(super) options: &'a audit::Options,
    /// What may be probed beyond what the snapshot says is ours.
    pub(super) scope: &'a AddressSet,
    pub(super) limits: survey::Limits,
    pub(super) now: Timestamp,
}

/// Resolves, computes, surveys, probes (by what is handed in, which may do nothing, and adds what it
/// could not see to the gaps), joins and judges.
pub(super) fn run(
    case: &Case<'_>,
    probe: &mut dyn FnMut(&Survey, &mut Vec<Gap>) -> Observations,
) -> AuditReport {
    let Case { spec, snapshot, facts, rules, options, scope, limits, now } = *case;
    let resolution = resolve::resolve(spec, snapshot);
    let facts = resolve::facts(facts, snapshot, &resolution, now);
    let assume_bpa_off = options.allow_gaps.contains(GapKind::VpcBpa.name());
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off });
    let only = options.only.as_ref();
    let exposed = reach.exposed_of(&AddressSet::outside(), only);
    let survey = survey::plan(&survey::Input {
        spec,
        resolution: &resolution,
        snapshot: (!snapshot.regions.is_empty()).then_some(snapshot),
        exposed: &exposed,
        scope,
        sweep: &BTreeSet::new(),
        limits,
        only,
        now,
    });
    drop(exposed);
    let mut gaps = survey.gaps.clone();
    let observations = probe(&survey, &mut gaps);
    if !observations.vantages.is_empty() {
        gaps.extend(survey.refused.iter().map(refused));
    }
    let mut report = audit::run(&audit::Input {
        spec,
        snapshot,
        resolution: &resolution,
        reach: &reach,
        observations: &observations,
        facts: &facts,
        rules,
        gaps: &gaps,
        options,
        now,
    });
    if !observations.vantages.is_empty() {
        report.not_judged.extend(sampled(&survey.sampled));
    }
    report
}

pub(super) fn refused(refused: &Refused) -> Gap {
    Gap::new(GapKind::Probe, refused.address.to_string(), format!("not probed: {}", refused.why))
}

/// Ranges of which a sample was probed, in words, each range once.
pub(super) fn sampled(sampled: &[Sampled]) -> Vec<String> {
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
