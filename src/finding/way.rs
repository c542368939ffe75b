//! What gives a subnet its way to the internet: gateways and routes.

use super::Mend;
use super::ground::{Ground, Region};
use super::mend::{Change, Traffic};
use super::shell::command;
use super::terraform::quoted;
use crate::model::{AddressSet, Family};
use crate::reach::{Decider, Layer};
use crate::snapshot::{Route, RouteTable};
use ipnetwork::IpNetwork;
use std::fmt::Write;

/// Subnets that are named one by one.
const MAX_SUBNETS: usize = 4;
/// Blocks of clients that are named one by one.
const MAX_BLOCKS: usize = 4;

/// Attaches a gateway to a VPC: the one that its routes lead to already, where that is attached to nothing.
pub(super) fn attach(at: Region<'_>, vpc: &str, loose: Option<&str>) -> Mend {
    let gateway = loose.unwrap_or("IGW_ID");
    let attach = command([
        "aws",
        "ec2",
        "attach-internet-gateway",
        "--region",
        at.0,
        "--vpc-id",
        vpc,
        "--internet-gateway-id",
        gateway,
    ]);
    if loose.is_some() {
        let terraform = format!(
            "resource \"aws_internet_gateway_attachment\" \"main\" {{\n  internet_gateway_id = {}\n  vpc_id              = {}\n}}\n",
            quoted(gateway),
            quoted(vpc)
        );
        return Change::AttachGateway { vpc, gateway: loose }.mend(Some(attach), Some(terraform));
    }
    let create = command(["aws", "ec2", "create-internet-gateway", "--region", at.0]);
    let terraform =
        format!("resource \"aws_internet_gateway\" \"main\" {{\n  vpc_id = {}\n}}\n", quoted(vpc));
    Change::AttachGateway { vpc, gateway: None }
        .mend(Some(format!("{create}\n{attach}")), Some(terraform))
}

/// What joins private clients to a private address, where no way leads from the ones to the other: an
/// internet gateway carries none of it. Which way is to be built nobody can tell from what is there, so
/// it is said in words.
pub(super) fn between(decider: &Decider, traffic: &Traffic<'_>) -> Option<Mend> {
    let of_the_way = matches!(
        decider.layer,
        Layer::RouteTable
            | Layer::Subnet
            | Layer::Vpc
            | Layer::InternetGateway
            | Layer::Internet
            | Layer::Address
    );
    let private = |set: &AddressSet| !set.intersects(&AddressSet::outside());
    if !of_the_way || !private(&AddressSet::one(traffic.address)) || !private(traffic.clients) {
        return None;
    }
    let mut blocks = traffic.clients.of_family(Family::of(traffic.address)).to_networks();
    let more = blocks.len().saturating_sub(MAX_BLOCKS);
    blocks.truncate(MAX_BLOCKS);
    let mut clients = blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(clients, " and {more} more blocks");
    }
    let text = format!(
        "a way is missing between {clients} and {}, and an internet gateway carries no private address: join their \
         networks by a VPC peering, a transit gateway or a VPN, and route each to the other in the tables of both \
         sides (here it ends at the {} {}{})",
        traffic.address,
        decider.layer,
        decider.id,
        decider.entry.as_ref().map_or(String::new(), |entry| format!(": {entry}"))
    );
    Some(Mend { text, command: None, terraform: None })
}

/// What makes a peering carry packets again: whoever it was asked of accepts it, and one that is over is
/// asked for anew.
pub(super) fn peering(at: Option<Region<'_>>, decider: &Decider) -> Mend {
    let state = decider.entry.as_deref().and_then(|entry| entry.strip_prefix("it is "));
    let id = &*decider.id;
    if let (Some(at), Some("pending-acceptance")) = (at, state) {
        let call = "accept-vpc-peering-connection";
        let words = ["aws", "ec2", call, "--region", at.0, "--vpc-peering-connection-id", id];
        let text =
            format!("accept {id}, in the account and region of the VPC that it was asked of");
        return Mend { text, command: Some(command(words)), terraform: None };
    }
    let text = format!(
        "{id} carries nothing ({}): request a peering of the two VPCs anew, accept it, and route each to the \
         other by it in the tables of both sides",
        decider.entry.as_deref().unwrap_or("its state is not known")
    );
    Mend { text, command: None, terraform: None }
}

/// What frees the clients that a narrower route than the one of everything keeps from their answers;
/// `None` where no such route decides.
pub(super) fn narrower(
    at: Region<'_>,
    table: &RouteTable,
    target: Option<&str>,
    decider: &Decider,
) -> Option<Mend> {
    let block = |route: &Route| -> Option<IpNetwork> {
        let v4 = route.destination_cidr_block.map(IpNetwork::from);
        v4.or(route.destination_ipv6_cidr_block.map(IpNetwork::from)).filter(|b| b.prefix() > 0)
    };
    let entry = decider.entry.as_deref()?;
    let named = |block: &IpNetwork| entry.starts_with(&format!("answers leave by {block} to "));
    let route = table.routes.iter().find(|r| block(r).is_some_and(|b| named(&b)))?;
    let block = block(route)?;
    let id = table.route_table_id.as_str();
    if route.state.as_deref() != Some("blackhole") {
        let text = format!(
            "{entry}: let the clients in {block} come by the way that this route takes, or put the host into a \
             subnet whose table has no such route"
        );
        return Some(Mend { text, command: None, terraform: None });
    }
    let flag =
        if block.is_ipv4() { "--destination-cidr-block" } else { "--destination-ipv6-cidr-block" };
    let family = Family::of(block.ip());
    let whole = table.routes.iter().any(|r| {
        is_of_everything(r, family) && r.gateway_id.as_deref().is_some_and(|id| Some(id) == target)
    });
    let destination = block.to_string();
    let of_route =
        ["--region", at.0, "--route-table-id", id, flag, destination.as_str()].into_iter();
    let (text, words) = if whole {
        let text = format!(
            "delete the route of {block} in {id}, which leads to nothing: the one of everything takes its place"
        );
        (text, ["aws", "ec2", "delete-route"].into_iter().chain(of_route).collect::<Vec<_>>())
    } else {
        let gateway = target.unwrap_or("IGW_ID");
        let text = format!("route {block} of {id} to {gateway}: it leads to nothing");
        let words = ["aws", "ec2", "replace-route"].into_iter().chain(of_route);
        (text, words.chain(["--gateway-id", gateway]).collect())
    };
    Some(Mend { text, command: Some(command(words)), terraform: None })
}

/// Whether a route is the one of every address of a family.
fn is_of_everything(route: &Route, family: Family) -> bool {
    match family {
        Family::V4 => route.destination_cidr_block.is_some_and(|b| b.prefix() == 0),
        Family::V6 => route.destination_ipv6_cidr_block.is_some_and(|b| b.prefix() == 0),
    }
}

/// Routes everything to the VPC's gateway, and says whose way that becomes besides the subnet's own.
pub(super) fn route(
    at: Region<'_>,
    table: &RouteTable,
    target: Option<&str>,
    family: Family,
    (ground, subnet): (&Ground<'_>, Option<&str>),
) -> Mend {
    let (block, flag, key) = match family {
        Family::V4 => ("0.0.0.0/0", "--destination-cidr-block", "destination_cidr_block     "),
        Family::V6 => ("::/0", "--destination-ipv6-cidr-block", "destination_ipv6_cidr_block"),
    };
    let there = table.routes.iter().find(|r| is_of_everything(r, family));
    let gone = there.is_some_and(|r| r.state.as_deref() == Some("blackhole"));
    let also = others(table, ground, subnet);
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
    let mut mend =
        Change::Route { table, target, block }.mend(Some(command(words)), Some(terraform));
    mend.text += &also;
    mend
}

/// The other subnets that a route of this table is for, as the end of a sentence; nothing where there is none.
fn others(table: &RouteTable, ground: &Ground<'_>, subnet: Option<&str>) -> String {
    let is_main = table.associations.iter().any(|a| a.main);
    let subnets: Vec<&str> =
        ground.subnets_of(table).into_iter().filter(|s| Some(*s) != subnet).collect();
    let mut named = subnets.iter().take(MAX_SUBNETS).copied().collect::<Vec<_>>().join(", ");
    if subnets.len() > MAX_SUBNETS {
        let _ = write!(named, " and {} more", subnets.len() - MAX_SUBNETS);
    }
    let become_public = if subnets.len() == 1 { "becomes" } else { "become" };
    match (is_main, subnets.is_empty()) {
        (false, true) => String::new(),
        (false, false) => format!("; {named} {become_public} public with it"),
        (true, true) => {
            "; it is the main table, so every subnet that gets no table of its own is public from then on"
                .into()
        }
        (true, false) => format!(
            "; it is the main table: {named} {become_public} public with it, and so does every subnet that gets no table of its own, so a table of its own for {} opens less",
            subnet.unwrap_or("this subnet")
        ),
    }
}
