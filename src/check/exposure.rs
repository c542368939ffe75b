use super::judged::{Context, Judged, general};
use super::needs::Needs;
use super::peer::group_of;
use super::row::{Row, evidence, saw};
use crate::exposure::{ConfiguredCell, Declared, Exposure, ObservedCell, clients_of};
use crate::finding::{Draft, Measure, Traffic, close, close_listener, open};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol, SourceName};
use crate::observation::State;
use crate::reach::Configured;
use crate::rule::{Judgement, Mending, Subject, Yields};
use crate::spec::Place;
use std::collections::{BTreeMap, BTreeSet};

/// Judges rows of declared × configured × observed.
///
/// Rows of one tuple of rule, subject and source become one finding. A row that is undecided
/// because something of the configuration could not be read brings that gap with it, and a failed
/// probe of something required is a gap whatever else the row yields.
#[must_use]
pub fn judge(rows: &[Exposure], context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    let mut unseen: BTreeMap<(String, bool, String), usize> = BTreeMap::new();
    let mut clients: BTreeMap<&SourceName, (AddressSet, Option<&str>)> = BTreeMap::new();
    let needs = Needs::new(context);
    let declaration =
        |e: &Exposure| e.place.as_ref().map(|place| (e.address, e.protocol, place.to_string()));
    let looked_at: BTreeSet<_> =
        rows.iter().filter(|e| e.probed() > 0).filter_map(declaration).collect();
    let fares = fares(rows);
    for exposure in rows {
        let family = fares.of(exposure);
        let facts = Row { exposure, ports: &exposure.ports, family };
        let Some(judgement) = context.rules.judge_row(&exposure.cells(), &facts) else {
            let why = format!("no rule takes the row of {}", exposure.source);
            let subject = exposure.subject(&exposure.ports);
            out.gaps.insert(Gap::new(GapKind::NotJudged, subject, why));
            continue;
        };
        let rule = judgement.rule;
        let ports = match rule.subject {
            Subject::Ports => &exposure.ports,
            Subject::Slice => &exposure.slice,
        };
        let facts = Row { exposure, ports, family };
        if !judgement.trouble.is_empty() {
            out.trouble(&judgement, &exposure.subject(ports));
        }
        match rule.yields {
            Yields::Ok => {
                out.ok += 1;
                if let Some(note) = &rule.note {
                    *out.notes.entry(note.fill(&facts)).or_default() += 1;
                }
            }
            // The rest of a range of which a sample was probed: the report's last line says how many.
            Yields::Gap
                if exposure.declared == Declared::Forbidden
                    && exposure.observations.is_empty()
                    && declaration(exposure).is_some_and(|d| looked_at.contains(&d)) =>
            {
                out.ok += 1;
            }
            // Told once for each source, not for every host.
            Yields::Gap if rule.gap == Some(GapKind::Vantage) => {
                let why = rule.message.fill(&facts);
                let inside = exposure.configured != Configured::NotApplicable;
                *unseen.entry((exposure.source.to_string(), inside, why)).or_default() += 1;
            }
            Yields::Gap => {
                if exposure.configured.gaps().is_empty() {
                    let kind = rule.gap.unwrap_or(GapKind::NotJudged);
                    let subject = exposure.subject(ports);
                    out.gaps.insert(Gap::new(kind, subject, rule.message.fill(&facts)));
                }
            }
            Yields::Finding => {
                let (from, group) = clients.entry(&exposure.source).or_insert_with(|| {
                    let source = &exposure.source;
                    let from = clients_of(source, context.spec, context.resolution);
                    (from, group_of(source, context))
                });
                find(&mut out, exposure, &facts, &judgement, &needs, (&*from, *group));
            }
        }
        if rule.yields != Yields::Ok {
            out.gaps.extend(exposure.configured.gaps().iter().cloned());
            if exposure.declared == Declared::Required && exposure.observed == State::Failed {
                let subject = exposure.subject(&exposure.ports);
                out.gaps.insert(Gap::new(GapKind::Probe, subject, saw(exposure)));
            }
        }
        sampled(&mut out, exposure);
    }
    for ((source, inside, why), n) in unseen {
        let rest = if n == 1 { "exposure rests" } else { "exposures rest" };
        let on = match inside {
            true => "the configuration alone",
            false => "nothing: hosts outside every cloud that was read have no configuration",
        };
        let why = format!("{why}, so {n} required {rest} on {on}");
        out.gaps.insert(Gap::new(GapKind::Vantage, source, why));
    }
    out
}

fn find(
    out: &mut Judged,
    exposure: &Exposure,
    facts: &Row<'_>,
    judgement: &Judgement<'_>,
    needs: &Needs<'_>,
    (clients, group): (&AddressSet, Option<&str>),
) {
    let context = needs.context;
    let rule = judgement.rule;
    let traffic = Traffic {
        address: exposure.address,
        interface: exposure.interface.as_deref(),
        protocol: exposure.protocol,
        ports: facts.ports,
        clients,
        group,
    };
    let mut mends = match (rule.mend, exposure.configured.path()) {
        (Mending::Open, Some(path)) => open(path, &traffic, context.ground),
        (Mending::Close, Some(path)) => {
            let mut mends = close(&traffic, context.ground, &|group| needs.of(group));
            mends.extend(close_listener(path, &traffic, context.ground));
            mends
        }
        (Mending::None, _) | (_, None) => Vec::new(),
    };
    // The commands name no account: whoever runs them has to know whose keys to take.
    if let Some(account) = exposure.interface.as_deref().and_then(|i| context.ground.account(i)) {
        for mend in mends.iter_mut().filter(|m| m.command.is_some()) {
            mend.text = format!("{} (with credentials of account {account})", mend.text);
        }
    }
    mends.push(general(judgement));
    out.add(Draft {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        severity: judgement.severity,
        confidence: judgement.confidence,
        measure: measure(exposure, rule.mend, clients),
        subject: exposure.subject(facts.ports),
        source: Some(exposure.source.to_string()),
        message: rule.message.fill(facts),
        why: rule.why.clone(),
        evidence: evidence(exposure, facts.ports),
        path: exposure.configured.path().map(|p| p.hops().to_vec()).unwrap_or_default(),
        mends,
        diff: None,
    });
}

/// Who may enter that should not, or who may not that should.
///
/// Of a source of ours a part or all: which addresses a group stands for changes with every machine
/// that comes and goes, and a role's own clients do so altogether. Everybody is the same number in
/// every release, whatever blocks IANA hands out next.
fn measure(exposure: &Exposure, mend: Mending, clients: &AddressSet) -> Option<Measure> {
    let clients = match &exposure.source {
        SourceName::Internet => AddressSet::everybody(),
        SourceName::Network(_) => clients.clone(),
        SourceName::Role(_) => return None,
    };
    let clients = clients.of_family(Family::of(exposure.address));
    let ours =
        exposure.source != SourceName::Internet && !AddressSet::outside().is_superset(&clients);
    match (mend, &exposure.configured) {
        (Mending::Close, Configured::Permitted(_)) if ours => Some(Measure::Count(2)),
        (Mending::Close, Configured::Partly(..)) if ours => Some(Measure::Count(1)),
        (_, _) if ours => None,
        (Mending::Close, Configured::Permitted(_)) => Some(Measure::Clients(clients)),
        (Mending::Close, Configured::Partly(_, some)) => {
            Some(Measure::Clients(clients.intersect(&some.addresses)))
        }
        (Mending::Open, Configured::Partly(_, some)) => {
            Some(Measure::Clients(clients.subtract(&some.addresses)))
        }
        _ => None,
    }
}

/// How each family of a host fares with what is required of it, and with what nobody declared.
struct Fares<'a> {
    required: BTreeMap<Declaration<'a>, BTreeMap<Family, Vec<(ConfiguredCell, ObservedCell)>>>,
    rest: BTreeMap<(&'a str, &'a SourceName, Protocol), Vec<&'a Exposure>>,
}

/// A host, a source and where it was declared.
type Declaration<'a> = (&'a str, &'a SourceName, &'a Place);

fn declaration(e: &Exposure) -> Option<Declaration<'_>> {
    let place = e.place.as_ref().filter(|_| e.declared == Declared::Required)?;
    Some((&e.host, &e.source, place))
}

fn fares(rows: &[Exposure]) -> Fares<'_> {
    let mut out = Fares { required: BTreeMap::new(), rest: BTreeMap::new() };
    for e in rows {
        let Some(key) = declaration(e) else {
            out.rest.entry((&e.host, &e.source, e.protocol)).or_default().push(e);
            continue;
        };
        let cells = e.cells();
        let seen = out.required.entry(key).or_default().entry(Family::of(e.address)).or_default();
        seen.push((cells.configured, cells.observed));
    }
    out
}

impl Fares<'_> {
    /// The family of a row, where the other one is not like it.
    fn of(&self, exposure: &Exposure) -> Option<Family> {
        let own = Family::of(exposure.address);
        let cells = |e: &Exposure| (e.cells().configured, e.cells().observed);
        let Some(key) = declaration(exposure) else {
            let rows = self.rest.get(&(&*exposure.host, &exposure.source, exposure.protocol))?;
            let mut others = rows
                .iter()
                .filter(|e| Family::of(e.address) != own && e.ports.intersects(&exposure.ports))
                .peekable();
            // Over IPv4 is what everybody reads anyway, unless something is said of IPv6, too.
            let told = own == Family::V6 || others.peek().is_some();
            return (told && others.all(|e| cells(e) != cells(exposure))).then_some(own);
        };
        let families = self.required.get(&key)?;
        let mut others = families.iter().filter(|(f, _)| **f != own).flat_map(|(_, cells)| cells);
        others.any(|c| *c != cells(exposure)).then_some(own)
    }
}

/// Says where a required range was proven by a sample.
fn sampled(out: &mut Judged, exposure: &Exposure) {
    let probed = exposure.probed();
    let ports = exposure.ports.len() as usize;
    let proves = !matches!(exposure.configured, Configured::Blocked(_));
    if exposure.declared == Declared::Required && proves && probed > 0 && probed < ports {
        let service = exposure.service.as_deref().unwrap_or_default();
        let note = format!(
            "{service} for {}: {probed} of {ports} ports were probed ({}), the rest is taken to be like them",
            exposure.source,
            exposure.observed.name(),
        );
        *out.notes.entry(note).or_default() += 1;
    }
}
