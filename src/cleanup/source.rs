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
            if source.rows < limits.floor {
                let says =
                    format!("{} rows, and the policy's floor is {}", source.rows, limits.floor);
                refuse(Guard::Floor, Reason::SourceFloor, says);
            }
            let before = memory.and_then(|m| m.rows(&source.name));
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
