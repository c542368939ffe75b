//! The cap of a day: two plans, each under the cap, that must not both run.

use crate::common::Ran;
use crate::fleet::{Fleet, POLICY};
use crate::job::Job;
use crate::planned::{fleet, plan, told};
use crate::simworld::Sim;
use jiff::{SignedDuration, Timestamp};
use portcullis::apply::{After, DayBook, FileRegister, Mode};
use portcullis::cleanup::day::{Taken, name};
use portcullis::cleanup::plan::Plan;
use portcullis::cleanup::policy::Policy;
use portcullis::cleanup::{Digest, Guard, Guards, Reason};
use serde_json::{Value, json};

fn four() -> Sim {
    ["sv-1", "sv-2", "sv-3", "sv-4"].into_iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}))
}

/// At most three a day; slowly enough that a plan of two has two batches.
fn three_a_day(plan: &mut Plan) {
    plan.limits.max_items_per_day = 3;
}

/// A second plan in the same world, of this scope.
fn second(first: Job, scope: &str) -> Job {
    let mut sim = first.sim;
    sim.data = sim.now();
    sim.data["target"]["scope"] = json!(scope);
    Job::new(sim, &["sv-3", "sv-4"], three_a_day)
}

#[test]
fn two_approved_plans_do_not_both_run_on_one_day() {
    let first = Job::new(four(), &["sv-1", "sv-2"], three_a_day);
    let (ran, told) = first.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    let second = second(first, "others");
    assert_eq!(second.apply(&[]).0.code, Some(0));
    waits(&second);
    assert_eq!(second.acted(), ["sv-1", "sv-2", "sv-3"], "three, and not one more");
    // Nor where the register was lost: journals tell it too.
    std::fs::remove_dir_all(second.sim.path("state/days")).expect("lost");
    waits(&second);
    assert_eq!(second.acted().len(), 3);
}

/// A step that has to wait for its account's day ends well, and says until when.
#[track_caller]
fn waits(job: &Job) -> Timestamp {
    waits_by(job, &[])
}

#[track_caller]
fn waits_by(job: &Job, more: &[&str]) -> Timestamp {
    let (ran, told) = job.apply(more);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("day-full")), "{ran}");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("the cap of 3")), "{ran}");
    assert_eq!((&told["class"], &told["reason"]), (&json!(0), &Value::Null), "{ran}");
    told["until"].as_str().expect("when").parse().expect("a time")
}

#[test]
fn a_full_day_is_waited_for_and_no_failure() {
    let first = Job::new(four(), &["sv-1", "sv-2"], three_a_day);
    first.apply(&["--attached"]);
    let began = first.chain().records.iter().find(|r| r.what.item().is_some()).expect("it").at;
    let second = second(first, "others");
    assert_eq!(second.apply(&[]).0.code, Some(0));
    let until = waits(&second);
    let after = until.duration_since(began + SignedDuration::from_hours(24)).abs();
    assert!(after < SignedDuration::from_mins(1), "a day after the first act: {until}");
    let ran = second.sim.folder.run(&without_json(&second));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains(&format!("the next batch may begin at {until}")), "{ran}");
    // Nothing was written down that would have to be explained.
    let events = second.chain().records;
    let last = serde_json::to_value(&events.last().expect("a line").what).expect("JSON");
    assert_eq!(last["event"], "claimed");
}

#[test]
fn attached_it_goes_on_the_next_day() {
    let job = Job::new(four(), &["sv-1", "sv-2"], |plan| {
        three_a_day(plan);
        plan.limits.deadline_s *= 2;
    });
    let began = Timestamp::now();
    let report = job.run(Guards::all(), |parts| {
        let other = |n| Taken { plan: Digest::of(b"another"), n, at: began };
        parts.day.known = vec![other(1), other(2), other(3)];
    });
    assert_eq!(report.expect("it begins").after, After::Finished);
    assert_eq!(job.acted(), ["sv-1", "sv-2"]);
    let first = job.chain().records.into_iter().find(|r| r.what.item().is_some()).expect("it");
    assert!(first.at >= began + SignedDuration::from_hours(24), "{}", first.at);
}

#[test]
fn a_day_that_ends_after_the_plan_stops_it() {
    let first = Job::new(four(), &["sv-1", "sv-2"], three_a_day);
    first.apply(&["--attached"]);
    let mut sim = first.sim;
    sim.data = sim.now();
    sim.data["target"]["scope"] = json!("others");
    let second = Job::new(sim, &["sv-3", "sv-4"], |plan| {
        three_a_day(plan);
        plan.limits.deadline_s = 3600;
    });
    assert_eq!(second.apply(&[]).0.code, Some(0));
    let (ran, told) = second.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("day-cap")), "{ran}");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("its time is over at")), "{ran}");
}

fn without_json(job: &Job) -> Vec<String> {
    job.apply_words(&[]).into_iter().filter(|w| w != "--format=json").collect()
}

#[test]
fn with_the_cap_of_a_day_off_both_run() {
    for (guards, acts) in [(Guards::all(), 3), (Guards::all().without(Guard::Day), 4)] {
        let first = Job::new(four(), &["sv-1", "sv-2"], three_a_day);
        first.with(guards).expect("it begins");
        // Another claim and journal, the same day.
        std::fs::remove_file(first.sim.path("claim")).expect("another's");
        let second = second(first, "servos");
        let step = || second.run(guards, |p| p.mode = Mode::Step).expect("it begins").after;
        step();
        let after = step();
        assert_eq!(second.acted().len(), acts);
        assert_eq!(matches!(after, After::DayFull { .. }), acts == 3, "{after:?}");
    }
}

/// Two machines that share nothing but the register of claims: the second knows of the first one's acts by
/// it alone.
fn shared(place: &str) {
    let claim = format!("--claim={place}");
    let first = Job::new(four(), &["sv-1", "sv-2"], three_a_day);
    let (ran, told) = first.apply(&["--attached", &claim]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    std::fs::remove_dir_all(&first.place).expect("another machine's");
    let _ = std::fs::remove_dir_all(first.sim.path("state"));
    let second = second(first, "others");
    assert_eq!(second.apply(&[&claim]).0.code, Some(0));
    waits_by(&second, &[&claim]);
    assert_eq!(second.acted(), ["sv-1", "sv-2", "sv-3"], "{place}");
    // With claims of its own it would know of nothing.
    let (ran, _) = second.apply(&["--claim=file"]);
    assert_ne!(ran.code, Some(0), "its claim stays where it is: {ran}");
}

#[test]
fn machines_that_claim_in_a_git_remote_share_the_day() {
    let world = crate::common::World::new();
    let remote = world.folder().join("claims.git");
    let made =
        std::process::Command::new("git").args(["init", "-q", "--bare"]).arg(&remote).status();
    assert!(made.expect("git").success());
    shared(&format!("git:{}", remote.display()));
}

#[cfg(feature = "fleet")]
#[test]
fn machines_that_claim_in_a_bucket_share_the_day() {
    let Some(nats) = crate::bucket::Nats::up() else { return };
    shared(&format!("{}/claims", nats.server));
}

/// What is left out takes nothing of the day.
#[test]
fn an_item_that_is_left_out_is_given_back() {
    let mut sim = four();
    sim.data["resources"][0]["protected"] = json!([{"kind": "opt-out", "source": "tags"}]);
    let first = Job::new(sim, &["sv-1", "sv-2"], three_a_day);
    first.apply(&["--attached"]);
    let second = second(first, "others");
    let (ran, told) = second.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(second.acted(), ["sv-2", "sv-3", "sv-4"]);
}

#[test]
fn where_nobody_can_say_what_was_done_nothing_more_is() {
    // The register.
    let job = Job::new(four(), &["sv-1"], three_a_day);
    let place = job.sim.path("state/days").join(name(&job.plan.target));
    for text in ["", "{}", "[1"] {
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        std::fs::write(&place, text).expect("written");
        let (ran, told) = job.apply(&[]);
        assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("day-unreadable")), "{ran}");
    }
    std::fs::remove_file(&place).expect("removed");
    assert_eq!(job.apply(&[]).0.code, Some(0));
    // Another plan's journal, cut or of a version that this program does not read.
    let text = std::fs::read_to_string(job.journal()).expect("the journal");
    for (journal, plan) in
        [(text.replacen("\"seq\":2", "\"seq\":7", 1), None), (format!("{text}what\n"), Some("{}"))]
    {
        let other = Job::new(four(), &["sv-1"], |_| {});
        let beside = other.sim.path("cleanup").join(job.digest.folder());
        std::fs::create_dir(&beside).expect("made");
        let sealed = std::fs::read(job.place.join("plan.json")).expect("it");
        let sealed = plan.map_or(sealed, |p| p.as_bytes().to_vec());
        std::fs::write(beside.join("plan.json"), sealed).expect("written");
        std::fs::write(beside.join("journal.jsonl"), journal).expect("written");
        let (ran, told) = other.apply(&[]);
        assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("day-unreadable")), "{ran}");
        assert!(other.acted().is_empty());
        // One that is only unknown counts as if it were of this account.
        std::fs::write(beside.join("plan.json"), "{}").expect("written");
        std::fs::write(beside.join("journal.jsonl"), &text).expect("written");
        assert_eq!(other.apply(&[]).0.code, Some(0), "one of twenty-five");
    }
}

/// Two appliers of two plans at once: one of them gets the day.
#[test]
fn two_appliers_take_one_day_at_once() {
    let sim = Sim::new();
    let place = sim.path("day");
    let take = |plan: &'static [u8]| {
        let place = place.clone();
        std::thread::spawn(move || {
            let register = FileRegister::shared(&place).expect("the register");
            let mut day = DayBook { register: Box::new(register), most: 25, known: Vec::new() };
            let items: Vec<u32> = (1..=20).collect();
            day.take(&Digest::of(plan), &items, Timestamp::now())
                .map_err(|full| full.refusal.reason)
        })
    };
    for _ in 0..20 {
        let both = [take(b"one"), take(b"two")].map(|t| t.join().expect("it ends"));
        let won = both.iter().filter(|r| r.is_ok()).count();
        assert_eq!(won, 1, "{both:?}");
        assert!(both.contains(&Err(Reason::DayCap)));
        std::fs::remove_file(&place).expect("removed");
    }
}

#[test]
fn permits_are_counted_and_vain_questions_are_not() {
    let job = Job::new(four(), &["sv-1", "sv-2"], |plan| plan.limits.max_items_per_day = 2);
    let place = job.place.display().to_string();
    let ask = |job: &Job, id: &str| {
        let mut words = job.arguments(&["cleanup", "permit", &place, "--policy=policy.yaml"]);
        words.extend([format!("--id={id}"), "--action=stop".into()]);
        job.sim.folder.run(&words)
    };
    for _ in 0..3 {
        assert_eq!(ask(&job, "sv-9").code, Some(4));
    }
    assert_eq!(ask(&job, "sv-1").code, Some(0));
    // Asked for again, it is refused, and still counts.
    assert!(ask(&job, "sv-1").stderr.contains("already-consumed"));
    let paper = job.sim.path("state/days").join(name(&job.plan.target));
    let paper: Value =
        serde_json::from_slice(&std::fs::read(paper).expect("the paper")).expect("JSON");
    assert_eq!(paper["acts"].as_array().map(Vec::len), Some(1));
    // Another plan had one of the day meanwhile.
    let register = FileRegister::shared(&job.sim.path("state/days").join(name(&job.plan.target)));
    let register = Box::new(register.expect("the register"));
    let mut day = DayBook { register, most: 25, known: Vec::new() };
    day.take(&Digest::of(b"another"), &[1], Timestamp::now()).expect("taken");
    let ran = ask(&job, "sv-2");
    assert!(ran.code == Some(4) && ran.stderr.contains("day-cap"), "{ran}");
}

/// A fleet with two orphans under a policy of `most` a day, its first run learned.
fn a_day(most: u32) -> Fleet {
    let fleet = fleet(|_| {});
    let policy = POLICY.replace("per_day: 25", &format!("per_day: {most}"));
    fleet.sim.folder.file("policy.yaml", policy);
    plan(&fleet, &[]);
    fleet
}

fn scope(fleet: &mut Fleet, scope: &str) {
    fleet.sim.data["target"]["scope"] = json!(scope);
    fleet.sim.write();
}

fn planned(ran: &Ran) -> (usize, Vec<String>) {
    let told = told(ran);
    let refused = told["refused"].as_array().expect("refused").iter();
    let capped = refused.filter(|r| r["reason"] == "capped");
    let says = capped.map(|r| r["says"].as_str().expect("why").to_owned()).collect();
    (told["items"].as_array().map_or(0, Vec::len), says)
}

#[test]
fn two_plans_a_minute_apart_share_a_day() {
    let mut fleet = a_day(3);
    let first = plan(&fleet, &["--format=json"]);
    assert_eq!(planned(&first).0, 2, "{first}");
    // The same scope again: the first can never be claimed any more, and counts for nothing.
    let again = plan(&fleet, &["--format=json"]);
    assert_eq!(planned(&again).0, 2, "{again}");
    // A scope of another name is the same account.
    scope(&mut fleet, "others");
    plan(&fleet, &["--scope=others"]);
    let second = plan(&fleet, &["--scope=others", "--format=json"]);
    let (count, says) = planned(&second);
    assert_eq!(count, 1, "{second}");
    assert!(says[0].contains("takes 3 of them a day, and 2 are done or planned"), "{says:?}");
    // What was denied does nothing, and frees its part.
    let digest = told(&again)["plan"].as_str().expect("a digest").to_owned();
    let no = fleet.sim.folder.run(&[
        "cleanup",
        "deny",
        &digest,
        "--key=key",
        "--as=alice",
        "--trust=trust.yaml",
    ]);
    assert_eq!(no.code, Some(0), "{no}");
    let third = plan(&fleet, &["--scope=others", "--format=json"]);
    assert_eq!(planned(&third).0, 2, "{third}");
}

#[test]
fn planning_counts_what_journals_say_and_refuses_what_it_cannot_read() {
    let fleet = a_day(2);
    let ran = plan(&fleet, &["--format=json"]);
    let folder = fleet.sim.path(told(&ran)["folder"].as_str().expect("a folder"));
    let digest: Digest = told(&ran)["plan"].as_str().expect("it").parse().expect("a digest");
    let at = |ago: i64| Timestamp::now() - SignedDuration::from_hours(ago);
    let line = |ago: i64, n: u32| {
        json!({"seq": 1, "prev": digest, "at": at(ago), "fence": 1,
               "what": {"event": "permitted", "n": n, "by": "job"}})
    };
    let write = |text: String| std::fs::write(folder.join("journal.jsonl"), text).expect("written");
    // Spelled as journals are: its fields in their order.
    let spelled = |ago: i64, n: u32| {
        let record: portcullis::cleanup::journal::Record =
            serde_json::from_value(line(ago, n)).expect("a record");
        String::from_utf8(record.line()).expect("text") + "\n"
    };
    write(spelled(25, 1));
    assert_eq!(planned(&plan(&fleet, &["--format=json"])).0, 2, "of yesterday");
    write(spelled(1, 1));
    let ran = plan(&fleet, &["--format=json"]);
    assert_eq!(planned(&ran).0, 1, "{ran}");
    write("what\n".into());
    let ran = plan(&fleet, &["--format=json"]);
    assert!(ran.code == Some(4) && ran.stderr.contains("day-unreadable"), "{ran}");
}

#[test]
fn with_the_caps_off_a_day_has_no_end() {
    let mut fleet = Fleet::small();
    fleet.policy = Policy::read("policy", POLICY.as_bytes()).expect("a policy");
    fleet.today = 25;
    assert_eq!(fleet.plan(Guards::all()).0.items.len(), 0);
    assert_eq!(fleet.plan(Guards::all().without(Guard::Caps)).0.items.len(), 2);
}
