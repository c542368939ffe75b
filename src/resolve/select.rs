use super::{Host, HostOrigin};
use crate::spec::Selector;

/// Whether a selector picks a host: every field that is set must match.
///
/// A declared host has no account, region or VPC: a selector that asks for one never picks it.
#[must_use]
pub fn picks(selector: &Selector, host: &Host) -> bool {
    let Selector { tags, names, accounts, regions, vpcs } = selector;
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
        && (names.is_empty()
            || names.iter().any(|p| {
                p.matches(&host.id) || host.name.as_ref().is_some_and(|name| p.matches(name))
            }))
}
