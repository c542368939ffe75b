use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The shape of a record: eight hex digits over its keys and JSON types, not its values.
///
/// Records of one shape were read by one reading of them. A record whose list moved to another key
/// has another shape, and so has one whose list holds objects where it held strings.
#[must_use]
pub fn shape(record: &Value) -> String {
    let mut text = String::new();
    write(record, &mut text);
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push('0'),
        Value::Bool(_) => out.push('b'),
        Value::Number(_) => out.push('n'),
        Value::String(_) => out.push('s'),
        Value::Array(list) => {
            let mut kinds: Vec<String> = list
                .iter()
                .map(|v| {
                    let mut text = String::new();
                    write(v, &mut text);
                    text
                })
                .collect();
            kinds.sort();
            kinds.dedup();
            out.push('[');
            out.push_str(&kinds.join(","));
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            out.push('{');
            for key in keys {
                // Quoted, so that no key can look like two.
                out.push_str(&format!("{key:?}:"));
                write(&map[key.as_str()], out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_shape_is_of_keys_and_types() {
        let host = json!({"host": "h1", "servos": ["a", "b"], "n": 2});
        assert_eq!(shape(&host), shape(&json!({"n": 7, "servos": ["c"], "host": "h2"})));
        for other in [
            json!({"host": "h1", "containers": ["a"], "n": 2}),
            json!({"host": "h1", "servos": [{"id": "a"}], "n": 2}),
            json!({"host": "h1", "servos": [], "n": 2}),
            json!({"host": "h1", "servos": ["a"], "n": null}),
            json!({"host": "h1", "servos": ["a"], "n": "2"}),
            json!({"host": "h1", "servos": ["a"], "n": 2, "x": 1}),
            json!({"host\":s,\"servos": ["a"], "n": 2}),
            json!(null),
        ] {
            assert_ne!(shape(&host), shape(&other), "{other}");
        }
    }
}
