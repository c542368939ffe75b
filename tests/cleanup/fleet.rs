//! A fleet of servos on two generations of hosts, planned from and then acted on as planned.

use crate::simworld::Sim;
use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::plan::{
    Author, DraftInput, Phase, Pins, Plan, PlanReport, Population, draft,
};
use portcullis::cleanup::policy::Policy;
use portcullis::cleanup::{
    ActRequest, Digest, Guard, Guards, Memory, Noted, Reason, World as _, selector,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const POLICY: &str = "\
version: 1
limits:
  max_items: 25
  max_items_per_day: 25
  max_percent_stratum: 5%
  max_percent_total: 2%
  ramp: [1, 5, 25]
  soak: [15m, 1h, 24h]
  max_retries: 5
  quarantine: 14d
  deadline: 3d
  valid: 24h
sources: {floor: 1, delta: 90%, max_age: 1h, max_ahead: 120s}
minimum: {any: 1, sets: {web: 3}}
";

pub(crate) struct Fleet {
    pub(crate) sim: Sim,
    pub(crate) policy: Policy,
    pub(crate) selector: BTreeMap<String, String>,
    pub(crate) notes: Vec<Noted>,
    pub(crate) memory: Option<Memory>,
    pub(crate) classifier: Digest,
    pub(crate) now: Timestamp,
    /// Acts of the day that other plans have.
    pub(crate) today: u32,
}

impl Fleet {
    /// So many servos on hosts of generation 2 and 1: all live and answering, but for `sv-2-0` and
    /// `sv-2-1`, which are orphans. A run before has learned it.
    pub(crate) fn new(second: usize, first: usize) -> Self {
        let now = Timestamp::now();
        let mut fleet = Self {
            sim: Sim::new(),
            policy: Policy::read("policy.yaml", POLICY.as_bytes()).expect("a policy"),
            selector: BTreeMap::new(),
            notes: Vec::new(),
            memory: None,
            classifier: Digest::of(b"classifier"),
            now,
            today: 0,
        };
        let rows = second + first;
        fleet.sim.data["sources"] = json!([
            {"name": "hosts", "fetched_at": now, "newest": now, "complete": true, "rows": rows,
             "cross_count": rows, "keeps": true, "selector": {}},
            {"name": "projects", "fetched_at": now, "newest": now, "complete": true, "rows": 100,
             "cross_count": 100, "keeps": true, "selector": {}},
        ]);
        for (generation, count) in [("2", second), ("1", first)] {
            for n in 0..count {
                fleet.add(&format!("sv-{generation}-{n}"), generation);
            }
        }
        for id in ["sv-2-0", "sv-2-1"] {
            fleet.call_dead(id);
            fleet.unused(id);
        }
        fleet.learn();
        fleet
    }

    pub(crate) fn small() -> Self {
        Self::new(120, 40)
    }

    /// A servo that is in use, answers, and stands in its host's record.
    pub(crate) fn add(&mut self, id: &str, generation: &str) {
        let servo = json!({
            "type": "servo", "id": id, "immutable": {"uuid": format!("uuid-of-{id}")},
            "attributes": {"region": "r1", "host_gen": generation}, "state": {"status": "running"},
            "action": "stop",
            "live": [{"kind": "on-host", "source": "hosts", "at": self.now,
                      "record": {"host": "h", "servos": ["s"]}}],
        });
        self.list("resources").push(servo);
        self.list("in_use").push(json!(id));
        self.sim.data["probes"][id] = json!(true);
    }

    fn list(&mut self, name: &str) -> &mut Vec<Value> {
        self.sim.data[name].as_array_mut().expect("a list")
    }

    pub(crate) fn servo(&mut self, id: &str) -> &mut Value {
        self.list("resources").iter_mut().find(|r| r["id"] == id).expect("a servo of this id")
    }

    /// Lets the job call one dead, rightly or not, with all the evidence that it takes. Nothing
    /// shows that it lives: no probe, no record.
    pub(crate) fn call_dead(&mut self, id: &str) {
        let (now, record) = (self.now, json!({"host": "h", "servos": ["s"]}));
        self.sim.data["probes"][id] = json!(false);
        let servo = self.servo(id);
        servo["candidate"] = json!(true);
        servo["live"] = json!([]);
        servo["dead"] = json!([
            {"kind": "not-on-host", "source": "hosts", "at": now, "record": record},
            {"kind": "project-tombstone", "source": "projects", "at": now},
        ]);
    }

    /// Nobody uses it.
    pub(crate) fn unused(&mut self, id: &str) {
        self.list("in_use").retain(|i| i != id);
    }

    /// Lets a run learn what is there.
    pub(crate) fn learn(&mut self) {
        let (_, report) = self.plan(Guards::all());
        assert_eq!(report.vetoes, []);
        self.memory = report.learned;
    }

    pub(crate) fn plan(&self, guards: Guards) -> (Plan, PlanReport) {
        self.plan_as(guards, Phase::Quarantine)
    }

    pub(crate) fn plan_as(&self, guards: Guards, phase: Phase) -> (Plan, PlanReport) {
        self.sim.write();
        let mut world = self.sim.adapter();
        let hello = world.hello().expect("an answer");
        let listing = world.list("servos", &self.selector).expect("an answer");
        let digest = Digest::of(b"");
        draft(&DraftInput {
            population: Population::Whole,
            listing: &listing,
            selector: &self.selector,
            acts: &hello.acts,
            policy: &self.policy,
            memory: self.memory.as_ref(),
            classifier: Some(&self.classifier),
            today: self.today,
            notes: &self.notes,
            receipt: None,
            phase,
            target: &hello.target,
            author: &Author { name: "alice".into(), requested_by: None },
            pins: &Pins {
                tool: "1".into(),
                policy: self.policy.digest.clone(),
                trust: digest,
                adapter: None,
                adapter_command: Vec::new(),
                opt_outs: false,
                names: None,
                spec: None,
                scope: Vec::new(),
                places: Default::default(),
            },
            now: self.now,
            guards,
        })
    }

    /// Does every act that would be planned, and says which live things were hit.
    pub(crate) fn damage(&self, guards: Guards) -> Vec<String> {
        // The selector is looked at before anything is asked.
        if selector::check("servos", &self.selector, guards).is_err() {
            return Vec::new();
        }
        let (plan, _) = self.plan(guards);
        let _ = std::fs::remove_file(self.sim.path("calls.jsonl"));
        let mut world = self.sim.adapter();
        for item in &plan.items {
            let request = ActRequest {
                plan: "sha256".into(),
                n: item.n,
                item: item.item(),
                action: item.action.clone(),
                immutable: item.immutable.clone(),
                state: item.state.clone(),
                token: format!("t-{}", item.n),
                fence: 1,
                not_after: self.now + SignedDuration::from_hours(1),
            };
            world.act(&request).expect("an answer");
        }
        self.sim.live_hit()
    }

    /// Every reason for which something is not planned.
    pub(crate) fn said(&self, guards: Guards) -> BTreeSet<Reason> {
        let (plan, report) = self.plan(guards);
        let held = plan.strata.iter().flat_map(|s| &s.held);
        report.vetoes.iter().chain(&plan.refused).chain(held).map(|r| r.reason).collect()
    }

    /// Both halves of a scenario: with this guard alone no live thing is hit, and the reason is
    /// told; without any the world is damaged. With all guards it holds too.
    #[track_caller]
    pub(crate) fn holds(&self, guard: Guard, reason: Reason) {
        let said = self.said(Guards::only(guard));
        assert!(said.contains(&reason), "{guard:?} alone says {said:?}, not {reason}");
        assert_eq!(self.damage(Guards::only(guard)), [""; 0], "{guard:?} alone");
        assert_eq!(self.damage(Guards::all()), [""; 0], "all guards");
        assert!(self.said(Guards::all()).contains(&reason), "all guards hide {reason}");
        assert_ne!(self.damage(Guards::none()), [""; 0], "nothing is at stake");
    }
}
