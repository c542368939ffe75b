use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::drift::{Class, Drifted, GroupDrift, How};
use crate::finding::{Evidence, Side};
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
            "in {region}: {missing} declared permissions are not live, {extra} live ones are not declared, {words} differ in words"
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
        let text = format!("`{}` {what}, and changes what can be reached", difference.line);
        evidence.push(Evidence::seen(Side::Configured, text, difference.by.clone()));
        if evidence.len() > 8 {
            break;
        }
    }
    let expose = drift.differences.iter().filter(|d| d.exposes).count();
    Found {
        case,
        subject: drift.group.clone(),
        role: None,
        group: Some(drift.group.clone()),
        count: missing + extra,
        limit: 0,
        detail: if expose > 0 { format!(" ({expose} of them)") } else { String::new() },
        evidence,
        mends: Vec::new(),
        diff: (!drift.diff.is_empty()).then(|| drift.diff.clone()),
        uncertain: !drift.gaps.is_empty(),
    }
}
