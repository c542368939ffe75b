//! What lets traffic through a network ACL.

use super::Mend;
use super::aws::port_pairs;
use super::ground::{Ground, Region};
use super::mend::{Change, Traffic};
use super::shell::command;
use super::terraform::quoted;
use crate::model::{AddressSet, PortSet, PortSpec, Protocol, icmp_key};
use crate::reach::Layer;
use crate::snapshot::{Acl, AclEntry};
use ipnetwork::IpNetwork;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Entries of one list that a mend adds: more are for somebody who looks at the list.
const MAX_ENTRIES: usize = 4;

/// Subnets and hosts that are named one by one.
const MAX_NAMED: usize = 4;

/// The implicit deny is no rule that another can stand before or after.
const IMPLICIT: i32 = 32767;

/// Where answers go: the ports that every client system and gateway uses.
const CLIENT_PORTS: (u16, u16) = (1024, 65535);

/// Of these a list lets answers out that lets out most clients' answers.
const USUAL_CLIENT_PORTS: (u16, u16) = (32768, 60999);

/// Which of the four ways through a list is blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    egress: bool,
    answers: bool,
}

impl Way {
    /// Reads it from the line that decides: `egress rule 7 deny all`, `ingress of answers to client ports`.
    pub(super) fn of(entry: Option<&str>) -> Self {
        let entry = entry.unwrap_or_default();
        Self { egress: entry.starts_with("egress"), answers: entry.contains("answer") }
    }

    /// Whether the list is the clients' own: what they ask leaves by it, and answers come in.
    const fn is_of_clients(self) -> bool {
        self.egress != self.answers
    }
}

/// The entries that a list lacks for the traffic, where `blocks` are the clients.
pub(super) fn entries(
    at: Region<'_>,
    acl: &Acl,
    way: Way,
    traffic: &Traffic<'_>,
    blocks: &[IpNetwork],
    ground: &Ground<'_>,
) -> Vec<Mend> {
    let target = [IpNetwork::from(traffic.address)];
    let blocks = if way.is_of_clients() { &target } else { blocks };
    let mut out = one_way(at, acl, way, traffic, blocks, ground);
    // A list that lets nothing in lets nothing out, as a rule: one mend without the other mends nothing.
    let asks = !way.egress && !way.answers && traffic.protocol.has_ports();
    if asks && !answers_pass(acl, traffic.protocol, blocks) {
        out.extend(one_way(at, acl, Way { egress: true, answers: true }, traffic, blocks, ground));
    }
    if out.is_empty() {
        out.push(other(acl));
    }
    out
}

fn other(acl: &Acl) -> Mend {
    Change::Other { layer: Layer::NetworkAcl, id: &acl.network_acl_id }.mend(None, None)
}

fn one_way(
    at: Region<'_>,
    acl: &Acl,
    way: Way,
    traffic: &Traffic<'_>,
    blocks: &[IpNetwork],
    ground: &Ground<'_>,
) -> Vec<Mend> {
    let ports = if way.answers && traffic.protocol.has_ports() {
        PortSet::range(CLIENT_PORTS.0, CLIENT_PORTS.1)
    } else {
        traffic.ports.clone()
    };
    let spec = PortSpec::new(traffic.protocol, ports);
    let entries: Vec<&AclEntry> = acl.entries.iter().filter(|e| e.egress == way.egress).collect();
    let deny = entries
        .iter()
        .filter(|e| e.rule_action == "deny" && e.rule_number < IMPLICIT)
        .filter(|e| meets(e, &spec, blocks))
        .min_by_key(|e| e.rule_number);
    let before = deny.map_or(IMPLICIT, |e| e.rule_number);
    let mut numbers = ground.numbers.borrow_mut();
    let given = numbers.of(acl, way.egress);
    let wanted: Vec<Entry> = blocks
        .iter()
        .flat_map(|block| {
            port_pairs(spec.protocol, &spec.ports).into_iter().map(|ports| Entry {
                protocol: spec.protocol.number().to_string(),
                block: *block,
                ports,
            })
        })
        .take(MAX_ENTRIES)
        .collect();
    let mut out = Vec::new();
    for entry in &wanted {
        let what = entry.what("allow");
        let number = given.of(&what).filter(|n| *n < before).or_else(|| {
            let live = entries.iter().map(|e| e.rule_number);
            free(&live.chain(given.0.keys().copied()).collect::<Vec<i32>>(), before)
        });
        let Some(number) = number else { break };
        given.0.insert(number, what);
        let words = entry.command("create", at, acl, way.egress, number, "allow");
        let change = Change::AclEntry {
            acl: &acl.network_acl_id,
            number,
            egress: way.egress,
            answers: way.answers,
            spec: &spec,
        };
        let terraform = entry.terraform(acl, way.egress, number);
        let mut mend = change.mend(Some(words), Some(terraform));
        mend.text += &besides(acl, way, entry, traffic, ground);
        out.push(mend);
    }
    match (deny, wanted.as_slice()) {
        (Some(deny), [one]) if out.is_empty() => {
            vec![instead(at, acl, way, deny, one, &spec, given)]
        }
        (Some(deny), _) if out.is_empty() => vec![no_room(acl, deny, &spec)],
        _ => out,
    }
}

/// Where no number is free before the rule that denies: that rule makes room.
fn instead(
    at: Region<'_>,
    acl: &Acl,
    way: Way,
    deny: &AclEntry,
    wanted: &Entry,
    spec: &PortSpec,
    given: &mut Given,
) -> Mend {
    let (id, number) = (&acl.network_acl_id, deny.rule_number);
    let what = wanted.what("allow");
    // Another mend of the report has this rule already.
    if given.0.get(&number).is_some_and(|other| *other != what) {
        return no_room(acl, deny, spec);
    }
    let replace = wanted.command("replace", at, acl, way.egress, number, "allow");
    let Some(denied) = Entry::of(deny) else { return no_room(acl, deny, spec) };
    if denied.protocol == wanted.protocol
        && spec.ports.is_superset(&ports(deny, spec.protocol))
        && set(wanted.block).is_superset(&set(denied.block))
    {
        given.0.insert(number, what);
        let text = format!(
            "rule {number} of {id} denies nothing but what is declared: make it an allow of {spec}"
        );
        return Mend { text, command: Some(replace), terraform: None };
    }
    // The first free number after it, unless an allow in between would win over it from then on.
    let entries = || acl.entries.iter().filter(|e| e.egress == way.egress);
    let moved = denied.what("deny");
    let later = given.of(&moved).or_else(|| {
        let free = |n: &i32| entries().all(|e| e.rule_number != *n) && !given.0.contains_key(n);
        (number + 1..IMPLICIT).find(free)
    });
    let passed = |n: i32| {
        entries().any(|e| (number..n).contains(&e.rule_number) && e.rule_action == "allow")
    };
    let Some(later) = later.filter(|n| !passed(*n)) else { return no_room(acl, deny, spec) };
    given.0.extend([(number, what), (later, moved)]);
    let moved = denied.command("create", at, acl, way.egress, later, "deny");
    let text = format!(
        "no number is free before rule {number} of {id}, which denies {spec} and more: deny that as rule {later}, and make {number} an allow of {spec}"
    );
    Mend { text, command: Some(format!("{moved}\n{replace}")), terraform: None }
}

fn no_room(acl: &Acl, deny: &AclEntry, spec: &PortSpec) -> Mend {
    let (id, number) = (&acl.network_acl_id, deny.rule_number);
    let text = format!(
        "no number is free before rule {number} of {id}, which denies {spec}: give that rule and those after it higher numbers, and allow {spec} before them"
    );
    Mend { text, command: None, terraform: None }
}

/// Rule numbers that mends of one report take, by list and direction: a number is good for one rule of
/// either family, whichever finding asks for it.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<(String, bool), Given>);

/// What each number was given to.
#[derive(Debug, Default)]
struct Given(BTreeMap<i32, String>);

impl Numbers {
    fn of(&mut self, acl: &Acl, egress: bool) -> &mut Given {
        self.0.entry((acl.network_acl_id.clone(), egress)).or_default()
    }
}

impl Given {
    /// The number that the same rule has of another mend.
    fn of(&self, what: &str) -> Option<i32> {
        self.0.iter().find(|(_, other)| *other == what).map(|(number, _)| *number)
    }
}

/// Whom else an entry is for, as the end of a sentence: a list is for whole subnets.
fn besides(
    acl: &Acl,
    way: Way,
    entry: &Entry,
    traffic: &Traffic<'_>,
    ground: &Ground<'_>,
) -> String {
    let subnets = ground.subnets_of_acl(acl);
    let others = ground.hosts_in(&subnets, traffic.interface);
    if others.is_empty() {
        return String::new();
    }
    let (subnets, others, block) = (some(&subnets), some(&others), entry.block);
    match way.egress {
        false => format!(
            "; that opens all of {subnets} to {block}: {others} as well, where their groups let it in"
        ),
        true => format!(
            "; that lets all of {subnets} send it to {block}: {others} as well, where their groups do"
        ),
    }
}

/// A few by name, and how many more.
fn some(names: &[&str]) -> String {
    let mut out = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMED {
        let _ = write!(out, " and {} more", names.len() - MAX_NAMED);
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

/// Whether answers to most clients leave: an allow of all of them stands before any deny of some.
fn answers_pass(acl: &Acl, protocol: Protocol, blocks: &[IpNetwork]) -> bool {
    let usual = PortSpec::new(protocol, PortSet::range(USUAL_CLIENT_PORTS.0, USUAL_CLIENT_PORTS.1));
    let mut entries: Vec<&AclEntry> = acl.entries.iter().filter(|e| e.egress).collect();
    entries.sort_by_key(|e| e.rule_number);
    blocks.iter().all(|block| {
        let first = entries.iter().filter(|e| meets(e, &usual, &[*block])).find(|e| {
            let all = ports(e, protocol).is_superset(&usual.ports);
            e.rule_action == "deny"
                || (all && Entry::of(e).is_some_and(|e| set(e.block).is_superset(&set(*block))))
        });
        first.is_some_and(|e| e.rule_action != "deny")
    })
}

/// Whether an entry matches any of the traffic.
fn meets(entry: &AclEntry, spec: &PortSpec, blocks: &[IpNetwork]) -> bool {
    let protocol = entry.protocol == "-1" || entry.protocol == spec.protocol.number().to_string();
    let mut clients = blocks.iter().map(|b| set(*b));
    protocol
        && ports(entry, spec.protocol).intersects(&spec.ports)
        && Entry::of(entry).is_some_and(|e| clients.any(|c| c.intersects(&set(e.block))))
}

fn set(block: IpNetwork) -> AddressSet {
    AddressSet::from_networks([block])
}

/// The ports, or types and codes, of an entry.
fn ports(entry: &AclEntry, protocol: Protocol) -> PortSet {
    if entry.protocol == "-1" {
        return PortSet::all();
    }
    if protocol.is_icmp() {
        let both = entry.icmp_type_code.map(|i| (i.icmp_type.unwrap_or(-1), i.code.unwrap_or(-1)));
        let (kind, code) = both.unwrap_or((-1, -1));
        return match (u8::try_from(kind), u8::try_from(code)) {
            (Ok(kind), Ok(code)) => PortSet::one(icmp_key(kind, code)),
            (Ok(kind), Err(_)) => PortSet::icmp_type(kind),
            (Err(_), _) => PortSet::all(),
        };
    }
    let Some(range) = entry.port_range else { return PortSet::all() };
    let end = |n: Option<i32>, all| n.map_or(all, |n| u16::try_from(n).unwrap_or(all));
    PortSet::range(end(range.from, 0), end(range.to, u16::MAX))
}

/// An entry as the commands take it.
struct Entry {
    protocol: String,
    block: IpNetwork,
    /// First and last port, or type and code.
    ports: Option<(i32, i32)>,
}

impl Entry {
    fn of(entry: &AclEntry) -> Option<Self> {
        let v6 = entry.ipv6_cidr_block.map(IpNetwork::V6);
        let range = entry.port_range.map(|r| (r.from.unwrap_or(0), r.to.unwrap_or(65535)));
        let icmp = entry.icmp_type_code.map(|i| (i.icmp_type.unwrap_or(-1), i.code.unwrap_or(-1)));
        Some(Self {
            protocol: entry.protocol.clone(),
            block: entry.cidr_block.map(IpNetwork::V4).or(v6)?,
            ports: if matches!(entry.protocol.as_str(), "1" | "58") { icmp } else { range },
        })
    }

    /// What the entry says, whatever its number.
    fn what(&self, action: &str) -> String {
        format!("{action} {} {} {:?}", self.protocol, self.block, self.ports)
    }

    fn is_icmp(&self) -> bool {
        matches!(self.protocol.as_str(), "1" | "58")
    }

    fn command(
        &self,
        verb: &str,
        at: Region<'_>,
        acl: &Acl,
        egress: bool,
        number: i32,
        action: &str,
    ) -> String {
        let call = format!("{verb}-network-acl-entry");
        let (number, block) = (number.to_string(), self.block.to_string());
        let mut words = vec![
            "aws",
            "ec2",
            &call,
            "--region",
            at.0,
            "--network-acl-id",
            &acl.network_acl_id,
            if egress { "--egress" } else { "--ingress" },
            "--rule-number",
            &number,
            "--protocol",
            &self.protocol,
            "--rule-action",
            action,
            if self.block.is_ipv4() { "--cidr-block" } else { "--ipv6-cidr-block" },
            &block,
        ];
        let detail = self.ports.map(|(first, second)| match self.is_icmp() {
            true => ("--icmp-type-code", format!("Type={first},Code={second}")),
            false => ("--port-range", format!("From={first},To={second}")),
        });
        if let Some((flag, detail)) = &detail {
            words.extend([*flag, detail.as_str()]);
        }
        command(words)
    }

    fn terraform(&self, acl: &Acl, egress: bool, number: i32) -> String {
        let ports = match self.ports {
            Some((t, c)) if self.is_icmp() => {
                format!("  icmp_type      = {t}\n  icmp_code      = {c}\n")
            }
            Some((from, to)) => format!("  from_port      = {from}\n  to_port        = {to}\n"),
            None => String::new(),
        };
        format!(
            "resource \"aws_network_acl_rule\" \"allow_{number}\" {{\n  network_acl_id = {}\n  rule_number    = {number}\n  egress         = {egress}\n  protocol       = {}\n  rule_action    = \"allow\"\n  {} = {}\n{ports}}}\n",
            quoted(&acl.network_acl_id),
            quoted(&self.protocol),
            if self.block.is_ipv4() { "cidr_block    " } else { "ipv6_cidr_block" },
            quoted(&self.block.to_string()),
        )
    }
}
