//! `portcullis.yaml`: accounts, regions, scope, limits and vantages.
//!
//! It is a file of its own because it says what may be read and probed: CI pins it outside the
//! branch under review, so that a change of the spec can widen neither.
//!
//! Each concept has a file with its type, its table and its reading.
//!
//! Every key may be left out:
//!
//! ```yaml
//! accounts:                 # read side by side; without any, the caller's own
//!   - { id: "123456789012", role_arn: "arn:aws:iam::123456789012:role/audit", external_id: x, name: prod }
//!   - { id: "210987654321", profile: staging }
//! regions: [us-west-1, eu-central-1]
//! scope: [203.0.113.0/24]   # may be probed beyond what the snapshot says is ours
//! limits:
//!   snapshot_max_age: 1h    # an older snapshot directs no probes; ms, s, m, h, d
//!   rate: 200               # probe packets a second; 0 is unlimited
//!   in_flight: 1000
//!   deadline: 10m
//!   samples: 16             # ports of a declared range that are probed
//!   collect_rate: 10        # API calls a second for each account, region and service
//!   collect_concurrency: 8
//!   fact_max_age: 24h       # a fact gathered longer ago counts for nothing
//! vantages:
//!   local: { address: 198.51.100.9, address_v6: "2001:db8::9", reflect: "stun.example.org:3478" }
//!   office: { via: [ssh, office-box, portcullis, probe, --survey, "-"], timeout: 2m, required: true }
//! facts:                    # where facts of hosts come from, beside `--facts`
//!   - { file: facts.json }  # or a folder; JSON, NDJSON, Ansible facts, osquery results
//!   - { command: [./inventory, --json], timeout: 30s, name: cmdb, rename: { jdk: java.version } }
//!   - { ssm: ["AWS:Application", "Custom:Build"] }   # types of Systems Manager's inventory
//! proxies:                  # what `via:` of a profile may go through
//!   http-connect: "proxy.example:3128"
//!   branch: { listens: "socks.example:1080", kind: socks5, address: 198.51.100.7, login_env: BRANCH_LOGIN }
//! rules: [rules]            # folders of more rules, relative to this file
//! fail_on: high
//! auditor: { key: auditor_ed25519 }   # asks `portcullis listen`; relative to this file, mode 600
//! lifecycle: { profile: rollout, asg: video, hook: gate }   # what `gate` continues on PASS
//! history: { file: .portcullis/history.db, keep: 400d, max_runs: 5000 }   # or { off: true }
//! ```

mod account;
mod facts;
mod history;
mod lifecycle;
mod limits;
#[cfg(test)]
mod tests;
mod vantage;

pub use super::proxy::{Login, Proxy};
pub use account::Account;
pub use facts::{FactFrom, FactSource};
pub use history::History;
pub use lifecycle::Lifecycle;
pub use limits::Limits;
pub use vantage::{HERE, Vantage};

use super::error::{SpecError, SpecErrors, place};
use super::node::{Node, Span};
use super::shape::{Field, Least, Record, Scalar, Shape};
use super::{Place, Source, names, proxy, scalar, structure, yaml};
use crate::model::{AddressSet, Severity};
use ipnetwork::IpNetwork;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What one installation reads and may probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Sorted by id; empty means the account of the caller's own credentials.
    pub accounts: Vec<Account>,
    /// Region names, sorted; empty means the caller's own region.
    pub regions: Vec<String>,
    /// Blocks that may be probed beyond those that the snapshot says are ours.
    pub scope: Vec<IpNetwork>,
    pub limits: Limits,
    /// Where facts of hosts come from, in the order of the file.
    pub facts: Vec<FactSource>,
    /// By name.
    pub vantages: BTreeMap<String, Vantage>,
    /// By name: what `via:` of a profile may go through.
    pub proxies: BTreeMap<String, Proxy>,
    /// Folders of more rules, relative to the file.
    pub rules: Vec<String>,
    /// The severity that fails a run, where the file says.
    pub fail_on: Option<Severity>,
    /// The auditor's private key: an OpenSSH file, relative to this one.
    pub auditor_key: Option<String>,
    pub lifecycle: Lifecycle,
    pub history: History,
}

impl Config {
    /// This machine as a vantage: the one called `local`, or the only one without a command.
    #[must_use]
    pub fn local(&self) -> Option<&Vantage> {
        let here = || self.vantages.values().filter(|v| v.via.is_none());
        let only = if here().count() == 1 { here().next() } else { None };
        here().find(|v| v.name == HERE).or(only)
    }

    /// The other vantages that are probed from, in the order of their names.
    pub fn remote(&self) -> impl Iterator<Item = &Vantage> {
        self.vantages.values().filter(|v| v.via.is_some() && !v.off)
    }

    /// The addresses of [`Config::scope`].
    #[must_use]
    pub fn scope_addresses(&self) -> AddressSet {
        self.scope.iter().copied().collect()
    }
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, required: false, doc }
}

const SEVERITIES: &[&str] = &["info", "low", "medium", "high", "critical"];

static CONFIG: Record = Record {
    what: "the configuration",
    least: Least::Required,
    fields: &[
        field("version", Shape::Scalar(Scalar::Number(1, 1)), "The format's version: 1."),
        field("accounts", Shape::List(&Shape::Record(&account::ACCOUNT)), "Accounts to read."),
        field(
            "regions",
            Shape::OneOrMany(&Shape::Scalar(Scalar::Name)),
            "Regions to read in every account.",
        ),
        field(
            "scope",
            Shape::OneOrMany(&Shape::Scalar(Scalar::Block)),
            "Blocks that may be probed beyond those that the snapshot says are ours.",
        ),
        field("limits", Shape::Record(&limits::LIMITS), "Bounds of one run."),
        field(
            "vantages",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&vantage::VANTAGE) },
            "Places that probes are sent from.",
        ),
        field("proxies", proxy::PROXIES, "Proxies that probes of a profile may go through."),
        field(
            "facts",
            Shape::List(&Shape::Record(&facts::FACTS)),
            "Where facts of hosts come from: each item a file, a command or SSM Inventory.",
        ),
        field(
            "rules",
            Shape::OneOrMany(&Shape::Scalar(Scalar::Text)),
            "Folders of more rules, relative to this file.",
        ),
        field(
            "fail_on",
            Shape::Scalar(Scalar::Choice(SEVERITIES)),
            "Findings of this severity and above fail a run.",
        ),
        field("auditor", Shape::Record(&AUDITOR), "Who asks `portcullis listen`."),
        field(
            "lifecycle",
            Shape::Record(&lifecycle::LIFECYCLE),
            "The Auto Scaling lifecycle hook that a gate continues on PASS.",
        ),
        field("history", Shape::Record(&history::HISTORY), "What is kept of each run, and where."),
    ],
};

static AUDITOR: Record = Record {
    what: "an auditor",
    least: Least::One,
    fields: &[field(
        "key",
        Shape::Scalar(Scalar::Text),
        "The file of an ssh-ed25519 private key without a passphrase, relative to this one.",
    )],
};

/// Reads the configuration. An empty file is the default one.
///
/// # Errors
/// Everything wrong with it, each with its place.
pub fn load(name: &str, bytes: &[u8]) -> Result<Config, SpecErrors> {
    let sources = [Source::new(name, bytes)];
    let names = names(&sources);
    let mut errors = Vec::new();
    let mut budget = yaml::MAX_VALUES;
    let config = match yaml::read_optional(0, bytes, &mut budget, &mut errors) {
        Some(node) => {
            structure::check(&node, &Shape::Record(&CONFIG), &mut errors);
            lower(&node, |span| place(span, &names), &mut errors)
        }
        None => Config::default(),
    };
    if errors.is_empty() {
        Ok(config)
    } else {
        Err(SpecErrors::new(errors, &sources, &names).of_what("the configuration"))
    }
}

/// The JSON Schema (draft 2020-12) of the configuration.
#[must_use]
pub fn schema() -> serde_json::Value {
    super::schema::document(&CONFIG, "Portcullis configuration")
}

fn lower(node: &Node, at: impl Fn(Span) -> Place, errors: &mut Vec<SpecError>) -> Config {
    let texts = |field: &str| -> Vec<String> {
        let items = node.get(field).map(Node::items).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    let mut regions = texts("regions");
    regions.sort();
    regions.dedup();
    let fail_on = text(node, "fail_on");
    let vantages = node.get("vantages").map(Node::entries).unwrap_or_default();
    let config = Config {
        accounts: account::accounts(node, &at, errors),
        facts: facts::facts(node, &at, errors),
        regions,
        scope: texts("scope").iter().filter_map(|t| scalar::block(t).ok()).collect(),
        limits: limits::limits(node.get("limits")),
        vantages: vantages
            .iter()
            .map(|(key, value)| vantage::vantage(key.text.to_string(), value, at(key.span), errors))
            .map(|vantage| (vantage.name.clone(), vantage))
            .collect(),
        proxies: proxy::lower(
            node.get("proxies").map(Node::entries).unwrap_or_default(),
            &at,
            errors,
        ),
        rules: texts("rules"),
        fail_on: Severity::ALL.into_iter().find(|s| fail_on.as_deref() == Some(s.name())),
        auditor_key: node.get("auditor").and_then(|a| text(a, "key")),
        lifecycle: node.get("lifecycle").map(lifecycle::lifecycle).unwrap_or_default(),
        history: history::history(node.get("history")),
    };
    vantage::places(&config, vantages, errors);
    config
}

/// An address of the family that its field is for.
pub(in crate::spec) fn address(
    node: &Node,
    field: &str,
    v4: bool,
    errors: &mut Vec<SpecError>,
) -> Option<IpAddr> {
    let value = node.get(field)?;
    let address = value.text().and_then(|t| scalar::address(t).ok())?;
    if address.is_ipv4() == v4 {
        return Some(address);
    }
    let (family, other) = if v4 { ("IPv4", "address_v6") } else { ("IPv6", "address") };
    errors.push(
        SpecError::new(value.span, format!("`{field}` takes an {family} address"))
            .hint(format!("did you mean `{other}: {address}`?")),
    );
    None
}

pub(in crate::spec) fn text(node: &Node, field: &str) -> Option<String> {
    node.get(field).and_then(Node::text).map(str::to_owned)
}
