use super::planted::Planted;
use crate::cleanup::{Guard, ItemRef, Reason};
use jiff::SignedDuration;
use serde_json::json;

/// Something that a guard must speak against.
pub(super) struct Violation {
    pub(super) guard: Guard,
    pub(super) says: Reason,
    pub(super) what: &'static str,
    pub(super) plant: fn(&mut Planted),
}

const fn of(guard: Guard, says: Reason, what: &'static str, plant: fn(&mut Planted)) -> Violation {
    Violation { guard, says, what, plant }
}

/// One for each guard of planning, so small that no other guard says the same of it.
pub(super) const VIOLATIONS: &[Violation] = &[
    of(Guard::Complete, Reason::SourceIncomplete, "a source that was cut short", |w| {
        w.listing.sources[0].complete = false;
    }),
    of(Guard::Complete, Reason::SourceIncomplete, "a source with more rows than were read", |w| {
        w.listing.sources[0].cross_count = Some(140);
    }),
    of(Guard::Floor, Reason::SourceFloor, "an empty keep list", |w| rows(w, 0)),
    of(Guard::Floor, Reason::SourceFloor, "an empty list that may be empty and had rows", |w| {
        w.listing.sources.iter_mut().for_each(|s| s.may_be_empty = true);
        rows(w, 0);
    }),
    of(Guard::Delta, Reason::SourceDelta, "a keep list that shrank", |w| rows(w, 89)),
    of(Guard::Fresh, Reason::SourceStale, "a source of yesterday", |w| {
        w.listing.sources[0].newest = Some(w.now - SignedDuration::from_hours(24));
    }),
    of(Guard::Fresh, Reason::SourceStale, "a source of tomorrow", |w| {
        w.listing.sources[0].fetched_at = w.now + SignedDuration::from_hours(24);
    }),
    of(Guard::Filter, Reason::SourceIgnoredFilter, "a row that was not asked for", |w| {
        w.listing.resources[40].attributes.insert("region".into(), "r2".into());
    }),
    of(Guard::Selector, Reason::EmptySelector, "a selector that selects everything", |w| {
        w.selector.insert("region".into(), "*".into());
    }),
    of(Guard::Protected, Reason::Protected, "a protection that cannot be read", |w| {
        let mut claim = w.claim("tag", "db");
        claim.at = None;
        w.orphan().protected.push(claim);
    }),
    of(Guard::Live, Reason::Live, "a candidate that answers", |w| {
        let claim = w.claim("answers-probe", "probe");
        w.orphan().live.push(claim);
    }),
    of(Guard::Descendant, Reason::LiveDescendant, "a candidate that holds a live thing", |w| {
        let child = w.listing.resources[1].item();
        w.orphan().children.push(child);
    }),
    of(Guard::Conflict, Reason::Conflict, "a thing that is listed and gone", |w| {
        let claim = w.claim("gone", "inventory");
        w.orphan().dead.push(claim);
    }),
    of(Guard::UnknownItem, Reason::Unknown, "a candidate whose owner could not be asked", |w| {
        w.orphan().unknown.push("owner: timed out".into());
    }),
    of(Guard::Shape, Reason::UnknownShape, "a record of a shape without life", |w| {
        w.orphan().dead[0].record = Some(json!({"host": "h", "containers": ["s"]}));
    }),
    of(Guard::Defaulted, Reason::UnknownDefaulted, "a death without a date", |w| {
        w.orphan().dead[0].at = None;
    }),
    of(Guard::Independent, Reason::TooLittleEvidence, "two evidences of one source", |w| {
        w.orphan().dead[1].source = "db".into();
    }),
    of(Guard::Controls, Reason::ControlLiveHit, "a live control that is called dead", |w| {
        w.listing.resources[40].candidate = true;
    }),
    of(Guard::DeadControls, Reason::ControlDeadMissed, "a dead control that is missed", |w| {
        let control = w.listing.resources[40].item();
        w.policy.dead_controls.insert(control);
    }),
    of(Guard::DeadControls, Reason::ControlDeadMissed, "a dead control that is not listed", |w| {
        let control = ItemRef { kind: "servo".into(), id: "planted-dead".into() };
        w.policy.dead_controls.insert(control);
    }),
    of(Guard::AllDead, Reason::StratumAllDead, "a class that is dead as a whole", |w| {
        for n in 30..33 {
            w.listing.resources[n].attributes.insert("host_gen".into(), "0".into());
            w.call_dead(n);
        }
    }),
    of(Guard::Anomaly, Reason::StratumAnomaly, "a class with too many dead for chance", |w| {
        (30..46).for_each(|n| w.call_dead(n));
    }),
    of(Guard::UnknownShare, Reason::StratumUnknown, "a class with unknown members", |w| {
        for n in 1..3 {
            w.listing.resources[n].unknown.push("owner: 503".into());
        }
    }),
    of(Guard::Unproven, Reason::StratumUnproven, "a class without live controls", |w| {
        for n in 0..5 {
            w.listing.resources[n].attributes.insert("host_gen".into(), "3".into());
            w.listing.resources[n].live.clear();
        }
    }),
    of(Guard::Unproven, Reason::Shadow, "a classifier without a run before", |w| w.memory = None),
    of(Guard::SelectsEverything, Reason::SelectsEverything, "everything called dead", |w| {
        (0..60).for_each(|n| w.call_dead(n));
    }),
    of(Guard::Minimum, Reason::BelowMinimum, "the last member of a set", |w| {
        w.orphan().set = Some("web".into());
    }),
    of(Guard::Caps, Reason::Capped, "a cap of 0", |w| w.policy.limits.max_items = 0),
    of(Guard::Caps, Reason::Capped, "a day that is used up", |w| w.today = 25),
    of(Guard::Receipt, Reason::NoQuarantineReceipt, "a deletion without quarantine", |w| {
        w.orphan().action = Some("delete".into());
    }),
];

fn rows(world: &mut Planted, rows: u64) {
    world.listing.sources[0].rows = rows;
    world.listing.sources[0].cross_count = Some(rows);
}
