use super::acl::{self, Way};
use super::aws::ip_permissions;
use super::ground::{Ground, Region};
use super::shell::command;
use super::terraform::{ingress_rules, quoted};
use super::{Mend, Permission, reconcile, way};
use crate::model::{AddressSet, Family, PortSet, PortSpec, Protocol};
use crate::reach::{Decider, Layer, Path};
use crate::snapshot::SecurityGroup;
use crate::spec::Peer;
use ipnetwork::IpNetwork;
use std::fmt;
use std::net::IpAddr;

/// The traffic that a mend is to let through, or to stop.
#[derive(Debug, Clone, Copy)]
pub struct Traffic<'a> {
    pub address: IpAddr,
    pub interface: Option<&'a str>,
    pub protocol: Protocol,
    /// Every protocol: the permission that lets in `protocol` lets in all that have no own line.
    pub ports: &'a PortSet,
    /// Who sends it; never empty.
    pub clients: &'a AddressSet,
    /// The group that these clients carry and nobody else: addresses change, and membership does not.
    pub group: Option<&'a str>,
}

/// Blocks of one command: a longer list belongs into a prefix list.
pub(super) const MAX_BLOCKS: usize = 20;

/// A change to one layer.
pub(super) enum Change<'a> {
    AuthorizeGroup {
        group: &'a str,
        spec: &'a PortSpec,
        clients: &'a str,
        carriers: usize,
    },
    AuthorizeEgress {
        group: &'a str,
        spec: &'a PortSpec,
        to: IpAddr,
    },
    AclEntry {
        acl: &'a str,
        number: i32,
        egress: bool,
        answers: bool,
        spec: &'a PortSpec,
    },
    Route {
        table: &'a str,
        target: Option<&'a str>,
        block: &'a str,
    },
    /// Without one a gateway is made.
    AttachGateway {
        vpc: &'a str,
        gateway: Option<&'a str>,
    },
    PublicAddress {
        interface: &'a str,
    },
    BpaExclusion {
        id: &'a str,
    },
    StartInstance {
        instance: &'a str,
    },
    Other {
        layer: Layer,
        id: &'a str,
    },
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorizeGroup { group, spec, clients, carriers } => {
                write!(f, "let {clients} in to {spec} in {group}")?;
                match carriers {
                    0 | 1 => Ok(()),
                    n => write!(f, ", which opens it on all {n} interfaces that carry it"),
                }
            }
            Self::AuthorizeEgress { group, spec, to } => {
                write!(f, "let {group}, which the clients carry, send {spec} to {to}")
            }
            Self::AclEntry { acl, number, egress, answers, spec } => {
                let way = if *egress { "out of" } else { "into" };
                let (what, them) = match answers {
                    true => (format!("the answers ({spec}) {way}"), "them"),
                    false if *egress => (format!("{spec} {way}"), "it"),
                    false => (format!("{spec} in"), "it"),
                };
                write!(f, "allow {what} {acl} as rule {number}, before the one that denies {them}")
            }
            Self::Route { table, target: Some(target), block } => {
                write!(f, "route {block} of {table} to {target}")
            }
            Self::Route { table, target: None, block } => {
                write!(
                    f,
                    "attach an internet gateway to the VPC and route {block} of {table} to it"
                )
            }
            Self::AttachGateway { vpc, gateway } => {
                write!(f, "attach {} to {vpc}", gateway.unwrap_or("an internet gateway"))
            }
            Self::PublicAddress { interface } => write!(f, "give {interface} a public address"),
            Self::BpaExclusion { id } => {
                write!(f, "exclude {id} from block-public-access, if it is meant to be public")
            }
            Self::StartInstance { instance } => write!(f, "start {instance}"),
            Self::Other { layer, id } => write!(f, "change the {layer} {id}, which decides"),
        }
    }
}

impl Change<'_> {
    pub(super) fn mend(&self, command: Option<String>, terraform: Option<String>) -> Mend {
        Mend { text: self.to_string(), command, terraform }
    }
}

/// What would let the traffic through the layer that blocks it.
#[must_use]
pub fn open(path: &Path, traffic: &Traffic<'_>, ground: &Ground<'_>) -> Vec<Mend> {
    let decider = path.decided_by();
    let family = Family::of(traffic.address);
    let interface = traffic.interface.and_then(|id| ground.interface(id));
    let vpc = interface.and_then(|(_, i)| i.vpc_id.as_deref());
    let subnet = interface.and_then(|(_, i)| i.subnet_id.as_deref());
    let region = interface.map(|(r, _)| r);
    let spec = PortSpec::new(traffic.protocol, traffic.ports.clone());
    let other = || vec![Change::Other { layer: decider.layer, id: &decider.id }.mend(None, None)];
    match decider.layer {
        Layer::SecurityGroup => {
            let Some((at, group)) = group_to_open(decider, traffic, ground) else {
                return other();
            };
            let carriers = ground.carriers(&group.group_id);
            if is_of_clients(decider) {
                return vec![authorize_egress(at, &group.group_id, &spec, traffic.address)];
            }
            if let Some(source) = peer_group(traffic, group, ground) {
                return vec![authorize_peer(at, &group.group_id, &spec, source, carriers)];
            }
            authorize(at, &group.group_id, &spec, &blocks(traffic.clients, family), carriers)
        }
        Layer::NetworkAcl => {
            let Some((at, acl)) = ground.acl(&decider.id) else { return other() };
            let way = Way::of(decider.entry.as_deref());
            acl::entries(at, acl, way, traffic, &blocks(traffic.clients, family), ground)
        }
        Layer::RouteTable | Layer::Subnet => {
            let Some((at, table)) = ground.table(&decider.id) else { return other() };
            let target = table.vpc_id.as_deref().or(vpc).and_then(|v| ground.gateway(v));
            if let Some(mend) = way::astray(at, table, decider.entry.as_deref(), target, family) {
                return vec![mend];
            }
            // No internet gateway carries what a private address sends or gets.
            if !AddressSet::is_outside(traffic.address) {
                return other();
            }
            vec![way::route(at, table, target, family, (ground, subnet))]
        }
        Layer::InternetGateway | Layer::Vpc => {
            let Some((vpc, at)) = vpc.zip(region) else { return other() };
            let loose = ground.loose_gateway(&decider.id, subnet, vpc);
            vec![way::attach(at, vpc, loose)]
        }
        Layer::Internet | Layer::Address | Layer::NetworkInterface => {
            let Some((id, at)) = traffic.interface.zip(region) else { return other() };
            vec![public_address(at, id, traffic.address)]
        }
        Layer::Instance => {
            let at = region.map_or("REGION", |r| r.0);
            let words =
                ["aws", "ec2", "start-instances", "--region", at, "--instance-ids", &decider.id];
            vec![Change::StartInstance { instance: &decider.id }.mend(Some(command(words)), None)]
        }
        Layer::BlockPublicAccess => {
            // The subnet alone where it is known: the rest of the VPC stays shut.
            let (flag, key, id) = match (subnet, vpc) {
                (Some(subnet), _) => ("--subnet-id", "subnet_id", subnet),
                (None, Some(vpc)) => ("--vpc-id", "vpc_id   ", vpc),
                (None, None) => return other(),
            };
            let Some(at) = region else { return other() };
            let words = [
                "aws",
                "ec2",
                "create-vpc-block-public-access-exclusion",
                "--region",
                at.0,
                flag,
                id,
                "--internet-gateway-exclusion-mode",
                "allow-bidirectional",
            ];
            let terraform = format!(
                "resource \"aws_vpc_block_public_access_exclusion\" \"public\" {{\n  {key}                       = {}\n  internet_gateway_exclusion_mode = \"allow-bidirectional\"\n}}\n",
                quoted(id)
            );
            vec![Change::BpaExclusion { id }.mend(Some(command(words)), Some(terraform))]
        }
        Layer::VpcPeering => match ground.peering_state(&decider.id) {
            Some("active") => other(),
            state => vec![way::peering(&decider.id, state)],
        },
        Layer::EgressOnlyInternetGateway
        | Layer::NatGateway
        | Layer::VpnGateway
        | Layer::VpcEndpoint
        | Layer::TransitGateway
        | Layer::LoadBalancer
        | Layer::Listener
        | Layer::TargetGroup
        | Layer::NotModelled => other(),
    }
}

/// Of traffic that security groups keep out: the group that a permission belongs into, and the blocks
/// that it is for.
#[must_use]
pub fn lacking<'a>(
    path: &Path,
    traffic: &Traffic<'_>,
    ground: &Ground<'a>,
) -> Option<(&'a str, Vec<IpNetwork>)> {
    let decider = path.decided_by();
    let (_, group) = group_to_open(decider, traffic, ground)
        .filter(|_| decider.layer == Layer::SecurityGroup && !is_of_clients(decider))?;
    Some((&group.group_id, blocks(traffic.clients, Family::of(traffic.address))))
}

/// The group that decides, or the first of the interface's.
fn group_to_open<'a>(
    decider: &Decider,
    traffic: &Traffic<'_>,
    ground: &Ground<'a>,
) -> Option<(Region<'a>, &'a SecurityGroup)> {
    ground.group(&decider.id).or_else(|| {
        let (_, interface) = ground.interface(traffic.interface?)?;
        interface.groups.iter().find_map(|g| ground.group(&g.group_id))
    })
}

/// Whether it is the clients' own group that keeps what they ask from leaving.
fn is_of_clients(decider: &Decider) -> bool {
    decider.entry.as_deref().is_some_and(|entry| entry.starts_with("no egress"))
}

/// The clients' own group, where a permission for it lets them in: it stands for private addresses (R3),
/// and here for those of the same VPC, because of others nobody knows whether a peering carries it.
fn peer_group<'a>(
    traffic: &Traffic<'a>,
    group: &SecurityGroup,
    ground: &Ground<'_>,
) -> Option<&'a str> {
    let private = traffic.address.is_ipv6() || !AddressSet::is_outside(traffic.address);
    let source = traffic.group.filter(|_| private)?;
    let (_, peer) = ground.group(source)?;
    (peer.vpc_id.is_some() && peer.vpc_id == group.vpc_id).then_some(source)
}

fn authorize_peer(
    at: Region<'_>,
    group: &str,
    spec: &PortSpec,
    source: &str,
    carriers: usize,
) -> Mend {
    let change = Change::AuthorizeGroup { group, spec, clients: source, carriers };
    put_in(at, group, true, spec, &Peer::Group(source.into()), &change)
}

fn authorize_egress(at: Region<'_>, group: &str, spec: &PortSpec, to: IpAddr) -> Mend {
    let change = Change::AuthorizeEgress { group, spec, to };
    put_in(at, group, false, spec, &Peer::Block(to.into()), &change)
}

/// A change that puts one permission into a group, with the commands that do.
fn put_in(
    at: Region<'_>,
    group: &str,
    ingress: bool,
    spec: &PortSpec,
    peer: &Peer,
    change: &Change<'_>,
) -> Mend {
    let (protocol, ports) = (Some(spec.protocol), &spec.ports);
    let permission = Permission { protocol, ports, peer, description: None };
    let made = reconcile(at.0, group, ingress, true, &[permission]);
    made.map_or_else(|| change.mend(None, None), |m| change.mend(m.command, m.terraform))
}

fn authorize(
    at: Region<'_>,
    group: &str,
    spec: &PortSpec,
    blocks: &[IpNetwork],
    carriers: usize,
) -> Vec<Mend> {
    let clients = match blocks {
        [one] => one.to_string(),
        many => format!("{} blocks", many.len()),
    };
    let change = Change::AuthorizeGroup { group, spec, clients: &clients, carriers };
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
        return vec![change.mend(None, None)];
    }
    let permissions = ip_permissions(Some(spec.protocol), &spec.ports, blocks);
    let words = [
        "aws",
        "ec2",
        "authorize-security-group-ingress",
        "--region",
        at.0,
        "--group-id",
        group,
        "--ip-permissions",
        &permissions,
    ];
    let terraform = ingress_rules(group, Some(spec.protocol), &spec.ports, blocks);
    vec![change.mend(Some(command(words)), Some(terraform))]
}

fn public_address(at: Region<'_>, interface: &str, address: IpAddr) -> Mend {
    let address = address.to_string();
    let allocate = ["aws", "ec2", "allocate-address", "--region", at.0, "--domain", "vpc"];
    let associate = [
        "aws",
        "ec2",
        "associate-address",
        "--region",
        at.0,
        "--network-interface-id",
        interface,
        "--private-ip-address",
        &address,
        "--allocation-id",
        "EIPALLOC_ID",
    ];
    let terraform = format!(
        "resource \"aws_eip\" \"public\" {{\n  domain                    = \"vpc\"\n  network_interface         = {}\n  associate_with_private_ip = {}\n}}\n",
        quoted(interface),
        quoted(&address)
    );
    let command = format!("{}\n{}", command(allocate), command(associate));
    Change::PublicAddress { interface }.mend(Some(command), Some(terraform))
}

/// The clients of one family as blocks; everything outside is written as everything.
pub(super) fn blocks(clients: &AddressSet, family: Family) -> Vec<IpNetwork> {
    let all = match family {
        Family::V4 => AddressSet::all_v4(),
        Family::V6 => AddressSet::all_v6(),
    };
    if clients.is_superset(&AddressSet::public().intersect(&all)) {
        return all.to_networks();
    }
    clients.of_family(family).to_networks()
}
