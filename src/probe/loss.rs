use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What share of tries to endpoints that do answer got none, over time and by host.
///
/// It is measured on canaries (endpoints known to answer, asked again) and on every endpoint that
/// answered a later try than its first. A silent endpoint gathers evidence from it: a try in an
/// epoch that lost half of what it should not have lost proves little, and so does one to a host
/// whose path loses more than the others do.
#[derive(Debug)]
pub(crate) struct Loss {
    start: Instant,
    first: usize,
    epochs: VecDeque<Count>,
    hosts: HashMap<IpAddr, Count>,
    all: Count,
}

/// Tries that had to be answered, and those that were not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) asked: u32,
    pub(crate) lost: u32,
}

/// Long enough for two dozen canaries at a thousand sends a second.
pub(crate) const EPOCH: Duration = Duration::from_millis(100);
/// Epochs kept: a probe is decided long before it is this old.
const KEPT: usize = 1_000;
/// Weight of the run's own average in the estimate of one epoch, and of one host.
const PRIOR: f64 = 8.0;
/// A chance of a miss that a report may carry without a word: one in a hundred thousand.
pub(crate) const ENOUGH: f64 = 11.512_925;
/// Loss that is known this well asks for three tries: to know it better would spare none.
const KNOWN_WELL: f64 = 0.02;
/// Of one host, how many answers are remembered.
const LATELY: u32 = 64;
/// Answers beyond which asking for more tells nothing new: the path does lose.
const ASKED_ENOUGH: u32 = 400;

impl Loss {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            first: 0,
            epochs: VecDeque::new(),
            hosts: HashMap::new(),
            all: Count::default(),
        }
    }

    /// The epoch of a moment.
    pub(crate) fn epoch(&self, at: Instant) -> usize {
        let since = at.saturating_duration_since(self.start).as_micros() / EPOCH.as_micros();
        usize::try_from(since).unwrap_or(usize::MAX)
    }

    /// Counts a canary of a host.
    pub(crate) fn note(&mut self, epoch: usize, host: IpAddr, lost: bool) {
        self.note_outside(host, lost);
        if epoch < self.first {
            return;
        }
        while self.first + self.epochs.len() <= epoch {
            self.epochs.push_back(Count::default());
            if self.epochs.len() > KEPT {
                self.epochs.pop_front();
                self.first += 1;
            }
        }
        if let Some(count) = self.epochs.get_mut(epoch - self.first) {
            count.add(lost);
        }
    }

    /// Counts a try that was no canary: it tells of the run and of its host, but not in time of its
    /// epoch.
    pub(crate) fn note_outside(&mut self, host: IpAddr, lost: bool) {
        self.all.add(lost);
        self.hosts.entry(host).or_default().add_lately(lost);
    }

    /// What canaries told of one epoch.
    pub(crate) fn count(&self, epoch: usize) -> Count {
        epoch.checked_sub(self.first).and_then(|i| self.epochs.get(i)).copied().unwrap_or_default()
    }

    /// Whether anything that had to answer was asked.
    pub(crate) fn known(&self) -> bool {
        self.all.asked > 0
    }

    /// Whether more answers would tell how much silence is worth: few were counted so far.
    pub(crate) fn sparse(&self) -> bool {
        self.known() && self.all.asked < ASKED_ENOUGH && self.overall() > KNOWN_WELL
    }

    /// The run's loss, on the safe side while little was counted.
    pub(crate) fn overall(&self) -> f64 {
        let asked = f64::from(self.all.asked) + 2.0;
        let loss = (f64::from(self.all.lost) + 1.0) / asked;
        (loss + 1.64 * (loss * (1.0 - loss) / asked).sqrt()).min(0.99)
    }

    /// The chance that a try sent to `host` in `epoch` was lost, were somebody to answer it: the
    /// run's, unless the epoch or the host was worse. A lucky one of either is no evidence.
    pub(crate) fn of(&self, epoch: usize, host: IpAddr) -> f64 {
        let overall = self.overall();
        let among = |count: Count| {
            (f64::from(count.lost) + PRIOR * overall) / (f64::from(count.asked) + PRIOR)
        };
        let here = self.hosts.get(&host).copied().unwrap_or_default();
        among(self.count(epoch)).max(among(here)).max(overall).clamp(1e-4, 0.99)
    }
}

impl Count {
    fn add(&mut self, lost: bool) {
        self.asked += 1;
        self.lost += u32::from(lost);
    }

    /// Adds to what is forgotten by halves: a host that began to drop everything is not what it was.
    fn add_lately(&mut self, lost: bool) {
        if self.asked >= LATELY {
            self.asked /= 2;
            self.lost /= 2;
        }
        self.add(lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn a_lossy_epoch_proves_little_and_a_clean_one_much() {
        let mut loss = Loss::new(Instant::now());
        for _ in 0..1_000 {
            loss.note(0, HERE, false);
        }
        for i in 0..100 {
            loss.note(1, HERE, i % 2 == 0);
        }
        assert!(loss.of(0, ELSEWHERE) < 0.1, "{}", loss.of(0, ELSEWHERE));
        assert!(loss.of(1, ELSEWHERE) > 0.4, "{}", loss.of(1, ELSEWHERE));
        assert!(loss.of(0, HERE) >= loss.overall(), "a lucky epoch is no evidence");
    }

    /// One bad path among many is nearly nothing of the run's loss, and all of its own.
    #[test]
    fn a_host_behind_a_lossy_path_proves_less_than_the_others() {
        let mut loss = Loss::new(Instant::now());
        for i in 0..2_000 {
            loss.note(0, HERE, false);
            if i % 40 == 0 {
                loss.note(0, ELSEWHERE, i % 160 == 0);
            }
        }
        assert!(loss.of(0, HERE) < 0.02, "{}", loss.of(0, HERE));
        assert!(loss.of(0, ELSEWHERE) > 0.2, "{}", loss.of(0, ELSEWHERE));
    }

    /// What a host answered before does not speak for it for ever.
    #[test]
    fn a_host_that_begins_to_drop_everything_is_soon_believed_no_more() {
        let mut loss = Loss::new(Instant::now());
        for _ in 0..5_000 {
            loss.note(0, HERE, false);
            loss.note(0, ELSEWHERE, false);
        }
        for _ in 0..200 {
            loss.note(1, HERE, true);
            loss.note(1, ELSEWHERE, false);
        }
        assert!(loss.of(2, HERE) > 0.8, "{}", loss.of(2, HERE));
        assert!(loss.of(2, ELSEWHERE) < 0.1, "{}", loss.of(2, ELSEWHERE));
    }

    #[test]
    fn knowing_little_asks_for_more_tries_and_for_more_answers() {
        let mut loss = Loss::new(Instant::now());
        assert!(!loss.known() && !loss.sparse(), "nobody could be asked");
        loss.note(0, HERE, false);
        let tries = |loss: &Loss| (ENOUGH / -loss.of(0, HERE).ln()).ceil();
        assert!(tries(&loss) > 4.0 && loss.sparse(), "{}", tries(&loss));
        while loss.sparse() {
            loss.note(0, HERE, false);
        }
        assert_eq!(tries(&loss), 3.0);
        // A path that loses is asked no more than enough.
        let mut loss = Loss::new(Instant::now());
        let mut asked = 1;
        loss.note(0, HERE, false);
        while loss.sparse() {
            asked += 1;
            loss.note(0, HERE, asked % 10 == 0);
        }
        assert_eq!(asked, ASKED_ENOUGH);
    }
}
