use super::index::Index;
use crate::model::{AddressSet, Family};
use crate::snapshot::{Route, RouteTable};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target<'a> {
    Local,
    InternetGateway(&'a str),
    EgressOnly(&'a str),
    Nat(&'a str),
    Vpn(&'a str),
    Peering(&'a str),
    Transit(&'a str),
    Endpoint(&'a str),
    /// An instance, an interface, a local, carrier or core network, a target of a kind that is not
    /// known, or a route in a state that is not: not modelled.
    Other(&'a str),
    Blackhole(&'a str),
}

/// One route, expanded to one block.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    pub(super) network: IpNetwork,
    pub(super) target: Target<'a>,
    /// Whether a prefix list is its destination.
    pub(super) listed: bool,
    /// Its state, where that is neither active nor a blackhole.
    state: Option<&'a str>,
    rank: u8,
}

/// A route table of one family, longest prefix first (R21).
#[derive(Debug, Clone, Default)]
pub(super) struct Routes<'a> {
    pub(super) id: &'a str,
    pub(super) lines: Vec<Line<'a>>,
    /// Routes to prefix lists that nobody could read: the list and where it leads.
    pub(super) unresolved: Vec<(&'a str, Target<'a>)>,
}

impl<'a> Routes<'a> {
    /// Reads a table: prefix lists are expanded; static beats propagated at equal length.
    pub(super) fn new(index: &Index<'a>, table: &'a RouteTable, family: Family) -> Self {
        let mut routes = Self { id: &table.route_table_id, ..Self::default() };
        for route in &table.routes {
            let target = target(route);
            let rank = match (&target, route.origin.as_deref()) {
                (Target::Local, _) => 0,
                (_, Some("EnableVgwRoutePropagation")) => 2,
                _ => 1,
            };
            let known = |s: &&str| matches!(*s, "active" | "blackhole");
            let state = route.state.as_deref().filter(|s| !known(s));
            let listed = route.destination_prefix_list_id.is_some();
            let mut push = |network: IpNetwork| {
                if network.is_ipv4() == (family == Family::V4) {
                    let target = target.clone();
                    routes.lines.push(Line { network, target, listed, state, rank });
                }
            };
            if let Some(block) = route.destination_cidr_block {
                push(block.into());
            }
            if let Some(block) = route.destination_ipv6_cidr_block {
                push(block.into());
            }
            if let Some(list) = route.destination_prefix_list_id.as_deref() {
                match index.prefix_list(list) {
                    Some(set) => set.to_networks().into_iter().for_each(push),
                    None if !index.list_may_hold(list, family) => {}
                    None => routes.unresolved.push((list, target)),
                }
            }
        }
        routes.lines.sort_by(|a, b| {
            (b.network.prefix(), a.rank, a.network, &a.target).cmp(&(
                a.network.prefix(),
                b.rank,
                b.network,
                &b.target,
            ))
        });
        routes
    }

    /// The route that a packet to `address` takes.
    pub(super) fn lookup(&self, address: IpAddr) -> Option<&Line<'a>> {
        self.lines.iter().find(|l| l.network.contains(address))
    }

    /// The ends of `asked` by the route they take; ends without a route are in none.
    pub(super) fn partition(&self, asked: &AddressSet) -> Vec<(AddressSet, &Line<'a>)> {
        let mut left = asked.clone();
        let mut out = Vec::new();
        for line in &self.lines {
            let hit = left.intersect(&[line.network].into_iter().collect());
            if hit.is_empty() {
                continue;
            }
            left = left.subtract(&hit);
            out.push((hit, line));
        }
        out
    }
}

impl Line<'_> {
    /// `0.0.0.0/0 to igw-1`.
    pub(super) fn text(&self) -> String {
        let state = self.state.map(|s| format!(" ({s})")).unwrap_or_default();
        format!("{} to {}{state}", self.network, self.target.id())
    }
}

impl Target<'_> {
    /// The id it leads to.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::InternetGateway(id)
            | Self::EgressOnly(id)
            | Self::Nat(id)
            | Self::Vpn(id)
            | Self::Peering(id)
            | Self::Transit(id)
            | Self::Endpoint(id)
            | Self::Other(id)
            | Self::Blackhole(id) => id,
        }
    }
}

/// The target of a route; `gateway_id` may hold a NAT gateway in old data (D7).
fn target(route: &Route) -> Target<'_> {
    let ids = [
        &route.nat_gateway_id,
        &route.egress_only_internet_gateway_id,
        &route.vpc_peering_connection_id,
        &route.transit_gateway_id,
        &route.network_interface_id,
        &route.instance_id,
        &route.gateway_id,
        &route.local_gateway_id,
        &route.carrier_gateway_id,
        &route.core_network_arn,
    ];
    let id = ids
        .into_iter()
        .flatten()
        .find(|id| !id.is_empty())
        .map_or("an unknown target", String::as_str);
    match route.state.as_deref() {
        None | Some("active") => {}
        Some("blackhole") => return Target::Blackhole(id),
        // `filtered`, and what AWS may add: whether packets take it nobody told us.
        Some(_) => return Target::Other(id),
    }
    match id {
        "local" => Target::Local,
        id if id.starts_with("igw-") => Target::InternetGateway(id),
        id if id.starts_with("eigw-") => Target::EgressOnly(id),
        id if id.starts_with("nat-") => Target::Nat(id),
        id if id.starts_with("vgw-") => Target::Vpn(id),
        id if id.starts_with("pcx-") => Target::Peering(id),
        id if id.starts_with("tgw-") => Target::Transit(id),
        id if id.starts_with("vpce-") => Target::Endpoint(id),
        id => Target::Other(id),
    }
}
