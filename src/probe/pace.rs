use super::loss::{Count, EPOCH};
use std::time::{Duration, Instant};

/// How fast to send: a token bucket whose rate follows what the path carries.
///
/// Open-loop sending loses most of its answers behind a policer and nothing says so. So the rate is
/// cut when more of what is known to answer is lost than the path lost at the start, and grows
/// again while nothing more is lost.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What the user allows; `None` is unlimited.
    cap: Option<f64>,
    rate: f64,
    tokens: f64,
    refilled: Instant,
    /// Whether the rate was cut once: growth is careful from then on.
    cut: bool,
    /// Loss of the path itself, seen before the rate grew.
    base: Option<f64>,
    /// Rate and loss before the last cut, until it is known whether the cut helped.
    blamed: Option<(f64, f64)>,
    pool: Count,
    sent: u32,
    judged: Instant,
    /// When the rate was last cut or restored.
    changed: Instant,
}

/// Where an unlimited run starts: slow enough for any policer worth its name.
const START: f64 = 2_000.0;
/// What no run falls below: an audit must end.
const FLOOR: f64 = 200.0;
/// Above what any socket engine sends.
const MOST: f64 = 1e6;
/// Canaries needed for a judgement, unless they take longer than [`LONGEST`] seconds.
const ENOUGH: u32 = 30;
const LONGEST: f64 = 0.4;
/// Loss above the path's own that is not noise.
const MARGIN: f64 = 0.04;
/// A burst no longer than this many seconds of sending.
const BURST: f64 = 0.005;

impl Pace {
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        let cap = (rate > 0).then(|| f64::from(rate));
        Self {
            cap,
            rate: cap.map_or(START, |c| c.min(START)),
            tokens: 1.0,
            refilled: now,
            cut: false,
            base: None,
            blamed: None,
            pool: Count::default(),
            sent: 0,
            judged: now,
            changed: now,
        }
    }

    /// Whether one more packet may go now.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        let burst = (self.rate * BURST).max(1.0);
        self.tokens = (self.tokens + elapsed * self.rate).min(burst);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        self.sent += 1;
        true
    }

    /// How long until the next packet may go.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_secs_f64(((1.0 - self.tokens) / self.rate).clamp(0.0, 1.0))
    }

    /// Counts a packet that goes beside another: those after it wait longer.
    pub(crate) fn charge(&mut self) {
        self.tokens -= 1.0;
        self.sent += 1;
    }

    /// Gives back a packet that was not sent after all.
    pub(crate) fn give_back(&mut self) {
        self.tokens += 1.0;
        self.sent = self.sent.saturating_sub(1);
    }

    /// Packets a second, now.
    #[cfg(test)]
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Judges the epoch that was over at `ended`: what had to answer in it and did not. It is heard
    /// of only `now`, and what was sent before the last change of rate says nothing of it.
    pub(crate) fn judge(&mut self, count: Count, ended: Instant, now: Instant) {
        if ended < self.changed + EPOCH {
            return;
        }
        self.pool.asked += count.asked;
        self.pool.lost += count.lost;
        let elapsed = ended.saturating_duration_since(self.judged).as_secs_f64();
        if self.pool.asked == 0 {
            // Nothing to judge by: an unlimited run must not crawl through silence.
            self.grow(if self.cut { 1.03 } else { 1.25 });
            return;
        }
        if self.pool.asked < ENOUGH && elapsed < LONGEST {
            return;
        }
        let asked = f64::from(self.pool.asked);
        let loss = f64::from(self.pool.lost) / asked;
        let base = *self.base.get_or_insert(loss.min(0.3));
        let deviation = (base.max(0.01) * (1.0 - base) / asked).sqrt();
        let sent = (f64::from(self.sent) / elapsed.max(1e-3)).min(self.rate);
        match self.blamed.take() {
            // Slower, and as much is lost: it is the path, not the rate.
            Some((rate, then)) if loss > then * 0.5 => {
                self.base = Some(f64::midpoint(loss, then));
                self.rate = rate.min(self.cap.unwrap_or(MOST));
                self.cut = false;
                self.changed = now;
            }
            _ if loss > base + MARGIN + 2.5 * deviation => {
                self.blamed = Some((self.rate, loss));
                self.rate = (sent * (1.0 - loss) / (1.0 - base) * 0.92).max(FLOOR).min(self.rate);
                self.cut = true;
                self.changed = now;
            }
            _ => {
                // Only downwards: a base that followed loss up would follow the rate's own.
                self.base = Some(base.min(base * 0.8 + loss * 0.2));
                self.grow(if self.cut { 1.03 } else { 1.5 });
            }
        }
        self.pool = Count::default();
        self.sent = 0;
        self.judged = ended.max(self.changed);
    }

    /// Sends for each canary: many while the rate is sought, few once it is known.
    pub(crate) fn canary_every(&self) -> u32 {
        if self.cap.is_none() && !self.cut || self.rate < 1_000.0 { 10 } else { 25 }
    }

    fn grow(&mut self, by: f64) {
        self.rate = (self.rate * by).min(self.cap.unwrap_or(MOST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends through a policer of 5,000 a second for ten simulated seconds.
    fn through_a_policer(rate: u32) -> (f64, u32, u32) {
        let start = Instant::now();
        let mut pace = Pace::new(rate, start);
        let (mut asked, mut lost) = (0, 0);
        for epoch in 0..100u32 {
            let mut sent = 0u32;
            for step in 0..1_000u32 {
                let now = start + Duration::from_micros(u64::from(epoch * 1_000 + step) * 100);
                while pace.take(now) {
                    sent += 1;
                }
            }
            // Some are canaries; what is over 500 an epoch is dropped.
            let count = Count {
                asked: sent / 50 + 10,
                lost: (sent / 50 + 10) * sent.saturating_sub(500) / sent.max(1),
            };
            asked += sent;
            lost += sent.saturating_sub(500);
            let ended = start + Duration::from_millis(u64::from(epoch + 1) * 100);
            pace.judge(count, ended, ended);
        }
        (pace.rate(), asked, lost)
    }

    #[test]
    fn settles_below_a_policer() {
        let (rate, sent, lost) = through_a_policer(0);
        assert!((3_500.0..7_000.0).contains(&rate), "{rate}");
        assert!(lost * 5 < sent, "{lost} of {sent}");
        assert!(sent > 30_000, "{sent}");
    }

    #[test]
    fn never_exceeds_what_the_user_allows() {
        let (rate, sent, lost) = through_a_policer(1_000);
        assert!(rate <= 1_000.0 && sent <= 10_100 && lost == 0, "{rate} {sent} {lost}");
    }

    #[test]
    fn steady_loss_is_the_path_and_not_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(0, start);
        // The first canaries happen to be lucky; from then on every tenth is lost, with noise.
        for epoch in 1..=60u32 {
            let now = start + Duration::from_millis(u64::from(epoch) * 100);
            let lost = if epoch == 1 { 0 } else { [2, 5, 4, 1, 3][epoch as usize % 5] };
            pace.sent = 100_000;
            pace.judge(Count { asked: 30, lost }, now, now);
        }
        assert!(pace.rate() > 20_000.0, "{}", pace.rate());
    }
}
