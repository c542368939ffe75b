use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::drift::{Class, Difference, Direction, Drifted, GroupDrift, How};
use crate::finding::{Evidence, Measure, Mend, Permission, Side, reconcile};
use crate::rule::Case;

/// Judges live groups against declared ones.
#[must_use]
pub fn judge(drifted: &Drifted, context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    out.gaps.extend(drifted.gaps.iter().cloned());
    for drift in &drifted.groups {
        out.gaps.extend(drift.gaps.iter().cloned());
        simple::judge(&mut out, found(drift), context);
    }
    out
}

fn found(drift: &GroupDrift) -> Found {
    let case = match drift.class {
        Class::Missing => Case::GroupMissing,
        Class::Exposes => Case::DriftExposes,
        Class::Harmless => Case::DriftHarmless,
        Class::Words => Case::DriftWords,
    };
    let count = |how| drift.differences.iter().filter(|d| d.how == how).count();
    let (missing, extra, words) = (count(How::Missing), count(How::Extra), count(How::Words));
    let live = match &drift.region {
        Some(region) => format!(
            "in {region}: {missing} declared and not live, {extra} live and not declared, {words} in other words"
        ),
        None => "no account and region that was read has it".into(),
    };
    let mut evidence = vec![
        Evidence::declared(format!("contents of {}", drift.group), Some(&drift.place)),
        Evidence::seen(Side::Configured, live, Some(drift.group.clone())),
    ];
    for difference in drift.differences.iter().filter(|d| d.exposes) {
        let what = match difference.how {
            How::Missing => "is declared and not live",
            How::Extra => "is live and not declared",
            How::Words => continue,
        };
        let changes = if difference.by.is_some() { "changes" } else { "may change" };
        let text = format!("`{}` {what}, and {changes} what can be reached", difference.line);
        evidence.push(Evidence::seen(Side::Configured, text, difference.by.clone()));
        if evidence.len() > 8 {
            break;
        }
    }
    let expose = drift.differences.iter().filter(|d| d.exposes).count();
    let goes_out = |d: &&Difference| d.how != How::Words && d.line.direction == Direction::Egress;
    let detail = match drift.differences.iter().filter(goes_out).count() {
        _ if expose > 0 => format!(" ({expose} of them)"),
        0 => String::new(),
        _ => "; what these themselves reach may".into(),
    };
    Found {
        case,
        subject: drift.group.clone(),
        role: None,
        group: Some(drift.group.clone()),
        fact: None,
        count: missing + extra,
        limit: 0,
        measure: match drift.class {
            Class::Exposes => Some(Measure::count(expose)),
            Class::Harmless => Some(Measure::count(missing + extra)),
            Class::Missing | Class::Words => None,
        },
        detail,
        evidence,
        mends: mends(drift),
        diff: (!drift.diff.is_empty()).then(|| drift.diff.clone()),
        uncertain: !drift.gaps.is_empty(),
    }
}

/// The commands that make the live group what was declared. What is missing goes in before what is
/// too much comes out, so that nothing declared is shut in between.
fn mends(drift: &GroupDrift) -> Vec<Mend> {
    let Some((_, region)) = drift.region.as_deref().and_then(|r| r.rsplit_once('/')) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for how in [How::Missing, How::Extra] {
        for direction in [Direction::Ingress, Direction::Egress] {
            let differences = drift.differences.iter().filter(|d| d.how == how);
            let permissions: Vec<Permission<'_>> = differences
                .filter(|d| d.line.direction == direction)
                .flat_map(|d| d.written.iter().map(move |ports| (d, ports)))
                .map(|(d, ports)| Permission {
                    protocol: d.line.protocol,
                    ports,
                    peer: &d.line.peer,
                    description: d.description.as_deref(),
                })
                .collect();
            let (ingress, authorize) = (direction == Direction::Ingress, how == How::Missing);
            out.extend(reconcile(region, &drift.group, ingress, authorize, &permissions));
        }
    }
    out
}
