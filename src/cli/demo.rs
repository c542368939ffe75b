use super::pipeline::{self, Case};
use super::{CliError, ExitStatus, Global, output, rules};
use crate::audit::{self, AuditReport};
use crate::collect::facts::{self, From, Source};
use crate::demo::{CATALOG, Incident, Replay, Replays, World, WorldVantage, find};
use crate::fact::Gathered;
use crate::model::{AddressSet, Endpoint, Protocol};
use crate::observation::{Observations, State};
use crate::probe::{self, AddressMap, Options, Proxy};
use crate::report::Format;
use crate::resolve;
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::{self, ProxyKind, Spec};
use crate::survey::{self, Hope, Survey, Target, Why};
use crate::vantage;
use clap::Args;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// Arguments of `portcullis demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The incident; `--list` names them
    #[arg(value_name = "NAME", default_value = "tokbox-2019")]
    pub name: String,
    /// Name the incidents
    #[arg(long)]
    pub list: bool,
    /// Format of the report: text, json, jsonl, sarif, junit, markdown, github
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = super::output::formats(), hide_possible_values = true)]
    pub format: Format,
}

/// Runs `portcullis demo`: starts the incident's hosts on loopback and audits them as `audit` does.
///
/// The exit code is 0 when the replay found what it must, because finding it is what a demo is for.
///
/// # Errors
/// An unknown incident, or sockets that cannot be had.
pub fn run(args: &DemoArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    if args.list {
        super::saved::print(&list())?;
        return Ok(ExitStatus::Clean);
    }
    let Some(incident) = find(&args.name) else {
        let names: Vec<&str> = CATALOG.iter().map(|i| i.name).collect();
        return Err(CliError::new(format!("replay `{}`", super::saved::escape(&args.name)))
            .hint(format!("the incidents are {}", names.join(", "))));
    };
    let replay = match &incident.replay {
        Replays::Audit(replay) => replay,
        Replays::Cleanup(replay) => return super::reaping::run(incident, replay, args.format),
        Replays::Waits(needs) => {
            return Err(CliError::new(format!("replay {} yet", incident.name))
                .because(format!("it needs {needs}, which is not built"))
                .hint("`portcullis demo --list` says which can be replayed"));
        }
    };
    let replayed = Replayed::new(incident, replay)?;
    if args.format == Format::Text {
        super::saved::print(&replayed.blind())?;
    }
    let report = replayed.audit(None);
    output::print(args.format, &report)?;
    if args.format == Format::Text {
        super::saved::print(NEXT)?;
    }
    Ok(if report.findings.is_empty() { ExitStatus::Error } else { ExitStatus::Clean })
}

/// What to type next.
const NEXT: &str = "
What to type next:
  portcullis demo --list                              the other incidents
  portcullis collect -o snapshot.json                 read your account, changing nothing
  portcullis init --from snapshot.json -o spec.yaml   declare what is there today
  portcullis audit spec.yaml --snapshot snapshot.json compare, probe, report
";

fn list() -> String {
    let mut out = String::new();
    for Incident { name, date, title, story: _, replay } in CATALOG {
        let _ = write!(out, "{name:<22} {date:<11} {title}");
        if let Replays::Waits(needs) = replay {
            let _ = write!(out, " (comes with {needs})");
        }
        out.push('\n');
    }
    out
}

/// An incident with its hosts running.
struct Replayed {
    incident: &'static Incident,
    blind: &'static str,
    spec: Spec,
    snapshot: Snapshot,
    facts: Gathered,
    rules: RuleSet,
    world: World,
    now: Timestamp,
}

impl Replayed {
    fn new(incident: &'static Incident, replay: &Replay) -> Result<Self, CliError> {
        let cannot = || CliError::new(format!("replay {}", incident.name));
        let spec = spec::load(&[spec::Source::new("spec.yaml", replay.spec)])
            .map_err(super::input::rendered)?;
        let mut snapshot: Snapshot =
            serde_json::from_str(replay.snapshot).map_err(|e| cannot().because(e))?;
        // The incident's own day is long gone, and an old snapshot may not direct probes.
        let now = Timestamp::now();
        snapshot.taken_at = now;
        let world = World::start(replay.world).map_err(|e| cannot().because(e))?;
        let rules = rules::load(&[])?;
        let facts = replay.facts.map_or_else(Gathered::default, |text| {
            let from = From::Bytes(text.as_bytes().into());
            let source = Source { name: "facts.json".into(), from, rename: BTreeMap::new() };
            facts::read(&source, &spec.fact_names())
        });
        let blind = replay.blind;
        Ok(Self { incident, blind, spec, snapshot, facts, rules, world, now })
    }

    /// The story, and what the team's own tests saw from where they ran.
    fn blind(&self) -> String {
        let Incident { name, date, title, story, .. } = self.incident;
        let mut out = format!("{name} ({date}): {title}\n{story}\n\n");
        let Some(inside) = self.world.vantage(self.blind) else { return out };
        let survey = self.internal_tests(inside);
        let seen = look(&survey, inside);
        let held = seen.rows.iter().filter(|o| o.state == State::Open && o.confirmed).count();
        let _ = writeln!(
            out,
            "The team's own tests, from {} ({}): {held} of {} pass.",
            inside.name,
            inside.address,
            survey.targets.len()
        );
        for gap in self.audit(Some(inside)).gaps {
            let _ = writeln!(out, "Portcullis calls that blind: {}: {}", gap.scope, gap.why);
        }
        out.push_str("\nPortcullis, from outside:\n\n");
        out
    }

    /// Every declared service, asked at the addresses that this vantage uses.
    fn internal_tests(&self, from: &WorldVantage) -> Survey {
        let resolution = resolve::resolve(&self.spec, &self.snapshot);
        let mut survey = Survey::default();
        for (role, members) in &resolution.members {
            let services =
                self.spec.roles.get(role).map(|r| r.services.as_slice()).unwrap_or_default();
            for host in members.iter().filter_map(|m| resolution.hosts.get(m)) {
                for service in services {
                    let ports = service.port.ports.first();
                    let known = host.addresses.iter().find_map(|a| {
                        let endpoint = Endpoint {
                            address: a.address,
                            protocol: service.port.protocol,
                            port: ports?,
                        };
                        from.endpoints.contains_key(&endpoint).then_some(endpoint)
                    });
                    survey.targets.extend(known.map(|endpoint| Target {
                        endpoint,
                        why: Why::Asked,
                        expect: service.expect.clone(),
                        hope: Hope::Either,
                    }));
                }
            }
        }
        survey.targets.sort();
        survey
    }

    /// The audit, from one vantage or from every one outside.
    fn audit(&self, only: Option<&WorldVantage>) -> AuditReport {
        let outside = AddressSet::outside();
        let from: Vec<&WorldVantage> = match only {
            Some(vantage) => vec![vantage],
            None => self.world.vantages.iter().filter(|v| outside.contains(v.address)).collect(),
        };
        // Declared hosts of a replay are the replay's own, and so are its controls.
        let hosts = self.spec.hosts.values().flat_map(|h| h.addresses.iter().copied());
        let controls = self.spec.controls.iter().map(|c| c.address);
        let scope = AddressSet::from_addresses(hosts.chain(controls));
        let options = audit::Options::default();
        let case = Case {
            spec: &self.spec,
            snapshot: &self.snapshot,
            resolution: &resolve::resolve(&self.spec, &self.snapshot),
            facts: &self.facts,
            rules: &self.rules,
            options: &options,
            probed: None,
            sweep: &BTreeSet::new(),
            scope: &scope,
            limits: survey::Limits::default(),
            now: self.now,
        };
        let audited = pipeline::run(&case, &mut |survey, _| {
            let mut all = Observations::default();
            for vantage in &from {
                let seen = look(survey, vantage);
                all.vantages.extend(seen.vantages);
                all.rows.extend(seen.rows);
                all.profiled.extend(seen.profiled);
            }
            all.rows.sort_by(|a, b| (a.endpoint(), &a.vantage).cmp(&(b.endpoint(), &b.vantage)));
            all
        });
        audited.report
    }
}

/// Probes a survey as one vantage of a world sees it. Nothing that the world does not hold is sent to.
fn look(survey: &Survey, from: &WorldVantage) -> Observations {
    let at = from.proxy;
    let mut map = AddressMap::only().socket(at.ip(), at.port(), at);
    // Customers' proxies are somewhere in the internet.
    let proxy = Proxy {
        kind: ProxyKind::HttpConnect,
        listens: at.to_string(),
        outside_v4: None,
        outside_v6: None,
        login: Ok(None),
    };
    for target in &survey.targets {
        let Endpoint { address, protocol, port } = target.endpoint;
        let silent = if protocol == Protocol::Udp { from.silent_udp } else { from.silent_tcp };
        let to = from.endpoints.get(&target.endpoint).copied().unwrap_or(silent);
        map = map.socket(address, port, to);
    }
    let options = Options {
        vantage: vantage::local(&from.name, &[from.address]),
        map,
        proxies: [(proxy.kind.name().to_owned(), proxy)].into(),
        // Loopback loses nothing and answers at once: a demo need not wait as for the internet.
        tries: 3,
        timeout: Duration::from_millis(500),
        ..Options::default()
    };
    probe::run(survey, &options, &mut |_| {})
}
