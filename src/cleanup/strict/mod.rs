//! JSON in the one reading that everybody shares.
//!
//! Two readers of the same bytes must see the same plan. So whatever JSON leaves open is refused:
//! keys that stand twice (one reader keeps the first, another the last), numbers that some readers
//! round, characters that hide or reorder what is shown, and whatever follows the value.

mod scan;
#[cfg(test)]
mod tests;
mod text;

use super::{Reason, Refusal};
use crate::model::is_hidden;
use serde::de::DeserializeOwned;

pub use text::visible;

/// Deepest nesting: a plan needs eight levels.
pub const MAX_DEPTH: usize = 32;
/// Most bytes of one file: a plan of 1,000 items is about 1 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The greatest number that every reader keeps exactly, 2^53 - 1.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Reads one strict value as a type. Unknown fields are refused where the type refuses them, as all
/// of cleanup's do.
///
/// # Errors
/// [`Reason::NonStrictJson`], with line and column.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    check(bytes)?;
    serde_json::from_slice(bytes).map_err(|e| {
        // The library quotes what it found: these may be characters of somebody's choice.
        refuse(e.to_string().chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect())
    })
}

/// Reads one strict value that names its own schema, as `of` tells it.
///
/// # Errors
/// In words: what is no strict value of the type, and another schema.
pub(super) fn paper<T: DeserializeOwned>(
    bytes: &[u8],
    schema: &str,
    of: impl Fn(&T) -> &str,
) -> Result<T, String> {
    let paper: T = read(bytes).map_err(|e| e.says)?;
    match of(&paper) {
        found if found == schema => Ok(paper),
        found => Err(format!("the paper has the schema {found:?}")),
    }
}

/// Whether bytes are one strict value, whatever its type.
///
/// # Errors
/// [`Reason::NonStrictJson`], with line and column.
pub fn check(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(refuse(format!("it is longer than {MAX_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|e| refuse(format!("byte {} is not UTF-8", e.valid_up_to())))?;
    scan::document(text).map_err(|(at, why)| {
        let before = &text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        refuse(format!("line {line}, column {column}: {why}"))
    })
}

fn refuse(why: String) -> Refusal {
    Refusal::new(Reason::NonStrictJson, why)
}
