//! JSON whose numbers are kept as they are written: `1.10` is a version, and not `1.1`.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Reads a document; a number that would be written otherwise again is its text.
///
/// # Errors
/// What is no JSON, and where.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Value> {
    let mut value: Value = serde_json::from_slice(bytes)?;
    if has_fraction(&value) {
        restore(serde_json::from_slice::<&RawValue>(bytes)?, &mut value)?;
    }
    Ok(value)
}

/// Whether anything in it was read as a fraction: whole numbers that fit are written as they were.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(map) => map.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Puts the texts of fractions back. No deeper than the value is, which the reader has bounded.
fn restore(raw: &RawValue, value: &mut Value) -> serde_json::Result<()> {
    match value {
        Value::Number(number) if number.to_string() != raw.get() => {
            *value = Value::String(raw.get().into());
        }
        Value::Array(items) => {
            let raws: Vec<&RawValue> = serde_json::from_str(raw.get())?;
            for (raw, item) in raws.into_iter().zip(items).filter(|(_, i)| has_fraction(i)) {
                restore(raw, item)?;
            }
        }
        Value::Object(map) => {
            // Of a key that stands twice the last counts, in both.
            let raws: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get())?;
            for (key, item) in map.iter_mut().filter(|(_, i)| has_fraction(i)) {
                if let Some(raw) = raws.get(key) {
                    restore(raw, item)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
