use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads one row; `id` names the field that must be there.
///
/// # Errors
/// What is malformed, in words.
pub(super) fn row<T: DeserializeOwned>(mut value: Value, id: &str) -> Result<T, String> {
    clean(&mut value);
    let name =
        text(&value, id).filter(|t| !t.is_empty()).ok_or_else(|| format!("a row has no {id}"))?;
    serde_json::from_value(value).map_err(|e| format!("{name}: {e}"))
}

/// A string field.
pub(super) fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field)?.as_str().map(Into::into)
}

/// A list field, moved out; empty when it is absent.
pub(super) fn take_list(value: &mut Value, field: &str) -> Vec<Value> {
    match value.get_mut(field).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

/// `[{Key, Value}]` as a map.
pub(super) fn attributes(list: &[Value]) -> std::collections::BTreeMap<String, String> {
    list.iter()
        .filter_map(|a| Some((text(a, "Key")?, text(a, "Value").unwrap_or_default())))
        .collect()
}

/// Removes nulls and empty texts, which stand for nothing, and turns lists of one-field objects into lists of that field where the
/// snapshot keeps only the field.
fn clean(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(fields) => {
            fields.retain(|_, v| !v.is_null() && v.as_str() != Some(""));
            for (list, field) in [
                ("PropagatingVgws", "GatewayId"),
                ("Ipv4Prefixes", "Ipv4Prefix"),
                ("Ipv6Prefixes", "Ipv6Prefix"),
            ] {
                flatten(fields, list, field);
            }
            fields.values_mut().for_each(clean);
        }
        _ => {}
    }
}

fn flatten(fields: &mut Map<String, Value>, list: &str, field: &str) {
    if let Some(Value::Array(items)) = fields.get_mut(list) {
        for item in items {
            if let Some(inner) = item.get_mut(field).map(Value::take) {
                *item = inner;
            }
        }
    }
}
