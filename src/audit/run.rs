use super::{AuditReport, Coverage, Input, Met};
use crate::check::{self, Context, Judged};
use crate::drift;
use crate::exposure::{self, Joined};
use crate::finding::{Finding, Ground};
use crate::inventory::{self, silent};
use crate::model::Gap;
use crate::observation::{Observation, State};
use crate::snapshot::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// Joins and judges.
#[must_use]
pub fn run(input: &Input<'_>) -> AuditReport {
    judge(input, &join(input))
}

/// Joins what was declared, what is configured, what was observed and what hosts are.
#[must_use]
pub fn join(input: &Input<'_>) -> Met {
    let Input { spec, resolution, reach, observations, facts, options, now, .. } = *input;
    Met {
        joined: exposure::join(spec, resolution, reach, observations, options.only.as_ref()),
        inventory: inventory::judge(spec, resolution, facts, now),
    }
}

/// Judges what [`join`] made of the same input, and applies overrides, waivers and thresholds.
#[must_use]
pub fn judge(input: &Input<'_>, met: &Met) -> AuditReport {
    let Met { joined, inventory } = met;
    let Input { spec, snapshot, resolution, reach, observations, facts, rules, gaps, options, now } =
        *input;
    let ground = Ground::new(snapshot);
    let context = Context { rules, spec, resolution, ground: &ground };
    let mut judged = check::exposure(&joined.rows, &context);
    judged.merge(check::inventory(inventory, &context));
    judged.merge(check::inventory(&silent(&joined.rows, resolution), &context));
    let mut journeys = exposure::journeys(spec, resolution, observations);
    journeys.retain(|c| options.only.as_ref().is_none_or(|only| only.contains(&*c.host)));
    judged.merge(check::journey(&journeys, &joined.rows, &context));
    let drifted = drift::compare(spec, snapshot, reach);
    judged.merge(check::drift(&drifted, &context));
    judged.merge(check::group(&drifted, &context));

    let mut all_gaps: BTreeSet<Gap> = gaps.iter().cloned().collect();
    all_gaps.append(&mut judged.gaps);
    all_gaps.extend(joined.gaps.iter().cloned());
    all_gaps.extend(reach.gaps());
    all_gaps.extend(facts.gaps.iter().cloned());
    all_gaps.extend(resolution.blind.iter().map(|b| b.gap.clone()));
    // A call that was made and not answered in full is told, whatever it blinds. One that saved
    // output never had is told by the rows that need it.
    // What only a cleanup asks for blinds no row of an audit.
    let failed = snapshot.calls.iter().filter(|c| c.outcome != Outcome::Missing);
    let failed = failed.filter(|c| !c.kind.on_request());
    all_gaps.extend(failed.filter_map(|c| c.gap()));

    let coverage = coverage(input, joined, judged.ok);
    let mut not_judged = unjudged(input, &judged);
    not_judged.extend(facts.notes.iter().cloned());
    not_judged.dedup();
    let mut findings = judged.into_findings();
    let waived =
        check::waivers(&mut findings, now, !all_gaps.is_empty(), options.only.as_ref(), &context);
    all_gaps.extend(waived.gaps.iter().cloned());
    findings.extend(waived.into_findings());
    for finding in &mut findings {
        if let Some(severity) = options.severities.get(&finding.rule) {
            finding.severity = *severity;
        }
    }
    sort(&mut findings);
    check::agree(&mut findings, &context);
    AuditReport {
        at: now,
        snapshot_at: (!snapshot.regions.is_empty()).then_some(snapshot.taken_at),
        findings,
        journeys,
        gaps: all_gaps.into_iter().collect(),
        accepted_gaps: options.allow_gaps.clone(),
        vantages: observations.vantages.clone(),
        facts: facts.sources.clone(),
        coverage,
        not_judged,
        fail_on: options.fail_on,
        compared: None,
        baseline: None,
    }
}

/// The worst first, then by what reports print.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        (b.severity, &a.rule, &a.subject, &a.source)
            .cmp(&(a.severity, &b.rule, &b.subject, &b.source))
    });
}

fn coverage(input: &Input<'_>, joined: &Joined, ok: usize) -> Coverage {
    let regions = &input.snapshot.regions;
    // What a deadline left out is a row too, and nobody saw it.
    let rows = input.observations.rows.iter().filter(|o| o.state != State::Unprobed);
    let probed: BTreeSet<_> = rows.map(|o| (o.address, o.protocol, o.port)).collect();
    let lost = |o: &&Observation| matches!(o.state, State::Unprobed | State::Failed);
    let rows = input.observations.rows.iter().filter(lost);
    let unprobed: BTreeSet<_> = rows.map(|o| (o.address, o.protocol, o.port)).collect();
    Coverage {
        hosts: input.resolution.hosts.len(),
        roles: input.spec.roles.len(),
        interfaces: regions.iter().map(|r| r.network_interfaces.len()).sum(),
        groups: regions.iter().map(|r| r.security_groups.len()).sum(),
        not_live: joined.not_live,
        exposures: joined.rows.len(),
        probed: probed.len(),
        unprobed: unprobed.len(),
        ok,
    }
}

/// What nothing judged, or what holds with a reservation, in words.
fn unjudged(input: &Input<'_>, judged: &Judged) -> Vec<String> {
    let mut out: Vec<String> =
        input.spec.unjudged.iter().map(|u| format!("{} ({})", u.what, u.at)).collect();
    let notes: &BTreeMap<String, usize> = &judged.notes;
    out.extend(
        notes
            .iter()
            .map(|(note, n)| if *n > 1 { format!("{note} ({n} times)") } else { note.clone() }),
    );
    out
}
