//! What gives a subnet its way to the internet: gateways and routes.

use super::Mend;
use super::ground::{Ground, Region};
use super::mend::Change;
use super::shell::command;
use super::terraform::quoted;
use crate::model::Family;
use crate::snapshot::{Route, RouteTable};
use ipnetwork::IpNetwork;
use std::fmt::Write;

/// Subnets that are named one by one.
const MAX_SUBNETS: usize = 4;

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
    let there = table.routes.iter().find(|r| match family {
        Family::V4 => r.destination_cidr_block.is_some_and(|b| b.prefix() == 0),
        Family::V6 => r.destination_ipv6_cidr_block.is_some_and(|b| b.prefix() == 0),
    });
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

/// Of a route that takes the traffic elsewhere: what to do with it, since another one beside it changes nothing.
/// `entry` names the route that decides.
pub(super) fn astray(
    at: Region<'_>,
    table: &RouteTable,
    entry: Option<&str>,
    target: Option<&str>,
    family: Family,
) -> Option<Mend> {
    let words = || entry.into_iter().flat_map(str::split_whitespace);
    let named = |block: IpNetwork| words().any(|w| w.parse() == Ok(block));
    let block = |r: &Route| match family {
        Family::V4 => r.destination_cidr_block.map(IpNetwork::from),
        Family::V6 => r.destination_ipv6_cidr_block.map(IpNetwork::from),
    };
    let all = |r: &Route| block(r).is_some_and(|b| b.prefix() == 0);
    let route = table.routes.iter().find(|r| block(r).is_some_and(named))?;
    let (gone, to) = (route.state.as_deref() == Some("blackhole"), block(route)?);
    let id = table.route_table_id.as_str();
    if let Some(peering) = route.vpc_peering_connection_id.as_deref().filter(|_| gone) {
        let text = format!("{id} sends {to} to {peering}, a blackhole: {}", again(peering));
        return Some(Mend { text, command: None, terraform: None });
    }
    // A default route is [`route`]'s; what is inside of it was split off on purpose, or is a rest.
    let outward = |r: &Route| r.gateway_id.as_deref().is_some_and(|g| g.starts_with("igw-"));
    let default = table.routes.iter().find(|r| all(r) && outward(r))?;
    if all(route) || outward(route) && !gone {
        return None;
    }
    if !gone {
        let text = format!(
            "{id} sends {to} elsewhere than to an internet gateway: delete that route if nobody needs it, or put the host into a subnet whose table routes {to} to {}",
            target.unwrap_or("an internet gateway")
        );
        return Some(Mend { text, command: None, terraform: None });
    }
    let gateway = default.gateway_id.as_deref().unwrap_or_default();
    let text = format!(
        "{id} sends {to} into a blackhole: delete that route, and {} to {gateway} takes its place, or replace it",
        block(default)?
    );
    let flag = match family {
        Family::V4 => "--destination-cidr-block",
        Family::V6 => "--destination-ipv6-cidr-block",
    };
    let to = to.to_string();
    let words = ["aws", "ec2", "delete-route", "--region", at.0, "--route-table-id", id, flag, &to];
    Some(Mend { text, command: Some(command(words)), terraform: None })
}

/// A peering that is not in force; no command of one account makes it so.
pub(super) fn peering(id: &str, state: Option<&str>) -> Mend {
    let text = match state {
        Some("pending-acceptance") => format!("have {id} accepted: it waits for that"),
        state => format!("{id} is {}: {}", state.unwrap_or("gone"), again(id)),
    };
    Mend { text, command: None, terraform: None }
}

fn again(id: &str) -> String {
    format!(
        "make a new peering in its place, have it accepted, and replace the routes to {id} on both sides"
    )
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
