use super::balancer::{self, Kind};
use super::index::Index;
use crate::snapshot::CallKind;
use std::collections::BTreeMap;

/// Interfaces that every way from outside treats alike: same subnet, same groups, same state.
#[derive(Debug)]
pub(super) struct Classes {
    /// Class of each interface.
    of: Vec<u32>,
    /// An interface of each class.
    first: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'k> {
    subnet: &'k str,
    groups: &'k [&'k str],
    has_instance: bool,
    /// Set where an interface is a case of its own.
    alone: Option<usize>,
    /// Set where what came of a call of the view decides.
    view: Option<usize>,
    /// The state as far as it decides.
    state: &'k str,
    status: &'k str,
}

impl Classes {
    /// Sorts interfaces into classes.
    pub(super) fn new(index: &Index<'_>) -> Self {
        let mut known: BTreeMap<Key<'_>, u32> = BTreeMap::new();
        let mut classes = Self { of: Vec::with_capacity(index.nics.len()), first: Vec::new() };
        for (at, nic) in index.nics.iter().enumerate() {
            let plain = matches!(balancer::kind(index, nic), Kind::Plain);
            let plain = plain && !index.endpoint_nics.contains_key(nic.id());
            let state = nic.instance.map_or("", |i| {
                index.instances.get(i).map_or("absent", |(r, _)| r.state.name.as_str())
            });
            // What is said of an instance that did not come names it, or the call that failed.
            let absent = nic.instance.is_some_and(|i| !index.instances.contains_key(i));
            let listed = absent && index.complete(nic.view, CallKind::Instances);
            let key = Key {
                subnet: nic.subnet,
                groups: &nic.groups,
                has_instance: nic.instance.is_some(),
                alone: (!plain
                    || nic.groups.is_empty()
                    || listed
                    || index.doubtful.contains_key(&at))
                .then_some(at),
                view: absent.then_some(nic.view),
                state,
                status: nic.row.status.as_deref().unwrap_or_default(),
            };
            let next = u32::try_from(classes.first.len()).unwrap_or(u32::MAX);
            let class = *known.entry(key).or_insert(next);
            if class == next {
                classes.first.push(at);
            }
            classes.of.push(class);
        }
        classes
    }

    /// The class of an interface.
    pub(super) fn of(&self, nic: usize) -> u32 {
        self.of[nic]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// The interface that stands for a class.
    pub(super) fn first(&self, class: u32) -> usize {
        self.first[class as usize]
    }
}
