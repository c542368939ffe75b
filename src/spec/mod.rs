//! What people declared: spec files, read, merged and validated, all errors at once.
//!
//! # The format
//!
//! YAML 1.2, one document a file, UTF-8. Several files and folders are one spec: their sections
//! are merged, and a name that stands twice is an error that shows both places. Every key is
//! known; an unknown one is an error. `fixtures/specs/full.yaml` has every part of it with a word
//! on each, and `portcullis spec schema` prints the JSON Schema.
//!
//! | section | key | value |
//! |---|---|---|
//! | `version` | | `1`, in every file |
//! | `networks` | a name | address blocks, or one: `[198.51.100.0/24, "2001:db8:77::/48"]` |
//! | `profiles` | a name | `block`, `allow`: lists of ports; `via`: a proxy's name; `family`; `mtu`: a customer configuration |
//! | `roles` | a name | a role, see below |
//! | `names` | a DNS name | `role`, `chain: { resolvers, max_single_provider }` |
//! | `hosts` | a name | `addresses`, `tags`: a host that no cloud API tells about |
//! | `groups` | a group's id | `name`, `ingress`, `egress`: its declared permissions |
//! | `controls` | (a list) | `address`, `port`: an endpoint known to answer |
//! | `waivers` | (a list) | `finding`, `endpoint`, `source`, `owner`, `reason`, `until` |
//!
//! A **role** is a set of hosts and what they must, may and must never answer:
//!
//! | key | value |
//! |---|---|
//! | `select` | a selector or a list of them, of which any picks; needed |
//! | `count` | `min`, `max`: how many live hosts it must have |
//! | `services` | name to `port`, `from`, `expect`: must be reachable |
//! | `allow`, `forbid` | lists of `port`, `from`: may be, must never be reachable |
//! | `facts` | name to a constraint on what its hosts are, see below |
//! | `rollout` | when the rest may follow the first hosts to a new version, see below |
//! | `journeys` | name to `any_of` (services) and `profiles` (`all` or a list) |
//!
//! What no role declares is *absent*: answering it is a finding.
//!
//! A **selector** picks a host when every key that is set matches: `tags` (all of them, by
//! pattern), `names` (any pattern, of the id or the `Name` tag), `accounts`, `regions`, `vpcs`.
//! A pattern is literal but for `*` (any run of characters) and `?` (any one).
//!
//! A **port** is `tcp/443`, `udp/40000-49999`, `tcp/22,80-90`, `tcp` (all of them), `icmp/echo`,
//! `icmp/3/4`, `icmpv6/echo`, or a quoted IP protocol number (`"50"`). Ports go from 1 to 65535.
//!
//! A **source** (`from`) is `internet` (the public address space), a network or a role, or a list
//! of these. A block needs a name under `networks` first.
//!
//! An **expectation** (`expect`) is a word (`connect`, `path`, `stun`, `ssh`, `tls`, `http`,
//! `https`) or one of `{ tls: { names, days_left, min_version, trusted, sni } }`,
//! `{ http: { tls, path, host, status, body } }`, `{ https: ... }` and `{ banner: TEXT }`. Without
//! one, tcp expects `connect` (a handshake) and everything else `path` (the network lets it
//! through). `stun` is spoken over udp, all others over tcp.
//!
//! A **fact** is asked for by a plain value (equality), by comparisons that must all hold
//! (`">= 8u152"`, `">= 1.2, < 2"`; the signs are `=`, `!=`, `<`, `<=`, `>`, `>=`), or by a map of
//! `is` (the same), `one_of` (a list), `same_within: role` (one version on every live host) and
//! `compatible` (`[[a, b], [c]]`: all live hosts within one of the sets), of which all that stand
//! must hold. `max_age` bounds the age of a value; `order` (`semver`, `java`, `debian`, `date`,
//! `hash`, `text`) says how values are written where that cannot be told from them. A version
//! that names no build (`11.0.2`) holds for all of its builds. What has no order, such as git
//! hashes, is never less or greater: it can only be asked for by equality. `image`,
//! `instance-type`, `launch-time`, `account`, `region`, `vpc`, `generation` (the tag of that
//! name) and every `tag:KEY` are known from the snapshot and from declared hosts without any source.
//!
//! A **rollout** (`{ fact: build, first: 1, soak: 2h, min_requests: 1000 }`) judges every value of
//! `fact` by itself that more than `first` live hosts of the role (a number, or a share rounded up) are
//! on: it must be *proven*, which it is once as many as `first` of its hosts have been on it for at
//! least `soak` (by the fact `since`, `FACT_since` when absent) and carried at least `min_requests` (by
//! the fact `requests`). So the version that a role is on throughout is proven by its own hosts, and one
//! that everybody followed to at once is as much too fast as one that a few did. With `to` that value
//! alone is judged, and every other is taken for what was there before. It is a gap, and no finding,
//! where facts that decide are missing or stale; where a version soaked without its load and no host is
//! on an older one (a counter may have begun anew); and where hosts may have gone back to it from a
//! later one that was there before them.
//!
//! A **permission** of `groups` is `any`, or `port` (a port or `all`), `from` (ingress) or `to`
//! (egress), and `description`. Its peers are blocks, networks, `internet` (both families),
//! `self`, `sg-…` and `pl-…`.
//!
//! A **waiver** binds to the exact tuple that a report prints, and ends at an instant in UTC
//! (`2026-12-31T00:00:00Z`). One that has ended is a valid declaration: the audit tells it.
//!
//! Texts are taken as written: `no`, `1.10` and `0x1F` as a tag's value are these very letters.
//! IPv4-mapped IPv6 addresses and blocks with host bits set are refused with what was meant.
//! Aliases (`*name`) are read, merge keys (`<<`) are not.
//!
//! # What is not judged yet
//!
//! `names` are validated and listed in [`Spec::unjudged`];
//! reports say so in their last lines.
//!
//! # What cannot both hold
//!
//! Within a role, and between two roles of one host: a port declared or allowed for a source that
//! also is forbidden for the same source, and one port of one source with two expectations.
//! Within a role [`load`] tells it; between roles it depends on the hosts there are, so
//! the inventory's judgement does. A profile that nothing gets through, and a journey of which no
//! service gets through one of its profiles, are told by [`load`] too.
//!
//! # Limits
//!
//! [`MAX_FILE_BYTES`] a file, [`MAX_VALUES`] values of all files with aliases counted as often as
//! used, [`MAX_DEPTH`] levels, 2,000 services and lines a role. They bound memory to about 130 MB
//! whatever the files hold, and time to seconds.

pub mod config;
mod error;
mod fact;
mod format;
pub mod hosts;
mod lower;
mod model;
mod node;
mod pattern;
mod picture;
mod profile;
pub(crate) mod proxy;
mod scalar;
mod schema;
mod shape;
mod source;
mod structure;
mod suggest;
mod yaml;

pub use error::{Also, MAX_TOLD, SpecErrors, Told};
pub use fact::{Comparison, Constraint, Fact, Rollout, Share, Sign};
pub use model::{
    Control, Count, DeclaredGroup, DeclaredHost, DeclaredPermission, Journey, Name, Network,
    Pattern, Peer, Permit, Place, Role, Selector, Service, Spec, Unjudged, Waiver,
};
pub use profile::{Profile, ProxyKind};
pub(crate) use scalar::duration;
pub use source::Source;
pub use suggest::nearest;
pub use yaml::{MAX_DEPTH, MAX_FILE_BYTES, MAX_VALUES};

use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads, merges and validates spec files.
///
/// The order of `sources` does not matter for what is declared, only for which of two equal names
/// is called the second one.
///
/// # Errors
/// Everything wrong with all of the files, in their order, each with its place, a picture of the
/// line and what to do.
pub fn load(sources: &[Source]) -> Result<Spec, SpecErrors> {
    let names = names(sources);
    let mut errors = Vec::new();
    let mut budget = MAX_VALUES;
    let mut documents = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let file = u32::try_from(i).unwrap_or(u32::MAX);
        if let Some(node) = yaml::read(file, &source.bytes, &mut budget, &mut errors) {
            structure::check(&node, &shape::Shape::Record(&format::SPEC), &mut errors);
            documents.push(node);
        }
    }
    let spec = lower::lower(&documents, &names, &mut errors);
    if errors.is_empty() { Ok(spec) } else { Err(SpecErrors::new(errors, sources, &names)) }
}

impl Spec {
    /// Every fact that a constraint or a rollout of some role asks for.
    #[must_use]
    pub fn fact_names(&self) -> BTreeSet<String> {
        let roles = self.roles.values();
        let of_rollout = |r: &Rollout| [r.fact.clone(), r.since.clone(), r.requests.clone()];
        roles
            .flat_map(|role| {
                let rollout = role.rollout.iter().flat_map(of_rollout);
                role.facts.iter().map(|f| f.name.clone()).chain(rollout)
            })
            .collect()
    }
}

/// The JSON Schema (draft 2020-12) of a spec file.
///
/// It is made from the tables that the decoder itself reads by, and tells what can be told without
/// looking at two places at once: references, ranges and repeated names are left to [`load`].
#[must_use]
pub fn schema() -> serde_json::Value {
    schema::document(&format::SPEC, "Portcullis spec")
}

fn names(sources: &[Source]) -> Vec<Arc<str>> {
    sources.iter().map(|s| Arc::from(s.name.as_str())).collect()
}

#[cfg(test)]
mod tests;
