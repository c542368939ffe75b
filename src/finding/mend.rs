use super::Mend;
use super::aws::{ip_permissions, port_pairs};
use super::ground::{Ground, Region};
use super::shell::command;
use super::terraform::{ingress_rules, quoted};
use crate::model::{AddressSet, Family, PortSet, PortSpec, Protocol};
use crate::reach::{Decider, Layer, Path};
use crate::snapshot::{Acl, AclEntry, RouteTable, SecurityGroup};
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
}

/// Entries of one list that a mend adds: more are for somebody who looks at the list.
const MAX_ENTRIES: usize = 4;

/// Blocks of one command: a longer list belongs into a prefix list.
pub(super) const MAX_BLOCKS: usize = 20;

/// A change to one layer.
enum Change<'a> {
    AuthorizeGroup { group: &'a str, spec: &'a PortSpec, clients: &'a str, carriers: usize },
    AclEntry { acl: &'a str, number: i32, egress: bool, spec: &'a PortSpec },
    Route { table: &'a str, target: Option<&'a str>, block: &'a str },
    AttachGateway { vpc: &'a str },
    PublicAddress { interface: &'a str },
    BpaExclusion { id: &'a str },
    StartInstance { instance: &'a str },
    Other { layer: Layer, id: &'a str },
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
            Self::AclEntry { acl, number, egress: false, spec } => {
                write!(f, "allow {spec} in {acl} as rule {number}, before the one that denies it")
            }
            Self::AclEntry { acl, number, egress: true, spec } => write!(
                f,
                "allow the answers ({spec}) out of {acl} as rule {number}, before the one that denies them"
            ),
            Self::Route { table, target: Some(target), block } => {
                write!(f, "route {block} of {table} to {target}")
            }
            Self::Route { table, target: None, block } => {
                write!(
                    f,
                    "attach an internet gateway to the VPC and route {block} of {table} to it"
                )
            }
            Self::AttachGateway { vpc } => write!(f, "attach an internet gateway to {vpc}"),
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
    fn mend(&self, command: Option<String>, terraform: Option<String>) -> Mend {
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
    let region = interface.map(|(r, _)| r);
    let spec = PortSpec::new(traffic.protocol, traffic.ports.clone());
    let other = || vec![Change::Other { layer: decider.layer, id: &decider.id }.mend(None, None)];
    match decider.layer {
        Layer::SecurityGroup => {
            let Some((at, group)) = group_to_open(decider, traffic, ground) else {
                return other();
            };
            let carriers = ground.carriers(&group.group_id);
            authorize(at, &group.group_id, &spec, &blocks(traffic.clients, family), carriers)
        }
        Layer::NetworkAcl => {
            let Some((at, acl)) = ground.acl(&decider.id) else { return other() };
            let egress = decider.entry.as_deref().is_some_and(|e| e.starts_with("egress"));
            acl_entries(at, acl, egress, traffic, &blocks(traffic.clients, family))
        }
        Layer::RouteTable | Layer::Subnet => {
            let Some((at, table)) = ground.table(&decider.id) else { return other() };
            let target = table.vpc_id.as_deref().or(vpc).and_then(|v| ground.gateway(v));
            vec![route(at, table, target, family)]
        }
        Layer::InternetGateway | Layer::Vpc => {
            let Some((vpc, at)) = vpc.zip(region) else { return other() };
            let words = ["aws", "ec2", "create-internet-gateway", "--region", at.0];
            let attach = [
                "aws",
                "ec2",
                "attach-internet-gateway",
                "--region",
                at.0,
                "--vpc-id",
                vpc,
                "--internet-gateway-id",
                "IGW_ID",
            ];
            let terraform = format!(
                "resource \"aws_internet_gateway\" \"main\" {{\n  vpc_id = {}\n}}\n",
                quoted(vpc)
            );
            let command = format!("{}\n{}", command(words), command(attach));
            vec![Change::AttachGateway { vpc }.mend(Some(command), Some(terraform))]
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
            let subnet = interface.and_then(|(_, i)| i.subnet_id.as_deref());
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
        Layer::EgressOnlyInternetGateway
        | Layer::NatGateway
        | Layer::VpnGateway
        | Layer::VpcPeering
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
        .filter(|_| decider.layer == Layer::SecurityGroup)?;
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

fn acl_entries(
    at: Region<'_>,
    acl: &Acl,
    egress: bool,
    traffic: &Traffic<'_>,
    blocks: &[IpNetwork],
) -> Vec<Mend> {
    // Answers go to the client's own port: those that every client system and gateway uses.
    let ports = if egress && traffic.protocol.has_ports() {
        PortSet::range(1024, 65535)
    } else {
        traffic.ports.clone()
    };
    let spec = PortSpec::new(traffic.protocol, ports);
    let mut taken: Vec<i32> =
        acl.entries.iter().filter(|e| e.egress == egress).map(|e| e.rule_number).collect();
    let denies =
        |e: &&AclEntry| e.egress == egress && e.rule_action == "deny" && e.rule_number < 32767;
    let before = acl.entries.iter().filter(denies).map(|e| e.rule_number).min().unwrap_or(32767);
    let mut out = Vec::new();
    let pairs = port_pairs(spec.protocol, &spec.ports);
    for (block, pair) in
        blocks.iter().flat_map(|b| pairs.iter().map(move |p| (b, p))).take(MAX_ENTRIES)
    {
        let Some(number) = free(&taken, before) else { break };
        taken.push(number);
        let protocol = spec.protocol.number().to_string();
        let number_text = number.to_string();
        let block_text = block.to_string();
        let mut words = vec![
            "aws",
            "ec2",
            "create-network-acl-entry",
            "--region",
            at.0,
            "--network-acl-id",
            &acl.network_acl_id,
            if egress { "--egress" } else { "--ingress" },
            "--rule-number",
            &number_text,
            "--protocol",
            &protocol,
            "--rule-action",
            "allow",
            if block.is_ipv4() { "--cidr-block" } else { "--ipv6-cidr-block" },
            &block_text,
        ];
        let detail = match pair {
            Some((kind, code)) if spec.protocol.is_icmp() => {
                words.push("--icmp-type-code");
                format!("Type={kind},Code={code}")
            }
            Some((from, to)) => {
                words.push("--port-range");
                format!("From={from},To={to}")
            }
            None => String::new(),
        };
        if !detail.is_empty() {
            words.push(&detail);
        }
        let ports = match pair {
            Some((t, c)) if spec.protocol.is_icmp() => {
                format!("  icmp_type      = {t}\n  icmp_code      = {c}\n")
            }
            Some((from, to)) => format!("  from_port      = {from}\n  to_port        = {to}\n"),
            None => String::new(),
        };
        let terraform = format!(
            "resource \"aws_network_acl_rule\" \"allow_{number}\" {{\n  network_acl_id = {}\n  rule_number    = {number}\n  egress         = {egress}\n  protocol       = {}\n  rule_action    = \"allow\"\n  {} = {}\n{ports}}}\n",
            quoted(&acl.network_acl_id),
            quoted(&protocol),
            if block.is_ipv4() { "cidr_block    " } else { "ipv6_cidr_block" },
            quoted(&block_text),
        );
        let change = Change::AclEntry { acl: &acl.network_acl_id, number, egress, spec: &spec };
        out.push(change.mend(Some(command(&words)), Some(terraform)));
    }
    if out.is_empty() {
        let id = &acl.network_acl_id;
        out.push(Change::Other { layer: Layer::NetworkAcl, id }.mend(None, None));
    }
    out
}

/// The highest free rule number before `before`, leaving room where there is some.
fn free(taken: &[i32], before: i32) -> Option<i32> {
    let last = taken.iter().copied().filter(|n| *n < before).max().unwrap_or(0);
    let roomy = (last / 10 + 1) * 10;
    if roomy < before {
        return Some(roomy);
    }
    (1..before).rev().find(|n| !taken.contains(n))
}

fn route(at: Region<'_>, table: &RouteTable, target: Option<&str>, family: Family) -> Mend {
    let (block, flag, key) = match family {
        Family::V4 => ("0.0.0.0/0", "--destination-cidr-block", "destination_cidr_block     "),
        Family::V6 => ("::/0", "--destination-ipv6-cidr-block", "destination_ipv6_cidr_block"),
    };
    let there = table.routes.iter().find(|r| match family {
        Family::V4 => r.destination_cidr_block.is_some_and(|b| b.prefix() == 0),
        Family::V6 => r.destination_ipv6_cidr_block.is_some_and(|b| b.prefix() == 0),
    });
    let gone = there.is_some_and(|r| r.state.as_deref() == Some("blackhole"));
    let table = table.route_table_id.as_str();
    if there.is_some() && !gone {
        // One more is refused, and another target would take the way that all of its subnets have now.
        let text = format!(
            "{table} has a route of {block} already, to something else than an internet gateway: put the host into a subnet whose table routes {block} to {}",
            target.unwrap_or("an internet gateway")
        );
        return Mend { text, command: None, terraform: None };
    }
    let gateway = target.unwrap_or("IGW_ID");
    let words = [
        "aws",
        "ec2",
        if gone { "replace-route" } else { "create-route" },
        "--region",
        at.0,
        "--route-table-id",
        table,
        flag,
        block,
        "--gateway-id",
        gateway,
    ];
    let terraform = format!(
        "resource \"aws_route\" \"internet\" {{\n  route_table_id              = {}\n  {key} = {}\n  gateway_id                  = {}\n}}\n",
        quoted(table),
        quoted(block),
        quoted(gateway)
    );
    Change::Route { table, target, block }.mend(Some(command(words)), Some(terraform))
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
