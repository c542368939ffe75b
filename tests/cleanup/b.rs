//! B: sources and classification. Each scenario twice: with only its guard on nothing live is
//! touched; with none, the simulated world is damaged.

use crate::fleet::{Fleet, POLICY};
use jiff::SignedDuration;
use portcullis::cleanup::plan::Phase;
use portcullis::cleanup::policy::Policy;
use portcullis::cleanup::{
    Class, Decommission, Digest, Guard, Guards, ItemRef, Noted, Reason, SignedNote, selector,
    selftest,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Somebody whom the classifier wrongly calls dead: in use, and nothing says so.
const VICTIM: &str = "sv-2-7";

#[test]
fn b00_orphans_are_planned_and_live_things_are_not() {
    let fleet = Fleet::small();
    let (plan, report) = fleet.plan(Guards::all());
    let ids: Vec<&str> = plan.items.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["sv-2-0", "sv-2-1"]);
    assert_eq!((plan.refused.len(), report.worst()), (0, None));
    assert_eq!(fleet.damage(Guards::all()), [""; 0]);
    assert_eq!(fleet.sim.acts().len(), 2, "both were stopped");
    let again = fleet.plan(Guards::all()).0;
    assert_eq!(
        (&plan.items[0].state_sha256, plan.limits),
        (&again.items[0].state_sha256, again.limits)
    );
}

/// Of the previous generation of hosts the list of servos stands under another key, and the tool
/// sees none: all its servos look orphaned.
fn xervo() -> Fleet {
    let mut fleet = Fleet::small();
    for n in 0..40 {
        let id = format!("sv-1-{n}");
        fleet.call_dead(&id);
        fleet.servo(&id)["dead"][0]["record"] = json!({"host": "h", "containers": ["s"]});
        // Some of them answer.
        fleet.sim.data["probes"][&id] = json!(n % 4 == 0);
    }
    fleet
}

#[test]
fn b01_xervo_by_the_shape_of_its_records() {
    let fleet = xervo();
    fleet.holds(Guard::Shape, Reason::UnknownShape);
    let (plan, _) = fleet.plan(Guards::only(Guard::Shape));
    let refused = plan.refused.iter().filter(|r| r.reason == Reason::UnknownShape).count();
    assert_eq!(refused, 40, "each of them by itself");
}

#[test]
fn b01_xervo_by_its_numbers() {
    xervo().holds(Guard::Anomaly, Reason::StratumAnomaly);
}

#[test]
fn b01_xervo_by_its_live_controls() {
    xervo().holds(Guard::Controls, Reason::ControlLiveHit);
}

#[test]
fn b01_xervo_with_all_guards_is_an_alarm() {
    let (plan, report) = xervo().plan(Guards::all());
    assert_eq!(plan.items.len(), 0);
    let worst = report.worst().expect("an alarm");
    assert_eq!((worst.reason, worst.reason.class()), (Reason::ControlLiveHit, Class::Planning));
    let first = plan.strata.iter().find(|s| s.key.get("host_gen").is_some_and(|g| g == "1"));
    let first = first.expect("the stratum");
    assert_eq!((first.population, first.candidates, first.live), (40, 40, [0, 10]));
}

#[test]
fn b02_all_of_a_stratum() {
    let mut fleet = Fleet::small();
    for n in 0..7 {
        let id = format!("sv-0-{n}");
        fleet.add(&id, "0");
        fleet.call_dead(&id);
    }
    fleet.holds(Guard::AllDead, Reason::StratumAllDead);

    // A signed note that names the stratum says that it is meant.
    for n in 0..7 {
        fleet.unused(&format!("sv-0-{n}"));
    }
    let note = |hours| Noted {
        says: Decommission {
            stratum: BTreeMap::from([("host_gen".to_owned(), "0".to_owned())]),
            reason: "the last hosts of generation 0 go".into(),
            by: "bob".into(),
            until: fleet.now + SignedDuration::from_hours(hours),
        },
        signed: SignedNote::default(),
    };
    let (current, old) = (note(1), note(-1));
    fleet.notes = vec![old];
    let (plan, _) = fleet.plan(Guards::all().without(Guard::Caps));
    assert!(plan.items.iter().all(|i| !i.id.starts_with("sv-0")), "its time is over");
    fleet.notes = vec![current];
    let (plan, _) = fleet.plan(Guards::all().without(Guard::Caps));
    assert_eq!(plan.items.iter().filter(|i| i.id.starts_with("sv-0")).count(), 7);
    assert!(plan.loosened[0].contains("host_gen=0"), "approvers see it: {:?}", plan.loosened);
}

#[test]
fn b03_concentrated_but_small() {
    let mut fleet = Fleet::new(1000, 200);
    for n in 2..10 {
        fleet.call_dead(&format!("sv-2-{n}"));
        fleet.unused(&format!("sv-2-{n}"));
    }
    for n in 0..12 {
        fleet.call_dead(&format!("sv-1-{n}"));
    }
    fleet.holds(Guard::Anomaly, Reason::StratumAnomaly);
    // 12 of 200 and 22 of 1200 are under every cap and share.
    let (plan, _) = fleet.plan(Guards::only(Guard::Caps).with(Guard::AllDead));
    assert!(plan.items.iter().any(|i| i.id.starts_with("sv-1")), "a cap alone lets it through");
}

#[test]
fn b04_uncovered_stratum() {
    let mut fleet = Fleet::small();
    for n in 0..4 {
        fleet.add(&format!("sv-3-{n}"), "3");
        fleet.sim.data["probes"][&format!("sv-3-{n}")] = json!(false);
        fleet.servo(&format!("sv-3-{n}"))["live"] = json!([]);
    }
    fleet.call_dead("sv-3-0");
    fleet.holds(Guard::Unproven, Reason::StratumUnproven);
    let (_, report) = fleet.plan(Guards::all());
    assert_eq!(report.worst(), None, "a warning: the rest is planned");
}

#[test]
fn b04_a_stratum_that_was_never_seen_before() {
    let mut fleet = Fleet::small();
    for n in 0..30 {
        fleet.add(&format!("sv-3-{n}"), "3");
    }
    fleet.call_dead("sv-3-0");
    fleet.holds(Guard::Unproven, Reason::StratumUnproven);
    fleet.learn();
    assert!(!fleet.said(Guards::all()).contains(&Reason::StratumUnproven), "the next run knows it");
}

#[test]
fn b04_a_changed_classifier_starts_in_shadow() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    fleet.classifier = Digest::of(b"another");
    fleet.holds(Guard::Unproven, Reason::Shadow);
    fleet.memory = None;
    fleet.holds(Guard::Unproven, Reason::Shadow);
}

#[test]
fn b06_everything_is_selected() {
    let mut fleet = Fleet::small();
    for (generation, count) in [("2", 120), ("1", 40)] {
        (0..count).for_each(|n| fleet.call_dead(&format!("sv-{generation}-{n}")));
    }
    fleet.holds(Guard::SelectsEverything, Reason::SelectsEverything);
}

#[test]
fn b06_all_of_a_region() {
    let mut fleet = Fleet::small();
    for n in 0..40 {
        let id = format!("sv-1-{n}");
        fleet.servo(&id)["attributes"]["region"] = json!("r2");
        fleet.call_dead(&id);
    }
    fleet.holds(Guard::SelectsEverything, Reason::SelectsEverything);
}

#[test]
fn b07_empty_selector() {
    for value in ["", "*", "null", "[]"] {
        let mut fleet = Fleet::small();
        fleet.selector = BTreeMap::from([("pending".to_owned(), value.to_owned())]);
        // A server that takes an empty value as none, and a job that deletes what it is given.
        fleet.sim.data["ignores_selector"] = json!(true);
        (2..9).for_each(|n| fleet.call_dead(&format!("sv-2-{n}")));
        let only = Guards::only(Guard::Selector);
        let refused = selector::check("servos", &fleet.selector, only).expect_err(value);
        assert_eq!((refused.reason, refused.reason.class()), (Reason::EmptySelector, Class::Usage));
        assert_eq!(fleet.damage(only), [""; 0]);
        assert_ne!(fleet.damage(Guards::none()), [""; 0]);
    }
}

#[test]
fn b08_filter_not_honoured() {
    let mut fleet = Fleet::small();
    for id in ["sv-2-0", "sv-2-1"] {
        fleet.servo(id)["attributes"]["pending"] = json!("delete");
    }
    fleet.sim.data["ignores_selector"] = json!(true);
    fleet.selector = BTreeMap::from([("pending".to_owned(), "delete".to_owned())]);
    (2..40).for_each(|n| fleet.call_dead(&format!("sv-2-{n}")));
    fleet.holds(Guard::Filter, Reason::SourceIgnoredFilter);
    let (_, report) = fleet.plan(Guards::only(Guard::Filter));
    assert_eq!(report.worst().map(|w| w.reason.class()), Some(Class::Source));
}

#[test]
fn b09_truncated_keep_list() {
    let mut fleet = Fleet::small();
    (100..120).for_each(|n| fleet.call_dead(&format!("sv-2-{n}")));
    fleet.sim.data["sources"][1]["cross_count"] = json!(140);
    fleet.holds(Guard::Complete, Reason::SourceIncomplete);
    fleet.sim.data["sources"][1]["cross_count"] = json!(null);
    fleet.sim.data["sources"][1]["complete"] = json!(false);
    fleet.holds(Guard::Complete, Reason::SourceIncomplete);
    let (_, report) = fleet.plan(Guards::all());
    assert_eq!(report.worst().map(|w| w.reason.class()), Some(Class::Source));
    assert_eq!(report.learned, None, "nothing is learned of a list that was cut");
}

#[test]
fn b10_empty_and_shrunken_keep_list() {
    let mut fleet = Fleet::small();
    (2..60).for_each(|n| fleet.call_dead(&format!("sv-2-{n}")));
    let rows = |fleet: &mut Fleet, rows: u64| {
        fleet.sim.data["sources"][1]["rows"] = json!(rows);
        fleet.sim.data["sources"][1]["cross_count"] = json!(rows);
    };
    rows(&mut fleet, 0);
    fleet.holds(Guard::Floor, Reason::SourceFloor);
    rows(&mut fleet, 60);
    fleet.holds(Guard::Delta, Reason::SourceDelta);
    rows(&mut fleet, 90);
    assert!(!fleet.said(Guards::all()).contains(&Reason::SourceDelta), "90 % is enough");
    // A person accepts what is left of it, and not less.
    rows(&mut fleet, 60);
    let accept = |fleet: &mut Fleet, rows: u64| {
        let memory = fleet.memory.as_mut().expect("a memory");
        memory.accepted = [("projects".to_owned(), rows)].into();
    };
    accept(&mut fleet, 60);
    let (plan, report) = fleet.plan(Guards::all());
    assert_eq!(report.vetoes, []);
    assert!(plan.loosened.iter().any(|l| l.starts_with("60 rows of projects")), "approvers see it");
    let learned = report.learned.expect("it moves on");
    assert_eq!((learned.sources["projects"], learned.accepted.len()), (60, 0));
    rows(&mut fleet, 53);
    assert!(fleet.said(Guards::all()).contains(&Reason::SourceDelta), "cut further");
    fleet.memory = Some(learned);
    rows(&mut fleet, 60);
    let (plan, report) = fleet.plan(Guards::all());
    assert_eq!(
        (report.vetoes, plan.loosened.len()),
        (vec![], 0),
        "and nothing is accepted any more"
    );
    rows(&mut fleet, 40);
    assert!(fleet.said(Guards::all()).contains(&Reason::SourceDelta));
}

#[test]
fn b11_unreachable_owner() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    fleet.servo(VICTIM)["unknown"] = json!(["owner: timed out"]);
    fleet.holds(Guard::UnknownItem, Reason::Unknown);
    // Of a stratum with many unknown ones the known are in doubt as well.
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    (10..14).for_each(|n| fleet.servo(&format!("sv-2-{n}"))["unknown"] = json!(["owner: 403"]));
    fleet.holds(Guard::UnknownShare, Reason::StratumUnknown);
}

#[test]
fn b12_defaulted_death() {
    let far = "2999-12-31T00:00:00Z";
    for at in
        [json!(null), json!("1970-01-01T00:00:00Z"), json!("1900-01-01T00:00:00Z"), json!(far)]
    {
        let mut fleet = Fleet::small();
        fleet.call_dead(VICTIM);
        fleet.servo(VICTIM)["dead"][1]["at"] = at;
        fleet.holds(Guard::Defaulted, Reason::UnknownDefaulted);
    }
}

#[test]
fn b12_a_protection_that_cannot_be_read_protects() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    fleet.servo(VICTIM)["protected"] = json!([{"kind": "tag-protect", "source": "tags", "at": null, "detail": "until=nächste Woche"}]);
    fleet.holds(Guard::Protected, Reason::Protected);
}

#[test]
fn b13_minimum_remaining() {
    let mut fleet = Fleet::small();
    for n in 10..14 {
        fleet.servo(&format!("sv-2-{n}"))["set"] = json!("web");
    }
    (12..14).for_each(|n| fleet.call_dead(&format!("sv-2-{n}")));
    fleet.holds(Guard::Minimum, Reason::BelowMinimum);
}

#[test]
fn b15_live_evidence() {
    for view in ["probes", "lb", "dns", "asg"] {
        let mut fleet = Fleet::small();
        fleet.call_dead(VICTIM);
        fleet.sim.data[view][VICTIM] = match view {
            "probes" => json!(true),
            "lb" => json!("healthy"),
            _ => json!("name"),
        };
        fleet.holds(Guard::Live, Reason::Live);
    }
    for kind in ["flow-bytes", "referenced-by-route", "lease"] {
        let mut fleet = Fleet::small();
        fleet.call_dead(VICTIM);
        fleet.servo(VICTIM)["live"] = json!([{"kind": kind, "source": "flows", "at": fleet.now}]);
        let (plan, _) = fleet.plan(Guards::only(Guard::Live));
        let says = &plan.refused[0].says;
        assert!(says.starts_with(kind), "{says}");
        fleet.holds(Guard::Live, Reason::Live);
    }
}

#[test]
fn b16_stale_source() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    let (now, hour) = (fleet.now, SignedDuration::from_hours(1));
    for (field, at) in
        [("newest", now - hour * 2), ("fetched_at", now - hour * 2), ("newest", now + hour)]
    {
        fleet.sim.data["sources"][0]["newest"] = json!(now);
        fleet.sim.data["sources"][0]["fetched_at"] = json!(now);
        fleet.sim.data["sources"][0][field] = json!(at);
        fleet.holds(Guard::Fresh, Reason::SourceStale);
    }
}

#[test]
fn b17_blind_classifier() {
    let mut fleet = Fleet::small();
    // One off: what was planted dead is passed over, and its neighbour is called dead.
    fleet.add("sv-2-planted", "2");
    fleet.unused("sv-2-planted");
    fleet.call_dead(VICTIM);
    let planted = |id: &str| ItemRef { kind: "servo".into(), id: id.into() };
    fleet.policy.dead_controls.insert(planted("sv-2-planted"));
    fleet.holds(Guard::DeadControls, Reason::ControlDeadMissed);
    // One that is not even listed.
    fleet.policy.dead_controls = [planted("sv-2-gone")].into();
    fleet.holds(Guard::DeadControls, Reason::ControlDeadMissed);
    // One that is found is no candidate: it stays.
    fleet.policy.dead_controls = [planted("sv-2-0")].into();
    let (plan, report) = fleet.plan(Guards::all());
    assert_eq!(report.vetoes, []);
    assert!(plan.items.iter().all(|i| i.id != "sv-2-0"));
}

#[test]
fn b18_two_views_disagree() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    fleet.servo(VICTIM)["dead"][1]["kind"] = json!("gone");
    fleet.holds(Guard::Conflict, Reason::Conflict);
    // Two views of one thing, both listed.
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    let mut other = fleet.servo(VICTIM).clone();
    other["state"]["status"] = json!("terminated");
    fleet.sim.data["resources"].as_array_mut().expect("a list").push(other);
    fleet.holds(Guard::Conflict, Reason::Conflict);
}

#[test]
fn b19_shared_cause() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    fleet.servo(VICTIM)["dead"][1]["source"] = json!("hosts");
    fleet.holds(Guard::Independent, Reason::TooLittleEvidence);
    // A source that nobody listed proves nothing of itself.
    fleet.servo(VICTIM)["dead"][1]["source"] = json!("rumour");
    fleet.holds(Guard::Independent, Reason::TooLittleEvidence);
}

/// What is missing, negative or above 100 is refused where the policy is read (its own tests).
#[test]
fn b20_a_cap_of_zero_is_zero_acts() {
    for (from, to) in [
        ("max_items: 25", "max_items: 0"),
        ("per_day: 25", "per_day: 0"),
        ("stratum: 5%", "stratum: 0%"),
        ("total: 2%", "total: 0"),
    ] {
        let mut fleet = Fleet::small();
        fleet.call_dead(VICTIM);
        let text = POLICY.replace(from, to);
        assert_ne!(text, POLICY);
        fleet.policy = Policy::read("policy.yaml", text.as_bytes()).expect("0 is a value");
        fleet.holds(Guard::Caps, Reason::Capped);
        assert_eq!(fleet.plan(Guards::only(Guard::Caps)).0.items.len(), 0, "{to}");
    }
}

#[test]
fn b20_a_percentage_admits_one_of_four_and_none_of_three() {
    let mut fleet = Fleet::small();
    for (generation, count) in [("4", 4), ("3", 3)] {
        for n in 0..count {
            fleet.add(&format!("sv-{generation}-{n}"), generation);
        }
        fleet.call_dead(&format!("sv-{generation}-0"));
        fleet.call_dead(&format!("sv-{generation}-1"));
    }
    let (plan, _) = fleet.plan(Guards::only(Guard::Caps));
    let of = |generation: &str| plan.items.iter().filter(|i| i.id.starts_with(generation)).count();
    assert_eq!((of("sv-4"), of("sv-3")), (1, 0));
}

#[test]
fn c10_parent_of_live_things_is_not_planned() {
    let mut fleet = Fleet::small();
    // The parent itself is unused; what it holds goes down with it.
    fleet.call_dead(VICTIM);
    fleet.servo(VICTIM)["children"] = json!([{"type": "servo", "id": "sv-2-8"}]);
    fleet.holds(Guard::Descendant, Reason::LiveDescendant);
    fleet.servo(VICTIM)["children"] = json!([{"type": "disk", "id": "d-1"}]);
    fleet.holds(Guard::Descendant, Reason::LiveDescendant);
}

#[test]
fn c11_a_deletion_without_quarantine_is_not_planned() {
    let mut fleet = Fleet::small();
    fleet.call_dead(VICTIM);
    for id in [VICTIM, "sv-2-0", "sv-2-1"] {
        fleet.servo(id)["action"] = json!("delete");
    }
    fleet.holds(Guard::Receipt, Reason::NoQuarantineReceipt);
    let (plan, _) = fleet.plan_as(Guards::only(Guard::Receipt), Phase::Delete);
    assert_eq!(plan.items.len(), 0);
    assert!(plan.refused.iter().all(|r| r.reason == Reason::NoQuarantineReceipt));
}

#[test]
fn e04_an_empty_plan_says_why() {
    let mut fleet = Fleet::small();
    for id in ["sv-2-0", "sv-2-1"] {
        fleet.servo(id)["protected"] =
            json!([{"kind": "opt-out", "source": "tags", "detail": "mine"}]);
    }
    let (plan, report) = fleet.plan(Guards::all());
    assert_eq!((plan.items.len(), plan.totals.items, report.worst()), (0, 0, None));
    let told: Vec<String> = plan.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "protected: servo sv-2-0: opt-out (tags): mine",
            "protected: servo sv-2-1: opt-out (tags): mine"
        ]
    );
    assert_eq!(fleet.damage(Guards::all()), [""; 0]);
    assert_eq!(fleet.sim.acts().len(), 0);
}

#[test]
fn e05_a_guard_that_is_silent_is_told() {
    let now = Fleet::small().now;
    assert_eq!(selftest::run(Guards::all(), now), []);
    for guard in Guard::ALL.iter().filter(|g| **g <= Guard::Caps && **g != Guard::Spread) {
        let silent = selftest::run(Guards::all().without(*guard), now);
        assert!(!silent.is_empty(), "{guard:?}");
        assert!(
            silent
                .iter()
                .all(|r| r.reason == Reason::GuardDead && r.reason.class() == Class::Planning)
        );
    }
}
