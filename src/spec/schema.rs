//! The JSON Schema of the format, from the same tables that the decoder uses.

use super::shape::{Least, Record, Scalar, Shape};
use serde_json::{Map, Value, json};

/// The schema (draft 2020-12) of one record as a whole document.
pub(super) fn document(record: &Record, title: &str) -> Value {
    let mut out = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
    });
    if let (Value::Object(out), Value::Object(body)) = (&mut out, of_record(record)) {
        out.extend(body);
    }
    out
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Scalar(scalar) => of_scalar(*scalar),
        Shape::List(item) => json!({ "type": "array", "items": of(item) }),
        Shape::OneOrMany(item) => json!({
            "anyOf": [of(item), { "type": "array", "minItems": 1, "items": of(item) }]
        }),
        Shape::Map { key, value } => json!({
            "type": ["object", "null"],
            "propertyNames": key_of(*key),
            "additionalProperties": of(value),
        }),
        Shape::Record(record) => of_record(record),
        Shape::Either(scalar, other) => json!({ "anyOf": [of_scalar(*scalar), of(other)] }),
    }
}

fn of_record(record: &Record) -> Value {
    let mut properties = Map::new();
    for field in record.fields {
        let mut value = of(&field.shape);
        if let Value::Object(value) = &mut value {
            value.insert("description".into(), field.doc.into());
        }
        properties.insert(field.name.into(), value);
    }
    let required: Vec<&str> = record.fields.iter().filter(|f| f.required).map(|f| f.name).collect();
    let kind = if required.is_empty() && record.least == Least::Required {
        json!(["object", "null"])
    } else {
        json!("object")
    };
    let mut out = json!({
        "type": kind,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        out["required"] = json!(required);
    }
    match record.least {
        Least::Required => {}
        Least::One => out["minProperties"] = json!(1),
        Least::ExactlyOne => {
            out["minProperties"] = json!(1);
            out["maxProperties"] = json!(1);
        }
    }
    out
}

/// The schema of a map's key: keys are always text.
fn key_of(scalar: Scalar) -> Value {
    match scalar {
        Scalar::Word => json!({ "minLength": 1 }),
        other => of_scalar(other),
    }
}

const NUMBER_OF_PORT: &str =
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";

/// Ports as a pattern: their numbers are bounded, their order in a range is not expressible.
fn port_pattern() -> String {
    let range = format!("{NUMBER_OF_PORT}(-{NUMBER_OF_PORT})?");
    let icmp = "(echo|all|[0-9]{1,3}(-[0-9]{1,3}|/[0-9]{1,3}(-[0-9]{1,3})?)?)";
    format!(
        "^([Tt][Cc][Pp]|[Uu][Dd][Pp])(/{range}(,{range})*)?$\
         |^[Ii][Cc][Mm][Pp]([Vv]?6)?(/{icmp}(,{icmp})*)?$\
         |^[0-9]{{1,3}}$"
    )
}

/// A letter of a name: of ASCII letters, digits and `._-`, and whatever lies beyond. `\p{L}` would be
/// narrower, and many validators (Python's) cannot read it.
const NAME: &str = "[^\\x00-\\x2c/\\x3a-@\\x5b-\\x5e`\\x7b-\\x9f]";

fn of_scalar(scalar: Scalar) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match scalar {
        Scalar::Text => json!({ "type": "string", "minLength": 1, "pattern": "\\S" }),
        Scalar::Word => json!({
            "type": ["string", "number", "boolean"], "minLength": 1, "pattern": "\\S"
        }),
        Scalar::Name | Scalar::Reference => json!({
            "type": "string", "pattern": format!("^{NAME}+$"), "maxLength": 128
        }),
        Scalar::FactName => json!({
            "type": "string", "pattern": format!("^(tag:.*\\S.*|{NAME}{{1,128}})$")
        }),
        Scalar::Share => json!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 1_000_000 },
                { "type": "string", "pattern": "^([1-9][0-9]{0,5}|1000000|[1-9][0-9]?%|100%)$" },
            ]
        }),
        Scalar::DnsName => text(
            "^(\\*\\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.?$",
        ),
        Scalar::Port => text(&port_pattern()),
        Scalar::PortOrAll => text(&format!("^all$|{}", port_pattern())),
        Scalar::PortOrMany => text(&format!("^(all|other)$|{}", port_pattern())),
        Scalar::Block => json!({
            "type": "string",
            "pattern": "^(([0-9]{1,3}\\.){3}[0-9]{1,3}(/([0-9]|[12][0-9]|3[0-2]))?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/([0-9]{1,2}|1[01][0-9]|12[0-8]))?)$",
            "not": { "pattern": "^::[Ff]{4}:[0-9.]+" },
            "examples": ["198.51.100.0/24", "2001:db8::/32"],
        }),
        Scalar::Address => json!({
            "type": "string",
            "pattern": "^(([0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$",
            "not": { "pattern": "^::[Ff]{4}:[0-9.]+" },
        }),
        Scalar::Peer => json!({ "type": "string", "minLength": 1, "pattern": "\\S" }),
        Scalar::Instant => json!({
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}",
            "examples": ["2026-12-31T00:00:00Z"],
        }),
        Scalar::Duration => text("^[1-9][0-9]{0,6}(ms|s|m|h|d)$"),
        Scalar::Number(low, high) if low == high => json!({ "const": low }),
        Scalar::Number(low, high) => {
            json!({ "type": "integer", "minimum": low, "maximum": high })
        }
        Scalar::Bool => json!({ "type": "boolean" }),
        Scalar::GroupId => text("^sg-.+$"),
        Scalar::Account => json!({
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]{12}$" },
                { "type": "integer", "minimum": 100_000_000_000u64, "maximum": 999_999_999_999u64 },
            ]
        }),
        Scalar::RoleArn => text("^arn:.*:role/.+$"),
        Scalar::HostPort => text("^.+:[1-9][0-9]{0,4}$"),
        Scalar::Choice(words) => json!({ "enum": words }),
    }
}
