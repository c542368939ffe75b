use super::source::Source;
use crate::model::{AddressSet, Family};
use crate::resolve::{Host, HostAddress};

/// The addresses of a host that clients of a source would use, each with the clients that do.
///
/// Clients outside our networks use public addresses. A host without one is asked at its first
/// private address all the same, so that the answer is what blocks and not nothing. Clients inside
/// (private networks, roles) use private addresses, and a public one where a host has nothing else.
/// An address family that the source has no client in is left out.
pub(super) fn approaches<'a>(
    host: &'a Host,
    source: &'a Source,
) -> impl Iterator<Item = (&'a HostAddress, &'a AddressSet)> {
    let any_public = host.addresses.iter().any(|a| a.public);
    let any_private = host.addresses.iter().any(|a| !a.public);
    let first_private = host.addresses.iter().find(|a| !a.public);
    host.addresses.iter().filter_map(move |a| {
        let family = Family::of(a.address);
        let stands_in = !any_public && first_private == Some(a);
        let outside = (a.public || stands_in) && source.outside.has(family);
        let inside = (!a.public || !any_private) && source.inside.has(family);
        match (outside, inside) {
            (true, true) => Some((a, &source.clients)),
            (true, false) => Some((a, &source.outside)),
            (false, true) => Some((a, &source.inside)),
            (false, false) => None,
        }
    })
}
