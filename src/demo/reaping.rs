use super::Reaping;
use super::fleet::{Fleet, Reader};
use crate::cleanup::plan::{Author, DraftInput, Phase, Pins, Plan, PlanReport, Population, draft};
use crate::cleanup::policy::Policy;
use crate::cleanup::{Digest, Guard, Guards};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io;

/// One run of the incident: who reads the records, and what holds the acts back.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    pub name: &'static str,
    /// Why it holds, where it does.
    pub why: &'static str,
    pub reader: Reader,
    pub guards: Guards,
}

/// The tool as it was, which had no guard.
pub const AS_IT_WAS: Attempt = Attempt {
    name: "none",
    why: "nothing holds it",
    reader: Reader::Of2015,
    guards: Guards::none(),
};

/// The guards that the incident has to pass by, each alone.
pub const ALONE: [Attempt; 6] = [
    only(Guard::Shape, "shape", "no record of that shape has ever shown life"),
    only(Guard::Anomaly, "anomaly", "one generation is called dead, the other is not"),
    only(Guard::Controls, "live controls", "servos that answer are called dead"),
    only(Guard::Live, "live", "each of them answers"),
    only(Guard::Independent, "two evidences", "an absence in one record is one evidence"),
    only(Guard::Unproven, "shadow", "the tool is new, and its first run plans nothing"),
];

/// With every guard.
pub const ALL: Attempt = Attempt {
    name: "all",
    why: "each of them would do",
    reader: Reader::Of2015,
    guards: Guards::all(),
};

/// The tool mended, after a first run that showed its controls right.
pub const MENDED: Attempt =
    Attempt { name: "mended", why: "", reader: Reader::Mended, guards: Guards::all() };

const fn only(guard: Guard, name: &'static str, why: &'static str) -> Attempt {
    Attempt { name, why, reader: Reader::Of2015, guards: Guards::only(guard) }
}

/// What came of an attempt.
#[derive(Debug)]
pub struct Reaped {
    /// Servos that there were.
    pub of: usize,
    pub stopped: usize,
    /// Stopped though somebody used them: they answer nobody now.
    pub dark: Vec<String>,
    pub plan: Plan,
    pub report: PlanReport,
}

/// Plans in a world of its own, and does at once what was planned, as the tool did.
///
/// # Errors
/// Fixtures that are malformed, and sockets that cannot be had.
pub fn reap(reaping: &Reaping, attempt: &Attempt) -> io::Result<Reaped> {
    let mut fleet = Fleet::start(reaping.fleet)?;
    let policy = Policy::read("policy.yaml", reaping.policy.as_bytes())
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    let now = Timestamp::now();
    let (mut plan, mut report) = drafted(&fleet, &policy, attempt, None, now);
    if attempt.reader == Reader::Mended {
        // Its first run was a shadow too: this one knows what that learned.
        let learned = report.learned.take();
        (plan, report) = drafted(&fleet, &policy, attempt, learned.as_ref(), now);
    }
    for item in &plan.items {
        fleet.stop(&item.id);
    }
    let dark = fleet.dark().into_iter().map(str::to_owned).collect();
    Ok(Reaped { of: fleet.len(), stopped: plan.items.len(), dark, plan, report })
}

fn drafted(
    fleet: &Fleet,
    policy: &Policy,
    attempt: &Attempt,
    memory: Option<&crate::cleanup::Memory>,
    now: Timestamp,
) -> (Plan, PlanReport) {
    let listing = fleet.listing(attempt.reader, now);
    let digest = Digest::of(format!("{:?}", attempt.reader).as_bytes());
    let pins = Pins {
        tool: env!("CARGO_PKG_VERSION").into(),
        policy: policy.digest.clone(),
        trust: digest.clone(),
        adapter: None,
        adapter_command: vec!["servos".into()],
        opt_outs: false,
        names: None,
        spec: None,
        scope: Vec::new(),
        places: Default::default(),
    };
    draft(&DraftInput {
        population: Population::Whole,
        listing: &listing,
        selector: &BTreeMap::new(),
        acts: &Fleet::acts(),
        policy,
        memory,
        classifier: Some(&digest),
        today: 0,
        notes: &[],
        receipt: None,
        phase: Phase::Quarantine,
        target: &fleet.target(),
        author: &Author { name: "auditing-tool".into(), requested_by: None },
        pins: &pins,
        now,
        guards: attempt.guards,
    })
}
