use crate::audit::AuditReport;
use crate::model::GapKind;
use std::collections::BTreeMap;

/// Says in one line what was *not* seen: the last line of every report.
///
/// Gaps are counted by kind, accepted ones too; so are hosts that are down. What the spec declares and nothing judges yet is
/// named. Not escaped.
#[must_use]
pub fn not_seen(report: &AuditReport) -> String {
    let mut parts = Vec::new();
    let mut kinds: BTreeMap<GapKind, usize> = BTreeMap::new();
    for gap in &report.gaps {
        *kinds.entry(gap.kind).or_default() += 1;
    }
    if !kinds.is_empty() {
        let named: Vec<_> = kinds
            .iter()
            .map(|(kind, count)| {
                let accepted =
                    if report.accepted_gaps.contains(kind.name()) { ", accepted" } else { "" };
                format!("{kind} ({count}{accepted})")
            })
            .collect();
        parts.push(named.join(", "));
    }
    if report.coverage.probed == 0 {
        parts.push("no endpoint was probed".into());
    }
    match report.coverage.not_live {
        0 => {}
        1 => parts.push("1 host of a role is not live, so nothing was expected of it".into()),
        n => {
            parts.push(format!("{n} hosts of roles are not live, so nothing was expected of them"))
        }
    }
    if !report.not_judged.is_empty() {
        parts.push(format!("declared but not judged yet: {}", report.not_judged.join(", ")));
    }
    if parts.is_empty() {
        return "not seen: nothing that was asked for".into();
    }
    format!("not seen: {}", parts.join("; "))
}
