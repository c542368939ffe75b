//! What is declared, asked from outside between batches: what answered before the first batch must go
//! on answering.

use super::{Reason, Refusal};
use std::collections::{BTreeMap, BTreeSet};

/// What one look from outside saw of everything that a spec requires. Endpoints are named as people
/// read them: `web-1 tcp/443 from internet at 203.0.113.7`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// They answered as declared.
    pub answering: BTreeSet<String>,
    /// They were asked and did not, with what was seen.
    pub quiet: BTreeMap<String, String>,
    /// Nobody can say, and why.
    pub unknown: BTreeMap<String, String>,
    /// They are declared for clients that nobody here is one of: they are left to other vantages.
    pub elsewhere: BTreeSet<String>,
}

/// What the first look sets: the endpoints that must go on answering.
///
/// What was quiet before anything was done is no harm of this plan's.
///
/// # Errors
/// [`Reason::HealthUnknown`]: something could not be asked, or nothing answered that could tell harm.
pub fn baseline(seen: &Watched) -> Result<BTreeSet<String>, Refusal> {
    if let Some((endpoint, why)) = seen.unknown.first_key_value() {
        let says = format!("{endpoint} cannot be asked: {why}{}", more(seen.unknown.len()));
        return Err(Refusal::new(Reason::HealthUnknown, says));
    }
    if seen.answering.is_empty() {
        let says = format!(
            "nothing that the spec declares answers from here ({} quiet, {} declared for others), \
             so nothing could tell what a batch breaks",
            seen.quiet.len(),
            seen.elsewhere.len()
        );
        return Err(Refusal::new(Reason::HealthUnknown, says));
    }
    Ok(seen.answering.clone())
}

/// Whether everything that answered before the first batch answers still.
///
/// # Errors
/// [`Reason::Unhealthy`]; [`Reason::HealthUnknown`] where something could not be asked, or is not
/// declared or not there any more.
pub fn holds(before: &BTreeSet<String>, seen: &Watched) -> Result<(), Refusal> {
    let lost: Vec<&String> = before.iter().filter(|e| seen.quiet.contains_key(*e)).collect();
    if let Some(endpoint) = lost.first() {
        let why = seen.quiet.get(*endpoint).map_or("", String::as_str);
        let says = format!("{endpoint} answered before the first batch: {why}{}", more(lost.len()));
        return Err(Refusal::new(Reason::Unhealthy, says));
    }
    let dark: Vec<&String> = before.iter().filter(|e| !seen.answering.contains(*e)).collect();
    let Some(endpoint) = dark.first() else { return Ok(()) };
    let why = seen.unknown.get(*endpoint).map_or(
        "it is not declared any more, or its host or its vantage is not what it was",
        String::as_str,
    );
    let says = format!("{endpoint} cannot be asked any more: {why}{}", more(dark.len()));
    Err(Refusal::new(Reason::HealthUnknown, says))
}

/// Plants a service that went quiet, and one that nobody can see any more, in memory: what of it was
/// not noticed.
#[must_use]
pub fn planted() -> Option<Refusal> {
    let name = || "planted tcp/443 from internet at 192.0.2.1".to_owned();
    let well = Watched { answering: BTreeSet::from([name()]), ..Watched::default() };
    let down = Watched { quiet: [(name(), "planted".into())].into(), ..Watched::default() };
    let before = baseline(&well).unwrap_or_default();
    let told = |seen| holds(&before, seen).err().map(|no| no.reason);
    let seen = [told(&well), told(&down), told(&Watched::default())];
    if seen == [None, Some(Reason::Unhealthy), Some(Reason::HealthUnknown)] {
        return None;
    }
    let says = "nothing is said of a declared service that went quiet";
    Some(Refusal::new(Reason::GuardDead, says))
}

fn more(all: usize) -> String {
    if all > 1 { format!("; and {} more", all - 1) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(answering: &[&str], quiet: &[&str], unknown: &[&str]) -> Watched {
        let why = |names: &[&str], why: &str| {
            names.iter().map(|n| ((*n).to_owned(), why.to_owned())).collect()
        };
        Watched {
            answering: answering.iter().map(|n| (*n).to_owned()).collect(),
            quiet: why(quiet, "silent"),
            unknown: why(unknown, "no vantage"),
            elsewhere: BTreeSet::new(),
        }
    }

    fn reason(told: Result<(), Refusal>) -> Option<Reason> {
        told.err().map(|r| r.reason)
    }

    #[test]
    fn the_first_look_needs_to_see_and_sets_what_answers() {
        let whole = baseline(&seen(&["a", "b"], &["c"], &[])).expect("a baseline");
        assert_eq!(whole, BTreeSet::from(["a".to_owned(), "b".to_owned()]), "not what was quiet");
        for bad in [seen(&["a"], &[], &["b"]), seen(&[], &["a"], &[]), seen(&[], &[], &[])] {
            let no = baseline(&bad).expect_err("refused");
            assert_eq!(no.reason, Reason::HealthUnknown, "{bad:?}");
        }
    }

    #[test]
    fn the_guard_is_alive() {
        assert_eq!(planted(), None);
    }

    #[test]
    fn what_answered_must_answer() {
        let before = baseline(&seen(&["a", "b"], &["c"], &[])).expect("a baseline");
        assert_eq!(holds(&before, &seen(&["a", "b", "c"], &[], &[])), Ok(()));
        assert_eq!(holds(&before, &seen(&["a", "b"], &["c", "d"], &["e"])), Ok(()), "others");
        for (now, why) in [
            (seen(&["a"], &["b"], &[]), Reason::Unhealthy),
            (seen(&[], &["b"], &["a"]), Reason::Unhealthy),
            (seen(&["a"], &[], &["b"]), Reason::HealthUnknown),
            // Not declared any more, or on no host: nobody looked.
            (seen(&["a"], &[], &[]), Reason::HealthUnknown),
            (seen(&[], &[], &[]), Reason::HealthUnknown),
        ] {
            assert_eq!(reason(holds(&before, &now)), Some(why), "{now:?}");
        }
        let two = holds(&before, &seen(&[], &["a", "b"], &[])).expect_err("both");
        assert!(two.says.contains("a answered before") && two.says.contains("and 1 more"), "{two}");
    }
}
