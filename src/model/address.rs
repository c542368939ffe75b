use super::interval::IntervalSet;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// The name people use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The family of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// A set of IPv4 and IPv6 addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressSet {
    v4: IntervalSet<u32>,
    v6: IntervalSet<u128>,
}

/// IPv4 blocks that are not globally reachable unicast: IANA's special-purpose registry
/// (RFC 6890 and its updates), multicast and class E.
const NOT_PUBLIC_V4: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// IPv6 global unicast is 2000::/3; these blocks inside it are not public.
const NOT_PUBLIC_V6: [&str; 3] = ["2001::/23", "2001:db8::/32", "3fff::/20"];

static PUBLIC: LazyLock<AddressSet> = LazyLock::new(|| {
    let set = |blocks: &[&str]| -> AddressSet {
        AddressSet::from_networks(blocks.iter().filter_map(|b| b.parse().ok()))
    };
    let v4 = AddressSet::all_v4().subtract(&set(&NOT_PUBLIC_V4));
    let v6 = set(&["2000::/3"]).subtract(&set(&NOT_PUBLIC_V6));
    v4.union(&v6)
});

/// Blocks that no packet from the internet carries as its source.
const NEVER_OUTSIDE: [&str; 13] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/8",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

static OUTSIDE: LazyLock<AddressSet> = LazyLock::new(|| {
    AddressSet::all()
        .subtract(&AddressSet::from_networks(NEVER_OUTSIDE.iter().filter_map(|b| b.parse().ok())))
});

static EVERYBODY: LazyLock<AddressSet> = LazyLock::new(|| {
    AddressSet::all_v4().union(&AddressSet::from_networks("2000::/3".parse::<IpNetwork>()))
});

impl AddressSet {
    /// No address.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Every IPv4 address.
    #[must_use]
    pub fn all_v4() -> Self {
        Self { v4: IntervalSet::all(), v6: IntervalSet::empty() }
    }

    /// Every IPv6 address.
    #[must_use]
    pub fn all_v6() -> Self {
        Self { v4: IntervalSet::empty(), v6: IntervalSet::all() }
    }

    /// Every address of both families.
    #[must_use]
    pub fn all() -> Self {
        Self { v4: IntervalSet::all(), v6: IntervalSet::all() }
    }

    /// The public address space: what "internet" means. Globally reachable unicast by IANA's
    /// special-purpose registries; documentation, private and shared blocks are not in it.
    #[must_use]
    pub fn public() -> Self {
        PUBLIC.clone()
    }

    /// Every address that can be outside: the public space and what people use for it in examples
    /// and labs (documentation and benchmark blocks). Private, shared, loopback, link-local,
    /// multicast and reserved blocks are not in it. Membership in `internet` is membership here;
    /// *coverage* of the internet is coverage of [`AddressSet::public`].
    #[must_use]
    pub fn outside() -> Self {
        OUTSIDE.clone()
    }

    /// All of IPv4, and of IPv6 what is global unicast: for telling how much of it something is.
    #[must_use]
    pub fn everybody() -> Self {
        EVERYBODY.clone()
    }

    /// One address.
    #[must_use]
    pub fn one(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(a) => {
                Self { v4: IntervalSet::interval(a.into(), a.into()), v6: IntervalSet::empty() }
            }
            IpAddr::V6(a) => {
                Self { v4: IntervalSet::empty(), v6: IntervalSet::interval(a.into(), a.into()) }
            }
        }
    }

    /// The union of blocks, whose host bits are ignored.
    pub fn from_networks(networks: impl IntoIterator<Item = IpNetwork>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNetwork::V4(n) => v4.push((n.network().into(), n.broadcast().into())),
                IpNetwork::V6(n) => v6.push((n.network().into(), n.broadcast().into())),
            }
        }
        Self { v4: IntervalSet::from_intervals(v4), v6: IntervalSet::from_intervals(v6) }
    }

    /// The union of single addresses.
    pub fn from_addresses(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self::from_networks(addresses.into_iter().map(IpNetwork::from))
    }

    /// Whether no address is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether `address` is in the set.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(a) => self.v4.contains(a.into()),
            IpAddr::V6(a) => self.v6.contains(a.into()),
        }
    }

    /// Addresses in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// Addresses in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersect(&other.v4), v6: self.v6.intersect(&other.v6) }
    }

    /// Addresses of `self` that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self { v4: self.v4.subtract(&other.v4), v6: self.v6.subtract(&other.v6) }
    }

    /// Whether every address of `other` is in `self`.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        self.v4.is_superset(&other.v4) && self.v6.is_superset(&other.v6)
    }

    /// Whether the sets share an address.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.v4.intersects(&other.v4) || self.v6.intersects(&other.v6)
    }

    /// The addresses of one family.
    #[must_use]
    pub fn of_family(&self, family: Family) -> Self {
        match family {
            Family::V4 => Self { v4: self.v4.clone(), v6: IntervalSet::empty() },
            Family::V6 => Self { v4: IntervalSet::empty(), v6: self.v6.clone() },
        }
    }

    /// Whether any address is of the family.
    #[must_use]
    pub fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => !self.v4.is_empty(),
            Family::V6 => !self.v6.is_empty(),
        }
    }

    /// Whether an address is in [`AddressSet::outside`].
    #[must_use]
    pub fn is_outside(address: IpAddr) -> bool {
        OUTSIDE.contains(address)
    }

    /// How many addresses there are, for telling the narrower of two sets; saturates.
    #[must_use]
    pub fn size(&self) -> u128 {
        let v4 = self.v4.intervals().iter().map(|(l, h)| u128::from(h - l) + 1).sum::<u128>();
        self.v6.intervals().iter().fold(v4, |n, (l, h)| n.saturating_add((h - l).saturating_add(1)))
    }

    /// How many clients' places it has: IPv4 addresses, and IPv6 networks of /64, each of which has
    /// room for every address that one machine may take. Saturates.
    #[must_use]
    pub fn lans(&self) -> u64 {
        let mut out = self.v4.intervals().iter().map(|(l, h)| u64::from(h - l) + 1).sum::<u64>();
        let mut counted = None;
        for (low, high) in self.v6.intervals() {
            let (low, high) = (low >> 64, high >> 64);
            let new = (high - low + 1) - u128::from(counted == Some(low));
            out = out.saturating_add(u64::try_from(new).unwrap_or(u64::MAX));
            counted = Some(high);
        }
        out
    }

    /// The smallest address, IPv4 first.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.first().map(|a| IpAddr::V4(Ipv4Addr::from(a)));
        v4.or_else(|| self.v6.first().map(|a| IpAddr::V6(Ipv6Addr::from(a))))
    }

    /// The fewest CIDR blocks with exactly these addresses, IPv4 first, sorted.
    #[must_use]
    pub fn to_networks(&self) -> Vec<IpNetwork> {
        let mut out = Vec::new();
        for &(low, high) in self.v4.intervals() {
            blocks(low.into(), high.into(), 32, |start, prefix| {
                let start = Ipv4Addr::from(u32::try_from(start).unwrap_or(u32::MAX));
                out.extend(Ipv4Network::new(start, prefix).map(IpNetwork::V4));
            });
        }
        for &(low, high) in self.v6.intervals() {
            blocks(low, high, 128, |start, prefix| {
                out.extend(Ipv6Network::new(Ipv6Addr::from(start), prefix).map(IpNetwork::V6));
            });
        }
        out
    }
}

/// Cuts `low..=high` into aligned power-of-two blocks of a `width`-bit space.
fn blocks(mut low: u128, high: u128, width: u8, mut each: impl FnMut(u128, u8)) {
    loop {
        let aligned =
            if low == 0 { u32::from(width) } else { low.trailing_zeros().min(u32::from(width)) };
        let mut bits = aligned;
        // The largest aligned block that still ends at or before `high`.
        while bits > 0 {
            let last = if bits >= 128 { u128::MAX } else { low + ((1u128 << bits) - 1) };
            if last <= high {
                break;
            }
            bits -= 1;
        }
        each(low, width - u8::try_from(bits).unwrap_or(width));
        let last = if bits >= 128 { u128::MAX } else { low + ((1u128 << bits) - 1) };
        if last >= high {
            return;
        }
        low = last + 1;
    }
}

impl FromIterator<IpNetwork> for AddressSet {
    fn from_iter<I: IntoIterator<Item = IpNetwork>>(iter: I) -> Self {
        Self::from_networks(iter)
    }
}

/// CIDR blocks separated by `, `; `none` for the empty set.
impl fmt::Display for AddressSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (i, network) in self.to_networks().into_iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(blocks: &[&str]) -> AddressSet {
        blocks.iter().map(|b| b.parse::<IpNetwork>().expect("a block")).collect()
    }

    #[test]
    fn addresses_of_one_lan_are_one_place() {
        for (blocks, places) in [
            (&["2001:db8::1/128", "2001:db8::3/128", "2001:db8:0:1::/64"][..], 2),
            (&["2001:db8::/48"], 1 << 16),
            (&["192.0.2.0/30", "192.0.2.9/32"], 5),
        ] {
            assert_eq!(set(blocks).lans(), places, "{blocks:?}");
        }
        assert_eq!(AddressSet::everybody().lans(), (1 << 32) + (1 << 61));
        assert_eq!(AddressSet::all_v6().lans(), u64::MAX);
    }

    proptest! {
        #[test]
        fn blocks_hold_exactly_the_set(v in prop::collection::vec((any::<u32>(), any::<u32>()), 0..5)) {
            let s = AddressSet { v4: v.into_iter().collect(), v6: IntervalSet::empty() };
            prop_assert_eq!(s.to_networks().into_iter().collect::<AddressSet>(), s);
        }

        #[test]
        fn blocks_hold_exactly_the_v6_set(v in prop::collection::vec((any::<u128>(), any::<u128>()), 0..3)) {
            let s = AddressSet { v4: IntervalSet::empty(), v6: v.into_iter().collect() };
            prop_assert_eq!(s.to_networks().into_iter().collect::<AddressSet>(), s);
        }
    }

    #[test]
    fn two_halves_are_the_whole() {
        assert_eq!(set(&["0.0.0.0/1", "128.0.0.0/1"]), AddressSet::all_v4());
        assert_eq!(AddressSet::all_v4().to_string(), "0.0.0.0/0");
        assert_eq!(AddressSet::all_v6().to_string(), "::/0");
    }

    #[test]
    fn public_is_the_internet_and_nothing_private() {
        let public = AddressSet::public();
        for a in ["8.8.8.8", "1.2.3.4", "2600:1f16::1"] {
            assert!(public.contains(a.parse().expect("an address")), "{a}");
        }
        for a in [
            "10.0.0.1",
            "172.31.0.1",
            "100.64.0.1",
            "198.51.100.7",
            "224.0.0.1",
            "fd00::1",
            "fe80::1",
            "2001:db8::1",
            "::1",
        ] {
            assert!(!public.contains(a.parse().expect("an address")), "{a}");
        }
    }
}
