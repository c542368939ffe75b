use super::policy::SourceLimits;
use super::{Guard, Guards, Memory, Reason, Refusal, Source};
use jiff::Timestamp;

/// What is wrong with the sources of a listing: any of it, and nothing is planned.
pub(super) fn unfit(
    sources: &[Source],
    limits: &SourceLimits,
    memory: Option<&Memory>,
    now: Timestamp,
    guards: Guards,
) -> Vec<Refusal> {
    let mut found = Vec::new();
    for source in sources {
        let mut refuse = |guard: Guard, reason: Reason, says: String| {
            if guards.has(guard) {
                found.push(Refusal::new(reason, format!("{}: {says}", source.name)));
            }
        };
        if !source.complete {
            let says = "not every page of it was read".to_owned();
            refuse(Guard::Complete, Reason::SourceIncomplete, says);
        } else if let Some(count) = source.cross_count.filter(|count| *count != source.rows) {
            let says =
                format!("{} rows were read, and counted otherwise it has {count}", source.rows);
            refuse(Guard::Complete, Reason::SourceIncomplete, says);
        }
        if source.keeps {
            let before = memory.and_then(|m| m.rows(&source.name));
            let floor = floor(source, limits, before);
            if source.rows < floor {
                let says = format!(
                    "{} rows, and the policy's floor is {floor}; if it may have fewer, the policy says \
                     so: `floors: {{ {}: {} }}` under `sources:`",
                    source.rows,
                    call(&source.name),
                    source.rows
                );
                refuse(Guard::Floor, Reason::SourceFloor, says);
            }
            if let Some(before) = before.filter(|b| {
                u128::from(source.rows) * 100 < u128::from(*b) * u128::from(limits.delta_percent)
            }) {
                let says = format!(
                    "{} rows after {before}, when it was last believed: less than {} %. A list that was \
                     cut looks like that; where so many are gone for certain, plan with \
                     --accept-rows '{}={}', which approvers see",
                    source.rows, limits.delta_percent, source.name, source.rows
                );
                refuse(Guard::Delta, Reason::SourceDelta, says);
            }
        }
        for (what, at) in
            [("it was fetched", Some(source.fetched_at)), ("its newest record is", source.newest)]
        {
            let Some(at) = at else { continue };
            let age = now.duration_since(at).as_secs();
            if age > i64::try_from(limits.max_age_s).unwrap_or(i64::MAX) {
                let says =
                    format!("{what} {age} s old, and the policy takes {} s", limits.max_age_s);
                refuse(Guard::Fresh, Reason::SourceStale, says);
            } else if -age > i64::try_from(limits.max_ahead_s).unwrap_or(i64::MAX) {
                let says = format!(
                    "{what} {} s in the future, and the policy takes {} s: a clock is wrong",
                    -age, limits.max_ahead_s
                );
                refuse(Guard::Fresh, Reason::SourceStale, says);
            }
        }
    }
    // A thing that two sources of one name speak of has one source and looks as if it had two.
    let mut names: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|p| p[0] == p[1]) {
        if guards.has(Guard::Complete) {
            let says = format!("{}: two sources have this name", pair[0]);
            found.push(Refusal::new(Reason::SourceUnreadable, says));
        }
    }
    found
}

/// Rows that a keep list has at least: an empty one would let everything be called gone.
///
/// Where a list may be empty, it is believed that was empty before, or is seen for the first time: that run
/// has no stratum proven, and plans nothing. One that had rows and has none is not.
fn floor(source: &Source, limits: &SourceLimits, before: Option<u64>) -> u64 {
    let named = limits.floors.get(&source.name).or_else(|| limits.floors.get(call(&source.name)));
    match named {
        Some(floor) => *floor,
        None if source.may_be_empty && before.is_none_or(|rows| rows == 0) => 0,
        None => limits.floor,
    }
}

/// The first word of a name: of AWS the call, without the account and the region.
fn call(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(
        may_be_empty: bool,
        rows: u64,
        before: Option<u64>,
        floors: &[(&str, u64)],
    ) -> Vec<String> {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let limits = SourceLimits {
            floor: 1,
            floors: floors.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect(),
            // So that nothing but the floor speaks.
            delta_percent: 0,
            max_age_s: 60,
            max_ahead_s: 60,
        };
        let source = json!({
            "name": "DescribeVolumes 1/r1", "fetched_at": now, "complete": true, "rows": rows,
            "keeps": true,
        });
        let source: Source = serde_json::from_value(source).expect("a source");
        let source = Source { may_be_empty, ..source };
        let memory = before.map(|rows| {
            let target = json!({
                "provider": "aws", "partition": "aws", "account": "1", "regions": ["r1"],
                "scope": "all",
            });
            let learned = json!({
                "schema": Memory::SCHEMA, "at": now, "target": target,
                "classifier": crate::cleanup::Digest::of(b""), "strata": [],
                "sources": { "DescribeVolumes 1/r1": rows },
            });
            serde_json::from_value::<Memory>(learned).expect("a memory")
        });
        let found = unfit(&[source], &limits, memory.as_ref(), now, Guards::all());
        found.into_iter().map(|why| format!("{}: {}", why.reason.code(), why.says)).collect()
    }

    /// An account without Auto Scaling groups has none in every run.
    #[test]
    fn a_list_that_may_be_empty_is_believed_unless_it_had_rows() {
        assert_eq!(said(true, 0, None, &[]), Vec::<String>::new());
        assert_eq!(said(true, 0, Some(0), &[]), Vec::<String>::new());
        assert!(said(true, 0, Some(3), &[])[0].starts_with("source-floor"));
        for before in [None, Some(0), Some(3)] {
            let why = said(false, 0, before, &[]);
            assert!(why[0].contains("floors: { DescribeVolumes: 0 }"), "{why:?}");
        }
    }

    #[test]
    fn a_floor_of_its_own_counts_for_a_source_by_its_name_or_its_call() {
        for name in ["DescribeVolumes", "DescribeVolumes 1/r1"] {
            assert_eq!(said(false, 0, Some(0), &[(name, 0)]), Vec::<String>::new(), "{name}");
            assert_eq!(said(true, 2, Some(2), &[(name, 3)]).len(), 1, "{name}");
        }
        assert_eq!(said(false, 0, None, &[("DescribeAddresses", 0)]).len(), 1);
    }
}
