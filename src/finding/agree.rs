//! Mends of one report agree: whoever runs all their commands from the first to the last does no harm.

use super::step::{Part, Step, parts};
use super::{Finding, FindingStatus, Ground, Mend, Need, live, terraform};
use crate::model::{PortSet, Protocols, SourceName};
use crate::snapshot::SecurityGroup;
use std::collections::{BTreeMap, BTreeSet};

/// Permissions that are named one by one.
const MAX_NAMED: usize = 4;

/// What the commands so far have made of a group's permissions of one direction.
#[derive(Default)]
struct State {
    parts: BTreeMap<String, Part>,
    /// Whose command put in, or took out, what.
    by: BTreeMap<String, String>,
}

/// The commands of a report so far.
struct Run<'a> {
    ground: &'a Ground<'a>,
    needs: &'a dyn Fn(&str) -> Vec<Need<'a>>,
    groups: BTreeMap<(String, bool), State>,
    /// Whole commands, and whose they are.
    commands: BTreeMap<String, String>,
}

/// Makes the mends of findings, in the order of the report, agree with each other.
///
/// What one of them does no other does again: it would fail, and with it all else of its call. No
/// permission goes that a declared service needs, unless what is there by then lets the same clients in.
pub fn agree<'a>(
    findings: &mut [Finding],
    ground: &'a Ground<'a>,
    needs: &'a dyn Fn(&str) -> Vec<Need<'a>>,
) {
    let mut run = Run { ground, needs, groups: BTreeMap::new(), commands: BTreeMap::new() };
    let mut names = BTreeSet::new();
    // Nobody runs what is waived: it does nothing for the others.
    let (open, rest): (Vec<_>, Vec<_>) =
        findings.iter_mut().partition(|f| f.status == FindingStatus::Open);
    for finding in open.into_iter().chain(rest) {
        let source = finding.source.as_deref().map(|s| format!(" from {s}")).unwrap_or_default();
        let name = format!("{} {}{source}", finding.rule, finding.subject);
        for mend in &mut finding.mends {
            run.take(mend, &name);
            if let Some(text) = &mut mend.terraform {
                *text = terraform::distinct(text, &mut names);
            }
        }
    }
}

impl Run<'_> {
    fn take(&mut self, mend: &mut Mend, name: &str) {
        let Some(command) = mend.command.clone() else { return };
        let steps: Option<Vec<Step>> = command.lines().map(Step::of).collect();
        let Some(steps) = steps else {
            match self.commands.get(&command) {
                Some(other) => {
                    mend.text += &format!("; the commands of `{other}` do it");
                    (mend.command, mend.terraform) = (None, None);
                }
                None => {
                    self.commands.insert(command, name.to_owned());
                }
            }
            return;
        };
        let (mut kept, mut changed) = (Vec::new(), false);
        for mut step in steps {
            let all = step.parts.len();
            let (others, stay) = match step.authorize {
                true => (self.authorize(&mut step, name), Vec::new()),
                false => self.revoke(&mut step, name),
            };
            let how = if step.parts.is_empty() { "it" } else { "a part of it" };
            for other in others.iter().filter(|other| *other != name) {
                let said = format!("; the commands of `{other}` do {how}");
                if !mend.text.contains(&said) {
                    mend.text += &said;
                }
            }
            for (part, why) in stay.iter().take(MAX_NAMED) {
                mend.text += &format!(
                    "; `{part}` stays, because {why} needs it: declare it in the group, or let it in by \
                     another permission first"
                );
            }
            if stay.len() > MAX_NAMED {
                mend.text += &format!("; and so do {} more", stay.len() - MAX_NAMED);
            }
            changed |= step.parts.len() != all;
            kept.extend((!step.parts.is_empty()).then_some(step));
        }
        if !changed {
            return;
        }
        let lines: Vec<String> = kept.iter().map(Step::line).collect();
        let snippets: String = kept.iter().map(Step::terraform).collect();
        mend.command = (!lines.is_empty()).then(|| lines.join("\n"));
        mend.terraform = (!lines.is_empty()).then_some(snippets);
    }

    fn state(&mut self, group: &str, ingress: bool) -> &mut State {
        let ground = self.ground;
        self.groups.entry((group.to_owned(), ingress)).or_insert_with(|| {
            let live = ground.group(group).map(|(_, live)| live);
            let rows = live.map(|g| match ingress {
                true => &g.ip_permissions,
                false => &g.ip_permissions_egress,
            });
            let raw = rows.into_iter().flatten().filter_map(|row| serde_json::to_value(row).ok());
            let all = raw.flat_map(|raw| parts(&raw)).map(|part| (part.key(), part)).collect();
            State { parts: all, by: BTreeMap::new() }
        })
    }

    /// Leaves in what is not there yet; whose commands put the rest in.
    fn authorize(&mut self, step: &mut Step, name: &str) -> BTreeSet<String> {
        let state = self.state(&step.group, step.ingress);
        let mut others = BTreeSet::new();
        step.parts.retain(|part| {
            let key = part.key();
            if state.parts.contains_key(&key) {
                // What is there from the start nobody's command put in: to do it again is refused.
                others.extend(state.by.get(&key).cloned());
                return false;
            }
            state.by.insert(key.clone(), name.to_owned());
            state.parts.insert(key, part.clone());
            true
        });
        others
    }

    /// Leaves in what is there still and may go; whose commands took the rest out, and what stays for
    /// whose sake.
    fn revoke(&mut self, step: &mut Step, name: &str) -> (BTreeSet<String>, Vec<(String, String)>) {
        let (ground, ingress) = (self.ground, step.ingress);
        let needs = if ingress { (self.needs)(&step.group) } else { Vec::new() };
        let state = self.state(&step.group, ingress);
        let (mut others, mut stay) = (BTreeSet::new(), Vec::new());
        step.parts.retain(|part| {
            let key = part.key();
            let Some(taken) = state.parts.remove(&key) else {
                others.extend(state.by.get(&key).cloned());
                return !state.by.contains_key(&key);
            };
            // What other findings put in does not count: whoever runs these commands alone has it not.
            let own =
                state.parts.iter().filter(|(k, _)| state.by.get(*k).is_none_or(|b| b == name));
            let rest = SecurityGroup {
                ip_permissions: own.map(|(_, part)| part.row.clone()).collect(),
                ..SecurityGroup::default()
            };
            if let Some(need) = lost(&taken, &rest, &needs, ground) {
                stay.push((taken.said(ingress), need.said()));
                state.parts.insert(key, taken);
                return false;
            }
            state.by.insert(key, name.to_owned());
            true
        });
        (others, stay)
    }
}

/// A declared service that a permission lets in and the rest of its group does not.
fn lost<'n, 'a>(
    part: &Part,
    rest: &SecurityGroup,
    needs: &'n [Need<'a>],
    ground: &Ground<'_>,
) -> Option<&'n Need<'a>> {
    let own = SecurityGroup { ip_permissions: vec![part.row.clone()], ..SecurityGroup::default() };
    let others: Vec<_> = live::ingress(rest, ground).collect();
    let peer = part.row.user_id_group_pairs.first();
    needs.iter().filter(|n| n.service.is_some()).find(|need| {
        let of_role = matches!(need.source, SourceName::Role(_));
        let served = live::ingress(&own, ground).find_map(|live| live.serves(need));
        let from_group = peer.filter(|_| of_role).and_then(|peer| {
            let (protocol, ports) = live::protocol(&part.row)?;
            let protocols =
                protocol.map_or(Protocols::All, Protocols::One).intersect(need.protocols)?;
            let clients = ground.with_carriers(need.clients, &peer.group_id);
            Some((protocols, ports.intersect(need.ports), clients))
        });
        let Some((protocols, ports, clients)) = served.or(from_group) else { return false };
        // Each range by itself: one permission for each is as good as one for all.
        ports.ranges().iter().any(|(low, high)| {
            let ports = PortSet::range(*low, *high);
            let passing = others.iter().filter(|p| p.passes(protocols, &ports));
            let left = passing.fold(clients.clone(), |left, p| left.subtract(&p.clients()));
            !live::not_by_groups(rest, (protocols, &ports), left, ground).is_empty()
        })
    })
}
