use super::approach::approaches;
use super::journey::{JourneyCell, JourneyOutcome, LeftOut, Tried};
use super::seen_by::{Client, Part, Seen};
use super::source::{Source, sources};
use crate::model::{Endpoint, Family, Gap, GapKind, PortSpec, SourceName};
use crate::observation::{Observations, State, VantageSeen};
use crate::resolve::{Host, HostOrigin, Resolution};
use crate::spec::{Journey, Profile, Role, Service, Spec};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Judges every journey for every live host of its role, every profile and every vantage that can
/// speak for its clients.
///
/// - A service works when every port of it that was probed and that the profile lets through is
///   proven at one of the host's addresses; a journey works when one of its services does.
/// - A vantage speaks for clients when what a target sees of it (its own address, or its proxy's)
///   lies in a source of a service, and only for the address families it is known to have: one
///   without IPv6 stands for customers without IPv6. A proxy whose outside address nobody told
///   stands for `internet` and for nothing narrower.
/// - A vantage without the proxy of a profile speaks for its clients only where no vantage has it.
/// - Where no vantage can speak, one cell without a vantage says so.
///
/// Sorted by host, role, journey, profile, then vantage.
#[must_use]
pub fn journeys(
    spec: &Spec,
    resolution: &Resolution,
    observations: &Observations,
) -> Vec<JourneyCell> {
    if spec.roles.values().all(|r| r.journeys.is_empty()) {
        return Vec::new();
    }
    let sources = sources(spec, resolution, &observations.vantages);
    let seen = Seen::new(observations);
    let mut out = Vec::new();
    for role in spec.roles.values() {
        let name: Arc<str> = role.name.as_str().into();
        let members = resolution.members.get(&role.name).into_iter().flatten();
        let hosts: Vec<&Host> =
            members.filter_map(|id| resolution.hosts.get(id)).filter(|h| h.live).collect();
        for journey in &role.journeys {
            for profile in journey.profiles(spec) {
                let case =
                    Case { role, journey, profile: &profile, sources: &sources, seen: &seen };
                let speakers = case.speakers(&observations.vantages);
                for host in &hosts {
                    let blank = JourneyCell {
                        host: host.id.as_str().into(),
                        role: Arc::clone(&name),
                        journey: journey.name.as_str().into(),
                        profile: profile.name.as_str().into(),
                        vantage: None,
                        outcome: JourneyOutcome::Unproven,
                        tried: Vec::new(),
                        left_out: Vec::new(),
                        place: journey.at.clone(),
                    };
                    if speakers.is_empty() {
                        out.push(JourneyCell { outcome: case.unheard(), ..blank });
                        continue;
                    }
                    let blind = is_blind(host, resolution);
                    out.extend(speakers.iter().map(|v| case.cell(host, blind, v, blank.clone())));
                }
            }
        }
    }
    out.sort_by(|a, b| {
        (&a.host, &a.role, &a.journey, &a.profile, &a.vantage)
            .cmp(&(&b.host, &b.role, &b.journey, &b.profile, &b.vantage))
    });
    out
}

/// Whether some of the host's addresses may not have been read.
fn is_blind(host: &Host, resolution: &Resolution) -> bool {
    match &host.origin {
        HostOrigin::Declared(_) => false,
        HostOrigin::Cloud { account, region, .. } => resolution
            .blind
            .iter()
            .any(|b| b.account == *account && (b.region == *region || b.region.is_empty())),
    }
}

/// One journey of one role for one profile.
struct Case<'a> {
    role: &'a Role,
    journey: &'a Journey,
    profile: &'a Profile,
    sources: &'a [Source],
    seen: &'a Seen<'a>,
}

impl<'a> Case<'a> {
    /// The journey's services, in its order.
    fn services(&self) -> impl Iterator<Item = &'a Service> {
        let (journey, role) = (self.journey, self.role);
        journey.any_of.iter().filter_map(|n| role.services.iter().find(|s| s.name == *n))
    }

    /// The vantages whose probes, made the way of the profile, count for a service of the journey.
    fn speakers(&self, vantages: &'a [VantageSeen]) -> Vec<Client<'a>> {
        let clients = vantages.iter().map(|v| Client::new(v, self.profile, self.seen));
        let clients: Vec<Client<'_>> = clients.collect();
        // One vantage with the proxy is enough: those without it stand for other customers.
        let any = clients.iter().any(Client::goes);
        let speaks = |c: &Client<'_>| {
            (c.goes() || !any) && self.services().any(|s| !self.families(c, s).is_empty())
        };
        clients.into_iter().filter(speaks).collect()
    }

    /// The families in which this client counts for a service.
    fn families(&self, client: &Client<'_>, service: &Service) -> Vec<Family> {
        let counts = |f: &Family| client.lies_in(*f, &service.from, self.sources);
        [Family::V4, Family::V6].into_iter().filter(counts).collect()
    }

    /// What becomes of a journey whose clients no vantage can speak for.
    fn unheard(&self) -> JourneyOutcome {
        let from: BTreeSet<&SourceName> = self.services().flat_map(|s| &s.from).collect();
        let from: Vec<String> = from.into_iter().map(ToString::to_string).collect();
        let family = match self.profile.family {
            Some(Family::V4) => " over IPv4",
            Some(Family::V6) => " over IPv6",
            None => "",
        };
        let why = match &self.profile.via {
            None => format!("no vantage lies in {}{family}", from.join(" or ")),
            Some(via) => format!(
                "no vantage speaks for {}{family} through the proxy `{via}`: what targets see of it lies in none of them, or nobody told it",
                from.join(" or ")
            ),
        };
        JourneyOutcome::Unknown(Gap::new(GapKind::Vantage, self.subject(), why))
    }

    /// What a gap is about.
    fn subject(&self) -> String {
        let (journey, role, profile) = (&self.journey.name, &self.role.name, &self.profile.name);
        format!("journey {journey} of {role} as {profile}")
    }

    fn cell(
        &self,
        host: &Host,
        blind: bool,
        client: &Client<'_>,
        blank: JourneyCell,
    ) -> JourneyCell {
        let mut cell = JourneyCell { vantage: Some(client.vantage.name.as_str().into()), ..blank };
        let mut parts: Vec<(Arc<str>, Part)> = Vec::new();
        for service in self.services() {
            let name: Arc<str> = service.name.as_str().into();
            match self.service(host, blind, client, service, &name, &mut cell.tried) {
                Ok(part) => parts.push((name, part)),
                Err(why) => cell.left_out.push(LeftOut { service: name, why }),
            }
        }
        let best = parts
            .into_iter()
            .reduce(|best, next| if next.1.hope() > best.1.hope() { next } else { best });
        cell.outcome = match best {
            None | Some((_, Part::Bad)) => JourneyOutcome::Broken,
            Some((service, Part::Proven)) => JourneyOutcome::Works { service },
            Some((_, Part::Unproven)) => JourneyOutcome::Unproven,
            Some((_, Part::Unknown(kind, why))) => {
                JourneyOutcome::Unknown(Gap::new(kind, self.subject(), why))
            }
        };
        cell
    }

    /// What one service shows this client; the error is why its clients cannot use it at all.
    fn service(
        &self,
        host: &Host,
        blind: bool,
        client: &Client<'_>,
        service: &Service,
        name: &Arc<str>,
        tried: &mut Vec<Tried>,
    ) -> Result<Part, String> {
        let ports = self.profile.permits(&service.port);
        if ports.is_empty() {
            return Err(self.shut(service));
        }
        let port = PortSpec::new(service.port.protocol, ports);
        if !port.protocol.has_ports() {
            return Ok(Part::Unknown(
                GapKind::Probe,
                format!("{port} is not probed: only tcp and udp are"),
            ));
        }
        let addresses = self.addresses(host, service);
        let speaks = |a: &&IpAddr| self.profile.speaks(Family::of(**a));
        if !addresses.iter().any(|a| speaks(&a)) {
            let family = match self.profile.family {
                Some(Family::V6) => "IPv6 ",
                Some(Family::V4) => "IPv4 ",
                None if addresses.is_empty() => "",
                None => "IPv4 ",
            };
            if blind {
                let why = format!("not every address of {} could be read", host.id);
                return Ok(Part::Unknown(GapKind::NetworkInterfaces, why));
            }
            return Err(format!("the host has no {family}address that these clients can use"));
        }
        let families = self.families(client, service);
        let mut best: Option<Part> = None;
        for address in
            addresses.iter().filter(speaks).filter(|a| families.contains(&Family::of(**a)))
        {
            let part = self.address(*address, &port, client, service, name, tried);
            best = Some(match best {
                Some(best) => best.better(part),
                None => part,
            });
        }
        Ok(best.unwrap_or_else(|| {
            let why = format!(
                "{} does not speak for the families of the host's addresses",
                client.vantage.name
            );
            Part::Unknown(GapKind::Vantage, why)
        }))
    }

    /// The worst of what the probed ports of one address show.
    fn address(
        &self,
        address: IpAddr,
        port: &PortSpec,
        client: &Client<'_>,
        service: &Service,
        name: &Arc<str>,
        tried: &mut Vec<Tried>,
    ) -> Part {
        let rows: Vec<_> = client.rows(address, port.protocol, &port.ports).collect();
        if rows.is_empty() {
            let why = client.unprobed();
            tried.push(Tried {
                service: Arc::clone(name),
                endpoint: Endpoint {
                    address,
                    protocol: port.protocol,
                    port: port.ports.first().unwrap_or(0),
                },
                state: State::Unprobed,
                confirmed: false,
                why: why.clone(),
            });
            return Part::Unknown(GapKind::Probe, why);
        }
        let mut worst = Part::Proven;
        for row in rows {
            let (part, why) = client.judge(row, &service.expect);
            tried.push(Tried {
                service: Arc::clone(name),
                endpoint: row.endpoint(),
                state: row.state,
                confirmed: row.confirmed,
                why,
            });
            worst = worst.worse(part);
        }
        worst
    }

    /// The addresses at which clients of the service's sources would look for it.
    fn addresses(&self, host: &Host, service: &Service) -> BTreeSet<IpAddr> {
        let sources = self.sources.iter().filter(|s| service.from.contains(&s.name));
        sources.flat_map(|s| approaches(host, s)).map(|(a, _)| a.address).collect()
    }

    /// Why the profile lets nothing of a service through.
    fn shut(&self, service: &Service) -> String {
        let Profile { block, allow, via, .. } = self.profile;
        let without = Profile { via: None, ..self.profile.clone() };
        if let (Some(via), false) = (via, without.permits(&service.port).is_empty()) {
            return format!("{} does not go through {via}", service.port.protocol);
        }
        let words = |specs: &[PortSpec]| {
            specs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        if !allow.is_empty() && !allow.iter().any(|a| meets(a, &service.port)) {
            return format!("{} is not let out: only {} is", service.port, words(allow));
        }
        format!("{} is not let out: {} is blocked", service.port, words(block))
    }
}

fn meets(a: &PortSpec, b: &PortSpec) -> bool {
    a.protocol == b.protocol && a.ports.intersects(&b.ports)
}
