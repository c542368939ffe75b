use super::choose::{Choice, choose};
use super::{Author, Item, Phase, Pins, Plan, PlanReport, SCHEMA, Stratum, Totals};
use crate::cleanup::evidence::hidden;
use crate::cleanup::hold::Holding;
use crate::cleanup::policy::Policy;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::stratum::{Marks, Strata};
use crate::cleanup::verdict::{Bench, Verdict};
use crate::cleanup::{
    Act, Decommission, Digest, Guard, Guards, ItemRef, Listing, Memory, Noted, Reason, Refusal,
    Resource, Target, selector, source, strict,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What a listing is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// Everything of the scope, candidates or not.
    Whole,
    /// Candidates alone: nothing is known of what else there is, and nothing is planned.
    CandidatesOnly,
}

/// Everything that a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct DraftInput<'a> {
    /// Whether `listing` is all that there is.
    pub population: Population,
    /// All of the population with the sources it was read from; each thing that the job calls dead
    /// has `candidate`.
    pub listing: &'a Listing,
    /// What was asked of the listing; every row is tested against it again.
    pub selector: &'a BTreeMap<String, String>,
    /// What the adapter can do. What is not in here is never planned.
    pub acts: &'a [Act],
    pub policy: &'a Policy,
    /// How much of the account's day is spoken for by other plans (`approval::spoken_for`).
    pub today: u32,
    /// What the previous run of this target learned.
    pub memory: Option<&'a Memory>,
    /// Of everything that decides what is dead; `None` where nobody knows, and then nothing is
    /// planned.
    pub classifier: Option<&'a Digest>,
    /// Signed statements about whole classes, their signatures checked (`approval::note`).
    pub notes: &'a [Noted],
    /// Of the quarantine, its signature checked: only of what it names may a deletion be planned.
    pub receipt: Option<&'a Receipt>,
    pub phase: Phase,
    pub target: &'a Target,
    pub author: &'a Author,
    pub pins: &'a Pins,
    pub now: Timestamp,
    pub guards: Guards,
}

/// Drafts a plan: the same input makes the same plan.
pub fn draft(input: &DraftInput<'_>) -> (Plan, PlanReport) {
    let DraftInput { listing, policy, now, guards, .. } = *input;
    let resources = &listing.resources;
    let ahead = SignedDuration::from_secs(policy.sources.max_ahead_s.min(1 << 40).cast_signed());
    let latest = now.saturating_add(ahead).unwrap_or(now);
    let sources = listing.sources.iter().map(|s| s.name.as_str());
    let bench = Bench::new(resources, sources, latest, guards);
    let verdicts: Vec<Verdict> = resources.iter().map(|r| bench.judge(r)).collect();
    let marks: Vec<Marks> =
        resources.iter().zip(&verdicts).map(|(r, v)| mark(r, v, &bench, policy)).collect();
    let notes: Vec<Decommission> = input.notes.iter().map(|n| n.says.clone()).collect();
    let strata = Strata::find(resources, &marks, &policy.strata, &notes, now);
    let everything = strata.classes[0].counts;
    let classifier = input.classifier;
    let whole_known = input.population == Population::Whole;
    let holding = Holding {
        whole_known,
        limits: &policy.strata,
        memory: input.memory,
        classifier,
        everything,
        phase: input.phase,
        guards,
    };

    let mut vetoes = source::unfit(&listing.sources, &policy.sources, input.memory, now, guards);
    if guards.has(Guard::Filter) {
        vetoes.extend(selector::honoured(resources, &listing.sources, input.selector));
    }
    vetoes.extend(whole(input, &strata, &bench));

    // Only of classes with candidates is anything said.
    let mut held: BTreeMap<usize, Vec<Refusal>> = (0..strata.classes.len())
        .filter(|c| strata.classes[*c].counts.candidates > 0)
        .map(|c| (c, holding.holds(&strata.classes[c])))
        .collect();
    name_hits(input, &marks, &strata, &mut held);
    let choice = choose(input, &verdicts, &strata, &held, vetoes.first());
    let alarms = alarms(&strata, &held);
    let learned = if vetoes.is_empty() { learned(input, &strata, &holding) } else { None };
    let report = PlanReport {
        population: everything.population,
        candidates: everything.candidates,
        refused: counted(&choice.refused),
        dropped: strata.dropped.clone(),
        alarms,
        learned,
        vetoes,
    };
    (plan(input, &strata, &held, choice, &report), report)
}

fn mark(resource: &Resource, verdict: &Verdict, bench: &Bench<'_>, policy: &Policy) -> Marks {
    // A thing that is protected is no control: nobody asks the classifier to see protections.
    let live = bench.proven_live(resource) && resource.protected.is_empty();
    Marks {
        candidate: resource.candidate,
        unknown: !resource.unknown.is_empty() || verdict.is_unknown(),
        live: live.then_some(!resource.candidate),
        dead: policy.dead_controls.contains(&resource.item()).then_some(resource.candidate),
    }
}

/// Why nothing at all may be planned, beside the sources.
fn whole(input: &DraftInput<'_>, strata: &Strata, bench: &Bench<'_>) -> Vec<Refusal> {
    let mut found = Vec::new();
    let counts = strata.classes[0].counts;
    if input.guards.has(Guard::SelectsEverything) && input.population == Population::Whole {
        // Accounts and regions are what a mistyped selection is about.
        let all_of = strata.classes.iter().filter(|class| {
            class.counts.candidates == class.counts.population
                && class.counts.candidates > 0
                && class.counts.tested().0 > 0
                // What has no region is of none.
                && class.key.iter().all(|(k, v)| (k == "account" || k == "region") && !v.is_empty())
                && class.key.len() < 2
        });
        found.extend(all_of.map(|class| {
            let says = format!(
                "all {} things of {} are called dead",
                class.counts.population,
                name(&class.key)
            );
            Refusal::new(Reason::SelectsEverything, says)
        }));
    }
    if input.guards.has(Guard::DeadControls) && counts.population > 0 {
        for control in &input.policy.dead_controls {
            let listed = bench.by_item.get(&(control.kind.as_str(), control.id.as_str()));
            let says = match listed {
                None => "it was planted dead and is not listed",
                Some(resource) if !resource.candidate => {
                    "it was planted dead and is not called dead"
                }
                Some(_) => continue,
            };
            found.push(Refusal::of(Reason::ControlDeadMissed, control.clone(), says));
        }
    }
    found
}

/// A class in words.
pub(super) fn name(key: &BTreeMap<String, String>) -> String {
    if key.is_empty() {
        return "everything".into();
    }
    let parts: Vec<String> = key.iter().map(|(k, v)| format!("{k}={v}")).collect();
    parts.join(" ")
}

/// The classes that say that the classifier itself is wrong.
fn alarms(strata: &Strata, held: &BTreeMap<usize, Vec<Refusal>>) -> Vec<Refusal> {
    use Reason::{
        ControlDeadMissed, ControlLiveHit, StratumAllDead, StratumAnomaly, StratumUnknown,
    };
    let grave = [ControlLiveHit, ControlDeadMissed, StratumAllDead, StratumAnomaly, StratumUnknown];
    let mut found: Vec<Refusal> = Vec::new();
    for reason in grave {
        for (class, why) in held {
            found.extend(why.iter().filter(|w| w.reason == reason).map(|w| {
                let class = name(&strata.classes[*class].key);
                Refusal::new(reason, format!("{class}: {}", w.says))
            }));
        }
    }
    found
}

/// Most live things that a held class names.
const NAMED: usize = 3;

/// Says which live things hold a class, and how they come to hold it no more.
fn name_hits(
    input: &DraftInput<'_>,
    marks: &[Marks],
    strata: &Strata,
    held: &mut BTreeMap<usize, Vec<Refusal>>,
) {
    let mut hits: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, _) in marks.iter().enumerate().filter(|(_, m)| m.live == Some(false)) {
        for class in strata.of(at) {
            hits.entry(class).or_default().push(at);
        }
    }
    let free = match (input.phase, input.target.provider.as_str()) {
        (Phase::Repair, _) => "",
        (_, "aws") => {
            ". Declare a role that picks them, and nothing calls them dead; tagged portcullis:protect they \
             are no controls and hold up nothing by this, but still count as called dead"
        }
        _ => {
            ". Mend what calls them dead; protected they are no controls and hold up nothing by this, but still \
             count as called dead"
        }
    };
    for (class, why) in held {
        let of = hits.get(class).map_or(&[][..], Vec::as_slice);
        for why in why.iter_mut().filter(|why| why.reason == Reason::ControlLiveHit) {
            let told = of.iter().take(NAMED).map(|at| {
                let it = &input.listing.resources[*at];
                let says = it.live.first().map_or("", |claim| claim.kind.as_str());
                format!("{} ({says})", it.item())
            });
            let told = told.collect::<Vec<_>>().join(", ");
            let more = of.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let _ = write!(why.says, ": {told}{more}{free}");
        }
    }
}

fn learned(input: &DraftInput<'_>, strata: &Strata, holding: &Holding<'_>) -> Option<Memory> {
    let classifier = input.classifier?.clone();
    let mut proven: BTreeSet<BTreeMap<String, String>> = BTreeSet::new();
    if let Some(memory) = input.memory.filter(|m| m.classifier == classifier) {
        // What was not there today has not been shown to be wrong.
        let today: BTreeSet<&BTreeMap<String, String>> =
            strata.classes.iter().map(|c| &c.key).collect();
        proven.extend(memory.strata.iter().filter(|key| !today.contains(key)).cloned());
    }
    proven.extend(strata.classes.iter().filter(|c| holding.proves(c)).map(|c| c.key.clone()));
    Some(Memory {
        schema: Memory::SCHEMA.into(),
        at: input.now,
        target: input.target.clone(),
        classifier,
        sources: input.listing.sources.iter().map(|s| (s.name.clone(), s.rows)).collect(),
        strata: proven,
        accepted: BTreeMap::new(),
    })
}

fn counted(refused: &[Refusal]) -> BTreeMap<Reason, u32> {
    let mut counts = BTreeMap::new();
    for refusal in refused {
        *counts.entry(refusal.reason).or_default() += 1;
    }
    counts
}

fn plan(
    input: &DraftInput<'_>,
    strata: &Strata,
    held: &BTreeMap<usize, Vec<Refusal>>,
    choice: Choice,
    report: &PlanReport,
) -> Plan {
    let DraftInput { listing, policy, now, .. } = *input;
    let Choice { mut items, mut refused, places } = choice;
    // Told are the classes of everything and of single attributes, and of pairs those that hold.
    let told: Vec<usize> = held
        .iter()
        .filter(|(c, why)| strata.classes[**c].key.len() < 2 || !why.is_empty())
        .map(|(c, _)| *c)
        .collect();
    let number: BTreeMap<usize, u32> = told.iter().zip(1..).map(|(c, n)| (*c, n)).collect();
    for (item, at) in items.iter_mut().zip(places) {
        // Of everything and of single attributes, the smallest: cells of pairs are too many for a
        // ramp to be slow in each.
        let smallest =
            strata.singles_of(at).min_by_key(|c| (strata.classes[*c].counts.population, *c));
        item.stratum = smallest.and_then(|c| number.get(&c)).copied().unwrap_or_default();
        item.strata = strata.of(at).filter_map(|c| number.get(&c)).copied().collect();
    }
    items.sort_by(|a, b| (a.risk, &a.kind, &a.id).cmp(&(b.risk, &b.kind, &b.id)));
    for (item, n) in items.iter_mut().zip(1..) {
        item.n = n;
    }
    let strata = told
        .iter()
        .map(|c| {
            let class = &strata.classes[*c];
            Stratum {
                n: number[c],
                key: class.key.iter().map(|(k, v)| (shown(k), shown(v))).collect(),
                population: class.counts.population,
                candidates: class.counts.candidates,
                unknown: class.counts.unknown,
                live: class.counts.live,
                dead: class.counts.dead,
                held: held[c].iter().cloned().map(visible).collect(),
            }
        })
        .collect();
    refused.splice(0..0, report.vetoes.iter().cloned());
    let refused = refused.into_iter().map(visible).collect();
    let valid = SignedDuration::from_secs(policy.valid_s.min(1 << 40).cast_signed());
    Plan {
        schema: SCHEMA.into(),
        phase: input.phase,
        parent: input.receipt.map(|r| r.plan.clone()),
        created_at: now,
        not_before: now,
        not_after: now.saturating_add(valid).unwrap_or(now),
        author: input.author.clone(),
        target: input.target.clone(),
        pins: input.pins.clone(),
        sources: listing.sources.clone(),
        strata,
        totals: totals(&items),
        items,
        evidence: None,
        refused,
        loosened: loosened(input),
        notes: holding(input).map(|n| n.signed.clone()).collect(),
        limits: policy.limits.clone(),
    }
}

/// With hidden characters told by their codes, and without secrets: nothing else may stand in a plan.
pub(super) fn visible(refusal: Refusal) -> Refusal {
    let item = refusal.item.map(|item| ItemRef { kind: shown(&item.kind), id: shown(&item.id) });
    Refusal { reason: refusal.reason, item, says: shown(&hidden(&refusal.says)) }
}

fn shown(text: &str) -> String {
    strict::visible(text).into_owned()
}

pub(super) fn totals(items: &[Item]) -> Totals {
    let mut totals = Totals { items: items.len() as u32, ..Totals::default() };
    for item in items {
        *totals.by_action.entry(item.action.clone()).or_default() += 1;
        *totals.by_type.entry(item.kind.clone()).or_default() += 1;
    }
    totals
}

fn loosened(input: &DraftInput<'_>) -> Vec<String> {
    let notes = holding(input).map(|n| format!("{} (note {})", n.says.told(), n.signed.digest()));
    let ignored = input.policy.strata.ignore.iter();
    let accepted = input.memory.into_iter().flat_map(Memory::loosened).map(|s| shown(&s));
    notes
        .chain(accepted)
        .chain(ignored.map(|a| format!("the policy makes no strata by {a}")))
        .collect()
}

/// The notes that hold now.
fn holding<'a>(input: &DraftInput<'a>) -> impl Iterator<Item = &'a Noted> {
    let now = input.now;
    input.notes.iter().filter(move |n| n.says.holds(now))
}
