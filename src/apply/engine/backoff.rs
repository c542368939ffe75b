use std::time::Duration;

/// The first wait after an answer that it was too often, and the longest one.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait after so many tries: doubled each time, at least what the world asked for, up to
/// a ceiling.
pub(super) fn backoff(tries: u32, asked_for: Option<Duration>) -> Duration {
    let doubled = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16));
    asked_for.unwrap_or_default().max(doubled).min(LONGEST)
}
