use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Round-trip times: by host, and the slowest of them for the whole run.
#[derive(Debug, Default)]
pub(crate) struct Rtt {
    hosts: HashMap<IpAddr, Estimate>,
    slowest: Option<Duration>,
    since: u32,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    smoothed: Duration,
    variation: Duration,
}

/// A retry sooner than this says nothing new: policers and queues have memory.
const FLOOR: Duration = Duration::from_millis(50);
/// RFC 6298's initial value, and where the kernel itself retransmits.
const CEILING: Duration = Duration::from_secs(1);
/// Samples between two looks at every host.
const REFRESH: u32 = 64;

impl Estimate {
    fn wait(self) -> Duration {
        (self.smoothed + self.variation * 4).clamp(FLOOR, CEILING)
    }
}

impl Rtt {
    pub(crate) fn sample(&mut self, host: IpAddr, rtt: Duration) {
        let estimate = self
            .hosts
            .entry(host)
            .and_modify(|e| {
                // RFC 6298: alpha 1/8, beta 1/4.
                e.variation = (e.variation * 3 + e.smoothed.abs_diff(rtt)) / 4;
                e.smoothed = (e.smoothed * 7 + rtt) / 8;
            })
            .or_insert(Estimate { smoothed: rtt, variation: rtt / 2 });
        let wait = estimate.wait();
        self.since += 1;
        if self.since >= REFRESH || self.slowest.is_none() {
            self.since = 0;
            self.slowest = self.hosts.values().map(|e| e.wait()).max();
        } else if self.slowest < Some(wait) {
            self.slowest = Some(wait);
        }
    }

    /// How long to wait for an answer before asking again: srtt + 4 rttvar of the slowest host;
    /// the ceiling while nothing is known.
    pub(crate) fn wait(&self) -> Duration {
        self.slowest.unwrap_or(CEILING)
    }

    /// Whether anything answered at all.
    pub(crate) fn known(&self) -> bool {
        self.slowest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_slowest_host_within_its_bounds() {
        let (near, far): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let mut rtt = Rtt::default();
        assert_eq!(rtt.wait(), CEILING);
        rtt.sample(near, Duration::from_millis(1));
        assert_eq!(rtt.wait(), FLOOR);
        rtt.sample(far, Duration::from_millis(100));
        assert_eq!(rtt.wait(), Duration::from_millis(300));
        for _ in 0..200 {
            rtt.sample(near, Duration::from_millis(1));
        }
        assert_eq!(rtt.wait(), Duration::from_millis(300));
        rtt.sample(far, Duration::from_secs(9));
        assert_eq!(rtt.wait(), CEILING);
    }
}
