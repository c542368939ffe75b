//! JSON whose numbers are kept as they are written, `1.10` is a version and not `1.1`, and in which
//! nothing stands twice.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Reads a document; a number that would be written otherwise again is its text.
///
/// # Errors
/// What is no JSON, a key that an object has twice, which of them is meant nobody can tell, and where.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut value = Once.deserialize(&mut reader)?;
    reader.end()?;
    if has_fraction(&value) {
        restore(serde_json::from_slice::<&RawValue>(bytes)?, &mut value)?;
    }
    Ok(value)
}

/// Reads a value whose objects have each key once.
#[derive(Clone, Copy)]
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_f64<E>(self, it: f64) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_string<E>(self, it: String) -> Result<Value, E> {
        Ok(it.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if out.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` stands twice in one object")));
            }
            let value = map.next_value_seed(self)?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
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
