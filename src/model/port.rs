use super::interval::IntervalSet;
use std::fmt;
use std::str::FromStr;

/// A set of ports (0 to 65535).
///
/// For ICMP and ICMPv6 the same sixteen bits hold `type << 8 | code` (see [`icmp_key`]), so that
/// "type 8, any code" is one interval and every set operation works on it. For protocols without
/// ports the set is either empty or [`PortSet::all`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortSet(IntervalSet<u16>);

/// The sixteen bits that stand for an ICMP type and code in a [`PortSet`].
#[must_use]
pub const fn icmp_key(icmp_type: u8, code: u8) -> u16 {
    ((icmp_type as u16) << 8) | code as u16
}

impl PortSet {
    /// No port.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Ports 0 to 65535, or every ICMP type and code.
    #[must_use]
    pub fn all() -> Self {
        Self(IntervalSet::all())
    }

    /// One port.
    #[must_use]
    pub fn one(port: u16) -> Self {
        Self(IntervalSet::interval(port, port))
    }

    /// An inclusive range; empty when inverted.
    #[must_use]
    pub fn range(low: u16, high: u16) -> Self {
        Self(IntervalSet::interval(low, high))
    }

    /// Every code of one ICMP type.
    #[must_use]
    pub fn icmp_type(icmp_type: u8) -> Self {
        Self::range(icmp_key(icmp_type, 0), icmp_key(icmp_type, 255))
    }

    /// The sorted, disjoint, inclusive ranges.
    #[must_use]
    pub fn ranges(&self) -> &[(u16, u16)] {
        self.0.intervals()
    }

    /// How many ports are in the set (0 to 65536).
    #[must_use]
    pub fn len(&self) -> u32 {
        self.ranges().iter().map(|(l, h)| u32::from(h - l) + 1).sum()
    }

    /// Whether no port is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every port is in the set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_all()
    }

    /// Whether `port` is in the set.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(port)
    }

    /// Ports in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    /// Ports in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self(self.0.intersect(&other.0))
    }

    /// Ports of `self` that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self(self.0.subtract(&other.0))
    }

    /// Whether every port of `other` is in `self`.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }

    /// Whether the sets share a port.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.0.intersects(&other.0)
    }

    /// The smallest port.
    #[must_use]
    pub fn first(&self) -> Option<u16> {
        self.0.first()
    }

    /// Every port, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.ranges().iter().flat_map(|(l, h)| *l..=*h)
    }

    /// The ranges as people write them: `["22", "80-90"]`.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.ranges()
            .iter()
            .map(|(l, h)| if l == h { l.to_string() } else { format!("{l}-{h}") })
            .collect()
    }
}

impl FromIterator<(u16, u16)> for PortSet {
    fn from_iter<I: IntoIterator<Item = (u16, u16)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// `22,80-90`; `none` for the empty set.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.to_strings().join(","))
    }
}

/// Reads `22` or `80-90`. The error is a fragment that fits after "cannot".
impl FromStr for PortSet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |s: &str| -> Result<u16, String> {
            match s.trim().parse::<u32>() {
                Ok(n) => {
                    u16::try_from(n).map_err(|_| format!("use port {n}: ports go from 1 to 65535"))
                }
                Err(_) => Err(format!("read `{}` as a port", text.trim())),
            }
        };
        let (low, high) = match text.split_once('-') {
            Some((l, h)) => (number(l)?, number(h)?),
            None => {
                let n = number(text)?;
                (n, n)
            }
        };
        if low > high {
            return Err(format!("use the range {low}-{high}: it is inverted, write {high}-{low}"));
        }
        Ok(Self::range(low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        assert_eq!("80-90".parse::<PortSet>().map(|p| p.to_string()), Ok("80-90".into()));
        assert_eq!("22".parse::<PortSet>().map(|p| p.len()), Ok(1));
        assert!("65536".parse::<PortSet>().is_err_and(|e| e.contains("1 to 65535")));
        for half in ["80-", "-80", "80-x"] {
            let said = half.parse::<PortSet>().expect_err("no range");
            assert!(said.contains(&format!("`{half}`")), "{said}");
        }
        assert!("90-80".parse::<PortSet>().is_err_and(|e| e.contains("inverted")));
        assert_eq!(PortSet::all().len(), 65536);
    }

    #[test]
    fn icmp_echo_is_one_type_with_every_code() {
        let echo = PortSet::icmp_type(8);
        assert!(echo.contains(icmp_key(8, 0)) && echo.contains(icmp_key(8, 255)));
        assert!(!echo.contains(icmp_key(7, 255)) && !echo.contains(icmp_key(9, 0)));
    }
}
