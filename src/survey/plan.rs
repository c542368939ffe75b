use super::known_ports::WELL_KNOWN_UDP;
use super::profiled::profiled;
use super::{Hope, Refused, Sampled, Survey, Target, Why, ours, pick};
use crate::model::{
    AddressSet, Endpoint, Expect, Gap, GapKind, PortSet, PortSpec, Protocol, Protocols,
};
use crate::reach::ExposedEndpoint;
use crate::resolve::{Host, HostOrigin, Resolution};
use crate::snapshot::Snapshot;
use crate::spec::{Permit, Spec};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a survey is planned from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    pub resolution: &'a Resolution,
    pub snapshot: Option<&'a Snapshot>,
    /// What the configuration permits, or may permit where that is unknown.
    pub exposed: &'a [ExposedEndpoint],
    /// What may be probed beyond what the snapshot says is ours.
    pub scope: &'a AddressSet,
    /// The hosts whose endpoints are probed, by id; every host where nothing is said.
    pub only: Option<&'a BTreeSet<String>>,
    /// Hosts of which every TCP port of every public address is probed, by id.
    pub sweep: &'a BTreeSet<String>,
    pub limits: Limits,
    pub now: Timestamp,
}

/// Bounds of a survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A snapshot older than this may not direct probes: addresses are recycled.
    pub snapshot_max_age: SignedDuration,
    /// Ports of a range that are probed; both ends are among them.
    pub samples: u32,
    /// Endpoints that nobody declared, at most.
    pub permitted: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { snapshot_max_age: SignedDuration::from_hours(1), samples: 16, permitted: 200_000 }
    }
}

/// Plans what will be probed: controls, then what the spec requires, allows or forbids, then what
/// the configuration permits and nobody declared. Nothing outside of what the snapshot says is ours
/// or `scope` names is ever a target; it is refused by name instead.
///
/// Hosts that the spec alone declares are not ours by that: a spec is changed by whoever opens a
/// pull request, `scope` is not.
#[must_use]
pub fn plan(input: &Input<'_>) -> Survey {
    let mut plan = Plan::new(input);
    plan.controls();
    plan.declared();
    plan.permitted();
    plan.swept();
    plan.finish()
}

struct Plan<'a> {
    input: &'a Input<'a>,
    may: AddressSet,
    stale: bool,
    controls: BTreeMap<Endpoint, Target>,
    declared: BTreeMap<Endpoint, Target>,
    permitted: BTreeMap<Endpoint, Target>,
    swept: Vec<Target>,
    refused: BTreeSet<Refused>,
    sampled: BTreeSet<Sampled>,
    gaps: BTreeSet<Gap>,
}

impl<'a> Plan<'a> {
    fn new(input: &'a Input<'a>) -> Self {
        let mut gaps = BTreeSet::new();
        let mut stale = false;
        let mut may = input.scope.clone();
        if let Some(snapshot) = input.snapshot {
            // One from the future is no better: its age cannot be told.
            let age = input.now.duration_since(snapshot.taken_at).abs();
            stale = age > input.limits.snapshot_max_age;
            if stale {
                let taken = snapshot.taken_at;
                let why = if taken > input.now {
                    format!(
                        "taken at {taken}, which is yet to come: the clock of one of the two machines is wrong, \
                         and what has no age may not direct probes"
                    )
                } else {
                    let limit = input.limits.snapshot_max_age;
                    format!(
                        "taken at {taken}, older than the limit of {limit:#}: it may not direct probes, addresses are recycled"
                    )
                };
                gaps.insert(Gap::new(GapKind::StaleSnapshot, "snapshot", why));
            } else {
                may = may.union(&ours(snapshot));
            }
        }
        Self {
            input,
            may,
            stale,
            controls: BTreeMap::new(),
            declared: BTreeMap::new(),
            permitted: BTreeMap::new(),
            swept: Vec::new(),
            refused: BTreeSet::new(),
            sampled: BTreeSet::new(),
            gaps,
        }
    }

    fn controls(&mut self) {
        for control in &self.input.spec.controls {
            if !self.allowed(control.address, Some(control.port.protocol)) {
                continue;
            }
            // Only an answer that proves itself can prove the egress of UDP.
            let expect = match control.port.protocol {
                Protocol::Udp => Expect::Stun,
                _ => Expect::Connect,
            };
            for port in pick::some(&control.port.ports, self.input.limits.samples) {
                let endpoint =
                    Endpoint { address: control.address, protocol: control.port.protocol, port };
                let hope = Hope::Answer;
                let target = Target { endpoint, why: Why::Control, expect: expect.clone(), hope };
                self.controls.entry(endpoint).or_insert(target);
            }
        }
    }

    fn declared(&mut self) {
        let (resolution, only) = (self.input.resolution, self.input.only);
        for (name, role) in &self.input.spec.roles {
            let members = resolution.members.get(name).into_iter().flatten();
            for id in members.filter(|id| only.is_none_or(|o| o.contains(*id))) {
                let Some(host) = resolution.hosts.get(id).filter(|h| h.live) else { continue };
                // Services first: where a port is declared twice, what it must be wins.
                for service in &role.services {
                    let expect = match (&service.expect, service.port.protocol) {
                        (expect, _) if service.port.protocol.has_ports() => expect.clone(),
                        _ => {
                            self.gaps.insert(Gap::new(
                                GapKind::Probe,
                                format!("{id} {}", service.port),
                                "only tcp and udp are probed",
                            ));
                            continue;
                        }
                    };
                    self.endpoints(host, &service.port, &expect, Hope::Answer);
                }
                for (permits, hope) in [(&role.forbid, Hope::NoAnswer), (&role.allow, Hope::Either)]
                {
                    for port in permits.iter().flat_map(probed) {
                        self.endpoints(host, &port, &Expect::Connect, hope);
                    }
                }
            }
        }
    }

    /// Adds the declared ports of every address of a host that can be probed.
    fn endpoints(&mut self, host: &Host, port: &PortSpec, expect: &Expect, hope: Hope) {
        if !port.protocol.has_ports() {
            return;
        }
        for at in &host.addresses {
            // Nobody asks for a private address of the cloud unless scope names it.
            let asked = at.public || matches!(host.origin, HostOrigin::Declared(_));
            if !asked && !self.may.contains(at.address) {
                continue;
            }
            if !self.allowed(at.address, None) {
                continue;
            }
            let ports = match hope {
                Hope::Answer => pick::some(&port.ports, self.input.limits.samples),
                _ => pick::known_and_some(port, self.input.limits.samples),
            };
            self.note_sample(at.address, port, ports.len());
            for number in ports {
                let endpoint =
                    Endpoint { address: at.address, protocol: port.protocol, port: number };
                let target = Target { endpoint, why: Why::Declared, expect: expect.clone(), hope };
                self.declared.entry(endpoint).or_insert(target);
            }
        }
    }

    fn permitted(&mut self) {
        let mut left_out = 0usize;
        for exposed in self.input.exposed {
            if self.input.only.is_some_and(|only| !only.contains(&*exposed.host)) {
                continue;
            }
            if !exposed.protocol.has_ports() || exposed.every_other_protocol {
                continue;
            }
            let asked = AddressSet::is_outside(exposed.address);
            if !asked && !self.may.contains(exposed.address) {
                continue;
            }
            if !self.allowed(exposed.address, None) {
                continue;
            }
            let ports = exposed.ports.subtract(&PortSet::one(0));
            let spec = PortSpec::new(exposed.protocol, ports);
            let picked = pick::known_and_some(&spec, self.input.limits.samples);
            self.note_sample(exposed.address, &spec, picked.len());
            for port in picked {
                let endpoint =
                    Endpoint { address: exposed.address, protocol: exposed.protocol, port };
                if self.declared.contains_key(&endpoint) || self.controls.contains_key(&endpoint) {
                    continue;
                }
                if self.permitted.len() >= self.input.limits.permitted {
                    left_out += 1;
                    continue;
                }
                let target = Target {
                    endpoint,
                    why: Why::Permitted,
                    expect: Expect::Connect,
                    hope: Hope::NoAnswer,
                };
                self.permitted.insert(endpoint, target);
            }
        }
        if left_out > 0 {
            self.gaps.insert(Gap::new(
                GapKind::Probe,
                "survey",
                format!(
                    "{left_out} permitted endpoints are past the limit of {}",
                    self.input.limits.permitted
                ),
            ));
        }
    }

    /// Every TCP port that is not a target yet, and the well-known ones of UDP, of which silence says
    /// nothing: what answers there, nobody declared.
    fn swept(&mut self) {
        let tcp = (1..=u16::MAX).map(|port| (Protocol::Tcp, port));
        let ports: Vec<_> = tcp.chain(WELL_KNOWN_UDP.map(|port| (Protocol::Udp, port))).collect();
        for host in self.input.sweep.iter().filter_map(|id| self.input.resolution.hosts.get(id)) {
            for at in host.addresses.iter().filter(|a| a.public && host.live) {
                if !self.allowed(at.address, None) {
                    continue;
                }
                for (protocol, port) in ports.iter().copied() {
                    let endpoint = Endpoint { address: at.address, protocol, port };
                    let target = |parts: &BTreeMap<Endpoint, Target>| parts.contains_key(&endpoint);
                    if [&self.controls, &self.declared, &self.permitted].into_iter().any(target) {
                        continue;
                    }
                    let (expect, hope) = (Expect::Connect, Hope::NoAnswer);
                    self.swept.push(Target { endpoint, why: Why::Swept, expect, hope });
                }
            }
        }
    }

    fn note_sample(&mut self, address: IpAddr, of: &PortSpec, probed: usize) {
        let probed = u32::try_from(probed).unwrap_or(u32::MAX);
        if probed < of.ports.len() {
            self.sampled.insert(Sampled { address, of: of.clone(), probed });
        }
    }

    fn allowed(&mut self, address: IpAddr, protocol: Option<Protocol>) -> bool {
        let may = self.may.contains(address);
        if !may {
            let why = if self.stale {
                "no snapshot of a time that counts says that it is ours, and scope: does not name it"
            } else {
                "neither the snapshot says it is ours nor does scope: name it"
            };
            self.refused.insert(Refused { address, protocol, why: why.into() });
        }
        may
    }

    fn finish(mut self) -> Survey {
        for (endpoint, control) in &mut self.controls {
            // A control that is declared too is held to what was declared.
            if let Some(declared) = self.declared.remove(endpoint) {
                control.expect = declared.expect;
                control.hope = declared.hope;
            }
        }
        let parts = [self.controls, self.declared, self.permitted];
        let targets: Vec<Target> = parts.into_iter().flat_map(BTreeMap::into_values).collect();
        Survey {
            profiled: profiled(self.input.spec, self.input.resolution, &targets),
            targets: targets.into_iter().chain(self.swept).collect(),
            refused: self.refused.into_iter().collect(),
            sampled: self.sampled.into_iter().collect(),
            gaps: self.gaps.into_iter().collect(),
        }
    }
}

/// What of a line of `allow` or `forbid` can be probed.
fn probed(permit: &Permit) -> Vec<PortSpec> {
    let protocols = match permit.protocols {
        Protocols::One(protocol) => vec![protocol],
        Protocols::Others => Vec::new(),
        Protocols::All => vec![Protocol::Tcp, Protocol::Udp],
    };
    protocols.into_iter().map(|p| PortSpec::new(p, permit.ports.clone())).collect()
}
