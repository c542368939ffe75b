use serde::Serialize;
use serde_json::Value;

/// A value as canonical JSON: keys in the order of their bytes, no spaces, numbers that are whole,
/// strings escaped only where JSON demands it, one line break at the end.
///
/// Equal values give equal bytes, whatever wrote them and in which order.
///
/// # Errors
/// What has no JSON, and numbers with a fraction, which have no one spelling.
pub fn canonical(value: &impl Serialize) -> Result<Vec<u8>, String> {
    let value = serde_json::to_value(value).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    out.push(b'\n');
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            // The map's own order depends on features of the library that others may switch on.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            out.push(b'{');
            for (n, (key, value)) in entries.into_iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                leaf(key, out)?;
                out.push(b':');
                write(value, out)?;
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Number(number) if number.is_f64() => {
            return Err(format!("{number} has a fraction"));
        }
        other => leaf(other, out)?,
    }
    Ok(())
}

fn leaf(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), String> {
    serde_json::to_writer(out, value).map_err(|e| e.to_string())
}
