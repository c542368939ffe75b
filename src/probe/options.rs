use super::{AddressMap, Proxy};
use crate::model::Stop;
use crate::observation::VantageSeen;
use crate::pathproof::Auditor;
use std::collections::BTreeMap;
use std::time::Duration;

/// Limits and manners of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Where the probes leave from: its name stands in every observation; its outside addresses are
    /// those configured, STUN answers fill in what is not.
    pub vantage: VantageSeen,
    /// Proxies that profiles may go through, by the name that `via:` calls them.
    pub proxies: BTreeMap<String, Proxy>,
    /// Real addresses to loopback sockets: for the demo and tests only.
    pub map: AddressMap,
    /// Connects and datagrams a second, retries and canaries included; 0 is as fast as the path
    /// carries, which canaries find out.
    pub rate: u32,
    /// How long one socket waits for an answer at most.
    pub timeout: Duration,
    /// Sockets tried at most before an endpoint is called silent; evidence decides how many are
    /// needed. Zero reads as one.
    pub tries: u32,
    /// Sockets open at once at most; the file limit bounds it too.
    pub in_flight: usize,
    /// The order of sends, nonces included, is a function of this and the survey.
    pub seed: u64,
    /// Whether services on open ports without expectation are identified.
    pub identify: bool,
    /// Whether an observation that contradicts what was hoped for is looked at once more from a
    /// fresh port, a second or more later.
    pub second_look: bool,
    /// How long declared endpoints that stay silent where ICMP errors come back are asked again, at
    /// the pace at which such errors are sent; zero is not at all.
    pub slow_lane: Duration,
    /// Whether the run ends early; observations of what was not probed are [`crate::observation::State::Unprobed`].
    pub deadline: Option<Duration>,
    /// Who asks `portcullis listen` on ports that must answer, where somebody may.
    pub auditor: Option<Auditor>,
    /// Raised, it ends the run within a moment: what was not settled by then is no observation.
    pub stop: Stop,
}

/// Polite: below every policer met in the field, above what nmap -T4 reaches against silence.
pub const DEFAULT_RATE: u32 = 2_000;
/// Past the kernel's own first SYN retransmission, which comes after one second.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// At ten per cent loss five tries leave a chance of a miss of 1e-5; ten is for worse paths.
pub const DEFAULT_TRIES: u32 = 10;
/// A minute for the exact word on some fifty ports of each firewall: what is wrong with more of
/// them than that is not wrong port by port.
pub const SLOW_LANE: Duration = Duration::from_secs(60);

impl Default for Options {
    fn default() -> Self {
        Self {
            vantage: VantageSeen::new("local"),
            proxies: BTreeMap::new(),
            map: AddressMap::identity(),
            rate: DEFAULT_RATE,
            timeout: DEFAULT_TIMEOUT,
            tries: DEFAULT_TRIES,
            in_flight: usize::MAX,
            seed: 1,
            identify: true,
            second_look: false,
            slow_lane: SLOW_LANE,
            deadline: None,
            auditor: None,
            stop: Stop::default(),
        }
    }
}
