//! What of an AWS account could be cleaned up, and everything that speaks for or against it.
//!
//! The listing holds the whole population of the types that [`crate::cleanup::aws`] names, candidates or not, because
//! strata and controls are counted in it. Rules that hold for every type:
//!
//! - An absence is a claim only where the call that would show the thing was read whole; where it was
//!   not, the thing has an *unknown* and the source is incomplete.
//! - Claims name the call, account and region they were read from. Two claims of one call are one
//!   evidence.
//! - Whatever another service keeps (Auto Scaling, CloudFormation, Kubernetes) is protected from
//!   being cleaned up behind its back.
//! - Nothing here is a verdict: `cleanup` judges.

mod absent;
mod address;
mod group;
#[cfg(test)]
mod held_tests;
mod instance;
mod interface;
#[cfg(test)]
mod kept_tests;
mod observed;
mod opening;
mod permission;
mod place;
mod reopen;
mod repair;
mod service;
mod still;
#[cfg(test)]
mod still_tests;
mod target;
#[cfg(test)]
mod tests;
mod thing;
mod traffic;
mod uses;
mod volume;

pub use absent::{PRESENT, absent};
pub use permission::{Rule, rules};
pub use place::{NEEDS, SPEC, needs, unread};
pub use reopen::{may_open, reopens};
pub use repair::{DESCRIPTION, absent_for_repair, repairs};
pub use still::{lost, rests_on};

use crate::cleanup::names::Led;
use crate::cleanup::{ItemRef, Listing, Source, aws};
use crate::drift::Drifted;
use crate::observation::Observations;
use crate::resolve::Resolution;
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use jiff::Timestamp;
use observed::Answers;
use place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a listing is made of: the same that an audit judges.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    pub snapshot: &'a Snapshot,
    pub resolution: &'a Resolution,
    /// Declared and live groups, compared.
    pub drifted: &'a Drifted,
    /// What a quarantine took out of use before, and when: an instance that it stopped is still a
    /// candidate.
    pub quarantined: &'a BTreeMap<ItemRef, Timestamp>,
    /// What probes of this run saw; empty where none were sent, and then no silence is a sign.
    pub observations: &'a Observations,
    /// Where names led; `None` where none were asked.
    pub named: Option<&'a Led>,
}

/// Lists every thing of the types that can be cleaned up, sorted by type and id, with its sources.
#[must_use]
pub fn list(input: &Input<'_>) -> Listing {
    finished(population(input))
}

/// Everything of the types, in no order.
fn population(input: &Input<'_>) -> Listing {
    let answers = Answers::new(input.observations);
    let mut listing = Listing::default();
    for view in &input.snapshot.regions {
        let place = Place::new(input, view, &answers);
        instance::list(&place, &mut listing.resources);
        interface::list(&place, &mut listing.resources);
        group::list(&place, &mut listing.resources);
        permission::list(&place, &mut listing.resources);
        address::list(&place, &mut listing.resources);
        target::list(&place, &mut listing.resources);
        volume::list(&place, &mut listing.resources);
        listing.sources.extend(place.sources());
    }
    listing.sources.push(spec(input));
    listing
}

/// Sorted, and with the sources that keep things alive known as such.
fn finished(mut listing: Listing) -> Listing {
    listing.resources.sort_by_key(crate::cleanup::Resource::item);
    // Whatever a candidate's death rests on by being absent is a list that keeps things alive.
    let candidates = listing.resources.iter().filter(|r| r.candidate);
    let keeps: BTreeSet<String> =
        candidates.flat_map(|r| &r.dead).map(|claim| claim.source.clone()).collect();
    for source in &mut listing.sources {
        source.keeps = keeps.contains(&source.name);
    }
    listing
}

/// Where a thing can be asked whether it lives: every address of its interfaces, or its own. No
/// attribute of the listing, because each is one thing's alone and tells no class.
#[must_use]
pub fn addresses(snapshot: &Snapshot, item: &ItemRef) -> BTreeSet<IpAddr> {
    let views = snapshot.regions.iter();
    if item.kind == aws::ADDRESS {
        let own = views.flat_map(|v| &v.addresses);
        let own = own.filter(|a| a.allocation_id.as_deref() == Some(item.id.as_str()));
        return own.filter_map(|a| a.public_ip).collect();
    }
    let interfaces = views.flat_map(|v| &v.network_interfaces).filter(|i| {
        let instance = i.attachment.as_ref().and_then(|a| a.instance_id.as_deref());
        match item.kind.as_str() {
            aws::INSTANCE => instance == Some(item.id.as_str()),
            aws::INTERFACE => i.network_interface_id == item.id,
            _ => false,
        }
    });
    interfaces.flat_map(uses::addresses).collect()
}

/// The spec as a source: what it picks is what it keeps.
fn spec(input: &Input<'_>) -> Source {
    let members: BTreeSet<&String> = input.resolution.members.values().flatten().collect();
    Source {
        name: SPEC.into(),
        fetched_at: input.snapshot.taken_at,
        newest: None,
        complete: true,
        rows: (members.len() + input.spec.groups.len()) as u64,
        cross_count: None,
        keeps: false,
        may_be_empty: false,
        selector: Default::default(),
    }
}
