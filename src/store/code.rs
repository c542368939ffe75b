//! Values of ours as the database has them.

use crate::history::{Scope, Standing};
use crate::model::{Confidence, GapKind, Severity};
use jiff::Timestamp;
use rusqlite::types::Type;

/// A column that does not hold what we write there.
fn unknown(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.to_owned().into())
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn time(column: usize, micros: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| unknown(column, "a time out of range"))
}

pub(super) fn severity(column: usize, code: u8) -> rusqlite::Result<Severity> {
    let found = Severity::ALL.into_iter().find(|s| *s as u8 == code);
    found.ok_or_else(|| unknown(column, "an unknown severity"))
}

pub(super) fn confidence(column: usize, code: u8) -> rusqlite::Result<Confidence> {
    let all = [Confidence::Low, Confidence::Medium, Confidence::High];
    let found = all.into_iter().find(|c| *c as u8 == code);
    found.ok_or_else(|| unknown(column, "an unknown confidence"))
}

pub(super) fn standing(column: usize, code: u8) -> rusqlite::Result<Standing> {
    let found = Standing::ALL.into_iter().find(|s| *s as u8 == code);
    found.ok_or_else(|| unknown(column, "an unknown standing"))
}

pub(super) fn gap_kind(column: usize, name: &str) -> rusqlite::Result<GapKind> {
    GapKind::from_name(name).ok_or_else(|| unknown(column, "an unknown kind of gap"))
}

/// One text for equal scopes: its sets are sorted, and its fields stand in one order.
pub(super) fn scope_text(scope: &Scope) -> String {
    serde_json::to_string(scope).unwrap_or_default()
}

pub(super) fn scope(column: usize, text: &str) -> rusqlite::Result<Scope> {
    serde_json::from_str(text).map_err(|_| unknown(column, "an unknown scope"))
}

pub(super) fn fingerprint(
    column: usize,
    bytes: &[u8],
) -> rusqlite::Result<crate::history::Fingerprint> {
    let bytes = bytes.try_into().map_err(|_| unknown(column, "a fingerprint that is none"))?;
    Ok(crate::history::Fingerprint(bytes))
}

/// The places at which a finding was resolved or came back, as one text.
pub(super) fn turns_text(turns: &[u64]) -> Option<String> {
    let text: Vec<String> = turns.iter().map(u64::to_string).collect();
    (!text.is_empty()).then(|| text.join(","))
}

pub(super) fn turns(column: usize, text: Option<&str>) -> rusqlite::Result<Vec<u64>> {
    let parts = text.into_iter().flat_map(|t| t.split(','));
    parts.map(|p| p.parse().map_err(|_| unknown(column, "an unknown turn"))).collect()
}
