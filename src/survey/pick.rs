//! Which ports of a large set stand for the whole.

use super::well_known;
use crate::model::{PortSet, PortSpec};
use std::collections::BTreeSet;

/// At most `most` ports of a set, evenly spread, the first and the last among them; every port when
/// there are no more than that. The same set always gives the same ports.
pub(super) fn some(ports: &PortSet, most: u32) -> BTreeSet<u16> {
    let ports = ports.subtract(&PortSet::one(0));
    let (count, most) = (ports.len(), most.max(2));
    if count <= most {
        return ports.iter().collect();
    }
    let mut wanted: BTreeSet<u32> = (0..most)
        .map(|i| (u64::from(i) * u64::from(count - 1) / u64::from(most - 1)) as u32)
        .collect();
    let mut out = BTreeSet::new();
    let mut before = 0u32;
    for &(low, high) in ports.ranges() {
        let width = u32::from(high - low) + 1;
        while let Some(index) = wanted.first().copied().filter(|i| *i < before + width) {
            wanted.pop_first();
            out.insert(low + u16::try_from(index - before).unwrap_or(0));
        }
        before += width;
    }
    out
}

/// The well-known ports of a set and a spread sample of the rest.
pub(super) fn known_and_some(spec: &PortSpec, most: u32) -> BTreeSet<u16> {
    let mut out = some(&spec.ports, most);
    if out.len() < spec.ports.len() as usize {
        out.extend(spec.ports.intersect(&well_known(spec.protocol)).iter());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_always_among_the_sample() {
        let rtp = PortSet::range(40_000, 49_999);
        let picked = some(&rtp, 16);
        assert_eq!(picked.len(), 16);
        assert_eq!((picked.first(), picked.last()), (Some(&40_000), Some(&49_999)));
        assert!(picked.iter().all(|p| rtp.contains(*p)));
        assert_eq!(some(&PortSet::range(1, 5), 16).len(), 5);
        let split: PortSet = [(1, 10), (100, 200)].into_iter().collect();
        let picked = some(&split, 4);
        assert_eq!(picked.len(), 4);
        assert!(picked.iter().all(|p| split.contains(*p)), "{picked:?}");
    }

    #[test]
    fn an_open_group_is_asked_its_well_known_ports_and_not_all() {
        let all: PortSpec = "tcp".parse().expect("every port");
        let picked = known_and_some(&all, 16);
        assert!(picked.contains(&3389) && picked.contains(&65_535) && !picked.contains(&0));
        assert!(picked.len() < 100);
    }
}
