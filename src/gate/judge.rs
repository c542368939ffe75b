use super::input::Input;
use super::sweep::{Unswept, swept, unswept};
use super::{Chosen, Difference, HostAnswer, Placed, Proof, Reason, Verdicts};
use crate::exposure::{Declared, Expects, Exposure, JourneyCell, JourneyOutcome, ObservedCell};
use crate::finding::{Finding, FindingStatus};
use crate::inventory::What;
use crate::model::{Family, Gap, GapKind, PortSpec, SourceName};
use crate::observation::{Observation, Observations, State};
use crate::resolve::{Host, HostOrigin};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Endpoints of a broken journey, or hosts, named one by one; more are counted.
const MAX_TRIED: usize = 6;

/// Judges the chosen hosts: each is held unless everything its role declares was proven.
#[must_use]
pub fn judge(input: &Input<'_>) -> Verdicts {
    let placed = Placed::new(input.observations, input.ours);
    let mut hosts: Vec<HostAnswer> =
        input.chosen.iter().map(|chosen| answer(chosen, input, &placed)).collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    let report = input.report;
    let chosen: BTreeSet<&str> = hosts.iter().map(|h| h.host.as_str()).collect();
    let journeys = report.journeys.iter().filter(|c| chosen.contains(&*c.host)).cloned();
    let journeys = journeys.collect();
    Verdicts {
        at: report.at,
        snapshot_at: report.snapshot_at,
        role: input.role.name.clone(),
        hosts,
        journeys,
        peers: input.peers.to_vec(),
        vantages: report.vantages.clone(),
        unheard: unheard(input),
        swept: input.options.sweep.then(|| swept(input, &placed)),
        gaps: report.gaps.clone(),
        not_judged: report.not_judged.clone(),
    }
}

/// Vantages on other machines that told nothing, not even where they are.
fn unheard(input: &Input<'_>) -> BTreeSet<String> {
    let Observations { vantages, rows, profiled } = input.observations;
    let rows = rows.iter().chain(profiled.iter().map(|p| &p.observation));
    let told = rows.filter(|o| o.state != State::Unprobed).map(|o| o.vantage.as_str());
    let placed = vantages.iter().filter(|v| v.reflected_v4.or(v.reflected_v6).is_some());
    let heard: BTreeSet<&str> = told.chain(placed.map(|v| v.name.as_str())).collect();
    let asked = input.options.vantages.iter().filter(|v| v.remote);
    asked.map(|v| v.name.clone()).filter(|name| !heard.contains(&**name)).collect()
}

fn answer(chosen: &Chosen, input: &Input<'_>, placed: &Placed) -> HostAnswer {
    let mut out = HostAnswer {
        host: chosen.asked.clone(),
        name: None,
        addresses: Vec::new(),
        reasons: Vec::new(),
        proofs: Vec::new(),
        parity: Vec::new(),
        waived: Vec::new(),
    };
    let found = match &chosen.host {
        Ok(id) => input.resolution.hosts.get(id),
        Err(refusal) => {
            out.reasons.push(Reason::NotFound { why: refusal.why.clone(), unseen: refusal.unseen });
            return out;
        }
    };
    let Some(host) = found else {
        let why = "it was there and is gone".to_owned();
        out.reasons.push(Reason::NotFound { why, unseen: false });
        return out;
    };
    out.host.clone_from(&host.id);
    out.name.clone_from(&host.name);
    out.addresses = host.addresses.iter().map(|a| a.address).collect();
    if !host.roles.contains(&input.role.name) {
        let role = input.role.name.clone();
        out.reasons.push(Reason::NotMember { role, has: host.roles.clone() });
    }
    if !host.live {
        out.reasons.push(Reason::NotLive);
    }
    let judge = Judge { input, placed, host };
    judge.findings(&mut out);
    judge.services(&mut out);
    judge.journeys(&mut out);
    judge.sweep(&mut out);
    judge.parity(&mut out);
    judge.gaps(&mut out);
    out
}

struct Judge<'a> {
    input: &'a Input<'a>,
    placed: &'a Placed,
    host: &'a Host,
}

impl Judge<'_> {
    fn rows(&self) -> impl Iterator<Item = &Exposure> {
        self.input.rows.iter().filter(|r| *r.host == *self.host.id)
    }

    fn findings(&self, out: &mut HostAnswer) {
        let report = self.input.report;
        let counts =
            |f: &&Finding| f.severity >= self.input.options.fail_on && concerns(f, &self.host.id);
        for finding in report.findings.iter().filter(counts) {
            match &finding.status {
                FindingStatus::Open => out.reasons.push(Reason::Finding(Box::new(finding.clone()))),
                FindingStatus::Waived { .. } => out.waived.push(finding.clone()),
                FindingStatus::Baselined => {}
            }
        }
        self.inventory(out);
    }

    /// What is wrong with its role's facts, where it is this host that is the odd one, and what is unknown
    /// of them, of this host or of another, where it decides about this one.
    fn inventory(&self, out: &mut HostAnswer) {
        for row in self.input.inventory.iter().filter(|r| r.concerns(&self.host.id)) {
            out.reasons.extend(row.gaps.iter().cloned().map(Reason::Gap));
            if let What::FactUnknown { hosts, .. } = &row.what {
                let of = if hosts.contains(&self.host.id) {
                    String::new()
                } else {
                    format!(" ({})", named(hosts))
                };
                let gap = Gap::new(GapKind::Facts, row.subject(), format!("{row}{of}"));
                out.reasons.push(Reason::Gap(gap));
                continue;
            }
            let subject = row.subject();
            let told = |f: &&Finding| {
                f.subject == subject
                    && f.status == FindingStatus::Open
                    && f.severity >= self.input.options.fail_on
            };
            let found = self.input.report.findings.iter().filter(told);
            // What names the host first is among its findings already.
            let news = found.filter(|f| !concerns(f, &self.host.id));
            out.reasons.extend(news.map(|f| Reason::Finding(Box::new(f.clone()))));
        }
        let allowed = &self.input.options.allow_gaps;
        out.reasons.retain(|r| !matches!(r, Reason::Gap(g) if allowed.contains(g.kind.name())));
    }

    /// Every service of the host's roles, for every source: proven, or a reason.
    fn services(&self, out: &mut HostAnswer) {
        let mut unplaced: BTreeMap<(SourceName, Family), usize> = BTreeMap::new();
        let roles = self.host.roles.iter().filter_map(|r| self.input.spec.roles.get(r));
        for service in roles.flat_map(|r| &r.services) {
            for source in &service.from {
                let mut any = false;
                for row in self.rows().filter(|r| {
                    r.declared == Declared::Required
                        && r.source == *source
                        && r.service.as_deref() == Some(&service.name)
                        && r.place.as_ref() == Some(&service.at)
                }) {
                    any = true;
                    self.row(row, out, &mut unplaced);
                }
                if !any && self.host.live {
                    let (service, source) = (service.name.clone(), source.clone());
                    out.reasons.push(Reason::Nowhere { service, source });
                }
            }
        }
        for ((source, family), _) in unplaced {
            let why = self.placed.why(&source, family, &self.input.report.gaps);
            out.reasons.push(Reason::Vantage { source, why });
        }
    }

    fn row(
        &self,
        row: &Exposure,
        out: &mut HostAnswer,
        unplaced: &mut BTreeMap<(SourceName, Family), usize>,
    ) {
        let family = Family::of(row.address);
        let placed: BTreeSet<&str> = row
            .observations
            .iter()
            .map(|o| &*o.vantage)
            .filter(|v| self.placed.proves(v, row.address, &row.source))
            .collect();
        // Each by what it saw itself: one's place proves nothing of what another saw.
        let from: BTreeSet<String> =
            placed.iter().filter(|v| self.saw(row, v)).map(|v| (*v).to_owned()).collect();
        let holds = self.proven(row.observed, row.confirmed, row) && !from.is_empty();
        out.proofs.push(Proof {
            service: row.service.as_deref().unwrap_or_default().into(),
            port: PortSpec::new(row.protocol, row.ports.clone()),
            address: row.address,
            source: row.source.clone(),
            state: row.observed,
            holds,
            probed: row.probed(),
            vantages: if holds {
                from.iter().cloned().collect()
            } else {
                placed.iter().map(|v| (*v).to_owned()).collect()
            },
        });
        // Where the place is in doubt, what was seen from there is too: said once for the source.
        if placed.is_empty() && !row.protocol.has_ports() {
            return self.unproven(row, out, "only tcp and udp are probed");
        }
        if row.covered && row.observations.is_empty() {
            return self.unproven(row, out, "it was not probed");
        }
        if placed.is_empty() {
            *unplaced.entry((row.source.clone(), family)).or_default() += 1;
            return;
        }
        if holds {
            for vantage in self.input.options.vantages.iter().filter(|v| v.required) {
                if placed.contains(&*vantage.name) && !from.contains(&vantage.name) {
                    let why = format!("{} did not prove it, and is required", vantage.name);
                    self.unproven(row, out, &why);
                }
            }
            return;
        }
        // A finding on these ports says it already.
        let subject = row.subject(&row.ports);
        let slice = row.subject(&row.slice);
        let source = row.source.to_string();
        let told = out.reasons.iter().any(|r| match r {
            Reason::Finding(f) => {
                f.source.as_deref() == Some(&source) && (f.subject == subject || f.subject == slice)
            }
            _ => false,
        });
        if !told {
            let unanswered = self.unanswered();
            let why = match row.observed {
                state if self.proven(state, row.confirmed, row) => {
                    "it was seen only by vantages whose place is not proven"
                }
                State::Unproven => &unanswered,
                State::Refused => {
                    "it was refused, and nothing shows whether by the host itself or by something before \
                     it: run `portcullis listen` on the host (with CAP_NET_RAW a probe tells them apart, \
                     where something else of the host answers)"
                }
                State::Open if row.cells().observed == ObservedCell::Unproven => {
                    "what accepts is something before the host, in its name: run `portcullis listen` on \
                     the host, and see who redirects it"
                }
                State::Unprobed if !row.observations.is_empty() => {
                    "it did not answer, and no control target proved that silence means anything"
                }
                State::Unprobed => "it was not probed",
                State::Failed => "the vantage could not probe it",
                State::Open => "something answers, and not as what is declared",
                _ => "it did not answer as declared",
            };
            self.unproven(row, out, why);
        }
    }

    /// Why nothing is known of UDP that no protocol proves, and what would mend it.
    fn unanswered(&self) -> String {
        let (asked, run) = match &self.input.options.auditor {
            Some(key) => (
                "no `portcullis listen` answered",
                format!("run one on the host that takes the auditor's key {key}"),
            ),
            None => (
                "no protocol is declared that could prove it",
                "run `portcullis listen` on the host, for the key that `auditor:` of portcullis.yaml names"
                    .into(),
            ),
        };
        format!(
            "nothing answered over UDP, and {asked}; {run}, or accept it with --accept-unproven"
        )
    }

    /// Whether one vantage's own observations of a row prove it, each of them.
    fn saw(&self, row: &Exposure, vantage: &str) -> bool {
        let mut own = row.observations.iter().filter(|o| o.vantage == vantage).peekable();
        let sure = |o: &Observation| match o.state {
            State::Refused => o.is_by_target(),
            _ => o.confirmed,
        };
        own.peek().is_some() && own.all(|o| self.proven(o.state, sure(o), row))
    }

    /// Whether a state is what the row's declaration asks for.
    fn proven(&self, state: State, confirmed: bool, row: &Exposure) -> bool {
        let accepted = state == State::Unproven && self.input.options.accept_unproven;
        accepted || proves(row.observed_as(state, confirmed), row.cells().expects)
    }

    fn unproven(&self, row: &Exposure, out: &mut HostAnswer, why: &str) {
        out.reasons.push(Reason::Unproven { exposure: Box::new(row.clone()), why: why.into() });
    }

    fn journeys(&self, out: &mut HostAnswer) {
        let cells = self.input.report.journeys.iter().filter(|c| *c.host == *self.host.id);
        let cells: Vec<&JourneyCell> = cells.collect();
        // The rule's finding says why, and what would mend it.
        let findings: BTreeSet<String> = out
            .reasons
            .iter()
            .filter(|r| matches!(r, Reason::Finding(_)))
            .map(Reason::subject)
            .collect();
        let told = |journey: &str, profile: &str| {
            findings.contains(&format!("journey {journey} as {profile}"))
        };
        for cell in &cells {
            let (why, unseen) = match &cell.outcome {
                JourneyOutcome::Works { .. } => continue,
                JourneyOutcome::Broken if told(&cell.journey, &cell.profile) => continue,
                JourneyOutcome::Broken => ("no declared path works", false),
                JourneyOutcome::Unproven => ("no declared path could be proven", true),
                JourneyOutcome::Unknown(gap) => (gap.why.as_str(), true),
            };
            if unseen && self.spoken_for(cell, &cells) {
                continue;
            }
            let tried = cell.tried.iter().filter(|t| !(t.state == State::Open && t.confirmed));
            let tried = tried.map(|t| format!("{} ({}) {}", t.service, t.endpoint, t.why));
            let left = cell.left_out.iter().map(|l| format!("{} {}", l.service, l.why));
            let mut tried: Vec<String> = tried.chain(left).collect();
            let more = tried.len().saturating_sub(MAX_TRIED);
            tried.truncate(MAX_TRIED);
            if more > 0 {
                tried.push(format!("and {more} more"));
            }
            let tried =
                if tried.is_empty() { String::new() } else { format!(": {}", tried.join("; ")) };
            out.reasons.push(Reason::Journey {
                journey: cell.journey.to_string(),
                profile: cell.profile.to_string(),
                vantage: cell.vantage.as_deref().unwrap_or("no vantage").into(),
                why: format!("{why}{tried}"),
                unseen,
            });
        }
        let roles = self.host.roles.iter().filter_map(|r| self.input.spec.roles.get(r));
        for journey in roles.flat_map(|r| &r.journeys) {
            if self.host.live && !cells.iter().any(|c| *c.journey == *journey.name) {
                out.reasons.push(Reason::Journey {
                    journey: journey.name.clone(),
                    profile: "every profile".into(),
                    vantage: "no vantage".into(),
                    why: "nobody tried it".into(),
                    unseen: true,
                });
            }
        }
    }

    /// Whether a cell is of a vantage that nobody waits for, where another has a word on it.
    fn spoken_for(&self, cell: &JourneyCell, cells: &[&JourneyCell]) -> bool {
        let of = |c: &JourneyCell| {
            let asked = self.input.options.vantages.iter();
            asked.into_iter().find(|v| c.vantage.as_deref() == Some(&*v.name)).map(|v| v.required)
        };
        let same = |c: &&&JourneyCell| {
            (&c.role, &c.journey, &c.profile) == (&cell.role, &cell.journey, &cell.profile)
        };
        of(cell) == Some(false) && cells.iter().filter(same).any(|c| of(c) == Some(true))
    }

    fn sweep(&self, out: &mut HostAnswer) {
        if !self.input.options.sweep || !self.host.live {
            return;
        }
        for at in self.host.addresses.iter().filter(|a| a.public) {
            let Unswept { missing, why } =
                unswept(self.input.observations, self.placed, at.address);
            if missing > 0 {
                out.reasons.push(Reason::Sweep { address: at.address, missing, why });
            }
        }
    }

    fn parity(&self, out: &mut HostAnswer) {
        if let Some(why) = self.input.unmeasured {
            out.reasons.push(Reason::Parity(Difference::unknown("configuration", why)));
        }
        let Some(differences) = self.input.parity.get(&self.host.id) else { return };
        let more_right = |d: &Difference| d.is_more_right(&out.proofs);
        let judged: Vec<Difference> = differences
            .iter()
            .map(|d| Difference { holds: d.holds && !more_right(d), ..d.clone() })
            .collect();
        out.reasons.extend(judged.iter().filter(|d| d.holds).cloned().map(Reason::Parity));
        out.parity = judged;
    }

    /// What could not be seen of this host; of others it is told and does not hold.
    fn gaps(&self, out: &mut HostAnswer) {
        let allowed = &self.input.options.allow_gaps;
        let mut gaps: BTreeSet<Gap> = BTreeSet::new();
        for row in self.rows() {
            gaps.extend(row.configured.gaps().iter().cloned());
        }
        gaps.extend(self.input.report.gaps.iter().filter(|g| self.touches(g)).cloned());
        gaps.retain(|g| !allowed.contains(g.kind.name()));
        let asked = |g: &Gap| self.input.options.vantages.iter().find(|v| v.name == g.scope);
        let of_vantage = |g: &Gap| matches!(g.kind, GapKind::Vantage | GapKind::Control);
        gaps.retain(|g| !of_vantage(g) || asked(g).is_none_or(|v| v.required));
        // That this machine lies in no source is a reason by itself already.
        if out.reasons.iter().any(|r| matches!(r, Reason::Vantage { .. })) {
            gaps.retain(|g| g.kind != GapKind::Vantage || asked(g).is_some_and(|v| v.remote));
        }
        out.reasons.extend(gaps.into_iter().map(Reason::Gap));
    }

    /// Whether a gap is about this host, or about the places everything was looked at from.
    fn touches(&self, gap: &Gap) -> bool {
        if matches!(gap.kind, GapKind::Vantage | GapKind::Control | GapKind::StaleSnapshot) {
            return true;
        }
        let first = gap.scope.split([' ', ',']).next().unwrap_or_default();
        let is_address = |a: IpAddr| first.parse::<IpAddr>().is_ok_and(|f| f == a);
        let own = first == self.host.id
            || self
                .host
                .addresses
                .iter()
                .any(|a| is_address(a.address) || a.interface.as_deref() == Some(first));
        let account = match &self.host.origin {
            // Instances that could not be listed may be this one's peers, not this one; interfaces may
            // be its own, with addresses that nobody looked at.
            HostOrigin::Cloud { account, region, .. } => match gap.kind {
                GapKind::Account => first == account || first == format!("{account}/{region}"),
                GapKind::NetworkInterfaces => first == format!("{account}/{region}"),
                _ => false,
            },
            HostOrigin::Declared(_) => false,
        };
        own || account
    }
}

/// The first few of them, and how many more there are.
fn named(hosts: &[String]) -> String {
    let shown = hosts.iter().take(MAX_TRIED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match hosts.len().saturating_sub(MAX_TRIED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether a finding is about the host: its subject names it first.
fn concerns(finding: &Finding, host: &str) -> bool {
    finding.subject.split(' ').next() == Some(host)
}

/// Whether what was observed proves what was declared.
pub(super) fn proves(observed: ObservedCell, expects: Expects) -> bool {
    match observed {
        ObservedCell::OpenConfirmed => true,
        ObservedCell::OpenUnconfirmed => expects != Expects::Protocol,
        // By the host itself, as callers have made sure: the packet arrived, and nothing listens yet.
        ObservedCell::Refused => expects == Expects::Path,
        _ => false,
    }
}
