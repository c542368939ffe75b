//! Times on the command line: one way to write them, each flag with its own bounds.

use jiff::{SignedDuration, Timestamp};
use std::ops::RangeInclusive;

/// A minute in seconds, and so on: what bounds are written in.
pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 24 * HOUR;
/// Longer than anything is kept or counts.
pub(super) const YEARS: u64 = 10_000 * DAY;

/// Reads `90s`, `15m`, `1h` or `7d`, as in specs; `bounds` in seconds.
///
/// # Errors
/// Anything else, and what lies outside the bounds, with what would be right.
pub(super) fn within<T: TryFrom<SignedDuration>>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let time = crate::spec::duration(text)
            .filter(|t| u64::try_from(t.as_secs()).is_ok_and(|s| bounds.contains(&s)));
        time.and_then(|t| T::try_from(t).ok()).ok_or_else(|| {
            let (least, most) = (said(*bounds.start()), said(*bounds.end()));
            format!("write a time from {least} to {most}, such as 90s, 15m, 1h or 7d")
        })
    }
}

/// Reads an instant with its zone.
///
/// # Errors
/// Anything else, with what would be right.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write an instant in UTC, such as 2026-12-31T00:00:00Z".to_owned())
}

/// Seconds in the largest unit that they are whole in.
fn said(seconds: u64) -> String {
    let units = [(DAY, 'd'), (HOUR, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(each, _)| seconds > 0 && seconds.is_multiple_of(*each));
    unit.map_or_else(|| format!("{seconds}s"), |(each, unit)| format!("{}{unit}", seconds / each))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_read_as_people_write_them_and_within_bounds() {
        let time = within::<Duration>(1..=DAY);
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h", 3600), ("24h", DAY), ("1d", DAY)]
        {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        let wrong = ["0s", "0", "5", "25h", "2d", "", "m", "-1s", "1ms", "9999999999999999999h"];
        for text in wrong {
            let said = time(text).expect_err(text);
            assert!(said.contains("from 1s to 1d"), "{said}");
        }
        let long = within::<SignedDuration>(60..=YEARS);
        assert_eq!(long("400d"), Ok(SignedDuration::from_hours(9600)));
        assert!(long("59s").is_err_and(|said| said.contains("from 1m to 10000d")));
    }
}
