use super::combine::{Decision, combine};
use super::index::{Index, Nic, Place};
use super::peers::Peers;
use super::span::{Ends, Span, Stage, way};
use super::ways::{Ways, one};
use super::{Assumption, Decider, Hop, Layer, Verdict};
use crate::model::{AddressSet, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::{Action, Balancer, CallKind, Listener, TargetGroup, TargetHealth};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an interface is, by its type (R14).
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// Its groups decide.
    Plain,
    /// Closed to everything unsolicited.
    Nat(&'a str),
    /// A balancer's node; `true` where it is open without groups.
    Balancer(Option<&'a Balancer>, bool),
    /// Something no rule models.
    Opaque(&'static str),
}

/// The kind of an interface. Old data names the type in the description only.
pub(super) fn kind<'a>(index: &Index<'a>, nic: &Nic<'a>) -> Kind<'a> {
    let description = nic.row.description.as_deref().unwrap_or_default();
    let balancer = || {
        let suffix = description.strip_prefix("ELB ")?;
        index
            .balancers
            .iter()
            .find(|(arn, _)| arn.split_once(":loadbalancer/").is_some_and(|(_, s)| s == suffix))
            .map(|(_, (row, _))| *row)
    };
    match nic.row.interface_type.as_deref().unwrap_or("interface") {
        "nat_gateway" | "natGateway" => Kind::Nat(nat_of(index, nic)),
        "network_load_balancer" => Kind::Balancer(balancer(), true),
        "load_balancer" => Kind::Balancer(balancer(), false),
        "gateway_load_balancer" | "gateway_load_balancer_endpoint" => {
            Kind::Opaque("a gateway load balancer")
        }
        "transit_gateway" if nic.groups.is_empty() => Kind::Opaque("a transit gateway's interface"),
        _ if description.starts_with("Interface for NAT Gateway") => Kind::Nat(nat_of(index, nic)),
        _ if nic.groups.is_empty() && index.nat_nics.contains_key(nic.id()) => {
            Kind::Nat(nat_of(index, nic))
        }
        _ if description.starts_with("ELB ") => {
            Kind::Balancer(balancer(), description.starts_with("ELB net/"))
        }
        _ => Kind::Plain,
    }
}

fn nat_of<'a>(index: &Index<'a>, nic: &Nic<'a>) -> &'a str {
    index.nat_nics.get(nic.id()).copied().unwrap_or(&nic.row.network_interface_id)
}

/// The listeners of a balancer, and behind those that pass packets on, their targets (R31).
pub(super) fn stages<'a>(
    ways: &Ways<'_, 'a>,
    nic: &Nic<'a>,
    place: &Place<'a>,
    balancer: Option<&'a Balancer>,
    ends: &Arc<AddressSet>,
) -> Vec<Stage> {
    let layer = Layer::LoadBalancer;
    let Some(balancer) = balancer else {
        let classic = nic.row.description.as_deref().is_some_and(|d| !d.contains('/'));
        let kind = if classic { CallKind::ClassicLoadBalancers } else { CallKind::LoadBalancers };
        let gap = ways.index.gap(nic.view, kind, nic.id(), "its balancer is not in the snapshot");
        return vec![Stage::unknown(layer, nic.id(), vec![gap])];
    };
    let arn = balancer.load_balancer_arn.as_str();
    if let state @ ("provisioning" | "failed") = balancer.state.name.as_str() {
        return vec![Stage::blocks(layer, arn, format!("it is {state}"))];
    }
    if !ways.protocol.has_ports() {
        if balancer.balancer_type.as_deref() == Some("network") {
            return vec![Stage::blocks(layer, arn, "it carries tcp and udp only")];
        }
        return vec![ways.far(layer, arn, "what a balancer's node answers besides its listeners")];
    }
    let classic = balancer.balancer_type.as_deref() == Some("classic");
    let complete = classic
        || (ways.index.complete(nic.view, CallKind::Listeners) && !balancer.listeners_unread);
    let listeners = ways.index.listeners.get(arn).map_or(&[][..], Vec::as_slice);
    if listeners.is_empty() && !complete {
        let why = "its listeners are not in the snapshot";
        let gap = ways.index.gap(nic.view, CallKind::Listeners, arn, why);
        return vec![Stage::unknown(layer, arn, vec![gap])];
    }
    let mut by_port: BTreeMap<u16, Span> = BTreeMap::new();
    for listener in listeners {
        if let Some(port) = listener.port
            && carries(listener, ways.protocol)
        {
            let span = span(ways, nic, place, balancer, listener, port, ends);
            by_port.insert(port, span);
        }
    }
    let absent: Arc<str> = format!("no {} listener on this port", ways.protocol).into();
    let mut spans: Vec<Span> = by_port.into_values().collect();
    if !complete {
        let gap = ways.index.gap(nic.view, CallKind::Listeners, arn, "listeners are missing");
        spans = fill(spans, gap);
    }
    vec![Stage::filter(layer, arn, spans, absent)]
}

/// Fills the ports between the listeners that were read with what others may be there.
fn fill(spans: Vec<Span>, gap: Gap) -> Vec<Span> {
    let known: PortSet = spans.iter().map(|s| (s.low, s.high)).collect();
    let mut all = spans;
    for &(low, high) in PortSet::all().subtract(&known).ranges() {
        let whole = Span::whole(Ends::None, Ends::All, None, vec![gap.clone()]);
        all.push(Span { low, high, ..whole });
    }
    all.sort_by_key(|s| s.low);
    all
}

pub(super) fn carries(listener: &Listener, protocol: Protocol) -> bool {
    match listener.protocol.as_deref().unwrap_or("TCP") {
        "TCP_UDP" => matches!(protocol, Protocol::Tcp | Protocol::Udp),
        "UDP" | "QUIC" => protocol == Protocol::Udp,
        "TCP_QUIC" => matches!(protocol, Protocol::Tcp | Protocol::Udp),
        "GENEVE" => false,
        _ => protocol == Protocol::Tcp,
    }
}

/// One listener's port.
fn span<'a>(
    ways: &Ways<'_, 'a>,
    nic: &Nic<'a>,
    place: &Place<'a>,
    balancer: &'a Balancer,
    listener: &'a Listener,
    port: u16,
    ends: &Arc<AddressSet>,
) -> Span {
    let name = listener.protocol.as_deref().unwrap_or("TCP");
    let entry: Arc<str> = format!("listener {name}:{port}").into();
    let whole = Span::whole(Ends::All, Ends::All, Some(entry), Vec::new());
    let span = Span { low: port, high: port, ..whole };
    if balancer.balancer_type.as_deref() != Some("network") || name == "TLS" {
        // The balancer itself ends the connection: it answers whatever its targets do.
        return span;
    }
    let mut tally = Tally::default();
    let actions: Vec<&Action> = listener.default_actions.iter().collect();
    for arn in actions.iter().flat_map(|a| arns(a)) {
        match ways.index.target_groups.get(arn) {
            Some(group) => targets(ways, nic, place, balancer, group, ends, &mut tally),
            None => {
                let why = "the target group is not in the snapshot";
                tally.gaps.push(ways.index.gap(nic.view, CallKind::TargetGroups, arn, why));
            }
        }
    }
    let close = |set: AddressSet| if set == **ends { Ends::All } else { Ends::of(set) };
    let yes = close(tally.yes);
    let maybe = if tally.gaps.is_empty() { yes.clone() } else { Ends::All };
    let decider = tally.blocked.or_else(|| {
        let entry = Some(format!("listener {name}:{port} has no target that gets traffic").into());
        Some(Decider {
            layer: Layer::LoadBalancer,
            id: balancer.load_balancer_arn.as_str().into(),
            entry,
        })
    });
    let decider = decider.filter(|_| maybe == Ends::None);
    let text = match (&tally.through, tally.gaps.first()) {
        (Some(target), Some(gap)) if yes == Ends::None => {
            format!("listener {name}:{port} to {target}: {}", gap.why)
        }
        (Some(target), _) => format!("listener {name}:{port} to {target}"),
        (None, Some(gap)) => format!("listener {name}:{port}: {}", gap.why),
        _ => format!("listener {name}:{port}: no target is reached"),
    };
    let span = Span { yes, maybe, entry: Some(text.into()), ..span };
    span.with(tally.gaps, decider, tally.hops).assuming(tally.assumptions)
}

/// The target groups an action forwards to.
pub(super) fn arns(action: &Action) -> Vec<&str> {
    let one = action.target_group_arn.as_deref();
    let mut all: Vec<&str> = one
        .into_iter()
        .chain(action.forward_target_group_arns.iter().map(String::as_str))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What the targets of a listener let through, together.
#[derive(Default)]
struct Tally {
    yes: AddressSet,
    gaps: Vec<Gap>,
    blocked: Option<Decider>,
    through: Option<String>,
    /// The way to the first target that is reached, else to the first.
    hops: Vec<Hop>,
    assumptions: Vec<Assumption>,
}

fn targets<'a>(
    ways: &Ways<'_, 'a>,
    nic: &Nic<'a>,
    place: &Place<'a>,
    balancer: &Balancer,
    group: &'a TargetGroup,
    ends: &Arc<AddressSet>,
    tally: &mut Tally,
) {
    let arn = group.target_group_arn.as_str();
    let Some(all) = &group.targets else {
        let why = "the health of its targets is not known";
        tally.gaps.push(ways.index.gap(nic.view, CallKind::TargetHealth, arn, why));
        return;
    };
    let cross = cross_zone(balancer, group);
    let zone = nic.row.availability_zone.as_deref();
    let mut used: Vec<&TargetHealth> = Vec::new();
    let mut maybe_used = false;
    for target in serving(all) {
        let there = zone_of(ways.index, target, group);
        match (cross, zone, there) {
            (Some(true), _, _) => used.push(target),
            (_, Some(a), Some(b)) if a == b => used.push(target),
            (Some(false), Some(_), Some(_)) => {}
            _ => maybe_used = true,
        }
    }
    if maybe_used && used.is_empty() {
        let why = "whether it crosses zones is not known";
        let kind = CallKind::LoadBalancerAttributes;
        tally.gaps.push(ways.index.gap(nic.view, kind, &balancer.load_balancer_arn, why));
    }
    for target in used {
        one_target(ways, nic, place, group, target, ends, tally);
    }
}

/// The targets that get traffic: the healthy ones, or all where none is.
fn serving(all: &[TargetHealth]) -> Vec<&TargetHealth> {
    let state = |t: &TargetHealth| t.state.as_deref().unwrap_or("healthy").to_owned();
    let alive: Vec<&TargetHealth> =
        all.iter().filter(|t| matches!(state(t).as_str(), "healthy" | "unavailable")).collect();
    if !alive.is_empty() {
        return alive;
    }
    all.iter().filter(|t| !matches!(state(t).as_str(), "unused" | "draining")).collect()
}

/// Whether a node sends to targets in other zones: the group's own setting over the balancer's.
fn cross_zone(balancer: &Balancer, group: &TargetGroup) -> Option<bool> {
    const KEY: &str = "load_balancing.cross_zone.enabled";
    let own = group.attributes.as_ref().and_then(|a| a.get(KEY)).map(String::as_str);
    match own {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => balancer.attributes.as_ref().map(|a| a.get(KEY).is_some_and(|v| v == "true")),
    }
}

fn nic_of_target<'i, 'a>(
    index: &'i Index<'a>,
    target: &TargetHealth,
    group: &TargetGroup,
) -> Option<&'i Nic<'a>> {
    let id = target.target.id.as_str();
    if let Ok(address) = id.parse() {
        let vpc = group.vpc_id.as_deref();
        let spots = index.spots(address).iter().map(|s| &index.nics[s.nic]);
        return spots.into_iter().find(|n| vpc.is_none_or(|v| v == n.vpc));
    }
    index.nics_of_instance(id).first().map(|n| &index.nics[*n])
}

fn zone_of<'i>(
    index: &'i Index<'_>,
    target: &'i TargetHealth,
    group: &TargetGroup,
) -> Option<&'i str> {
    let own = target.target.availability_zone.as_deref().filter(|z| *z != "all");
    own.or_else(|| nic_of_target(index, target, group)?.row.availability_zone.as_deref())
}

fn one_target<'a>(
    ways: &Ways<'_, 'a>,
    nic: &Nic<'a>,
    place: &Place<'a>,
    group: &'a TargetGroup,
    target: &'a TargetHealth,
    ends: &Arc<AddressSet>,
    tally: &mut Tally,
) {
    let id = target.target.id.as_str();
    let found = nic_of_target(ways.index, target, group);
    let there = found.and_then(|n| ways.index.subnets.get(n.subnet).map(|p| (n, p)));
    let (Some((to, subnet)), Some(port)) = (there, target.target.port.or(group.port)) else {
        tally.gaps.push(match group.target_type.as_deref() {
            Some("alb" | "lambda") => {
                Index::not_modelled(id, "a balancer or function behind a network balancer")
            }
            _ => Gap::new(GapKind::NetworkInterfaces, id, "the target's interface is not known"),
        });
        return;
    };
    // The client's address stays where it is kept; a group source that names the balancer's group
    // matches all the same.
    let own = nic.row.private_ip_address.map(one);
    let filtered = subnet.id != place.id;
    let as_seen = |keeps: bool| {
        let (seen, keeps) = match (keeps, &own) {
            (false, Some(own)) => (Arc::clone(own), false),
            _ => (Arc::clone(ends), true),
        };
        let stages = ways.arrive(to, subnet, &seen, Peers::Of(&nic.groups), filtered);
        let (_, decision) = combine(&way(stages), &seen, &seen, &PortSet::one(port)).remove(0);
        let of_clients = |set: &AddressSet| match keeps {
            true => set.clone(),
            false if set.is_empty() => AddressSet::empty(),
            false => (**ends).clone(),
        };
        let (yes, maybe) = (of_clients(&decision.yes), of_clients(&decision.maybe));
        Behind { decision, yes, maybe }
    };
    let behind = match keeps_client(group, ways.protocol) {
        Keeps::Always(keeps) => as_seen(keeps),
        Keeps::ByDefault(keeps) => {
            tally.assumptions.push(assumed(keeps));
            as_seen(keeps)
        }
        Keeps::Unread => {
            let (own, other) = (as_seen(true), as_seen(false));
            if (&own.yes, &own.maybe) != (&other.yes, &other.maybe) {
                let why = "whether it keeps its clients' addresses is not known";
                let (kind, arn) = (CallKind::TargetGroupAttributes, &group.target_group_arn);
                tally.gaps.push(ways.index.gap(nic.view, kind, arn, why));
                tally.gaps.extend(other.decision.gaps.iter().cloned());
            }
            let yes = own.yes.intersect(&other.yes);
            let blocked = |b: &Behind| b.decision.verdict == Verdict::Blocked;
            let (first, second) = if blocked(&own) { (other, own) } else { (own, other) };
            Behind { yes, maybe: first.maybe.union(&second.maybe), decision: first.decision }
        }
    };
    let Behind { decision, yes, maybe } = behind;
    if maybe.is_empty() {
        let mut decider = decision.path.decided_by().clone();
        let entry = decider.entry.unwrap_or_default();
        let (protocol, sep) = (ways.protocol, if entry.is_empty() { "" } else { ": " });
        if tally.hops.is_empty() {
            tally.hops = decision.path.hops().to_vec();
        }
        decider.entry = Some(format!("target {id} {protocol}/{port}{sep}{entry}").into());
        tally.blocked.get_or_insert(decider);
        return;
    }
    tally.yes = tally.yes.union(&yes);
    tally.gaps.extend(decision.gaps.iter().cloned());
    if tally.through.is_none() {
        tally.hops = decision.path.hops().to_vec();
    }
    tally.through.get_or_insert_with(|| format!("{id} {}/{port}", ways.protocol));
}

/// What a target lets through, of the balancer's clients.
struct Behind {
    decision: Decision,
    yes: AddressSet,
    maybe: AddressSet,
}

/// Whether targets see the client's own address.
enum Keeps {
    Always(bool),
    /// What AWS takes where the attribute is not among those of the group.
    ByDefault(bool),
    /// It can be switched, and nobody read how it is.
    Unread,
}

fn keeps_client(group: &TargetGroup, protocol: Protocol) -> Keeps {
    // AWS lets nobody switch it off for these.
    let fixed = matches!(group.protocol.as_deref(), Some("UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC"));
    if fixed || protocol == Protocol::Udp {
        return Keeps::Always(true);
    }
    let Some(attributes) = &group.attributes else { return Keeps::Unread };
    match attributes.get("preserve_client_ip.enabled") {
        Some(value) => Keeps::Always(value == "true"),
        None => Keeps::ByDefault(group.target_type.as_deref() != Some("ip")),
    }
}

fn assumed(keeps: bool) -> Assumption {
    let (code, text) = match keeps {
        true => ("PRESERVE_CLIENT_IP_IS_ENABLED", "targets see the client's own address"),
        false => ("PRESERVE_CLIENT_IP_IS_DISABLED", "targets see the balancer's address"),
    };
    Assumption { code: code.into(), text: format!("{text}, as is the default") }
}
