//! TokBox 2017: one server with another build joined the pool. From when to when the builds were mixed
//! is what people had to know afterwards, to find the sessions that were made in between.

use super::world::{Estate, json_of};
use crate::common::Ran;
use serde_json::{Value, json};

/// What the fleet's inventory says: every host has this build, but for the last one.
fn audit(estate: &Estate, last: &str) -> Ran {
    let host =
        |n: u8, build: &str| json!({ "instance_id": format!("i-0router0{n}"), "build": build });
    let mut facts: Vec<Value> = (1..=4).map(|n| host(n, "2.41.3")).collect();
    facts.push(host(5, last));
    estate.world.file("facts.json", Value::from(facts).to_string());
    estate.audit(&["--facts", "facts.json", "--since-last", "--format", "json"])
}

fn skewed(estate: &Estate) -> Option<Value> {
    estate.findings().into_iter().find(|f| f["rule"] == "fact-skewed")
}

#[test]
fn history_tells_from_when_to_when_the_builds_were_mixed() {
    let estate = Estate::of("tokbox-2017");
    let at = |ran: &Ran| json_of(&ran.stdout)["at"].as_str().expect("a time").to_owned();
    audit(&estate, "2.41.3");
    assert_eq!(skewed(&estate), None, "one build is no skew");
    let first = audit(&estate, "2.42.0");
    assert_eq!(first.code, Some(1), "{first}");
    let last = audit(&estate, "2.42.0");
    let after = audit(&estate, "2.41.3");

    let finding = skewed(&estate).expect("it was there");
    assert_eq!(finding["state"], "resolved", "{finding:#}");
    let spans = finding["spans"].as_array().expect("spans");
    assert_eq!(spans.len(), 1, "{finding:#}");
    // To the microsecond, which is what is kept.
    let same = |kept: &Value, told: &str| {
        let time = |text: &str| text.parse::<jiff::Timestamp>().expect("a time").as_microsecond();
        assert_eq!(time(kept.as_str().expect("a time")), time(told));
    };
    same(&spans[0]["from"], &at(&first));
    same(&spans[0]["to"], &at(&last));
    same(&finding["resolved_at"], &at(&after));
    let prefix = &finding["fingerprint"].as_str().expect("hex")[..8];
    let shown = estate.history(&["show", prefix]);
    for words in
        ["fact-skewed: role router fact build", "(r2) to ", "(r3): ", "gone at ", "(r4)", "2.42.0"]
    {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
}

/// More builds than were known are worse, and fewer are not; whichever it is, it is the same finding.
#[test]
fn a_skew_that_grows_counts_again_and_one_that_shrinks_does_not() {
    let estate = Estate::of("tokbox-2017");
    let audit = |builds: [&str; 5]| {
        let host = |(n, build)| json!({ "instance_id": format!("i-0router0{n}"), "build": build });
        let facts: Vec<Value> = (1..).zip(builds).map(host).collect();
        estate.world.file("facts.json", Value::from(facts).to_string());
        estate.audit(&["--facts", "facts.json", "--since-last"])
    };
    let two = ["2.41.3", "2.41.3", "2.41.3", "2.41.3", "2.42.0"];
    let four = ["2.41.3", "2.41.3", "2.42.0", "2.43.0", "2.44.0"];
    let codes = [two, two, four, four, two].map(|builds| audit(builds).code);
    assert_eq!(codes, [1, 0, 1, 0, 0].map(Some));
    let worse = audit(four);
    assert!(worse.stdout.contains("(changed: worse, 4 where 2 was)"), "{worse}");

    let finding = skewed(&estate).expect("it is there");
    assert_eq!(finding["measure"], 4, "{finding:#}");
    let prefix = &finding["fingerprint"].as_str().expect("hex")[..8];
    let shown = estate.history(&["show", prefix]);
    assert!(shown.stdout.contains("measure 2\n"), "{shown}");
    assert!(shown.stdout.contains("measure 4 (was 2)\n"), "{shown}");
}

/// A source that cannot be read, and one that nobody asked, end no skew.
#[test]
fn a_skew_that_nobody_could_look_at_is_not_over() {
    let estate = Estate::of("tokbox-2017");
    audit(&estate, "2.42.0");
    estate.world.file("facts.json", "[{\"instance_id\": \"i-0rou");
    let half = estate.audit(&["--facts", "facts.json"]);
    assert!(half.stdout.contains("gap[facts]"), "{half}");
    let finding = skewed(&estate).expect("it is still there");
    assert_eq!(finding["state"], "not seen", "{finding:#}");
    estate.audit(&[]);
    assert_eq!(skewed(&estate).expect("it is still there")["state"], "not seen");
    audit(&estate, "2.42.0");
    assert_eq!(skewed(&estate).expect("it is still there")["state"], "open");
}
