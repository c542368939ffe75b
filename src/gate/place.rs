use crate::model::{AddressSet, Family, Gap, GapKind, SourceName};
use crate::observation::Observations;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Where each vantage is proven to be, by family: its address as the server of its `reflect:` told it,
/// compared with what its configuration claims, with what is ours, and with what the targets see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    proven: BTreeMap<(String, Family), Result<Place, String>>,
    /// Vantage and target, where the target sees the vantage under another address than that: what goes
    /// there takes a way that no client at the proven address has.
    otherwise: BTreeMap<(String, IpAddr), IpAddr>,
}

impl Placed {
    /// Holds the vantages of a run against the addresses that are ours: of the snapshot, of every other
    /// host that is known, and of what may be probed.
    #[must_use]
    pub fn new(observations: &Observations, ours: &AddressSet) -> Self {
        let mut proven = BTreeMap::new();
        for vantage in &observations.vantages {
            let families = [
                (Family::V4, vantage.outside_v4, vantage.reflected_v4),
                (Family::V6, vantage.outside_v6, vantage.reflected_v6),
            ];
            for (family, claimed, reflected) in families {
                proven.insert((vantage.name.clone(), family), place(claimed, reflected, ours));
            }
        }
        let mut otherwise = BTreeMap::new();
        for row in &observations.rows {
            let Some(seen) = row.seen_from else { continue };
            let key = (row.vantage.clone(), Family::of(row.address));
            if let Some(Ok(place)) = proven.get(&key)
                && seen != place.address
            {
                otherwise.insert((row.vantage.clone(), row.address), seen);
            }
        }
        Self { proven, otherwise }
    }

    /// Whether the vantage is proven to be where it is said to be for what goes to `target`, as far as
    /// the source asks: for `internet` an address of our own is no outside.
    #[must_use]
    pub fn proves(&self, vantage: &str, target: IpAddr, source: &SourceName) -> bool {
        let family = Family::of(target);
        if self.otherwise.contains_key(&(vantage.to_owned(), target)) {
            return false;
        }
        match self.proven.get(&(vantage.to_owned(), family)) {
            Some(Ok(place)) => !place.ours || *source != SourceName::Internet,
            Some(Err(_)) | None => false,
        }
    }

    /// Whether the vantage is proven to stand outside of every network of ours.
    #[must_use]
    pub fn is_outside(&self, vantage: &str, family: Family) -> bool {
        match self.proven.get(&(vantage.to_owned(), family)) {
            Some(Ok(place)) => !place.ours && AddressSet::is_outside(place.address),
            Some(Err(_)) | None => false,
        }
    }

    /// Whether there is a vantage, and the place of each is proven in a family.
    pub(super) fn all_placed(&self, family: Family) -> bool {
        let mut of = self.proven.iter().filter(|((_, f), _)| *f == family).peekable();
        of.peek().is_some() && of.all(|(_, place)| place.is_ok())
    }

    /// Why no vantage proves a source in a family, in words. Of a vantage whose place nothing told, what is
    /// among `gaps` is the reason of that and comes first: a command that hung, a server that is dead.
    #[must_use]
    pub fn why(&self, source: &SourceName, family: Family, gaps: &[Gap]) -> String {
        let trouble = |name: &str| {
            gaps.iter().find(|g| g.kind == GapKind::Vantage && g.scope == name).map(|g| &g.why)
        };
        let family_name = match family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let of: Vec<String> = self
            .proven
            .iter()
            .filter(|((_, f), _)| *f == family)
            .map(|((name, _), place)| match place {
                Ok(Place { address, ours: true }) if *source == SourceName::Internet => format!(
                    "{name} is seen from outside as {address}, which is an address of ours: it looks from inside"
                ),
                Ok(Place { address, .. }) => match self.seen_otherwise(name, family) {
                    Some(others) => format!(
                        "{name} is seen by its `reflect:` as {address}, and {others}: what goes there \
                         takes another way"
                    ),
                    // Whoever is outside and not among everybody is somebody's in particular.
                    None if *source == SourceName::Internet && AddressSet::is_outside(*address) => format!(
                        "{name} is seen from outside as {address}, which stands for a narrower source that is declared"
                    ),
                    None => format!("{name} is seen from outside as {address}, which is not in it"),
                },
                Err(why) => match trouble(name) {
                    Some(trouble) => format!("{name}: {trouble}; {why}"),
                    None => format!("{name}: {why}"),
                },
            })
            .collect();
        let found = if of.is_empty() { "there is none".to_owned() } else { of.join("; ") };
        format!("no vantage is proven to lie in {source} over {family_name}: {found}")
    }
}

impl Placed {
    /// Which targets see a vantage otherwise, in words.
    fn seen_otherwise(&self, vantage: &str, family: Family) -> Option<String> {
        let of =
            self.otherwise.iter().filter(|((v, to), _)| v == vantage && Family::of(*to) == family);
        let words: BTreeSet<String> =
            of.map(|((_, to), seen)| format!("by {to} as {seen}")).collect();
        (!words.is_empty()).then(|| words.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// A proven address, and whether it is one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    address: IpAddr,
    ours: bool,
}

fn place(
    claimed: Option<IpAddr>,
    reflected: Option<IpAddr>,
    ours: &AddressSet,
) -> Result<Place, String> {
    let Some(address) = reflected else {
        return Err(
            "nothing outside told it its address (its `reflect:` names the STUN server that is asked)"
                .into()
        );
    };
    match claimed.filter(|c| *c != address) {
        Some(claimed) => {
            Err(format!("it is said to be {claimed} and is seen from outside as {address}"))
        }
        None => Ok(Place { address, ours: ours.contains(address) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::VantageSeen;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn of_a_vantage_that_was_not_heard_the_reason_comes_first() {
        let vantages = vec![VantageSeen::new("fra"), VantageSeen::new("iad")];
        let seen = Observations { vantages, ..Observations::default() };
        let placed = Placed::new(&seen, &AddressSet::default());
        let gaps = [Gap::new(GapKind::Vantage, "fra", "`ssh` said nothing for 20 s")];
        let why = placed.why(&SourceName::Internet, Family::V4, &gaps);
        assert!(
            why.contains("over IPv4: fra: `ssh` said nothing for 20 s; nothing outside told it")
                && why.contains("iad: nothing outside told it"),
            "{why}"
        );
    }

    #[test]
    fn a_place_is_proven_by_what_others_saw_and_by_nothing_else() {
        let ours = AddressSet::one(address("203.0.113.7"));
        let claimed = Some(address("198.51.100.9"));
        assert!(place(claimed, None, &ours).is_err_and(|w| w.contains("reflect")));
        let outside = Place { address: address("198.51.100.9"), ours: false };
        assert_eq!(place(claimed, claimed, &ours), Ok(outside));
        assert_eq!(place(None, claimed, &ours), Ok(outside));
        let other = Some(address("198.51.100.10"));
        assert!(place(claimed, other, &ours).is_err_and(|w| w.contains("198.51.100.10")));
        // Behind a NAT gateway of ours it looks from inside, whatever it is said to be.
        let nat = Some(address("203.0.113.7"));
        assert_eq!(place(nat, nat, &ours).map(|p| p.ours), Ok(true));
    }
}
