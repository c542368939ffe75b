use super::difference::{Class, Difference, Drifted, GroupDrift, How};
use super::effect::Effects;
use super::line::{Line, Lines, declared, is_default_egress, live};
use super::odd;
use crate::exposure::Configuration;
use crate::model::{Gap, GapKind};
use crate::snapshot::{Call, CallKind, SecurityGroup, Snapshot};
use crate::spec::{DeclaredGroup, Spec};
use similar::TextDiff;
use std::collections::BTreeMap;

/// Compares every declared group with the live one of the same id (R37).
///
/// Groups that nobody declared are nobody's drift (D6). A declared group that is not in the
/// snapshot is missing only where every listing of groups is complete: otherwise it is a gap.
#[must_use]
pub fn compare(spec: &Spec, snapshot: &Snapshot, configuration: &dyn Configuration) -> Drifted {
    let mut out = Drifted { odd: odd::find(snapshot), ..Drifted::default() };
    if spec.groups.is_empty() {
        return out;
    }
    let mut found: BTreeMap<&str, (String, &SecurityGroup)> = BTreeMap::new();
    let mut blind: Vec<Gap> = Vec::new();
    for view in &snapshot.regions {
        let region = format!("{}/{}", view.account, view.region);
        blind.extend(snapshot.gap(&view.account, &view.region, CallKind::SecurityGroups));
        for group in &view.security_groups {
            found.insert(&group.group_id, (region.clone(), group));
        }
    }
    // An account that could not be entered has groups too, and no region of it was read.
    let kinds = [CallKind::SecurityGroups, CallKind::CallerIdentity];
    blind.extend(snapshot.calls.iter().filter(|c| kinds.contains(&c.kind)).filter_map(Call::gap));
    if snapshot.regions.is_empty() {
        let why = "no account and region was read, so declared groups were compared with nothing";
        blind.push(Gap::new(GapKind::SecurityGroups, "groups", why));
    }
    let effects = Effects::new(snapshot, configuration);
    for group in spec.groups.values() {
        match found.get(group.id.as_str()) {
            Some((region, live)) => out.groups.extend(differ(group, region, live, &effects)),
            None if blind.is_empty() => out.groups.push(GroupDrift {
                group: group.id.clone(),
                place: group.at.clone(),
                region: None,
                class: Class::Missing,
                differences: Vec::new(),
                diff: String::new(),
                gaps: Vec::new(),
            }),
            None => {
                for gap in &blind {
                    let why = format!(
                        "declared and in nothing that was read, and {} hides what may have it",
                        gap.scope
                    );
                    out.gaps.extend([gap.clone(), Gap::new(gap.kind, group.id.clone(), why)]);
                }
            }
        }
    }
    out
}

fn differ(
    group: &DeclaredGroup,
    region: &str,
    live_group: &SecurityGroup,
    effects: &Effects<'_>,
) -> Option<GroupDrift> {
    let wanted = declared(group);
    let (mut there, _) = live(live_group);
    if group.egress.is_empty() {
        there.retain(|line, _| !is_default_egress(line));
    }
    let mut differences = Vec::new();
    let differ = |line: &Line, how, shown: Vec<&str>| Difference {
        line: line.clone(),
        how,
        exposes: !shown.is_empty(),
        by: shown.first().map(|id| (*id).to_owned()),
        more: shown.len().saturating_sub(1),
        description: wanted.get(line).cloned().flatten(),
    };
    for line in wanted.keys().filter(|l| !there.contains_key(*l)) {
        let shown = effects.changes(&group.id, line, &there, false);
        differences.push(differ(line, How::Missing, shown));
    }
    for line in there.keys().filter(|l| !wanted.contains_key(*l)) {
        let shown = effects.changes(&group.id, line, &wanted, true);
        differences.push(differ(line, How::Extra, shown));
    }
    for (line, text) in &wanted {
        // A description that nobody declared is nobody's drift.
        if text.is_some() && there.get(line).is_some_and(|live| live != text) {
            differences.push(differ(line, How::Words, Vec::new()));
        }
    }
    differences.sort_by(|a, b| (&a.line, a.how).cmp(&(&b.line, b.how)));
    let renamed = group.name.as_ref().is_some_and(|name| *name != live_group.group_name);
    let class = if differences.iter().any(|d| d.exposes) {
        Class::Exposes
    } else if differences.iter().any(|d| d.how != How::Words) {
        Class::Harmless
    } else if !differences.is_empty() || renamed {
        Class::Words
    } else {
        return None;
    };
    let named = |name: Option<&str>| name.filter(|_| group.name.is_some()).map(str::to_owned);
    let old = text(named(group.name.as_deref()), &wanted, &wanted, &differences);
    let new = text(named(Some(&live_group.group_name)), &there, &wanted, &differences);
    let diff = TextDiff::from_lines(old.as_str(), new.as_str())
        .unified_diff()
        .context_radius(2)
        .header(&format!("declared {}", group.at), &format!("live {} in {region}", group.id))
        .to_string();
    Some(GroupDrift {
        group: group.id.clone(),
        place: group.at.clone(),
        region: Some(region.into()),
        class,
        differences,
        diff,
        gaps: Vec::new(),
    })
}

/// A group as lines of text; those that differ say whether it matters.
fn text(name: Option<String>, lines: &Lines, wanted: &Lines, differences: &[Difference]) -> String {
    let mut out = String::new();
    if let Some(name) = name {
        out.push_str(&format!("name {}\n", one_line(&name)));
    }
    for (line, description) in lines {
        out.push_str(&line.to_string());
        // Descriptions are compared where they are declared, and shown where they are compared.
        if let (Some(Some(_)), Some(text)) = (wanted.get(line), description) {
            out.push_str(&format!(" \"{}\"", one_line(text)));
        }
        let here = differences.iter().find(|d| d.line == *line);
        if let Some(difference) = here.filter(|d| d.how != How::Words) {
            match &difference.by {
                Some(first) => {
                    out.push_str(&format!("  # changes what reaches {first}"));
                    if difference.more > 0 {
                        out.push_str(&format!(" and {} more", difference.more));
                    }
                }
                None => out.push_str("  # changes nothing that can be reached"),
            }
        }
        out.push('\n');
    }
    out
}

/// A text from outside must not end a line of the diff.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
