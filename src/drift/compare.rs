use super::difference::{Class, Difference, Drifted, GroupDrift, How};
use super::effect::{Effects, Shown};
use super::line::{Direction, Line, Lines, declared, is_default_egress, live};
use super::odd;
use crate::exposure::Configuration;
use crate::model::{Gap, GapKind};
use crate::snapshot::{Call, CallKind, SecurityGroup, Snapshot};
use crate::spec::{DeclaredGroup, Spec};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};

/// Compares every declared group with the live one of the same id (R37).
///
/// Groups that nobody declared are nobody's drift (D6). A declared group that is not in the
/// snapshot is missing only where every listing of groups is complete: otherwise it is a gap.
#[must_use]
pub fn compare(spec: &Spec, snapshot: &Snapshot, configuration: &dyn Configuration) -> Drifted {
    let odd = odd::find(snapshot);
    if spec.groups.is_empty() {
        return Drifted { odd, ..Drifted::default() };
    }
    let (mut groups, mut gaps) = (Vec::new(), BTreeSet::new());
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
    let effects = Effects::new(snapshot, &odd, configuration);
    for group in spec.groups.values() {
        match found.get(group.id.as_str()) {
            Some((region, live)) => groups.extend(differ(group, region, live, &effects)),
            None if blind.is_empty() => groups.push(GroupDrift {
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
                    gaps.extend([gap.clone(), Gap::new(gap.kind, group.id.clone(), why)]);
                }
            }
        }
    }
    Drifted { groups, odd, gaps }
}

/// Whether a permission that a group has changes nothing that can be reached: what it lets in something else
/// of the group, or of every interface that carries it, lets in too, or the rest of the way does not.
/// What cannot be decided counts as a change.
#[must_use]
pub fn needless(
    snapshot: &Snapshot,
    configuration: &dyn Configuration,
    group: &SecurityGroup,
    line: &Line,
) -> bool {
    let odd = odd::find(snapshot);
    let (mut others, _) = live(group);
    others.remove(line);
    let effects = Effects::new(snapshot, &odd, configuration);
    let shown = effects.changes(&group.group_id, line, &others, true);
    shown.by.is_empty() && shown.unseen.is_none()
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
    let (mut differences, mut gaps) = (Vec::new(), Vec::new());
    let mut differ = |line: &Line, how, shown: Shown<'_>| {
        let exposes = !shown.by.is_empty() || shown.unseen.is_some();
        gaps.extend(shown.unseen.filter(|gap| !gaps.contains(gap)));
        let side = if how == How::Extra { &there } else { &wanted };
        Difference {
            line: line.clone(),
            written: side.get(line).map(|w| w.ports.clone()).unwrap_or_default(),
            how,
            exposes,
            by: shown.by.first().map(|id| (*id).to_owned()),
            more: shown.by.len().saturating_sub(1),
            description: wanted.get(line).and_then(|w| w.description.clone()),
        }
    };
    for line in wanted.keys().filter(|l| !there.contains_key(*l)) {
        let shown = effects.changes(&group.id, line, &there, false);
        differences.push(differ(line, How::Missing, shown));
    }
    for line in there.keys().filter(|l| !wanted.contains_key(*l)) {
        let shown = effects.changes(&group.id, line, &wanted, true);
        differences.push(differ(line, How::Extra, shown));
    }
    for (line, written) in &wanted {
        // A description that nobody declared is nobody's drift.
        let text = &written.description;
        if text.is_some() && there.get(line).is_some_and(|live| live.description != *text) {
            differences.push(differ(line, How::Words, Shown::default()));
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
        gaps,
    })
}

/// A group as lines of text; those that differ say whether it matters.
fn text(name: Option<String>, lines: &Lines, wanted: &Lines, differences: &[Difference]) -> String {
    let mut out = String::new();
    if let Some(name) = name {
        out.push_str(&format!("name {}\n", one_line(&name)));
    }
    for (line, written) in lines {
        out.push_str(&line.to_string());
        // Descriptions are compared where they are declared, and shown where they are compared.
        let declared = wanted.get(line).is_some_and(|w| w.description.is_some());
        if let Some(text) = written.description.as_ref().filter(|_| declared) {
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
                None if difference.exposes => out.push_str("  # may change what can be reached"),
                None if line.direction == Direction::Egress => {
                    out.push_str("  # may change what its hosts reach, nothing that reaches them");
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
