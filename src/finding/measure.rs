use crate::model::AddressSet;

/// How bad a finding is, in a unit of its kind of which more is worse.
///
/// It is what a comparison goes by where severity is the same: words may change with every day, and
/// a measure changes only with the harm. So nothing is measured that grows by itself (an age), that
/// follows how much was looked at, or that comes and goes with machines that may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// So many: hosts missing, values seen, permissions that differ.
    Count(u64),
    /// Clients that may enter, or may not.
    Clients(AddressSet),
}

/// The largest number: what every reader of a report and of a history can hold.
const MOST: u64 = i64::MAX as u64;

impl Measure {
    /// A count of anything.
    #[must_use]
    pub fn count(n: usize) -> Self {
        Self::Count(u64::try_from(n).unwrap_or(MOST))
    }

    /// The number: of clients, IPv4 addresses and IPv6 networks of /64. At most 2^63 - 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::Count(n) => *n,
            Self::Clients(clients) => clients.lans(),
        }
        .min(MOST)
    }

    /// What two parts of one finding come to: each client once, and of counts the larger, because
    /// parts count the same things.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clients(a), Self::Clients(b)) => Self::Clients(a.union(&b)),
            (Self::Count(a), Self::Count(b)) => Self::Count(a.max(b)),
            (a, b) => Self::Count(a.number().max(b.number())),
        }
    }
}

/// Whether a finding got worse by its measure; what was or is not measured is not compared.
#[must_use]
pub fn is_worse(now: Option<u64>, was: Option<u64>) -> bool {
    now.zip(was).is_some_and(|(now, was)| now > was)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(blocks: &[&str]) -> Measure {
        let blocks = blocks.iter().map(|b| b.parse::<ipnetwork::IpNetwork>().expect("a block"));
        Measure::Clients(blocks.collect())
    }

    #[test]
    fn parts_of_one_finding_count_each_client_once() {
        let both = clients(&["192.0.2.0/24"]).with(clients(&["192.0.2.0/25", "2001:db8::/63"]));
        assert_eq!(both.number(), 256 + 2);
        assert_eq!(Measure::Count(2).with(Measure::Count(3)).number(), 3);
    }

    #[test]
    fn the_largest_number_is_one_that_a_history_can_hold() {
        assert_eq!(clients(&["::/0", "0.0.0.0/0"]).number(), u64::MAX >> 1);
        assert_eq!(Measure::Count(u64::MAX).number(), u64::MAX >> 1);
    }

    #[test]
    fn what_was_not_counted_is_not_worse() {
        assert!(is_worse(Some(2), Some(1)));
        for (now, was) in [(Some(1), Some(1)), (Some(1), Some(2)), (Some(1), None), (None, Some(1))]
        {
            assert!(!is_worse(now, was), "{now:?} after {was:?}");
        }
    }
}
