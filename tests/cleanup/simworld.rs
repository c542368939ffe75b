//! Simulated worlds: files that `simworld.py` plays, and what its recorder saw.

use crate::common::{World, checkout};
use crate::ground::claiming;
use portcullis::apply::{Adapter, AdapterCommand, AdapterLimits};
use portcullis::cleanup::ItemRef;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The moment that worlds are made at.
pub(crate) const AT: &str = "2026-11-22T12:00:00Z";

/// A world to be: change `data` (its shape stands in `simworld.py`), then [`Sim::write`].
pub(crate) struct Sim {
    pub(crate) folder: World,
    pub(crate) data: Value,
    faults: Vec<Value>,
}

/// One call that changes something, as the recorder saw it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    pub(crate) verb: String,
    /// Whether the world changed.
    pub(crate) applied: bool,
    /// Whether the thing was in use then; only of applied calls.
    #[serde(default)]
    pub(crate) live: bool,
    /// Why the world did not change.
    #[serde(default)]
    pub(crate) why: Option<String>,
    pub(crate) item: ItemRef,
    pub(crate) action: String,
    pub(crate) token: String,
}

impl Sim {
    /// An empty world of servos: `stop` (undone by `start`) and `delete` (by nothing).
    pub(crate) fn new() -> Self {
        let act = |action: &str, undo: Value, risk: &str| {
            json!({"action": action, "type": "servo", "undo": undo, "risk": risk,
                   "identity": ["uuid"], "precondition": false, "rehearsed": false})
        };
        let data = json!({
            "adapter": "simworld",
            "target": {"provider": "sim", "partition": "", "account": "111", "regions": ["r1"],
                       "scope": "servos"},
            "acts": [
                act("stop", json!("start"), "reversible"),
                act("start", json!("stop"), "reversible"),
                act("delete", Value::Null, "irreversible"),
            ],
            "sources": [], "resources": [],
            "probes": {}, "lb": {}, "dns": {}, "asg": {}, "tombstones": {}, "in_use": [],
            "health": {"healthy": true, "checks": ["sim"]},
        });
        Self { folder: claiming(World::new()), data, faults: Vec::new() }
    }

    /// Adds a source that was read whole.
    pub(crate) fn source(mut self, name: &str, rows: u64) -> Self {
        let source = json!({"name": name, "fetched_at": AT, "newest": AT, "complete": true,
                            "rows": rows, "cross_count": rows, "keeps": false, "selector": {}});
        self.list("sources").push(source);
        self
    }

    /// Adds a running servo and lets `change` say what else is true of it.
    pub(crate) fn servo(mut self, id: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut servo = json!({
            "type": "servo", "id": id, "immutable": {"uuid": format!("uuid-of-{id}")},
            "attributes": {"region": "r1"}, "state": {"status": "running"},
        });
        change(&mut servo);
        self.list("resources").push(servo);
        self
    }

    fn list(&mut self, name: &str) -> &mut Vec<Value> {
        self.data[name].as_array_mut().expect("a list")
    }

    /// Adds a fault; its shape stands in `simworld.py`.
    pub(crate) fn fault(mut self, fault: Value) -> Self {
        self.faults.push(fault);
        self
    }

    /// Writes world and faults; once more to change them under a running adapter.
    pub(crate) fn write(&self) {
        self.folder.file("world.json", self.data.to_string());
        self.folder.file("faults.json", json!(self.faults).to_string());
    }

    /// The world as acts have left it.
    pub(crate) fn now(&self) -> Value {
        let text = std::fs::read(self.path("world.json")).expect("the world");
        serde_json::from_slice(&text).expect("the world is JSON")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.folder().join(name)
    }

    /// The command of its adapter, word by word.
    pub(crate) fn command(&self) -> Vec<String> {
        let script = checkout().join("tests/cleanup/simworld.py");
        let path = |name: &str| self.path(name).display().to_string();
        vec![
            "python3".into(),
            script.display().to_string(),
            "--world".into(),
            path("world.json"),
            "--recorder".into(),
            path("calls.jsonl"),
            "--faults".into(),
            path("faults.json"),
        ]
    }

    /// Its adapter, started, with deadlines that a test can wait for.
    pub(crate) fn adapter(&self) -> Adapter {
        let limits = AdapterLimits {
            look: Duration::from_secs(20),
            act: Duration::from_secs(20),
            ..AdapterLimits::default()
        };
        let command = AdapterCommand::new(&self.command()).expect("a command");
        Adapter::start(&command, "servos", limits).expect("python3 starts")
    }

    /// Every act and undo that was asked of the world, applied or not, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let text = std::fs::read_to_string(self.path("calls.jsonl")).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str(l).expect("a recorded call")).collect()
    }

    /// Acts that changed the world: `acts = 0` of the scenarios.
    pub(crate) fn acts(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|c| c.verb == "act" && c.applied).collect()
    }

    /// Ids of things that were in use when something was done to them: the damage.
    pub(crate) fn live_hit(&self) -> Vec<String> {
        self.acts().into_iter().filter(|c| c.live).map(|c| c.item.id).collect()
    }
}

mod plays {
    use super::*;
    use portcullis::cleanup::{ActRequest, Acted, Digest, Observed, World as _};
    use std::collections::BTreeMap;

    fn request(id: &str, action: &str) -> ActRequest {
        ActRequest {
            plan: Digest::of(b"plan").to_string(),
            n: 1,
            item: ItemRef { kind: "servo".into(), id: id.into() },
            action: action.into(),
            immutable: BTreeMap::from([("uuid".into(), format!("uuid-of-{id}"))]),
            state: BTreeMap::from([("status".into(), "running".into())]),
            token: "t-1".into(),
            fence: 1,
            not_after: "2026-11-22T13:00:00Z".parse().expect("a time"),
        }
    }

    #[test]
    fn a_world_is_listed_acted_on_and_recorded() {
        let sim = Sim::new().source("projects-db", 2).servo("sv-1", |_| {}).servo("sv-2", |s| {
            s["candidate"] = json!(true);
        });
        let mut sim = sim;
        sim.data["probes"]["sv-1"] = json!(true);
        sim.data["tombstones"]["sv-2"] = json!({"source": "projects-db", "at": AT});
        sim.write();
        let mut world = sim.adapter();
        let hello = world.hello().expect("an answer");
        assert_eq!((hello.target.account.as_str(), hello.acts.len()), ("111", 3));
        let listing = world.list("servos", &BTreeMap::new()).expect("an answer");
        assert_eq!(listing.sources[0].rows, 2);
        assert_eq!(listing.resources[0].live[0].kind, "answers-probe");
        assert_eq!(listing.resources[1].dead[0].source, "projects-db");

        let done = world.act(&request("sv-1", "stop")).expect("an answer");
        assert!(matches!(done, Acted::Done { .. }), "{done:?}");
        assert_eq!(world.act(&request("sv-1", "stop")).expect("an answer"), done, "the same token");
        let Observed::Yes { resource } =
            world.observe(&request("sv-1", "stop").item).expect("an answer")
        else {
            panic!("it is there")
        };
        assert_eq!(resource.state["status"], "stopped");
        assert_eq!(sim.live_hit(), ["sv-1"], "the recorder knows that it was in use");
        assert_eq!((sim.acts().len(), sim.calls().len()), (1, 2));
        assert!(world.health().expect("an answer").healthy);
        let gone = ItemRef { kind: "servo".into(), id: "sv-3".into() };
        assert_eq!(world.observe(&gone).expect("an answer"), Observed::No);
    }

    #[test]
    fn faults_hold_once_and_at_their_point() {
        let sim = Sim::new()
            .servo("sv-1", |_| {})
            .fault(json!({"at": "before-act", "do": "throttle", "retry_after_ms": 5}))
            .fault(json!({"at": "health", "do": "die"}));
        sim.write();
        let mut world = sim.adapter();
        let once = world.act(&request("sv-1", "stop")).expect("an answer");
        assert_eq!(once, Acted::Throttled { retry_after_ms: Some(5) });
        let again = world.act(&request("sv-1", "stop")).expect("an answer");
        assert!(matches!(again, Acted::Done { .. }), "{again:?}");
        let died = world.health().expect_err("it died").to_string();
        assert!(died.contains("it ended (signal: 9"), "{died}");
        assert!(sim.adapter().health().expect("a new process").healthy, "not again");
    }
}
