use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ`. OpenSSH takes a time without the `Z` in
/// the zone of the machine that judges, so that one key would expire at two times: it is refused.
pub(super) fn read(text: &str) -> Result<Timestamp, String> {
    let Some(digits) = text.strip_suffix(['Z', 'z']) else {
        return Err(format!(
            "{text:?} is in the zone of whoever reads it: write it in UTC, as {text}Z"
        ));
    };
    let shape = || format!("{text:?} is no time such as 20261231Z or 20261231235959Z");
    if !digits.bytes().all(|b| b.is_ascii_digit()) || ![8, 12, 14].contains(&digits.len()) {
        return Err(shape());
    }
    let number = |from: usize, to: usize| -> i16 {
        digits.get(from..to).and_then(|d| d.parse().ok()).unwrap_or(0)
    };
    let small = |from: usize, to: usize| i8::try_from(number(from, to)).unwrap_or(i8::MAX);
    DateTime::new(
        number(0, 4),
        small(4, 6),
        small(6, 8),
        small(8, 10),
        small(10, 12),
        small(12, 14),
        0,
    )
    .and_then(|at| at.to_zoned(TimeZone::UTC))
    .map(|at| at.timestamp())
    .map_err(|_| shape())
}
