use super::{Host, HostOrigin};
use crate::spec::{Pattern, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a selector picks a host: every field that is set must match.
///
/// A declared host has no account, region or VPC: a selector that asks for one never picks it.
#[must_use]
pub fn picks(selector: &Selector, host: &Host) -> bool {
    let names = &selector.names;
    fits(selector, host)
        && (names.is_empty()
            || names.iter().any(|p| {
                p.matches(&host.id) || host.name.as_ref().is_some_and(|name| p.matches(name))
            }))
}

/// Whether every field but the names matches.
fn fits(selector: &Selector, host: &Host) -> bool {
    let Selector { tags, names: _, accounts, regions, vpcs } = selector;
    let (account, region, vpc) = match &host.origin {
        HostOrigin::Cloud { account, region, vpc, .. } => {
            (Some(account), Some(region), vpc.as_ref())
        }
        HostOrigin::Declared(_) => (None, None, None),
    };
    let asked = |wanted: &[String], is: Option<&String>| {
        wanted.is_empty() || is.is_some_and(|is| wanted.contains(is))
    };
    asked(accounts, account)
        && asked(regions, region)
        && asked(vpcs, vpc)
        && tags.iter().all(|(k, pattern)| host.tags.get(k).is_some_and(|v| pattern.matches(v)))
}

/// Hosts by what selectors name in full, so that not every selector is held against every host.
pub(super) struct Index<'a> {
    hosts: &'a BTreeMap<String, Host>,
    /// By id and by `Name`.
    names: BTreeMap<&'a str, Vec<&'a Host>>,
    tags: BTreeMap<(&'a str, &'a str), Vec<&'a Host>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(hosts: &'a BTreeMap<String, Host>) -> Self {
        let mut index = Self { hosts, names: BTreeMap::new(), tags: BTreeMap::new() };
        for host in hosts.values() {
            for name in host.name.as_deref().into_iter().chain([host.id.as_str()]) {
                index.names.entry(name).or_default().push(host);
            }
            for (key, value) in &host.tags {
                index.tags.entry((key, value)).or_default().push(host);
            }
        }
        index
    }

    /// The ids of all hosts that any of the selectors picks, sorted.
    pub(super) fn members(&self, selectors: &[Selector]) -> Vec<String> {
        let ids: BTreeSet<&str> =
            selectors.iter().flat_map(|s| self.picked(s)).map(|h| h.id.as_str()).collect();
        ids.into_iter().map(str::to_owned).collect()
    }

    fn picked(&self, selector: &Selector) -> Vec<&'a Host> {
        let literal = |p: &Pattern| !p.0.contains(['*', '?']);
        let Selector { tags, names, .. } = selector;
        if !names.is_empty() && names.iter().all(literal) {
            let named = names.iter().flat_map(|p| self.names.get(p.0.as_str())).flatten();
            return named.copied().filter(|h| fits(selector, h)).collect();
        }
        let tagged = tags.iter().filter(|(_, p)| literal(p)).map(|(key, p)| {
            self.tags.get(&(key.as_str(), p.0.as_str())).map_or(&[][..], Vec::as_slice)
        });
        match tagged.min_by_key(|hosts| hosts.len()) {
            Some(few) => few.iter().copied().filter(|h| picks(selector, h)).collect(),
            None => self.hosts.values().filter(|h| picks(selector, h)).collect(),
        }
    }
}
