use super::{field, text};
use crate::spec::error::SpecError;
use crate::spec::node::{Node, Span};
use crate::spec::shape::{Least, Record, Scalar, Shape};
use crate::spec::{Place, scalar};
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// One source of facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactSource {
    pub from: FactFrom,
    /// What reports call it, where the file says.
    pub name: Option<String>,
    /// The fact's name to the name that the source has for it.
    pub rename: BTreeMap<String, String>,
    pub at: Place,
}

/// What kind of source it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactFrom {
    /// A file or folder, relative to the configuration.
    File(String),
    /// A program and its arguments, run without a shell in the configuration's folder, that prints JSON.
    Command { argv: Vec<String>, timeout: SignedDuration },
    /// Types of AWS Systems Manager's inventory: `AWS:Application`, `Custom:Build`.
    Ssm(Vec<String>),
}

/// How long a command that prints facts may take, where the configuration does not say: as long as a
/// person waits for an inventory before wondering.
const FACT_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

pub(super) static FACTS: Record = Record {
    what: "a source of facts",
    least: Least::One,
    fields: &[
        field(
            "file",
            Shape::Scalar(Scalar::Text),
            "A file or folder, relative to this file: JSON, NDJSON, Ansible facts, osquery results.",
        ),
        field(
            "command",
            Shape::List(&Shape::Scalar(Scalar::Word)),
            "A program that prints JSON and its arguments; no shell reads them.",
        ),
        field(
            "timeout",
            Shape::Scalar(Scalar::Duration),
            "How long a command may take; 30s when absent.",
        ),
        field(
            "ssm",
            Shape::OneOrMany(&Shape::Scalar(Scalar::Text)),
            "Types of AWS Systems Manager's inventory: `AWS:Application`, `Custom:Build`.",
        ),
        field("name", Shape::Scalar(Scalar::Text), "What reports call it."),
        field(
            "rename",
            Shape::Map { key: Scalar::FactName, value: &Shape::Scalar(Scalar::Text) },
            "Names of facts, each with the name that the source has for it.",
        ),
    ],
};

pub(super) fn facts(
    node: &Node,
    at: &impl Fn(Span) -> Place,
    errors: &mut Vec<SpecError>,
) -> Vec<FactSource> {
    let mut out = Vec::new();
    for item in node.get("facts").map(Node::items).unwrap_or_default() {
        let list = |field: &str| -> Vec<String> {
            let items = item.get(field).map(Node::items).unwrap_or_default();
            items.iter().filter_map(Node::text).map(str::to_owned).collect()
        };
        let kinds: Vec<&str> =
            ["file", "command", "ssm"].into_iter().filter(|k| item.get(k).is_some()).collect();
        let error = |message: &str| SpecError::new(item.span, message);
        let from = match kinds[..] {
            ["file"] => text(item, "file").map(FactFrom::File),
            ["command"] if list("command").is_empty() => {
                errors.push(
                    error("the command of a source of facts is empty")
                        .hint("list the program and its arguments: [./inventory, --json]"),
                );
                None
            }
            ["command"] => Some(FactFrom::Command {
                argv: list("command"),
                timeout: text(item, "timeout")
                    .and_then(|t| scalar::duration(&t))
                    .unwrap_or(FACT_TIMEOUT),
            }),
            ["ssm"] => Some(FactFrom::Ssm(list("ssm"))),
            // What is misspelt or no map was told by itself.
            _ if !item
                .entries()
                .iter()
                .any(|(k, _)| FACTS.fields.iter().any(|f| f.name == &*k.text)) =>
            {
                None
            }
            _ => {
                errors.push(
                    error("a source of facts is exactly one of `file`, `command` and `ssm`")
                        .hint("give each source an item of its own"),
                );
                None
            }
        };
        if let Some(timeout) = item.get("timeout").filter(|_| kinds == ["file"] || kinds == ["ssm"])
        {
            errors.push(
                SpecError::new(timeout.span, "only a command has a `timeout`").hint("leave it out"),
            );
        }
        let rename = item.get("rename").map(Node::entries).unwrap_or_default();
        out.extend(from.map(|from| {
            FactSource {
                from,
                name: text(item, "name"),
                rename: rename
                    .iter()
                    .filter_map(|(k, v)| Some((k.text.to_string(), v.text()?.to_owned())))
                    .collect(),
                at: at(item.span),
            }
        }));
    }
    out
}
