use super::*;

const GOOD: &str = "\
version: 1
limits:
  max_items: 25
  max_percent_stratum: 5%
  max_percent_total: 2
  ramp: [1, 5, 25]
  soak: [15m, 1h, 24h]
  max_retries: 5
  quarantine: 14d
  deadline: 3d
  valid: 24h
  max_items_per_day: 50
sources:
  floor: 1
  delta: 90%
  max_age: 1h
  max_ahead: 120s
minimum:
  any: 1
  sets: {web: 3}
";

fn read(text: &str) -> Result<Policy, String> {
    Policy::read("cleanup-policy.yaml", text.as_bytes()).map_err(|refused| {
        assert_eq!(refused.reason, Reason::PolicyInvalid);
        refused.says
    })
}

#[test]
fn a_policy_says_how_much_and_how_slowly() {
    let policy = read(GOOD).expect("good");
    assert_eq!((policy.limits.max_items, policy.limits.max_items_per_day), (25, 50));
    assert_eq!(policy.limits.max_percent_stratum, 5);
    assert_eq!(policy.limits.max_percent_total, 2);
    assert_eq!(policy.limits.soak_s, [900, 3600, 86_400]);
    assert_eq!(policy.limits.quarantine_s, 14 * 86_400);
    assert_eq!(policy.sources.delta_percent, 90);
    assert_eq!(policy.strata, StratumLimits::DEFAULT);
    assert_eq!((policy.minimum.of("web"), policy.minimum.of("db")), (3, 1));
    assert_eq!(policy.digest, Digest::of(GOOD.as_bytes()));
}

#[test]
fn a_single_list_has_a_floor_of_its_own() {
    let with = GOOD.replace("  floor: 1\n", "  floor: 1\n  floors: { DescribeVolumes: 0 }\n");
    let policy = read(&with).expect("good");
    assert_eq!(policy.sources.floors, [("DescribeVolumes".to_owned(), 0)].into());
    assert!(read(GOOD).expect("good").sources.floors.is_empty());
}

/// B20: every cap and time that a policy must give, taken away one at a time.
#[test]
fn what_is_missing_is_refused_by_name() {
    let mut tried = 0;
    for line in GOOD.lines().filter(|l| l.starts_with("  ") && !l.contains("sets")) {
        let key = line.trim().split(':').next().expect("a key");
        let said = read(&GOOD.replace(&format!("{line}\n"), "")).expect_err(line);
        assert!(said.contains(&format!("`{key}`")), "{key}: {said}");
        tried += 1;
    }
    assert_eq!(tried, 15);
    for section in ["limits:", "sources:", "minimum:", "version: 1"] {
        let at = GOOD.find(section).expect("there");
        let end = GOOD[at..].find("\n").expect("a line") + at;
        let rest = &GOOD[end + 1..];
        let body =
            rest.lines().take_while(|l| l.starts_with(' ')).map(|l| l.len() + 1).sum::<usize>();
        let text = format!("{}{}", &GOOD[..at], &rest[body..]);
        assert!(read(&text).is_err(), "{section}");
    }
    assert!(read("").is_err());
}

#[test]
fn what_is_out_of_range_is_refused_with_its_place() {
    for (from, to, place, says) in [
        ("5%", "101%", ":4:", "0 to 100"),
        ("5%", "-1%", ":4:", "0 is the least"),
        ("total: 2", "total: -2", ":5:", "0 is the least"),
        ("total: 2", "total: 2.5", ":5:", ""),
        ("total: 2", "total: ", ":5:", ""),
        ("max_items: 25", "max_items: -1", ":3:", ""),
        ("max_items: 25", "max_items: null", ":3:", ""),
        ("max_items: 25", "max_items: 5%", ":3:", ""),
        ("[1, 5, 25]", "[]", ":6:", "empty"),
        ("[1, 5, 25]", "[0, 5]", ":6:", "max_items: 0"),
        ("[15m, 1h, 24h]", "[15]", ":7:", "unit"),
        ("[15m, 1h, 24h]", "[]", ":7:", "empty"),
        ("quarantine: 14d", "quarantine: -1d", ":9:", "unit"),
        ("version: 1", "version: 2", ":1:", "version 2"),
        ("floor: 1", "flor: 1", ":14:", "flor"),
        ("minimum:\n", "minimum:\n  evrey: 1\n", ":19:", "evrey"),
        ("max_items: 25", "max_items: 25\n  max_items: 99", ":4:", "max_items"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let said = read(&GOOD.replacen(from, to, 1)).expect_err(to);
        assert!(said.starts_with(&format!("cleanup-policy.yaml{place}")), "{to}: {said}");
        assert!(said.contains(says), "{to}: {said}");
    }
}

#[test]
fn zero_is_none_and_not_no_limit() {
    let text = GOOD.replace("max_items: 25", "max_items: 0").replace("5%", "0%");
    let policy = read(&text).expect("zero is a value");
    assert_eq!((policy.limits.max_items, policy.limits.max_percent_stratum), (0, 0));
}

#[test]
fn strata_can_only_be_tightened() {
    let with = |line: &str| read(&format!("{GOOD}strata:\n  {line}\n"));
    for line in
        ["share: 54%", "share_from: 2", "unknown: 0", "live_controls: 11", "fisher_p: 0.001"]
    {
        assert!(with(line).is_ok(), "{line}: {:?}", with(line));
    }
    for line in [
        "share: 56%",
        "share_from: 4",
        "unknown: 3",
        "live_controls: 9",
        "fisher_p: 0.00001",
        "fisher_p: .nan",
        "fisher_p: 2",
        "fisher_from: 6",
        "max_values: 49",
    ] {
        let said = with(line).expect_err(line);
        assert!(said.contains("tighten"), "{line}: {said}");
    }
    assert_eq!(with("ignore: [attached]").expect("read").strata.ignore.len(), 1);
}
