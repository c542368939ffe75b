use super::super::audit::Probing;
use super::super::pipeline::{self, Audited, Case};
use super::super::vantages::probe_all;
use super::super::{CliError, ExitStatus, Global};
use super::GateArgs;
use super::lifecycle::Continuing;
use crate::audit::{self, AuditReport};
use crate::fact::{Facts, Gathered};
use crate::gate::{self, Answer, Chosen, Difference, Peer, Trait, Traits, Value, Verdicts, Wanted};
use crate::model::{Known, PortSet, PortSpec};
use crate::observation::Observations;
use crate::pathproof::Auditor;
use crate::resolve::{self, Resolution};
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::config::Config;
use crate::spec::{Role, Spec};
use crate::survey;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// One gate: what does not change between two looks.
pub(super) struct Gate<'a> {
    pub(super) args: &'a GateArgs,
    pub(super) global: &'a Global,
    pub(super) config: &'a Config,
    pub(super) spec: &'a Spec,
    pub(super) role: &'a Role,
    pub(super) rules: RuleSet,
    pub(super) wanted: Wanted,
    pub(super) options: gate::Options,
    pub(super) deciding: BTreeSet<&'static str>,
    pub(super) auditor: Option<Auditor>,
    /// What earlier looks were asked for: see [`gate::choose`].
    pub(super) before: RefCell<BTreeSet<String>>,
    /// Who keeps instances waiting between two looks, and continues them.
    pub(super) continuing: RefCell<Option<Continuing<'a>>>,
}

/// What one look gave.
pub(super) struct Looked {
    pub(super) verdicts: Verdicts,
    /// The audit of the chosen hosts.
    pub(super) report: AuditReport,
    pub(super) snapshot: Snapshot,
    /// Hosts, by id, that entered service while they were gated: nothing waits to continue them.
    pub(super) entered: BTreeSet<String>,
}

/// Why a look gave no answer.
pub(super) enum Stopped {
    /// There is no host to gate, yet.
    Nobody(CliError),
    /// Something that waiting does not mend.
    Broken(CliError),
}

impl From<Stopped> for CliError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Nobody(error) | Stopped::Broken(error) => error,
        }
    }
}

/// What one look reads, before anything is probed.
struct Read {
    now: Timestamp,
    snapshot: Snapshot,
    resolution: Resolution,
    facts: Gathered,
    chosen: Vec<Chosen>,
    /// What earlier looks were asked for and this one cannot be.
    gone: BTreeSet<String>,
}

impl Gate<'_> {
    /// Reads, probes and judges once. `sweep` says whether every port is looked at this time; hosts that
    /// pass are looked at once more after it, for a host that began to drop everything meanwhile is
    /// silent too.
    ///
    /// # Errors
    /// A snapshot that cannot be read, and a group that is not there or has no host to gate.
    pub(super) fn look(&self, sweep: bool) -> Result<Looked, Stopped> {
        let read = self.read()?;
        let hosts = named(&read.chosen);
        let most = self.args.asks.peers;
        let peers = gate::serving(&self.role.name, &hosts, &read.resolution, &read.snapshot, most);
        let serving: Vec<String> = peers.iter().map(|p| p.host.clone()).collect();
        let (mut verdicts, report) = self.judge(&read, &read.chosen, Some(peers), sweep);
        if sweep {
            let hosts = verdicts.hosts.iter();
            let passing: BTreeSet<&str> =
                hosts.filter(|h| h.answer() == Answer::Pass).map(|h| h.host.as_str()).collect();
            let passes =
                |c: &&Chosen| c.host.as_ref().is_ok_and(|id| passing.contains(id.as_str()));
            let again: Vec<Chosen> = read.chosen.iter().filter(passes).cloned().collect();
            if !again.is_empty() {
                let (after, _) = self.judge(&read, &again, None, false);
                verdicts.looked_again(after);
            }
        }
        let notes = self.left_out(&serving, &verdicts.peers);
        verdicts.not_judged.extend(notes);
        let entered: BTreeSet<String> =
            read.chosen.iter().filter(|c| c.entered).map(Chosen::name).collect();
        for (which, what) in [
            (&entered, "entered service while it was gated, and nobody may have continued it"),
            (&read.gone, "was gated before, and its group has it no longer: it is not judged"),
        ] {
            verdicts.not_judged.extend(which.iter().map(|id| format!("{id} {what}")));
        }
        Ok(Looked { verdicts, report, snapshot: read.snapshot, entered })
    }

    /// What was left out of the answer, in words: who was not compared with, and what was not asked.
    fn left_out(&self, serving: &[String], peers: &[Peer]) -> Vec<String> {
        let mut out = Vec::new();
        let left: Vec<&str> = serving
            .iter()
            .filter(|id| !peers.iter().any(|p| p.host == **id))
            .map(String::as_str)
            .collect();
        if self.args.asks.peers == 0 {
            out.push("nothing was compared with hosts that serve already".into());
        } else if serving.is_empty() {
            let role = &self.role.name;
            out.push(format!("nothing was compared: no host of role {role} serves already"));
        } else if !left.is_empty() && !peers.is_empty() {
            let answers = if left.len() == 1 { "it answers" } else { "each answers" };
            let left = left.join(", ");
            out.push(format!(
                "not compared with {left}: {answers} fewer services than another peer"
            ));
        }
        if self.role.services.is_empty() {
            let role = &self.role.name;
            out.push(format!(
                "role {role} declares no service: nothing proves that a host of it answers at all"
            ));
        }
        if !self.options.sweep {
            out.push(
                "ports that nobody declared or permitted were not looked at: --no-sweep".into(),
            );
        }
        out
    }

    fn read(&self) -> Result<Read, Stopped> {
        let now = Timestamp::now();
        let snapshot =
            self.args.cloud.read(&self.args.live, self.global, now).map_err(Stopped::Broken)?;
        let resolution = resolve::resolve(self.spec, &snapshot);
        let mut before = self.before.borrow_mut();
        let chosen = gate::choose(&self.wanted, &before, &snapshot, &resolution);
        let chosen = chosen.map_err(|refusal| {
            let unseen = refusal.unseen;
            let error = CliError::new("gate").because(refusal);
            // It may be there: what could not be seen is no usage error.
            let error = if unseen { error.with_status(ExitStatus::Incomplete) } else { error };
            Stopped::Nobody(error)
        })?;
        if let Some(continuing) = self.continuing.borrow().as_ref() {
            let waits = chosen.iter().filter(|c| !c.entered).filter_map(|c| c.host.as_deref().ok());
            continuing.keep(waits);
        }
        let now_asked: BTreeSet<String> = chosen.iter().map(|c| c.asked.clone()).collect();
        let gone = before.difference(&now_asked).cloned().collect();
        before.extend(now_asked);
        let facts = self
            .args
            .facts
            .gather(self.spec, self.config, &self.args.live, self.global)
            .map_err(Stopped::Broken)?;
        Ok(Read { now, snapshot, resolution, facts, chosen, gone })
    }

    /// Probes and judges `chosen`, compared with those of `serving` that answer; `None` compares with
    /// nobody.
    fn judge(
        &self,
        read: &Read,
        chosen: &[Chosen],
        serving: Option<Vec<Peer>>,
        sweep: bool,
    ) -> (Verdicts, AuditReport) {
        let Read { now, snapshot, resolution, facts, .. } = read;
        let hosts = named(chosen);
        let asked = serving.is_some() && self.args.asks.peers > 0 && !self.deciding.is_empty();
        let serving = serving.unwrap_or_default();
        let mut probed = hosts.clone();
        probed.extend(serving.iter().map(|p| p.host.clone()));
        let options = audit::Options {
            fail_on: self.options.fail_on,
            allow_gaps: self.options.allow_gaps.clone(),
            only: Some(hosts.clone()),
            ..audit::Options::default()
        };
        let scope = self.config.scope_addresses();
        let case = Case {
            spec: self.spec,
            snapshot,
            resolution,
            facts,
            rules: &self.rules,
            options: &options,
            probed: Some(&probed),
            sweep: if sweep { &hosts } else { &BTreeSet::new() },
            scope: &scope,
            limits: pipeline::limits(self.config),
            now: *now,
        };
        let probing = Probing { no_probe: false, rate: self.args.asks.rate };
        let Audited { observations, facts, met, report } =
            pipeline::run(&case, &mut |survey, gaps| {
                probe_all(survey, gaps, &probing, self.config, &self.auditor, self.global)
            });
        let served = serving.len();
        let peers = gate::answering(serving, self.role, resolution, &observations);
        let compared = Compared {
            snapshot,
            resolution,
            observations: &observations,
            facts: &facts,
            deciding: &self.deciding,
        };
        let all = gate::serving(&self.role.name, &hosts, resolution, snapshot, usize::MAX).len();
        let unmeasured = gate::unmeasured(&self.role.name, served, all, &peers, resolution);
        let verdicts = gate::judge(&gate::Input {
            spec: self.spec,
            resolution,
            role: self.role,
            chosen,
            rows: &met.joined.rows,
            inventory: &met.inventory,
            report: &report,
            observations: &observations,
            ours: &survey::all_ours(snapshot, resolution, &scope),
            peers: &peers,
            parity: &compared.parity(chosen, &peers),
            unmeasured: unmeasured.as_deref().filter(|_| asked),
            options: &gate::Options { sweep, ..self.options.clone() },
        });
        (verdicts, report)
    }
}

/// The hosts that were found, by id.
fn named(chosen: &[Chosen]) -> BTreeSet<String> {
    chosen.iter().filter_map(|c| c.host.as_ref().ok().cloned()).collect()
}

/// What hosts are compared by.
struct Compared<'a> {
    snapshot: &'a Snapshot,
    resolution: &'a Resolution,
    observations: &'a Observations,
    facts: &'a Facts,
    deciding: &'a BTreeSet<&'static str>,
}

impl Compared<'_> {
    /// How each chosen host differs from its peers, by id.
    fn parity(&self, chosen: &[Chosen], peers: &[Peer]) -> BTreeMap<String, Vec<Difference>> {
        let on_peers = self.ports(peers.iter().map(|p| p.host.as_str()));
        let mut out = BTreeMap::new();
        for id in chosen.iter().filter_map(|c| c.host.as_ref().ok()) {
            let own = self.ports(std::iter::once(id.as_str()));
            let asked: BTreeSet<PortSpec> = own.intersection(&on_peers).cloned().collect();
            let with: Vec<(&Peer, Traits)> =
                peers.iter().map(|p| (p, self.traits(&p.host, &asked))).collect();
            out.insert(id.clone(), gate::compare(&self.traits(id, &asked), &with, self.deciding));
        }
        out
    }

    /// Ports at which any of the hosts was really asked.
    fn ports<'h>(&self, hosts: impl Iterator<Item = &'h str>) -> BTreeSet<PortSpec> {
        let hosts = hosts.filter_map(|h| self.resolution.hosts.get(h));
        let addresses: BTreeSet<_> =
            hosts.flat_map(|h| h.addresses.iter().map(|a| a.address)).collect();
        let rows = self.observations.rows.iter().filter(|o| addresses.contains(&o.address));
        rows.map(|o| PortSpec::new(o.protocol, PortSet::one(o.port))).collect()
    }

    fn traits(&self, id: &str, asked: &BTreeSet<PortSpec>) -> Traits {
        let Some(host) = self.resolution.hosts.get(id) else { return Traits::new() };
        let mut traits = gate::traits(host, self.snapshot);
        traits.extend(gate::observed_traits(host, self.observations, asked));
        for name in self.facts.hosts.get(id).into_iter().flat_map(|f| f.keys()) {
            // What the snapshot says is compared by itself.
            if let Known::Yes(fact) = self.facts.get(id, name)
                && *fact.source != *resolve::SNAPSHOT
            {
                let value = Value::Lines([fact.value.clone()].into());
                traits.insert(Trait::Fact(name.clone()), value);
            }
        }
        traits
    }
}
