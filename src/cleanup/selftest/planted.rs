use crate::cleanup::plan::{Author, DraftInput, Phase, Pins, Population, draft};
use crate::cleanup::policy::Policy;
use crate::cleanup::{Act, Claim, Digest, Guards, Listing, Memory, Resource, Risk, Source, Target};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A world with sixty servos on two generations of hosts, one of them dead.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    pub(super) listing: Listing,
    pub(super) scope: String,
    pub(super) selector: BTreeMap<String, String>,
    pub(super) policy: Policy,
    pub(super) memory: Option<Memory>,
    pub(super) now: Timestamp,
    pub(super) today: u32,
    acts: Vec<Act>,
    classifier: Digest,
    target: Target,
    author: Author,
    pins: Pins,
}

const POLICY: &str = "\
version: 1
limits: {max_items: 25, max_items_per_day: 25, max_percent_stratum: 5, max_percent_total: 2, ramp: [1, 5, 25], soak: [15m],
         max_retries: 3, quarantine: 14d, deadline: 3d, valid: 24h}
sources: {floor: 1, delta: 90, max_age: 1h, max_ahead: 120s}
minimum: {any: 1}
";

/// The dead one.
pub(super) const ORPHAN: usize = 0;

impl Planted {
    /// The world as it is well, with what a run before has learned of it.
    pub(super) fn new(now: Timestamp) -> Result<Self, String> {
        let digest = Digest::of(b"planted");
        let target = Target {
            provider: "planted".into(),
            partition: String::new(),
            account: "planted".into(),
            regions: BTreeSet::new(),
            scope: "servos".into(),
        };
        let mut world = Self {
            listing: Listing {
                sources: vec![source("db", now), source("flows", now)],
                resources: (0..60).map(|n| servo(n, now)).collect(),
            },
            scope: "servos".into(),
            selector: BTreeMap::from([("region".into(), "r1".into())]),
            policy: Policy::read("the planted policy", POLICY.as_bytes()).map_err(|e| e.says)?,
            memory: None,
            now,
            today: 0,
            acts: vec![
                act("stop", Some("start"), Risk::Reversible),
                act("delete", None, Risk::Irreversible),
            ],
            classifier: digest.clone(),
            target,
            author: Author { name: "planted".into(), requested_by: None },
            pins: Pins {
                tool: String::new(),
                policy: digest.clone(),
                trust: digest,
                adapter: None,
                adapter_command: Vec::new(),
                opt_outs: false,
                names: None,
                spec: None,
                scope: Vec::new(),
                places: Default::default(),
            },
        };
        world.call_dead(ORPHAN);
        let (_, report) = draft(&world.input(Guards::all()));
        world.memory = report.learned;
        Ok(world)
    }

    pub(super) fn input(&self, guards: Guards) -> DraftInput<'_> {
        DraftInput {
            population: Population::Whole,
            listing: &self.listing,
            selector: &self.selector,
            acts: &self.acts,
            policy: &self.policy,
            today: self.today,
            memory: self.memory.as_ref(),
            classifier: Some(&self.classifier),
            notes: &[],
            receipt: None,
            phase: Phase::Quarantine,
            target: &self.target,
            author: &self.author,
            pins: &self.pins,
            now: self.now,
            guards,
        }
    }

    /// Lets the job call one dead, with all the evidence that it takes.
    pub(super) fn call_dead(&mut self, n: usize) {
        let now = self.now;
        let resource = &mut self.listing.resources[n];
        resource.candidate = true;
        resource.action = Some("stop".into());
        resource.live.clear();
        resource.dead = vec![claim("tombstone", "db", now), claim("no-traffic", "flows", now)];
    }

    /// The orphan.
    pub(super) fn orphan(&mut self) -> &mut Resource {
        &mut self.listing.resources[ORPHAN]
    }

    /// A claim of now.
    pub(super) fn claim(&self, kind: &str, source: &str) -> Claim {
        claim(kind, source, self.now)
    }
}

fn source(name: &str, now: Timestamp) -> Source {
    Source {
        name: name.into(),
        fetched_at: now,
        newest: Some(now),
        complete: true,
        rows: 100,
        cross_count: Some(100),
        keeps: name == "db",
        may_be_empty: false,
        selector: BTreeMap::new(),
    }
}

fn act(action: &str, undo: Option<&str>, risk: Risk) -> Act {
    Act {
        action: action.into(),
        kind: "servo".into(),
        undo: undo.map(str::to_owned),
        risk,
        identity: vec!["uuid".into()],
        precondition: false,
        changes: Vec::new(),
        rehearsed: true,
    }
}

/// The first thirty are of generation 2.
fn servo(n: usize, now: Timestamp) -> Resource {
    let generation = if n < 30 { "2" } else { "1" };
    Resource {
        kind: "servo".into(),
        id: format!("planted-{n:02}"),
        immutable: BTreeMap::from([("uuid".into(), format!("{n}"))]),
        attributes: BTreeMap::from([
            ("region".into(), "r1".into()),
            ("host_gen".into(), generation.into()),
        ]),
        state: BTreeMap::new(),
        owner: None,
        domain: None,
        set: None,
        children: Vec::new(),
        candidate: false,
        action: None,
        dead: Vec::new(),
        live: vec![claim("on-host", "db", now), claim("answers-probe", "probe", now)],
        protected: Vec::new(),
        unknown: Vec::new(),
    }
}

fn claim(kind: &str, source: &str, now: Timestamp) -> Claim {
    let record = (source == "db").then(|| json!({"host": "h", "servos": ["s"]}));
    Claim { kind: kind.into(), source: source.into(), at: Some(now), record, detail: String::new() }
}
