use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::finding::{Evidence, Finding, FindingStatus, Side};
use crate::rule::Case;
use crate::spec::Waiver;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Whether a waiver is of exactly this finding: rule, subject and source.
#[must_use]
pub fn matches(waiver: &Waiver, finding: &Finding) -> bool {
    waiver.finding == finding.rule
        && waiver.endpoint == finding.subject
        && waiver.source == finding.source
}

/// Applies the waivers that hold at `now`, and judges those that do not.
///
/// At the very instant of `until` a waiver is expired. `incomplete` says that something could not
/// be seen: a waiver that nothing matches may then be missing its finding. Waivers of hosts that are
/// not among `only` are left alone.
pub fn apply(
    findings: &mut [Finding],
    now: Timestamp,
    incomplete: bool,
    only: Option<&BTreeSet<String>>,
    context: &Context<'_>,
) -> Judged {
    let mut out = Judged::default();
    let hosts = &context.resolution.hosts;
    let judged = |waiver: &&Waiver| {
        let host = waiver.endpoint.split(' ').next().unwrap_or_default();
        only.is_none_or(|o| o.contains(host) || !hosts.contains_key(host))
    };
    for waiver in context.spec.waivers.iter().filter(judged) {
        let expired = now >= waiver.until;
        let mut of = findings.iter_mut().filter(|f| matches(waiver, f)).peekable();
        let matched = of.peek().is_some();
        if !expired {
            for finding in of {
                finding.status = FindingStatus::Waived {
                    owner: waiver.owner.clone(),
                    reason: waiver.reason.clone(),
                    until: waiver.until.to_string(),
                };
            }
        }
        let case = match (expired, matched) {
            (true, _) => Case::WaiverExpired,
            (false, false) => Case::WaiverUnmatched,
            (false, true) => continue,
        };
        let found = found(waiver, case, matched, incomplete && !matched);
        simple::judge(&mut out, found, context);
    }
    out
}

fn found(waiver: &Waiver, case: Case, matched: bool, uncertain: bool) -> Found {
    let source = waiver.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
    let subject = format!("{} {}{source}", waiver.finding, waiver.endpoint);
    let detail = format!("until {}, owner {}", waiver.until, waiver.owner);
    let today = if matched {
        "the finding it waived is still there"
    } else {
        "no finding of this run has this rule, endpoint and source"
    };
    Found {
        case,
        evidence: vec![
            Evidence::declared(format!("{detail}: {}", waiver.reason), Some(&waiver.at)),
            Evidence::seen(Side::Inventory, today, None),
        ],
        subject,
        role: None,
        group: None,
        fact: None,
        count: 0,
        limit: 0,
        measure: None,
        detail,
        mends: Vec::new(),
        diff: None,
        uncertain,
    }
}
