use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Requests that may go out at once after a pause: about one for each operation of EC2, whose
/// buckets hold 50 to 100 for each, so that none is emptied that an autoscaler needs too.
const BURST: f64 = 30.0;

/// Bounds the requests of one account, region and service: `rate` a second after a burst of [`BURST`].
///
/// Every attempt counts, retries too. It only ever waits; it never refuses.
#[derive(Debug)]
pub(super) struct Pace {
    /// Requests per second; 0 is unlimited.
    rate: f64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Below zero when requests are waiting.
    tokens: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, bucket: Mutex::new(Bucket { tokens: BURST, at: Instant::now() }) }
    }

    /// Waits for the next free place.
    pub(super) async fn turn(&self) {
        let wait = self.book(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes the next place, and says how long until it.
    fn book(&self, now: Instant) -> Duration {
        if self.rate <= 0.0 {
            return Duration::ZERO;
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + gone * self.rate).min(BURST) - 1.0;
        bucket.at = now;
        Duration::from_secs_f64((-bucket.tokens / self.rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_burst_each_request_waits_its_turn() {
        let pace = Pace::new(5.0);
        let now = Instant::now();
        let waits: Vec<Duration> = (0..35).map(|_| pace.book(now)).collect();
        assert!(waits[..30].iter().all(Duration::is_zero));
        assert_eq!(waits[30].as_millis(), 200);
        assert_eq!(waits[34].as_millis(), 1000);
        // Two seconds later five requests are paid off and five places are free.
        assert!(pace.book(now + Duration::from_secs(2)).is_zero());
    }

    #[test]
    fn zero_is_unlimited() {
        let pace = Pace::new(0.0);
        let now = Instant::now();
        assert!((0..1000).all(|_| pace.book(now).is_zero()));
    }
}
