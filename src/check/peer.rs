use super::judged::Context;
use crate::model::SourceName;
use std::collections::BTreeSet;

/// The group that every interface of a role's hosts carries and nobody else's does: as the source of a
/// permission it says what the role means, whatever addresses its hosts have tomorrow (D9).
///
/// `None` for other sources, for roles with hosts outside the cloud, and where not all hosts were seen.
pub(super) fn group_of<'a>(source: &SourceName, context: &Context<'a>) -> Option<&'a str> {
    let SourceName::Role(role) = source else { return None };
    let (resolution, ground) = (context.resolution, context.ground);
    if !resolution.blind.is_empty() {
        return None;
    }
    let mut interfaces = BTreeSet::new();
    for host in resolution.members.get(&**role)?.iter().map(|id| resolution.hosts.get(id)) {
        let own = host?.addresses.iter().map(|a| a.interface.as_deref());
        interfaces.extend(own.collect::<Option<BTreeSet<&str>>>()?);
    }
    let mut all = interfaces.iter().map(|id| ground.groups_of(id).collect::<BTreeSet<&str>>());
    let first = all.next()?;
    let common = all.fold(first, |common, one| common.intersection(&one).copied().collect());
    let only = |group: &&str| ground.carriers(group) == interfaces.len();
    let (declared, live): (Vec<&str>, Vec<&str>) =
        common.into_iter().filter(only).partition(|g| context.spec.groups.contains_key(*g));
    declared.into_iter().chain(live).next()
}
