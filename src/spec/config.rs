//! `portcullis.yaml`: accounts, regions, scope, limits and vantages.
//!
//! It is a file of its own because it says what may be read and probed: CI pins it outside the
//! branch under review, so that a change of the spec can widen neither.
//!
//! Over 500 lines: each key is an example, a type, a table and a reading, and they are kept together
//! so that none is forgotten.
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

pub use super::proxy::{Login, Proxy};

use super::error::{SpecError, SpecErrors, place};
use super::node::{Key, Node, Span};
use super::shape::{Field, Least, Record, Scalar, Shape};
use super::{Place, Source, names, proxy, scalar, structure, yaml};
use crate::model::{AddressSet, Severity};
use ipnetwork::IpNetwork;
use jiff::SignedDuration;
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

/// The Auto Scaling lifecycle hook that a gate continues when a host passes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// A profile of the caller's AWS configuration, of its own: it may change something.
    pub profile: Option<String>,
    /// The Auto Scaling group's name.
    pub asg: Option<String>,
    /// The hook's name.
    pub hook: Option<String>,
}

/// What is kept of each run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Relative to the file; `None` is `.portcullis/history.db` in the working folder.
    pub file: Option<String>,
    /// Runs older than this are forgotten. 400 days.
    pub keep: SignedDuration,
    /// More runs than this are forgotten, the oldest first.
    pub max_runs: Option<u32>,
    /// Keep nothing.
    pub off: bool,
}

impl Default for History {
    fn default() -> Self {
        Self { file: None, keep: SignedDuration::from_hours(400 * 24), max_runs: None, off: false }
    }
}

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

/// One account to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    pub role_arn: Option<String>,
    pub external_id: Option<String>,
    /// A profile of the caller's AWS configuration.
    pub profile: Option<String>,
    /// For people.
    pub name: Option<String>,
    pub at: Place,
}

/// Bounds of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A snapshot older than this may not direct probes: addresses are recycled. One hour.
    pub snapshot_max_age: SignedDuration,
    /// Probe packets per second; 0 is unlimited; `None` is the prober's own default.
    pub rate: Option<u32>,
    /// Probes in flight; `None` is the prober's own default.
    pub in_flight: Option<u32>,
    /// The longest a survey may take; `None` is the prober's own default.
    pub deadline: Option<SignedDuration>,
    /// Ports of a range that are probed; `None` is the survey's own default.
    pub samples: Option<u32>,
    /// API calls per second, account, region and service; `None` is the collector's own default.
    pub collect_rate: Option<u32>,
    /// Accounts and regions read side by side; `None` is the collector's own default.
    pub collect_concurrency: Option<u32>,
    /// A fact gathered longer ago counts for nothing, where the spec does not say otherwise. A day:
    /// what runs nightly is not stale.
    pub fact_max_age: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            snapshot_max_age: SignedDuration::from_hours(1),
            rate: None,
            in_flight: None,
            deadline: None,
            samples: None,
            collect_rate: None,
            collect_concurrency: None,
            fact_max_age: SignedDuration::from_hours(24),
        }
    }
}

/// A place probes are sent from, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vantage {
    pub name: String,
    pub address: Option<IpAddr>,
    pub address_v6: Option<IpAddr>,
    /// `host:port` of a STUN server that tells the address.
    pub reflect: Option<String>,
    /// The command that takes a survey there, run without a shell in the configuration's folder;
    /// `None` is this machine.
    pub via: Option<Vec<String>>,
    /// How long that command may take.
    pub timeout: SignedDuration,
    /// Whether a gate holds where it told nothing.
    pub required: bool,
    /// Whether it sweeps every port of the hosts that are swept.
    pub sweep: bool,
    /// Whether nothing is probed from there.
    pub off: bool,
    pub at: Place,
}

/// What this machine is called where the configuration does not say.
pub const HERE: &str = "local";

/// How long another vantage may take where the configuration does not say: every TCP port of a host
/// or two at the default rate.
const VANTAGE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

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
        field("accounts", Shape::List(&Shape::Record(&ACCOUNT)), "Accounts to read."),
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
        field("limits", Shape::Record(&LIMITS), "Bounds of one run."),
        field(
            "vantages",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&VANTAGE) },
            "Places that probes are sent from.",
        ),
        field("proxies", proxy::PROXIES, "Proxies that probes of a profile may go through."),
        field(
            "facts",
            Shape::List(&Shape::Record(&FACTS)),
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
            Shape::Record(&LIFECYCLE),
            "The Auto Scaling lifecycle hook that a gate continues on PASS.",
        ),
        field("history", Shape::Record(&HISTORY), "What is kept of each run, and where."),
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

static LIFECYCLE: Record = Record {
    what: "a lifecycle hook",
    least: Least::One,
    fields: &[
        field(
            "profile",
            Shape::Scalar(Scalar::Word),
            "A profile of the AWS configuration that may continue it.",
        ),
        field("asg", Shape::Scalar(Scalar::Word), "The Auto Scaling group's name."),
        field("hook", Shape::Scalar(Scalar::Word), "The hook's name."),
    ],
};

static HISTORY: Record = Record {
    what: "the history",
    least: Least::Required,
    fields: &[
        field(
            "file",
            Shape::Scalar(Scalar::Text),
            "The SQLite file, relative to this one; .portcullis/history.db of the working folder when absent.",
        ),
        field(
            "keep",
            Shape::Scalar(Scalar::Duration),
            "Runs older than this are forgotten; 400d when absent.",
        ),
        field(
            "max_runs",
            Shape::Scalar(Scalar::Number(1, 10_000_000)),
            "More runs than this are forgotten, the oldest first.",
        ),
        field("off", Shape::Scalar(Scalar::Bool), "Whether nothing is kept."),
    ],
};

static ACCOUNT: Record = Record {
    what: "an account",
    least: Least::Required,
    fields: &[
        Field {
            name: "id",
            shape: Shape::Scalar(Scalar::Account),
            required: true,
            doc: "Twelve digits.",
        },
        field("role_arn", Shape::Scalar(Scalar::RoleArn), "The role to assume."),
        field("external_id", Shape::Scalar(Scalar::Word), "The role's external id."),
        field("profile", Shape::Scalar(Scalar::Word), "A profile of the AWS configuration."),
        field("name", Shape::Scalar(Scalar::Word), "Its name, for people."),
    ],
};

static FACTS: Record = Record {
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

static LIMITS: Record = Record {
    what: "limits",
    least: Least::Required,
    fields: &[
        field(
            "snapshot_max_age",
            Shape::Scalar(Scalar::Duration),
            "A snapshot older than this may not direct probes; 1h when absent.",
        ),
        field(
            "rate",
            Shape::Scalar(Scalar::Number(0, 10_000_000)),
            "Probe packets a second; 0 is unlimited.",
        ),
        field(
            "in_flight",
            Shape::Scalar(Scalar::Number(1, 1_000_000)),
            "Probes in flight at once.",
        ),
        field("deadline", Shape::Scalar(Scalar::Duration), "The longest a survey may take."),
        field(
            "samples",
            Shape::Scalar(Scalar::Number(1, 65_535)),
            "Ports of a declared range that are probed.",
        ),
        field(
            "collect_rate",
            Shape::Scalar(Scalar::Number(1, 10_000)),
            "API calls a second for each account, region and service.",
        ),
        field(
            "collect_concurrency",
            Shape::Scalar(Scalar::Number(1, 1_000)),
            "Accounts and regions read side by side.",
        ),
        field(
            "fact_max_age",
            Shape::Scalar(Scalar::Duration),
            "A fact gathered longer ago counts for nothing; 24h when absent.",
        ),
    ],
};

static VANTAGE: Record = Record {
    what: "a vantage",
    least: Least::One,
    fields: &[
        field("address", Shape::Scalar(Scalar::Address), "Its IPv4 address as seen from outside."),
        field(
            "address_v6",
            Shape::Scalar(Scalar::Address),
            "Its IPv6 address as seen from outside.",
        ),
        field(
            "reflect",
            Shape::Scalar(Scalar::HostPort),
            "A STUN server that tells the address, `host:port`.",
        ),
        field(
            "via",
            Shape::List(&Shape::Scalar(Scalar::Word)),
            "The command that takes a survey to another machine, and its arguments; no shell reads them. Without it, this machine.",
        ),
        field(
            "timeout",
            Shape::Scalar(Scalar::Duration),
            "How long that command may take; 5m when absent.",
        ),
        field(
            "required",
            Shape::Scalar(Scalar::Bool),
            "Whether a gate holds where it told nothing; true when absent.",
        ),
        field(
            "sweep",
            Shape::Scalar(Scalar::Bool),
            "Whether it looks at every TCP port of new hosts; true when absent.",
        ),
        field("off", Shape::Scalar(Scalar::Bool), "Whether nothing is probed from there."),
    ],
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
    if errors.is_empty() { Ok(config) } else { Err(SpecErrors::new(errors, &sources, &names)) }
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
        accounts: accounts(node, &at, errors),
        facts: facts(node, &at, errors),
        regions,
        scope: texts("scope").iter().filter_map(|t| scalar::block(t).ok()).collect(),
        limits: limits(node.get("limits")),
        vantages: vantages
            .iter()
            .map(|(key, value)| vantage(key.text.to_string(), value, at(key.span), errors))
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
        lifecycle: node.get("lifecycle").map(lifecycle).unwrap_or_default(),
        history: history(node.get("history")),
    };
    places(&config, vantages, errors);
    config
}

/// Names one thing only, and leaves somewhere to probe from.
fn places(config: &Config, vantages: &[(Key, Node)], errors: &mut Vec<SpecError>) {
    let told = |name: &str| vantages.iter().find(|(key, _)| &*key.text == name);
    if let Some((key, _)) = told(HERE).filter(|(_, v)| v.get("via").is_some()) {
        errors.push(
            SpecError::new(key.span, format!("`{HERE}` is this machine, and has no command"))
                .hint("give a vantage with `via` another name"),
        );
    }
    let here = config.local().filter(|v| v.off);
    if let Some((key, _)) = here.and_then(|v| told(&v.name))
        && config.remote().next().is_none()
    {
        errors.push(
            SpecError::new(key.span, "every vantage is off: nothing would be probed")
                .hint("leave one on, or probe nothing with --no-probe"),
        );
    }
}

fn vantage(name: String, node: &Node, at: Place, errors: &mut Vec<SpecError>) -> Vantage {
    let via = node.get("via").map(|via| {
        if via.items().is_empty() {
            errors.push(
                SpecError::new(via.span, "the command of a vantage is empty")
                    .hint("list the program and its arguments: [ssh, office-box, portcullis, probe, --survey, \"-\"]"),
            );
        }
        via.items().iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
    });
    if let (Some(timeout), None) = (node.get("timeout"), &via) {
        errors.push(
            SpecError::new(timeout.span, "only a vantage with a command has a `timeout`")
                .hint("how long this machine may probe is `deadline` of `limits`"),
        );
    }
    let flag = |field: &str| text(node, field).map(|t| t == "true");
    Vantage {
        name,
        address: address(node, "address", true, errors),
        address_v6: address(node, "address_v6", false, errors),
        reflect: text(node, "reflect"),
        via,
        timeout: text(node, "timeout")
            .and_then(|t| scalar::duration(&t))
            .unwrap_or(VANTAGE_TIMEOUT),
        required: flag("required").unwrap_or(true),
        sweep: flag("sweep").unwrap_or(true),
        off: flag("off").unwrap_or(false),
        at,
    }
}

fn lifecycle(node: &Node) -> Lifecycle {
    Lifecycle { profile: text(node, "profile"), asg: text(node, "asg"), hook: text(node, "hook") }
}

fn accounts(node: &Node, at: &impl Fn(Span) -> Place, errors: &mut Vec<SpecError>) -> Vec<Account> {
    let mut out: BTreeMap<String, (Account, Span)> = BTreeMap::new();
    for item in node.get("accounts").map(Node::items).unwrap_or_default() {
        let Some(id) = text(item, "id") else { continue };
        if let Some((_, first)) = out.get(&id) {
            errors.push(
                SpecError::new(item.span, format!("the account `{id}` stands twice"))
                    .label("again here")
                    .also(*first, "first here")
                    .hint("keep one of the two"),
            );
            continue;
        }
        let account = Account {
            id: id.clone(),
            role_arn: text(item, "role_arn"),
            external_id: text(item, "external_id"),
            profile: text(item, "profile"),
            name: text(item, "name"),
            at: at(item.span),
        };
        out.insert(id, (account, item.span));
    }
    out.into_values().map(|(account, _)| account).collect()
}

fn facts(node: &Node, at: &impl Fn(Span) -> Place, errors: &mut Vec<SpecError>) -> Vec<FactSource> {
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

fn history(node: Option<&Node>) -> History {
    let said = |field: &str| node.and_then(|n| text(n, field));
    History {
        file: said("file"),
        keep: said("keep").and_then(|t| scalar::duration(&t)).unwrap_or(History::default().keep),
        max_runs: said("max_runs").and_then(|t| t.parse().ok()),
        off: said("off").as_deref() == Some("true"),
    }
}

fn limits(node: Option<&Node>) -> Limits {
    let number =
        |field: &str| node.and_then(|n| text(n, field)).and_then(|t| t.parse::<u32>().ok());
    let duration =
        |field: &str| node.and_then(|n| text(n, field)).and_then(|t| scalar::duration(&t));
    Limits {
        snapshot_max_age: duration("snapshot_max_age")
            .unwrap_or(Limits::default().snapshot_max_age),
        rate: number("rate"),
        in_flight: number("in_flight"),
        deadline: duration("deadline"),
        samples: number("samples"),
        collect_rate: number("collect_rate"),
        collect_concurrency: number("collect_concurrency"),
        fact_max_age: duration("fact_max_age").unwrap_or(Limits::default().fact_max_age),
    }
}

/// An address of the family that its field is for.
pub(super) fn address(
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

pub(super) fn text(node: &Node, field: &str) -> Option<String> {
    node.get(field).and_then(Node::text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of this module's own documentation.
    fn example() -> String {
        let text = include_str!("config.rs");
        let start = text.find("//! ```yaml\n").expect("an example") + "//! ```yaml\n".len();
        let end = start + text[start..].find("//! ```\n").expect("its end");
        let lines = text[start..end].lines().map(|l| l.strip_prefix("//! ").unwrap_or_default());
        lines.map(|l| format!("{l}\n")).collect()
    }

    #[test]
    fn the_documented_example_is_read_as_it_says() {
        let text = example();
        let config = load("portcullis.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        let ids: Vec<&str> = config.accounts.iter().map(|a| a.id.as_str()).collect();
        assert_eq!(ids, ["123456789012", "210987654321"]);
        assert_eq!(config.regions, ["eu-central-1", "us-west-1"]);
        assert!(config.scope_addresses().contains("203.0.113.7".parse().expect("an address")));
        assert_eq!(config.limits.deadline, Some(SignedDuration::from_mins(10)));
        assert_eq!((config.limits.rate, config.limits.samples), (Some(200), Some(16)));
        assert_eq!(config.vantages["local"].reflect.as_deref(), Some("stun.example.org:3478"));
        let office = &config.vantages["office"];
        assert_eq!(office.via.as_ref().map(Vec::len), Some(6));
        assert_eq!((office.timeout, office.required), (SignedDuration::from_mins(2), true));
        assert_eq!(config.local().map(|v| v.name.as_str()), Some("local"));
        assert_eq!(config.proxies["branch"].listens, "socks.example:1080");
        assert_eq!(config.fail_on, Some(Severity::High));
        let [file, command, ssm] = &config.facts[..] else { panic!("{:?}", config.facts) };
        assert_eq!(file.from, FactFrom::File("facts.json".into()));
        let FactFrom::Command { argv, timeout } = &command.from else { panic!("{command:?}") };
        assert_eq!((argv.len(), *timeout), (2, SignedDuration::from_secs(30)));
        assert_eq!(command.rename["jdk"], "java.version");
        assert_eq!(ssm.from, FactFrom::Ssm(vec!["AWS:Application".into(), "Custom:Build".into()]));
        assert_eq!(config.history.keep, SignedDuration::from_hours(400 * 24));
        assert_eq!((config.history.max_runs, config.history.off), (Some(5000), false));
        let schema = jsonschema::validator_for(&super::schema()).expect("a schema");
        let value: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
        assert!(schema.is_valid(&value), "the schema refuses the example");
    }

    #[test]
    fn nothing_is_the_default_and_a_snapshot_directs_probes_for_an_hour() {
        for text in ["", "# nothing\n", "{}"] {
            let config = load("portcullis.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(config, Config::default(), "{text}");
        }
        assert_eq!(Config::default().limits.snapshot_max_age, SignedDuration::from_hours(1));
    }

    #[test]
    fn bad_configuration_is_told_with_what_to_do() {
        for (text, message, hint) in [
            ("scpoe: []", "no key `scpoe`", "`scope`?"),
            ("scope: [10.0.0.1/8]", "host bits", "`10.0.0.0/8`"),
            ("scope: 0.0.0.0/33", "prefix length 33", ""),
            ("accounts: [{ id: 123 }]", "twelve digits", ""),
            ("accounts: [{ id: '123456789012' }, { id: 123456789012 }]", "stands twice", "keep"),
            ("limits: { deadline: 10 }", "such as `30s`", ""),
            ("limits: { rate: fast }", "whole number", ""),
            ("vantages: { a: { address: '::1' } }", "IPv4 address", "`address_v6: ::1`"),
            ("vantages: { a: { reflect: stun.example.org } }", "host and a port", ""),
            ("vantages: { a: { via: [] } }", "is empty", "[ssh, "),
            ("vantages: { a: { via: ssh } }", "expected a list", "[…]"),
            ("vantages: { a: { address: 192.0.2.1, timeout: 3s } }", "only a vantage", "deadline"),
            ("vantages: { local: { off: true } }", "every vantage is off", "leave"),
            ("vantages: { local: { via: [a] } }", "this machine", "another name"),
            ("fail_on: hihg", "`hihg`", "`high`?"),
            ("facts: [{ file: a, command: [b] }]", "exactly one of", "an item of its own"),
            ("facts: [{ command: [] }]", "is empty", "[./inventory, --json]"),
            ("facts: [{ command: ./inventory }]", "expected a list", "[…]"),
            ("facts: [{ file: a, timeout: 3s }]", "only a command", ""),
            ("facts: [{ flie: a }]", "no key `flie`", "`file`?"),
        ] {
            let errors = load("p.yaml", text.as_bytes()).expect_err(text);
            assert_eq!(errors.count(), 1, "{errors}");
            assert!(errors.told[0].message.contains(message), "{errors}");
            assert!(errors.told[0].hint.clone().unwrap_or_default().contains(hint), "{errors}");
        }
    }
}
