use super::*;
use crate::cleanup::plan::{Item, Plan};
use crate::cleanup::{Digest, Reason};
use jiff::Timestamp;
use std::collections::BTreeMap;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn digest() -> Digest {
    Digest::of(b"the plan")
}

/// A plan of `n` servos of one stratum of forty.
pub(crate) fn plan(n: u32) -> Plan {
    let items: Vec<serde_json::Value> = (1..=n)
        .map(|n| {
            serde_json::json!({
                "n": n, "type": "servo", "id": format!("sv-{n}"), "immutable": {"uuid": "u"},
                "state_sha256": digest(), "state": {"status": "running"}, "stratum": 1,
                "action": "stop", "undo": "start", "risk": "reversible", "dead": [],
                "live_checked": ["probe"],
            })
        })
        .collect();
    let plan = serde_json::json!({
        "schema": crate::cleanup::plan::SCHEMA, "phase": "quarantine", "created_at": at(0),
        "not_before": at(0), "not_after": at(3600), "author": {"name": "alice"},
        "target": {"provider": "sim", "account": "111", "scope": "servos"},
        "pins": {"tool": "0", "policy": digest(), "trust": digest()}, "sources": [],
        "strata": [{"n": 1, "key": {"region": "r1"}, "population": 40, "candidates": n,
                    "unknown": 0, "live": [10, 10], "dead": [1, 1], "held": []}],
        "items": items, "refused": [],
        "limits": {"max_items": 25, "max_items_per_day": 25,
                   "max_percent_stratum": 50, "max_percent_total": 50,
                   "ramp": [1, 5, 25], "soak_s": [900, 3600], "max_retries": 3,
                   "quarantine_s": 86400, "deadline_s": 86400},
        "totals": {"items": n, "by_action": {"stop": n}, "by_type": {"servo": n}},
    });
    serde_json::from_value(plan).expect("a plan")
}

fn item(plan: &Plan, n: u32) -> &Item {
    plan.items.iter().find(|i| i.n == n).expect("an item")
}

fn claimed() -> Event {
    Event::Claimed { nonce: "a".into(), by: "test".into(), approved_by: vec!["bob".into()] }
}

/// Everything that happens to an item which goes well.
fn done(plan: &Plan, n: u32) -> Vec<Event> {
    let it = item(plan, n);
    let stopped = BTreeMap::from([("status".to_owned(), "stopped".to_owned())]);
    vec![
        Event::Rechecked { n, state: it.state.clone(), live_checked: vec![] },
        Event::Intent {
            n,
            item: it.item(),
            action: it.action.clone(),
            token: token(&digest(), n, &it.action),
        },
        Event::Acted { n, handed: BTreeMap::new() },
        Event::Confirmed { n, state: stopped, gap_ms: 1 },
    ]
}

/// The bytes of a journal of these events, chained.
fn written(events: &[Event]) -> Vec<u8> {
    let (mut bytes, mut prev) = (Vec::new(), digest());
    for (seq, what) in (1..).zip(events) {
        let record = Record { seq, prev, at: at(0), fence: 1, what: what.clone() };
        let line = record.line();
        prev = Digest::of(&line);
        bytes.extend(line);
        bytes.push(b'\n');
    }
    bytes
}

fn whole() -> (Plan, Vec<u8>) {
    let plan = plan(2);
    let mut events = vec![claimed(), Event::Batch { number: 1, items: vec![1, 2] }];
    events.extend(done(&plan, 1));
    events.extend(done(&plan, 2));
    events.push(Event::Finished);
    let bytes = written(&events);
    (plan, bytes)
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn a_whole_journal_is_read() {
    let (plan, bytes) = whole();
    let chain = read(&bytes, &plan, &digest()).expect("whole");
    assert_eq!((chain.records.len(), chain.whole), (11, bytes.len()));
    assert!(chain.ledger.finished && chain.ledger.changed());
    assert_eq!(chain.ledger.items[&2].state, ItemState::Confirmed);
    assert_eq!(chain.ledger.items[&2].before["status"], "running");
    assert_eq!(chain.ledger.items[&2].after["status"], "stopped");
}

#[test]
fn every_line_removed_changed_or_moved_breaks_it() {
    let (plan, bytes) = whole();
    let whole = lines(&bytes);
    let broken = |lines: &[Vec<u8>], what: &str| {
        let refusal = read(&lines.concat(), &plan, &digest()).expect_err(what);
        assert_eq!(refusal.reason, Reason::LogBroken, "{what}");
    };
    for n in 0..whole.len() {
        // The last line removed is an older journal, which only an anchor tells.
        if n + 1 < whole.len() {
            let mut without = whole.clone();
            without.remove(n);
            broken(&without, &format!("line {n} removed"));
            let mut moved = whole.clone();
            moved.swap(n, n + 1);
            broken(&moved, &format!("line {n} moved"));
        }
        for byte in 0..whole[n].len() - 1 {
            let mut changed = whole.clone();
            changed[n][byte] ^= 1;
            if n + 1 < whole.len() {
                broken(&changed, &format!("line {n} byte {byte} changed"));
            }
        }
    }
}

#[test]
fn a_torn_tail_is_cut_wherever_it_tore() {
    let (plan, bytes) = whole();
    let last = bytes.len() - lines(&bytes).last().expect("a line").len();
    for end in last..bytes.len() {
        let chain = read(&bytes[..end], &plan, &digest()).expect("whole up to the last line");
        assert_eq!((chain.whole, chain.records.len()), (last, 10), "torn at {end}");
        assert!(!chain.ledger.finished);
    }
}

#[test]
fn only_what_may_follow_follows() {
    let plan = plan(1);
    let steps = done(&plan, 1);
    let refused = |events: Vec<Event>, why: &str| {
        let refusal = read(&written(&events), &plan, &digest()).expect_err(why);
        assert!(refusal.says.contains(why), "{refusal}");
    };
    refused(vec![steps[0].clone()], "before anybody claimed");
    refused(vec![claimed(), steps[1].clone()], "may not happen");
    refused(vec![claimed(), steps[0].clone(), steps[2].clone()], "may not happen");
    let mut twice = vec![claimed()];
    twice.extend(steps.clone());
    twice.push(steps[0].clone());
    refused(twice, "may not happen");
    let mut open = vec![claimed()];
    open.extend(steps[..2].to_vec());
    open.push(Event::Finished);
    refused(open, "outcome is unknown");
    let mut other = steps[1].clone();
    if let Event::Intent { action, .. } = &mut other {
        *action = "delete".into();
    }
    refused(vec![claimed(), steps[0].clone(), other], "not planned");
    let mut retried = steps[1].clone();
    if let Event::Intent { token, .. } = &mut retried {
        *token = "another".into();
    }
    let throttled = Event::Throttled { n: 1, tries: 1 };
    let again = [claimed(), steps[0].clone(), steps[1].clone(), throttled, steps[0].clone()];
    refused([&again[..], &[retried]].concat(), "two tokens");
    refused(vec![claimed(), Event::Batch { number: 2, items: vec![1] }], "begins batch 2");
    refused(vec![claimed(), Event::Batch { number: 1, items: vec![7] }], "no item 7");
}

#[test]
fn another_plans_journal_is_none_of_this_one() {
    let (plan, bytes) = whole();
    let refusal = read(&bytes, &plan, &Digest::of(b"another")).expect_err("another plan's");
    assert_eq!(refusal.reason, Reason::LogBroken);
}

#[test]
fn a_fence_never_falls() {
    let plan = plan(1);
    let record = |seq, prev, fence| Record { seq, prev, at: at(0), fence, what: claimed() };
    let first = record(1, digest(), 2).line();
    let second = record(2, Digest::of(&first), 1).line();
    let bytes = [first, b"\n".to_vec(), second, b"\n".to_vec()].concat();
    assert!(read(&bytes, &plan, &digest()).expect_err("a lower fence").says.contains("below 2"));
}

#[test]
fn an_open_outcome_is_the_first_thing_to_look_at() {
    let plan = plan(2);
    let mut events = vec![claimed()];
    events.extend(done(&plan, 1)[..2].to_vec());
    let chain = read(&written(&events), &plan, &digest()).expect("whole");
    assert_eq!(chain.ledger.open().collect::<Vec<_>>(), [1]);
    assert_eq!(chain.ledger.left().collect::<Vec<_>>(), [2]);
    events.push(Event::Reconciled { n: 1, found: Found::NotDone, state: BTreeMap::new() });
    let chain = read(&written(&events), &plan, &digest()).expect("whole");
    assert_eq!(chain.ledger.left().collect::<Vec<_>>(), [1, 2]);
    assert!(!chain.ledger.changed());
}

/// Whoever can write the file can chain a line: no such line shortens a rest, skips a step of the ramp
/// or ends the plan.
#[test]
fn a_chained_line_is_worth_no_more_than_what_was_done() {
    let plan = plan(3);
    let begun = |items: Vec<u32>| vec![claimed(), Event::Batch { number: 1, items }];
    let soak = |batch: u32, rests: &[(u32, i64)]| Event::Soak {
        batch,
        until: rests.iter().map(|(stratum, s)| (*stratum, at(*s))).collect(),
    };
    let acted = [begun(vec![1]), done(&plan, 1)].concat();
    let ends = |events: &[Event], last: Event| {
        let bytes = written(&[events, &[last]].concat());
        read(&bytes, &plan, &digest()).map(|_| ()).map_err(|e| e.to_string())
    };
    ends(&acted, soak(1, &[(1, 900)])).expect("as the plan asks");
    ends(&acted, soak(1, &[(1, 9000)])).expect("longer");
    ends(&begun(vec![1]), soak(1, &[])).expect("nothing was done");
    let rested = [acted.clone(), vec![soak(1, &[(1, 900)])]].concat();
    for (events, last, why) in [
        (&acted, soak(1, &[(1, 60)]), "the plan asks for 900 s"),
        (&acted, soak(2, &[(1, 900)]), "not the one that is under way"),
        (&rested, soak(1, &[(1, 900)]), "not the one that is under way"),
        (&begun(vec![1]), soak(1, &[(1, 900)]), "of which the batch did nothing"),
        (&acted, Event::Finished, "item 2 is left"),
        (&rested, Event::Finished, "item 2 is left"),
    ] {
        let error = ends(events, last.clone()).expect_err(why);
        assert!(error.contains(why), "{last:?}: {error}");
    }
    // The second rest is the second step's.
    let second =
        [rested, vec![Event::Batch { number: 2, items: vec![2] }], done(&plan, 2)].concat();
    ends(&second, soak(2, &[(1, 3600)])).expect("as the plan asks");
    let error = ends(&second, soak(2, &[(1, 900)])).expect_err("too short");
    assert!(error.contains("the plan asks for 3600 s"), "{error}");
}
