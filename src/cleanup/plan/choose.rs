use super::draft::{DraftInput, name};
use super::{Item, Phase, seal, state_digest};
use crate::cleanup::evidence::hidden;
use crate::cleanup::stratum::Strata;
use crate::cleanup::verdict::Verdict;
use crate::cleanup::{Act, Claim, Guard, Reason, Refusal, Resource, Risk, receipt, strict};
use std::collections::{BTreeMap, BTreeSet};

/// What of the candidates is planned.
pub(super) struct Choice {
    pub(super) items: Vec<Item>,
    /// Of each other candidate, why not; sorted by what it is of.
    pub(super) refused: Vec<Refusal>,
    /// For each item, its place in the listing.
    pub(super) places: Vec<usize>,
}

/// Takes the candidates that nothing speaks against, as many as the caps allow.
pub(super) fn choose(
    input: &DraftInput<'_>,
    verdicts: &[Verdict],
    strata: &Strata,
    held: &BTreeMap<usize, Vec<Refusal>>,
    veto: Option<&Refusal>,
) -> Choice {
    let resources = &input.listing.resources;
    let mut refused = Vec::new();
    let mut fit: Vec<(usize, &Act, Vec<Claim>)> = Vec::new();
    for (at, (resource, verdict)) in resources.iter().zip(verdicts).enumerate() {
        let mut refuse =
            |reason, says: String| refused.push(Refusal::of(reason, resource.item(), says));
        match verdict {
            Verdict::NoCandidate => {}
            // Of what nobody wants to remove, nothing is refused.
            Verdict::Refused { .. } if !resource.candidate => {}
            Verdict::Refused { reason, says } => refuse(*reason, says.clone()),
            Verdict::Candidate { dead } => match may(input, resource, at, strata, held) {
                Ok(act) => fit.push((at, act, dead.clone())),
                Err((reason, says)) => refuse(reason, says),
            },
        }
    }
    keep_minimum(input, &mut fit, &mut refused);
    // The safest first, so that a cap leaves out what risks most.
    fit.sort_by(|a, b| {
        let key = |(at, act, dead): &(usize, &Act, Vec<Claim>)| {
            let resource = &resources[*at];
            (act.risk, usize::MAX - dead.len(), resource.kind.clone(), resource.id.clone())
        };
        key(a).cmp(&key(b))
    });
    let mut caps = Caps::new(input, strata);
    let channels = channels(resources);
    let mut items = Vec::new();
    let mut places = Vec::new();
    for (at, act, dead) in fit {
        let resource = &resources[at];
        if let Some(veto) = veto {
            let says = format!("nothing is planned: {}", veto.says);
            refused.push(Refusal::of(veto.reason, resource.item(), says));
            continue;
        }
        match caps.take(at) {
            Ok(()) => {
                places.push(at);
                items.push(item(resource, act, dead, &channels));
            }
            Err(says) => refused.push(Refusal::of(Reason::Capped, resource.item(), says)),
        }
    }
    refused.sort_by(|a, b| (&a.item, a.reason).cmp(&(&b.item, b.reason)));
    Choice { items, refused, places }
}

/// The act that is planned for a candidate, or why there is none.
fn may<'a>(
    input: &DraftInput<'a>,
    resource: &Resource,
    at: usize,
    strata: &Strata,
    held: &BTreeMap<usize, Vec<Refusal>>,
) -> Result<&'a Act, (Reason, String)> {
    if input.policy.dead_controls.contains(&resource.item())
        && input.guards.has(Guard::DeadControls)
    {
        return Err((Reason::Protected, "it was planted to be found, and stays".into()));
    }
    // The smallest class that is held says most; a veto by controls or numbers before missing proof.
    let hold = strata
        .of(at)
        .flat_map(|c| held.get(&c).into_iter().flatten().map(move |why| (c, why)))
        .min_by_key(|(c, why)| {
            let missing = matches!(why.reason, Reason::StratumUnproven | Reason::Shadow);
            (missing, strata.classes[*c].counts.population, *c)
        });
    if let Some((class, why)) = hold {
        return Err((why.reason, format!("{}: {}", name(&strata.classes[class].key), why.says)));
    }
    if strict::check(&seal::json(resource)).is_err() {
        // Approvers could not see which thing it is. Floats of records are no part of a plan.
        let mut shown = resource.clone();
        shown.dead.iter_mut().chain(&mut shown.live).for_each(|c| c.record = None);
        strict::check(&seal::json(&shown)).map_err(|refusal| (refusal.reason, refusal.says))?;
    }
    let act = act(input, resource)?;
    let lacks =
        act.identity.iter().find(|f| resource.immutable.get(*f).is_none_or(String::is_empty));
    if act.identity.is_empty() || lacks.is_some() {
        let what = lacks.map_or("any field", String::as_str);
        let says = format!("{} needs {what} to tell it from another, and it has none", act.action);
        return Err((Reason::Unknown, says));
    }
    if input.guards.has(Guard::Receipt) {
        proven_undo(input, resource, act)?;
    }
    Ok(act)
}

/// The act that is asked for, or the only one that the phase allows.
fn act<'a>(input: &DraftInput<'a>, resource: &Resource) -> Result<&'a Act, (Reason, String)> {
    let risk = match input.phase {
        Phase::Quarantine => Risk::Reversible,
        Phase::Delete => Risk::Irreversible,
        Phase::Repair => Risk::Exposing,
    };
    let of_kind = || input.acts.iter().filter(|a| a.kind == resource.kind);
    let asked = resource.action.as_deref().filter(|_| input.phase != Phase::Delete);
    if let Some(asked) = asked {
        return of_kind().find(|a| a.action == asked).ok_or_else(|| {
            (Reason::NoSuchAct, format!("the adapter has no act {asked} for {}", resource.kind))
        });
    }
    // What only takes another act back is no act of its own.
    let undoes = |act: &Act| of_kind().any(|a| a.undo.as_deref() == Some(&act.action));
    let fits = |a: &&Act| a.risk == risk;
    let mut fitting: Vec<&Act> = of_kind().filter(fits).filter(|a| !undoes(a)).collect();
    if fitting.is_empty() {
        fitting = of_kind().filter(fits).collect();
    }
    let mut fitting = fitting.into_iter();
    match (fitting.next(), fitting.next()) {
        (Some(act), None) => Ok(act),
        (None, _) => {
            let says = format!("the adapter has no {} act for {}", told(risk), resource.kind);
            Err((Reason::NoSuchAct, says))
        }
        (Some(a), Some(b)) => {
            let says =
                format!("it asks for no act, and {} and {} are possible", a.action, b.action);
            Err((Reason::NoSuchAct, says))
        }
    }
}

fn told(risk: Risk) -> &'static str {
    match risk {
        Risk::Reversible => "reversible",
        Risk::Exposing => "opening",
        Risk::Irreversible => "irreversible",
    }
}

/// Whether the act is one of the phase, and what cannot be taken back has been out of use long
/// enough, without a sign of life, with its undo rehearsed.
fn proven_undo(
    input: &DraftInput<'_>,
    resource: &Resource,
    act: &Act,
) -> Result<(), (Reason, String)> {
    match (input.phase, act.risk) {
        (Phase::Quarantine, Risk::Reversible) if act.undo.is_some() => Ok(()),
        (Phase::Quarantine, Risk::Reversible) => {
            let says = format!("{} is called reversible, and nothing undoes it", act.action);
            Err((Reason::UndoUnproven, says))
        }
        (Phase::Repair, Risk::Exposing) => Ok(()),
        (_, Risk::Exposing) => {
            let says = format!("{} opens something: only a repair may", act.action);
            Err((Reason::NoSuchAct, says))
        }
        (Phase::Delete, Risk::Irreversible) => receipt::rested(
            &receipt::Seen {
                item: &resource.item(),
                immutable: &resource.immutable,
                state: &resource.state,
            },
            input.receipt,
            input.acts,
            input.policy.limits.quarantine_s,
            input.now,
        )
        .map_err(|refusal| (refusal.reason, refusal.says)),
        (_, Risk::Irreversible) => {
            let says =
                format!("{} cannot be taken back: it needs a quarantine receipt", act.action);
            Err((Reason::NoQuarantineReceipt, says))
        }
        (_, Risk::Reversible) => {
            let says = format!("{} is no act of this phase", act.action);
            Err((Reason::NoSuchAct, says))
        }
    }
}

/// Takes out every member of a replicated set that has too few others. Counted as staying are only
/// members that nobody calls dead and nobody wonders about.
fn keep_minimum(
    input: &DraftInput<'_>,
    fit: &mut Vec<(usize, &Act, Vec<Claim>)>,
    refused: &mut Vec<Refusal>,
) {
    if !input.guards.has(Guard::Minimum) {
        return;
    }
    let resources = &input.listing.resources;
    let mut staying: BTreeMap<&str, u32> = BTreeMap::new();
    for resource in resources.iter().filter(|r| !r.candidate && r.unknown.is_empty()) {
        if let Some(set) = &resource.set {
            *staying.entry(set).or_default() += 1;
        }
    }
    fit.retain(|(at, _, _)| {
        let resource = &resources[*at];
        let Some(set) = &resource.set else { return true };
        let (left, least) =
            (staying.get(set.as_str()).copied().unwrap_or(0), input.policy.minimum.of(set));
        if left < least {
            let says = format!("{left} others of the set {set} would stay, and {least} must");
            refused.push(Refusal::of(Reason::BelowMinimum, resource.item(), says));
        }
        left >= least
    });
}

/// What is left of the caps.
struct Caps<'a> {
    strata: &'a Strata,
    max_items: u32,
    /// What of the day's cap is left, and the cap.
    day: [u32; 2],
    percent: u32,
    /// Items that each class may still have.
    left: BTreeMap<usize, u32>,
    total: u32,
    taken: u32,
    on: bool,
}

impl<'a> Caps<'a> {
    fn new(input: &DraftInput<'_>, strata: &'a Strata) -> Self {
        let limits = &input.policy.limits;
        let mut caps = Self {
            strata,
            max_items: limits.max_items,
            day: [limits.max_items_per_day.saturating_sub(input.today), limits.max_items_per_day],
            percent: limits.max_percent_stratum,
            left: BTreeMap::new(),
            total: 0,
            taken: 0,
            on: input.guards.has(Guard::Caps),
        };
        caps.total = caps.share(strata.classes[0].counts.population, limits.max_percent_total);
        caps
    }

    /// Items that a percentage allows: at least one, unless one of the caps is 0 or there are three
    /// members or fewer.
    fn share(&self, population: u32, percent: u32) -> u32 {
        let share = u64::from(population) * u64::from(percent) / 100;
        let least = u64::from(population > 3 && percent > 0 && self.max_items > 0);
        u32::try_from(share.max(least)).unwrap_or(u32::MAX)
    }

    /// Takes one item, or says which cap is used up.
    fn take(&mut self, at: usize) -> Result<(), String> {
        if !self.on {
            return Ok(());
        }
        if self.taken >= self.max_items {
            return Err(format!("the policy takes {} of them a plan", self.max_items));
        }
        if self.taken >= self.day[0] {
            let [left, most] = self.day;
            return Err(format!(
                "the policy takes {most} of them a day, and {} are done or planned",
                most - left
            ));
        }
        if self.taken >= self.total {
            return Err(format!("the policy takes {} of everything", self.total));
        }
        let classes: Vec<usize> = self.strata.singles_of(at).collect();
        for class in &classes {
            let counts = self.strata.classes[*class].counts;
            let share = self.share(counts.population, self.percent);
            let left = self.left.entry(*class).or_insert(share);
            if *left == 0 {
                let class = name(&self.strata.classes[*class].key);
                return Err(format!(
                    "the policy takes {share} of the {} of {class}",
                    counts.population
                ));
            }
        }
        for class in classes {
            if let Some(left) = self.left.get_mut(&class) {
                *left -= 1;
            }
        }
        self.taken += 1;
        Ok(())
    }
}

fn item(resource: &Resource, act: &Act, dead: Vec<Claim>, channels: &[String]) -> Item {
    Item {
        n: 0,
        kind: resource.kind.clone(),
        id: resource.id.clone(),
        immutable: resource.immutable.clone(),
        state_sha256: state_digest(&resource.state),
        state: resource.state.clone(),
        stratum: 0,
        strata: Vec::new(),
        owner: resource.owner.clone(),
        domain: resource.domain.clone(),
        set: resource.set.clone(),
        action: act.action.clone(),
        undo: act.undo.clone(),
        risk: act.risk,
        // Records are for judging shapes: they may hold secrets, and numbers that strict JSON refuses.
        dead: dead
            .into_iter()
            .map(|claim| Claim { record: None, detail: hidden(&claim.detail), ..claim })
            .collect(),
        again: Vec::new(),
        live_checked: channels.to_vec(),
    }
}

/// Every channel by which something of the listing was seen live: it would have shown this one too.
fn channels(resources: &[Resource]) -> Vec<String> {
    let claims = resources.iter().flat_map(|r| &r.live);
    let names: BTreeSet<&str> = claims.map(|c| c.source.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}
