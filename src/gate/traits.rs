use crate::drift;
use crate::model::{PortSet, PortSpec};
use crate::observation::{Observations, State};
use crate::resolve::{Host, HostOrigin};
use crate::snapshot::{
    Acl, AclEntry, CallKind, Instance, Interface, RegionView, Route, RouteTable, Snapshot,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a host is made of, one trait at a time.
pub type Traits = BTreeMap<Trait, Value>;

/// A trait that hosts of one role are compared in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trait {
    /// What the security groups of all its interfaces let through.
    Permissions,
    /// Those groups by id.
    Groups,
    /// Entries of the network ACLs of its subnets.
    NetworkAcl,
    /// Routes of its subnets, by kind of target where each zone has its own.
    Routes,
    /// Which kinds of address it has: public IPv4, IPv6.
    Addresses,
    SourceDestCheck,
    /// Ports and what answered on them, where host and peer were both asked.
    Ports,
    /// What the TLS handshake showed on a port.
    Tls(PortSpec),
    Image,
    InstanceType,
    Subnet,
    Zone,
    Vpc,
    Tag(String),
    Fact(String),
}

/// What one host has of a trait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Lines(BTreeSet<String>),
    /// It could not be read, and why.
    Unknown(String),
}

impl Trait {
    /// The names that `--parity` takes, of those that hold a host when it is the odd one.
    pub const NAMES: [&'static str; 15] = [
        "permissions",
        "network-acl",
        "routes",
        "addresses",
        "source-dest-check",
        "ports",
        "tls",
        "groups",
        "image",
        "instance-type",
        "subnet",
        "zone",
        "vpc",
        "tags",
        "facts",
    ];

    /// Those that decide what is reachable and as what: being the odd one in these holds a host.
    /// The others change with every release, and are told.
    pub const DECIDING: [&'static str; 7] =
        ["permissions", "network-acl", "routes", "addresses", "source-dest-check", "ports", "tls"];

    /// The name of its kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Groups => "groups",
            Self::NetworkAcl => "network-acl",
            Self::Routes => "routes",
            Self::Addresses => "addresses",
            Self::SourceDestCheck => "source-dest-check",
            Self::Ports => "ports",
            Self::Tls(_) => "tls",
            Self::Image => "image",
            Self::InstanceType => "instance-type",
            Self::Subnet => "subnet",
            Self::Zone => "zone",
            Self::Vpc => "vpc",
            Self::Tag(_) => "tags",
            Self::Fact(_) => "facts",
        }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(port) => write!(f, "tls {port}"),
            Self::Tag(key) => write!(f, "tag {key}"),
            Self::Fact(name) => write!(f, "fact {name}"),
            other => f.write_str(other.name()),
        }
    }
}

/// What the snapshot says of a host.
#[must_use]
pub fn traits(host: &Host, snapshot: &Snapshot) -> Traits {
    let mut out = Traits::new();
    for (key, value) in &host.tags {
        // `aws:` tags name the group or stack that made it; `Name` is its own.
        if key != "Name" && !key.starts_with("aws:") {
            out.insert(Trait::Tag(key.clone()), one(value));
        }
    }
    let HostOrigin::Cloud { account, region, vpc, image } = &host.origin else { return out };
    let view = snapshot.regions.iter().find(|r| r.account == *account && r.region == *region);
    let Some(view) = view else { return out };
    // What rests on a call that was not answered in full, or was never made, is not known.
    let known = |rests_on: &[CallKind], lines: BTreeSet<String>| match rests_on
        .iter()
        .find_map(|kind| snapshot.gap(account, region, *kind))
    {
        Some(gap) => Value::Unknown(gap.to_string()),
        None => Value::Lines(lines),
    };
    let interfaces: Vec<&Interface> =
        view.network_interfaces.iter().filter(|i| belongs(i, &host.id)).collect();
    let groups = interfaces.iter().flat_map(|i| &i.groups).map(|g| match &g.group_name {
        Some(name) => format!("{} ({name})", g.group_id),
        None => g.group_id.clone(),
    });
    out.insert(Trait::Groups, known(&[CallKind::NetworkInterfaces], groups.collect()));
    let ids: BTreeSet<&str> =
        interfaces.iter().flat_map(|i| &i.groups).map(|g| g.group_id.as_str()).collect();
    let live = view.security_groups.iter().filter(|g| ids.contains(g.group_id.as_str()));
    let permissions = live.flat_map(drift::permissions).collect();
    out.insert(
        Trait::Permissions,
        known(&[CallKind::NetworkInterfaces, CallKind::SecurityGroups], permissions),
    );
    let subnets: BTreeSet<&str> =
        interfaces.iter().filter_map(|i| i.subnet_id.as_deref()).collect();
    let acls = subnets.iter().flat_map(|s| acl(view, s)).flat_map(|a| &a.entries).map(entry);
    out.insert(
        Trait::NetworkAcl,
        known(&[CallKind::NetworkInterfaces, CallKind::NetworkAcls], acls.collect()),
    );
    let tables = subnets.iter().flat_map(|s| table(view, s, vpc.as_deref()));
    let routes = tables.flat_map(|t| &t.routes).map(route);
    out.insert(
        Trait::Routes,
        known(&[CallKind::NetworkInterfaces, CallKind::RouteTables], routes.collect()),
    );
    let public = |v6: bool| host.addresses.iter().any(|a| a.public && a.address.is_ipv6() == v6);
    let kinds = [(public(false), "public IPv4"), (public(true), "IPv6")];
    let kinds = kinds.into_iter().filter(|(has, _)| *has).map(|(_, kind)| kind.to_owned());
    out.insert(Trait::Addresses, known(&[CallKind::NetworkInterfaces], kinds.collect()));
    let check =
        interfaces.iter().filter_map(|i| i.source_dest_check).map(|c| if c { "on" } else { "off" });
    out.insert(
        Trait::SourceDestCheck,
        known(&[CallKind::NetworkInterfaces], check.map(str::to_owned).collect()),
    );
    let zones = interfaces.iter().filter_map(|i| i.availability_zone.clone());
    out.insert(Trait::Zone, known(&[CallKind::NetworkInterfaces], zones.collect()));
    let subnets = subnets.iter().map(|s| (*s).to_owned()).collect();
    out.insert(Trait::Subnet, known(&[CallKind::NetworkInterfaces], subnets));
    out.insert(Trait::Vpc, Value::Lines(vpc.iter().cloned().collect()));
    out.insert(Trait::Image, known(&[CallKind::Instances], image.iter().cloned().collect()));
    let instance: Option<&Instance> = view.instances.iter().find(|i| i.instance_id == host.id);
    let kind = instance.and_then(|i| i.instance_type.clone());
    out.insert(Trait::InstanceType, known(&[CallKind::Instances], kind.into_iter().collect()));
    out
}

/// What probes saw of a host: ports with what answered, and each TLS port's certificate.
///
/// Only ports in `asked` are spoken of, so that a host that was swept and one that was not can be
/// compared.
#[must_use]
pub fn observed_traits(
    host: &Host,
    observations: &Observations,
    asked: &BTreeSet<PortSpec>,
) -> Traits {
    let mut out = Traits::new();
    let mut ports = BTreeSet::new();
    let mut failed = None;
    for seen in &observations.rows {
        if !host.addresses.iter().any(|a| a.address == seen.address) {
            continue;
        }
        let port = PortSpec::new(seen.protocol, PortSet::one(seen.port));
        if !asked.contains(&port) {
            continue;
        }
        match seen.state {
            State::Open | State::WrongService => {
                let service = seen.service.as_deref().unwrap_or("unnamed");
                ports.insert(format!("{port} {} {service}", seen.state));
            }
            State::Failed => failed = seen.detail.clone().or(failed),
            // Probed before the others settled, or not at all: says nothing of the host.
            State::Unprobed => {}
            state => {
                ports.insert(format!("{port} {state}"));
            }
        }
        if let Some(tls) = &seen.tls {
            let mut lines = BTreeSet::new();
            lines.extend(tls.version.iter().map(|v| format!("version {v}")));
            lines.extend(tls.names.iter().map(|n| format!("name {n}")));
            lines.extend(tls.issuer.iter().map(|i| format!("issuer {i}")));
            lines.insert(format!("{} certificates", tls.chain_sha256.len()));
            lines.insert(match tls.trusted {
                Some(true) => "trusted".into(),
                Some(false) => "not trusted".into(),
                None => "trust not checked".into(),
            });
            out.insert(Trait::Tls(port), Value::Lines(lines));
        }
    }
    let value = match failed {
        Some(why) => Value::Unknown(why),
        None => Value::Lines(ports),
    };
    out.insert(Trait::Ports, value);
    out
}

fn one(text: &str) -> Value {
    Value::Lines([text.to_owned()].into())
}

/// Whether an interface is the host's, or is the host.
fn belongs(interface: &Interface, host: &str) -> bool {
    let attached = interface.attachment.as_ref().and_then(|a| a.instance_id.as_deref());
    attached == Some(host) || interface.network_interface_id == host
}

fn acl<'a>(view: &'a RegionView, subnet: &str) -> Option<&'a Acl> {
    let is = |a: &&Acl| a.associations.iter().any(|s| s.subnet_id.as_deref() == Some(subnet));
    view.network_acls.iter().find(is)
}

/// The table of a subnet: its own, else the main one of its VPC.
fn table<'a>(view: &'a RegionView, subnet: &str, vpc: Option<&str>) -> Option<&'a RouteTable> {
    let own =
        |t: &&RouteTable| t.associations.iter().any(|a| a.subnet_id.as_deref() == Some(subnet));
    let main =
        |t: &&RouteTable| t.vpc_id.as_deref() == vpc && t.associations.iter().any(|a| a.main);
    view.route_tables.iter().find(own).or_else(|| view.route_tables.iter().find(main))
}

fn entry(entry: &AclEntry) -> String {
    let AclEntry {
        rule_number,
        egress,
        protocol,
        rule_action,
        cidr_block,
        ipv6_cidr_block,
        port_range,
        icmp_type_code,
    } = entry;
    let direction = if *egress { "egress" } else { "ingress" };
    let protocol = match protocol.as_str() {
        "-1" => "all",
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        other => other,
    };
    let number = |n: Option<i32>| n.map_or("any".to_owned(), |n| n.to_string());
    let ports =
        port_range.map(|p| format!("/{}-{}", number(p.from), number(p.to))).unwrap_or_default();
    let icmp = icmp_type_code
        .map(|i| format!(" type {} code {}", number(i.icmp_type), number(i.code)))
        .unwrap_or_default();
    let block =
        cidr_block.map(|b| b.to_string()).or_else(|| ipv6_cidr_block.map(|b| b.to_string()));
    format!(
        "{direction} {rule_number} {rule_action} {protocol}{ports}{icmp} {}",
        block.unwrap_or_default()
    )
}

/// A route with the kind of its target: a gateway that each zone has its own of is no difference.
fn route(route: &Route) -> String {
    let Route {
        destination_cidr_block: v4,
        destination_ipv6_cidr_block: v6,
        destination_prefix_list_id: list,
        gateway_id,
        nat_gateway_id,
        egress_only_internet_gateway_id,
        instance_id,
        network_interface_id,
        vpc_peering_connection_id,
        transit_gateway_id,
        local_gateway_id,
        carrier_gateway_id,
        core_network_arn,
        state,
        origin: _,
    } = route;
    let to =
        v4.map(|b| b.to_string()).or_else(|| v6.map(|b| b.to_string())).or_else(|| list.clone());
    let named = |id: &Option<String>| id.clone();
    let kind = |id: &Option<String>, kind: &str| id.as_ref().map(|_| kind.to_owned());
    let via = kind(nat_gateway_id, "a NAT gateway")
        .or_else(|| kind(instance_id, "an instance"))
        .or_else(|| kind(network_interface_id, "an interface"))
        .or_else(|| kind(egress_only_internet_gateway_id, "an egress-only internet gateway"))
        .or_else(|| named(vpc_peering_connection_id))
        .or_else(|| named(transit_gateway_id))
        .or_else(|| named(local_gateway_id))
        .or_else(|| named(carrier_gateway_id))
        .or_else(|| named(core_network_arn))
        .or_else(|| match gateway_id.as_deref() {
            Some("local") => Some("local".into()),
            Some(id) if id.starts_with("igw-") => Some("the internet gateway".into()),
            Some(id) if id.starts_with("nat-") => Some("a NAT gateway".into()),
            other => other.map(str::to_owned),
        });
    let hole = if state.as_deref() == Some("blackhole") { ", a black hole" } else { "" };
    format!("{} via {}{hole}", to.unwrap_or_default(), via.unwrap_or_default())
}
