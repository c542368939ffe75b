//! Holds a tree of values against the format's tables and tells everything that does not fit.

use super::error::{MAX_TOLD, SpecError, shorten};
use super::node::{Key, Kind, Node};
use super::scalar::one_of;
use super::shape::{Least, Record, Shape};
use super::suggest::nearest;

/// Tells all that is wrong with the form of `node`.
pub(super) fn check(node: &Node, shape: &Shape, errors: &mut Vec<SpecError>) {
    match shape {
        Shape::Scalar(scalar) => {
            if let Err(wrong) = scalar.check(node) {
                let mut error = SpecError::new(node.span, wrong.message);
                error.hint = wrong.hint;
                errors.push(error);
            }
        }
        Shape::List(item) => match &node.kind {
            Kind::List(items) => items.iter().for_each(|n| check(n, item, errors)),
            _ => errors.push(unlike(node, "a list").hint(
                if matches!(node.kind, Kind::Scalar { .. }) {
                    "write it as `[…]`, or each item on a line of its own after `- `"
                } else {
                    "begin each item with `- `"
                },
            )),
        },
        Shape::OneOrMany(item) => match &node.kind {
            Kind::List(items) if items.is_empty() => {
                errors.push(SpecError::new(node.span, "cannot use an empty list here"));
            }
            Kind::List(items) => items.iter().for_each(|n| check(n, item, errors)),
            _ => check(node, item, errors),
        },
        Shape::Map { key, value } => match &node.kind {
            Kind::Map(entries) => {
                for (k, v) in entries {
                    if let Err(wrong) = key.check_text(&k.text) {
                        let mut error = SpecError::new(k.span, wrong.message);
                        error.hint = wrong.hint;
                        errors.push(error);
                    }
                    check(v, value, errors);
                }
            }
            // A heading with nothing under it declares nothing.
            _ if node.is_null() => {}
            _ => errors.push(unlike(node, "a map of names")),
        },
        Shape::Record(record) => record_of(node, record, errors),
        Shape::Either(scalar, other) => match &node.kind {
            Kind::Scalar { .. } => check(node, &Shape::Scalar(*scalar), errors),
            _ => check(node, other, errors),
        },
    }
}

fn unlike(node: &Node, expected: &str) -> SpecError {
    SpecError::new(node.span, format!("expected {expected}, found {}", node.found()))
}

fn record_of(node: &Node, record: &Record, errors: &mut Vec<SpecError>) {
    let entries = match &node.kind {
        Kind::Map(entries) => entries.as_slice(),
        _ if node.is_null() && record.fields.iter().all(|f| !f.required) => &[],
        _ => {
            let keys: Vec<&str> = record.fields.iter().map(|f| f.name).collect();
            errors.push(
                unlike(node, &format!("{} (a map)", record.what))
                    .hint(format!("its keys are {}", list(&keys))),
            );
            return;
        }
    };
    for (key, value) in entries {
        match record.fields.iter().find(|f| f.name == &*key.text) {
            Some(field) => check(value, &field.shape, errors),
            // Looking for what was meant takes time that only errors which are told deserve.
            None if errors.len() >= MAX_TOLD => {
                errors.push(SpecError::new(key.span, "unknown key"));
            }
            None => errors.push(unknown(key, record, entries)),
        }
    }
    for field in record.fields.iter().filter(|f| f.required && node.get(f.name).is_none()) {
        // A key that is told to be this one misspelt is not missing as well.
        let misspelt = |key: &str| {
            record.fields.iter().all(|f| f.name != key) && nearest(key, [field.name]).is_some()
        };
        if entries.len() <= MAX_TOLD && entries.iter().any(|(k, _)| misspelt(&k.text)) {
            continue;
        }
        errors.push(
            SpecError::new(node.span, format!("{} has no `{}`", record.what, field.name))
                .hint(format!("add `{}:` ({})", field.name, field.doc.trim_end_matches('.'))),
        );
    }
    let known: Vec<&(Key, Node)> =
        entries.iter().filter(|(k, _)| record.fields.iter().any(|f| f.name == &*k.text)).collect();
    let keys: Vec<&str> = record.fields.iter().map(|f| f.name).collect();
    match (record.least, known.len()) {
        (Least::One | Least::ExactlyOne, 0) if entries.is_empty() => errors.push(
            SpecError::new(node.span, format!("{} cannot be empty", record.what))
                .hint(format!("give {}", one_of(&keys))),
        ),
        (Least::ExactlyOne, n) if n > 1 => errors.push(
            SpecError::new(known[1].0.span, format!("{} takes one of its keys only", record.what))
                .label("one too many")
                .also(known[0].0.span, "the first one")
                .hint(format!("keep {}", one_of(&keys))),
        ),
        _ => {}
    }
}

fn unknown(key: &Key, record: &Record, entries: &[(Key, Node)]) -> SpecError {
    let keys: Vec<&str> = record.fields.iter().map(|f| f.name).collect();
    // A key that stands already is not what was meant.
    let free = keys.iter().copied().filter(|k| !entries.iter().any(|(e, _)| &*e.text == *k));
    let error =
        SpecError::new(key.span, format!("{} has no key `{}`", record.what, shorten(&key.text)))
            .label("unknown key");
    match nearest(&key.text, free) {
        Some(near) => error.did_you_mean(Some(near)),
        None => error.hint(format!("its keys are {}", list(&keys))),
    }
}

/// "`a`, `b`, `c`".
fn list(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}
