//! What any other cleanup job calls dead: one JSON object a line.

use super::{Claim, ItemRef, Listing, Reason, Refusal, Resource, Source, strict};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most lines of one list.
const MAX_LINES: usize = 1_000_000;

/// A line: as an adapter lists a thing, but for what a job may not know.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(default)]
    immutable: BTreeMap<String, String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    state: BTreeMap<String, String>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    set: Option<String>,
    #[serde(default)]
    children: Vec<ItemRef>,
    #[serde(default = "called_dead")]
    candidate: bool,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    dead: Vec<Claim>,
    #[serde(default)]
    live: Vec<Claim>,
    #[serde(default)]
    protected: Vec<Claim>,
    #[serde(default)]
    unknown: Vec<String>,
}

/// A list of candidates names what is dead.
fn called_dead() -> bool {
    true
}

/// Reads a list of candidates. Each line has `type` and `id`, and any other field that an adapter's
/// `list` may give; `"candidate": false` makes it a thing that is not called dead.
///
/// # Errors
/// [`Reason::EmptySelector`] where no line names a candidate: an empty list says that nothing is to
/// be done, or that the job that made it failed, and only one of them may go on.
/// [`Reason::SourceUnreadable`] with the number of the line that cannot be read.
pub fn read(bytes: &[u8]) -> Result<Vec<Resource>, Refusal> {
    let wrong = |line: usize, says: &str| {
        Err(Refusal::new(Reason::SourceUnreadable, format!("line {line}: {says}")))
    };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let number = number + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if found.len() >= MAX_LINES {
            return wrong(number, &format!("it is longer than {MAX_LINES} lines"));
        }
        if line.trim_ascii_start().starts_with(b"[") {
            return wrong(number, "it is a JSON array: write one object a line (jq -c '.[]')");
        }
        let line: Line = match strict::read(line) {
            Ok(line) => line,
            Err(refusal) => return wrong(number, &refusal.says),
        };
        let resource = resource(line);
        if resource.kind.trim().is_empty() || resource.id.trim().is_empty() {
            return wrong(number, "its type or id is empty");
        }
        if !seen.insert(resource.item()) {
            return wrong(number, &format!("{} stands twice", resource.item()));
        }
        found.push(resource);
    }
    if !found.iter().any(|r| r.candidate) {
        let says = "the list of candidates is empty: nothing is to be done, or what made it failed";
        return Err(Refusal::new(Reason::EmptySelector, says));
    }
    Ok(found)
}

fn resource(line: Line) -> Resource {
    let Line {
        kind,
        id,
        immutable,
        attributes,
        state,
        owner,
        domain,
        set,
        children,
        candidate,
        action,
        dead,
        live,
        protected,
        unknown,
    } = line;
    Resource {
        kind,
        id,
        immutable,
        attributes,
        state,
        owner,
        domain,
        set,
        children,
        candidate,
        action,
        dead,
        live,
        protected,
        unknown,
    }
}

/// The source of whatever a job says. Whose records it quotes nobody can check, so all of it together is one
/// evidence, beside what the adapter has read itself.
pub const JOB: &str = "job-list";

/// What a job says, by its own name, with the one that it gave.
fn own(claim: &Claim) -> Claim {
    let mut own = claim.clone();
    if own.source != JOB {
        let says = if own.detail.is_empty() { "" } else { ": " };
        own.detail = format!("it names {}{says}{}", own.source, own.detail);
        own.source = JOB.into();
    }
    own
}

/// Joins a job's list with what an adapter listed: the job says what is dead, the adapter what there
/// is. What both say for or against a thing is added up; of what it is, the adapter alone is believed.
/// What nobody listed stays as unknown. The list, which was read `at`, is a source of its own, [`JOB`].
pub fn join(listing: &mut Listing, candidates: Vec<Resource>, at: Timestamp) {
    listing.sources.push(Source {
        name: JOB.into(),
        fetched_at: at,
        newest: None,
        complete: true,
        rows: candidates.len() as u64,
        cross_count: None,
        keeps: false,
        may_be_empty: false,
        selector: BTreeMap::new(),
    });
    // What the adapter itself would do to what it calls dead: another act may lose what this one keeps.
    let judged: Vec<Option<String>> = listing
        .resources
        .iter_mut()
        .map(|r| std::mem::take(&mut r.candidate).then(|| r.action.clone()).flatten())
        .collect();
    let mut there: BTreeMap<ItemRef, Vec<usize>> = BTreeMap::new();
    for (n, resource) in listing.resources.iter().enumerate() {
        there.entry(resource.item()).or_default().push(n);
    }
    for mut called in candidates {
        let Some(places) = there.get(&called.item()) else {
            called.unknown.push("the adapter did not list it".into());
            listing.resources.push(called);
            continue;
        };
        for n in places {
            let resource = &mut listing.resources[*n];
            // The job may have judged another thing that had its name before.
            let is = &resource.immutable;
            let other = called.immutable.iter().find(|(k, v)| is.get(*k) != Some(*v));
            if let Some((key, was)) = other {
                let says = match is.get(key) {
                    Some(_) => format!("the job means another of its name: its {key} is {was}"),
                    None => {
                        format!("the job knows it by its {key}, which the adapter does not tell")
                    }
                };
                resource.unknown.push(says);
            }
            if let (Some(own), Some(asked)) = (&judged[*n], &called.action)
                && own != asked
            {
                let says = format!("the job asks to {asked} it, and what fits it is to {own} it");
                resource.unknown.push(says);
            }
            resource.candidate = called.candidate;
            resource.action = called.action.clone().or(resource.action.take());
            resource.dead.extend(called.dead.iter().map(own));
            let inside = called.children.iter().filter(|c| !resource.children.contains(c));
            let inside: Vec<ItemRef> = inside.cloned().collect();
            resource.children.extend(inside);
            resource.live.extend(called.live.iter().cloned());
            resource.protected.extend(called.protected.iter().cloned());
            resource.unknown.extend(called.unknown.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_it_is_wrong() {
        let good = "{\"type\":\"servo\",\"id\":\"sv-1\"}\n\n{\"type\":\"servo\",\"id\":\"sv-2\"}";
        let list = read(good.as_bytes()).expect("good");
        assert!(list.iter().all(|r| r.candidate) && list.len() == 2);
        for (text, says) in [
            ("{\"type\":\"servo\"}", "line 1: "),
            ("{\"type\":\"servo\",\"id\":\"a\"}\nnonsense", "line 2: "),
            ("\n{\"type\":\"servo\",\"id\":\"a\",\"ids\":[]}", "line 2: "),
            ("{\"type\":\"servo\",\"id\":\"a\",\"id\":\"b\"}", "line 1: "),
            ("{\"type\":\"servo\",\"id\":\"\"}", "empty"),
            ("{\"type\":\"servo\",\"id\":7}", "line 1: "),
            ("[{\"type\":\"servo\",\"id\":\"a\"}]", "jq"),
            (
                "{\"type\":\"s\",\"id\":\"a\"}\n{\"type\":\"s\",\"id\":\"a\"}",
                "line 2: s a stands twice",
            ),
        ] {
            let refused = read(text.as_bytes()).expect_err(text);
            assert_eq!(refused.reason, Reason::SourceUnreadable, "{text}");
            assert!(refused.says.contains(says), "{text}: {refused}");
        }
        for text in ["", "\n \n", "{\"type\":\"servo\",\"id\":\"a\",\"candidate\":false}"] {
            let refused = read(text.as_bytes()).expect_err(text);
            assert_eq!(refused.reason, Reason::EmptySelector, "{text:?}");
        }
    }

    #[test]
    fn a_name_that_is_another_s_by_now_is_unknown() {
        let named = |uuid: &str| {
            let line =
                format!("{{\"type\":\"servo\",\"id\":\"a\",\"immutable\":{{\"uuid\":{uuid:?}}}}}");
            read(line.as_bytes()).expect("good").remove(0)
        };
        for (means, unknown) in [("u-1", 0), ("u-2", 1)] {
            let mut listing = Listing { sources: Vec::new(), resources: vec![named("u-1")] };
            join(&mut listing, vec![named(means)], Timestamp::UNIX_EPOCH);
            assert_eq!(listing.resources[0].unknown.len(), unknown, "{means}");
            assert_eq!(listing.resources[0].immutable["uuid"], "u-1", "what it is");
        }
    }

    #[test]
    fn the_job_says_what_is_dead_and_the_adapter_what_there_is() {
        let thing = |id: &str, candidate: bool| Resource {
            candidate,
            ..read(format!("{{\"type\":\"servo\",\"id\":{id:?}}}").as_bytes())
                .expect("good")
                .remove(0)
        };
        let mut listing =
            Listing { sources: Vec::new(), resources: vec![thing("a", true), thing("b", false)] };
        let called = vec![thing("b", true), thing("c", true)];
        join(&mut listing, called, Timestamp::UNIX_EPOCH);
        let told: Vec<(&str, bool, usize)> = listing
            .resources
            .iter()
            .map(|r| (r.id.as_str(), r.candidate, r.unknown.len()))
            .collect();
        assert_eq!(told, [("a", false, 0), ("b", true, 0), ("c", true, 1)]);
    }

    /// Another act than the adapter's own may lose what that one keeps (a mark where a snapshot is due).
    #[test]
    fn a_job_asks_for_no_other_act_than_the_one_that_fits() {
        let line = |more: &str| {
            let text = format!("{{\"type\":\"servo\",\"id\":\"a\"{more}}}");
            read(text.as_bytes()).expect("good").remove(0)
        };
        let listed = |action: Option<&str>, candidate: bool| Listing {
            sources: Vec::new(),
            resources: vec![Resource { action: action.map(Into::into), candidate, ..line("") }],
        };
        for (mut listing, asked, held) in [
            (listed(Some("snapshot"), true), ",\"action\":\"mark\"", true),
            (listed(Some("snapshot"), true), ",\"action\":\"snapshot\"", false),
            (listed(Some("snapshot"), true), "", false),
            // What the adapter does not call dead has no act of its own.
            (listed(None, false), ",\"action\":\"mark\"", false),
        ] {
            join(&mut listing, vec![line(asked)], Timestamp::UNIX_EPOCH);
            assert_eq!(!listing.resources[0].unknown.is_empty(), held, "{asked}");
        }
        // What it says is inside counts, and what it knows it by must be told.
        let inside =
            ",\"children\":[{\"type\":\"servo\",\"id\":\"b\"}],\"immutable\":{\"made\":\"2019\"}";
        let mut listing = listed(None, false);
        join(&mut listing, vec![line(inside)], Timestamp::UNIX_EPOCH);
        assert_eq!(listing.resources[0].children.len(), 1);
        assert!(listing.resources[0].unknown[0].contains("by its made"));
    }

    /// Else a job alone could say both that nothing balances it and that nobody declares it.
    #[test]
    fn whatever_sources_a_job_names_it_is_one_evidence() {
        let line = |dead: &str| {
            let text = format!("{{\"type\":\"servo\",\"id\":\"a\",\"dead\":[{dead}]}}");
            read(text.as_bytes()).expect("good").remove(0)
        };
        let mut listing = Listing { sources: Vec::new(), resources: vec![line("")] };
        let said = "{\"kind\":\"idle\",\"source\":\"DescribeTargetHealth 1/r1\"},\
                    {\"kind\":\"undeclared\",\"source\":\"spec\",\"detail\":\"no role\"}";
        join(&mut listing, vec![line(said)], Timestamp::UNIX_EPOCH);
        let dead = &listing.resources[0].dead;
        assert!(dead.iter().all(|claim| claim.source == JOB), "{dead:?}");
        assert_eq!(dead[1].detail, "it names spec: no role");
        let sources: Vec<&str> = listing.sources.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(sources, [JOB]);
    }
}
