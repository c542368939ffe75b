use crate::model::{AddressSet, Family, SourceName};
use crate::observation::VantageSeen;
use crate::snapshot::Snapshot;
use crate::survey;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Where each vantage is proven to be, by family: its address as something outside reflected it,
/// compared with what its configuration claims and with what the snapshot says is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    proven: BTreeMap<(String, Family), Result<Place, String>>,
}

impl Placed {
    /// Holds the vantages of a run against the snapshot.
    #[must_use]
    pub fn new(vantages: &[VantageSeen], snapshot: &Snapshot) -> Self {
        let ours = survey::ours(snapshot);
        let mut proven = BTreeMap::new();
        for vantage in vantages {
            let families = [
                (Family::V4, vantage.outside_v4, vantage.reflected_v4),
                (Family::V6, vantage.outside_v6, vantage.reflected_v6),
            ];
            for (family, claimed, reflected) in families {
                proven.insert((vantage.name.clone(), family), place(claimed, reflected, &ours));
            }
        }
        Self { proven }
    }

    /// Whether the vantage is proven to be where it is said to be, as far as the source asks: for
    /// `internet` an address of our own is no outside.
    #[must_use]
    pub fn proves(&self, vantage: &str, family: Family, source: &SourceName) -> bool {
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

    /// Why no vantage proves a source in a family, in words.
    #[must_use]
    pub fn why(&self, source: &SourceName, family: Family) -> String {
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
                Ok(Place { address, .. }) => {
                    format!("{name} is seen from outside as {address}, which is not in it")
                }
                Err(why) => format!("{name}: {why}"),
            })
            .collect();
        let found = if of.is_empty() { "there is none".to_owned() } else { of.join("; ") };
        format!("no vantage is proven to lie in {source} over {family_name}: {found}")
    }
}

/// A proven address, and whether the snapshot says that it is ours.
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

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
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
