//! Trees of values to the types of the spec.
//!
//! Everything with a wrong form was told by `structure` already: what does not read is left out
//! here without another word, so that the rest can still be judged and all errors told at once.

mod expect;
mod fact;
mod group;
mod host;
mod profile;
mod role;
mod waiver;

use super::error::{self, SpecError, shorten};
use super::node::{Key, Node, Span};
use super::scalar;
use super::suggest::nearest;
use super::{Network, Place, Spec, Unjudged};
use crate::model::{PortSpec, SourceName};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Words that cannot be names of networks or roles, because `from` gives them a meaning.
const RESERVED: [&str; 4] = ["internet", "any", "all", "self"];

/// What the lowering of every part shares.
pub(super) struct Lower<'a> {
    names: &'a [Arc<str>],
    /// Declared networks and where, from all files.
    networks: BTreeMap<&'a str, &'a Key>,
    roles: BTreeMap<&'a str, &'a Key>,
    profiles: BTreeMap<&'a str, &'a Key>,
    errors: &'a mut Vec<SpecError>,
    /// Waivers seen: rule, endpoint, source.
    waived: BTreeMap<(String, String, Option<String>), Span>,
    /// Addresses of declared hosts, each with the first host that has it.
    addresses: BTreeMap<IpAddr, (String, Span)>,
    spec: Spec,
}

/// Merges the documents of all files into one spec.
pub(super) fn lower(documents: &[Node], names: &[Arc<str>], errors: &mut Vec<SpecError>) -> Spec {
    let networks = merge(documents, "networks", "network", errors);
    let profiles = merge(documents, "profiles", "profile", errors);
    let roles = merge(documents, "roles", "role", errors);
    let dns = merge(documents, "names", "name", errors);
    let hosts = merge(documents, "hosts", "host", errors);
    let groups = merge(documents, "groups", "group", errors);
    let keys = |entries: &[(&'_ str, &'_ Key, &'_ Node)]| -> BTreeMap<String, Key> {
        entries.iter().map(|(n, k, _)| ((*n).to_owned(), (*k).clone())).collect()
    };
    let (n, r, p) = (keys(&networks), keys(&roles), keys(&profiles));
    let mut lower = Lower {
        names,
        networks: n.iter().map(|(n, k)| (n.as_str(), k)).collect(),
        roles: r.iter().map(|(n, k)| (n.as_str(), k)).collect(),
        profiles: p.iter().map(|(n, k)| (n.as_str(), k)).collect(),
        errors,
        waived: BTreeMap::new(),
        addresses: BTreeMap::new(),
        spec: Spec::default(),
    };
    lower.reserved();
    for (name, key, node) in networks {
        lower.network(name, key, node);
    }
    for (name, key, node) in profiles {
        lower.profile(name, key, node);
    }
    for (name, key, node) in roles {
        lower.role(name, key, node);
    }
    for (name, key, node) in dns {
        lower.dns_name(name, key, node);
    }
    for (name, key, node) in hosts {
        lower.host(name, key, node);
    }
    for (name, key, node) in groups {
        lower.group(name, key, node);
    }
    for document in documents {
        for node in document.get("controls").map(Node::items).unwrap_or_default() {
            lower.control(node);
        }
        for node in document.get("waivers").map(Node::items).unwrap_or_default() {
            lower.waiver(node);
        }
    }
    lower.spec.unjudged.sort();
    lower.spec
}

/// The entries of one section of all files, by name; a name that two files declare is an error
/// that shows both places.
fn merge<'a>(
    documents: &'a [Node],
    section: &str,
    what: &str,
    errors: &mut Vec<SpecError>,
) -> Vec<(&'a str, &'a Key, &'a Node)> {
    let mut seen: BTreeMap<&str, (&Key, &Node)> = BTreeMap::new();
    let sections = documents.iter().filter_map(|d| d.get(section));
    for (key, node) in sections.flat_map(Node::entries) {
        match seen.get(&*key.text) {
            Some((first, _)) => errors.push(
                SpecError::new(
                    key.span,
                    format!("the {what} `{}` is declared twice", shorten(&key.text)),
                )
                .label("again here")
                .also(first.span, "first here")
                .hint("rename one, or declare it in one file only"),
            ),
            None => {
                seen.insert(&key.text, (key, node));
            }
        }
    }
    seen.into_iter().map(|(name, (key, node))| (name, key, node)).collect()
}

impl Lower<'_> {
    fn place(&self, span: Span) -> Place {
        error::place(span, self.names)
    }

    fn not_judged(&mut self, what: String, at: Span) {
        let at = self.place(at);
        self.spec.unjudged.push(Unjudged { what, at });
    }

    /// The nearest known name; not looked for once more errors are found than will be told.
    fn near<'k>(&self, name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
        if self.errors.len() < error::MAX_TOLD { nearest(name, known) } else { None }
    }

    /// Names that would make `from` mean two things.
    fn reserved(&mut self) {
        for (name, key) in self.networks.iter().chain(&self.roles) {
            if RESERVED.contains(name) {
                self.errors.push(
                    SpecError::new(key.span, format!("cannot use `{name}` as a name"))
                        .hint("it has a meaning of its own in `from`: choose another"),
                );
            }
        }
        for (name, role) in &self.roles {
            if let Some(network) = self.networks.get(name) {
                self.errors.push(
                    SpecError::new(
                        role.span,
                        format!("`{name}` is the name of a role and of a network"),
                    )
                    .label("the role")
                    .also(network.span, "the network")
                    .hint("`from` could mean either: rename one"),
                );
            }
        }
    }

    fn network(&mut self, name: &str, key: &Key, node: &Node) {
        let blocks = blocks(node);
        let network = Network {
            name: name.into(),
            addresses: blocks.iter().copied().collect(),
            blocks,
            at: self.place(key.span),
        };
        self.spec.networks.insert(name.into(), network);
    }

    /// Every source of a `from`, in order, each once.
    fn sources(&mut self, node: Option<&Node>) -> Vec<SourceName> {
        let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
        for item in node.map(Node::items).unwrap_or_default() {
            let Some(source) = self.source(item) else { continue };
            if !seen.insert(source.clone()) {
                self.errors.push(
                    SpecError::new(item.span, format!("the source `{source}` stands twice"))
                        .hint("keep one of the two"),
                );
            } else {
                out.push(source);
            }
        }
        out
    }

    /// One source by name; an unknown one is told with what was meant.
    fn source(&mut self, node: &Node) -> Option<SourceName> {
        let name = node.text().filter(|t| super::shape::Scalar::Reference.check_text(t).is_ok())?;
        if name == "internet" {
            return Some(SourceName::Internet);
        }
        if self.networks.contains_key(name) {
            return Some(SourceName::Network(name.into()));
        }
        if self.roles.contains_key(name) {
            return Some(SourceName::Role(name.into()));
        }
        let known = ["internet"]
            .into_iter()
            .chain(self.networks.keys().copied())
            .chain(self.roles.keys().copied());
        let near = self.near(name, known);
        let error =
            SpecError::new(node.span, format!("the source `{}` is not declared", shorten(name)));
        self.errors.push(match (near, name) {
            (Some(near), _) => error.did_you_mean(Some(near)),
            (None, "any" | "all" | "everyone" | "world" | "public" | "anywhere") => {
                error.did_you_mean(Some("internet"))
            }
            (None, _) if scalar::block(name).is_ok() => {
                error.hint("give the block a name under `networks:` and use that name here")
            }
            (None, _) => error.hint("declare it under `networks:` or `roles:`, or use `internet`"),
        });
        None
    }

    /// One name that must be among the known ones.
    fn known<'k>(
        &mut self,
        node: &Node,
        what: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Option<String> {
        let name = node.text()?;
        if known.clone().any(|k| k == name) {
            return Some(name.into());
        }
        let near = self.near(name, known.clone());
        let error =
            SpecError::new(node.span, format!("the {what} `{}` is not declared", shorten(name)));
        self.errors.push(match near {
            Some(near) => error.did_you_mean(Some(near)),
            None => {
                let all: Vec<String> = known.take(8).map(|k| format!("`{k}`")).collect();
                if all.is_empty() {
                    error.hint(format!("no {what} is declared"))
                } else {
                    error.hint(format!("declared are {}", all.join(", ")))
                }
            }
        });
        None
    }
}

/// The text of a record's field.
fn text(node: &Node, field: &str) -> Option<String> {
    node.get(field).and_then(Node::text).map(str::to_owned)
}

/// The texts of a record's list.
fn texts(node: &Node, field: &str) -> Vec<String> {
    let items = node.get(field).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn number<T: std::str::FromStr>(node: &Node, field: &str) -> Option<T> {
    node.get(field).and_then(Node::text).and_then(|t| t.parse().ok())
}

fn port(node: &Node) -> Option<PortSpec> {
    node.text().and_then(|t| scalar::port(t).ok())
}

fn blocks(node: &Node) -> Vec<IpNetwork> {
    node.items().iter().filter_map(Node::text).filter_map(|t| scalar::block(t).ok()).collect()
}
