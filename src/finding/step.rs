//! One line of a mend that changes what a security group permits, as it is written and read back.

use super::live;
use super::shell::{command, words};
use super::{Permission, terraform};
use crate::model::{PortSet, Protocol};
use crate::snapshot::IpPermission;
use crate::spec::Peer;
use serde_json::{Map, Value};

/// Permissions that one call puts into a group or takes out of it.
pub(super) struct Step {
    region: String,
    pub(super) group: String,
    pub(super) ingress: bool,
    pub(super) authorize: bool,
    pub(super) parts: Vec<Part>,
}

/// One permission for one peer.
#[derive(Debug, Clone)]
pub(super) struct Part {
    raw: Value,
    pub(super) row: IpPermission,
}

impl Step {
    /// Reads a line; `None` where it is another call.
    pub(super) fn of(line: &str) -> Option<Self> {
        let words = words(line)?;
        let [aws, ec2, call, at, region, of, group, what, list] = words.as_slice() else {
            return None;
        };
        let is = (aws.as_str(), ec2.as_str(), at.as_str(), of.as_str(), what.as_str())
            == ("aws", "ec2", "--region", "--group-id", "--ip-permissions");
        let (verb, direction) = call.split_once("-security-group-").filter(|_| is)?;
        let list: Vec<Value> = serde_json::from_str(list).ok()?;
        Some(Self {
            region: region.clone(),
            group: group.clone(),
            ingress: direction == "ingress",
            authorize: verb == "authorize",
            parts: list.iter().flat_map(parts).collect(),
        })
    }

    pub(super) fn line(&self) -> String {
        let direction = if self.ingress { "ingress" } else { "egress" };
        let verb = if self.authorize { "authorize" } else { "revoke" };
        let call = format!("{verb}-security-group-{direction}");
        let list = Value::Array(self.parts.iter().map(|p| p.raw.clone()).collect()).to_string();
        let (region, group) = (&self.region, &self.group);
        let head = ["aws", "ec2", &call, "--region", region, "--group-id", group];
        command(head.into_iter().chain(["--ip-permissions", &list]))
    }

    pub(super) fn terraform(&self) -> String {
        let read: Vec<_> = self.parts.iter().filter_map(Part::read).collect();
        let permissions: Vec<Permission<'_>> = read
            .iter()
            .map(|(protocol, ports, peer, description)| Permission {
                protocol: *protocol,
                ports,
                peer,
                description: description.as_deref(),
            })
            .collect();
        if self.authorize {
            return terraform::rules(&self.group, self.ingress, &permissions);
        }
        let said: Vec<String> = permissions.iter().map(|p| p.said(self.ingress)).collect();
        terraform::removed(&self.group, self.ingress, &said)
    }
}

/// A permission as the API has it, for each of its peers.
pub(super) fn parts(permission: &Value) -> Vec<Part> {
    const PEERS: [&str; 4] = ["IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"];
    let Some(all) = permission.as_object() else { return Vec::new() };
    let mut out = Vec::new();
    for key in PEERS {
        for peer in all.get(key).and_then(Value::as_array).into_iter().flatten() {
            let one: Map<String, Value> = all
                .iter()
                .filter(|(other, _)| *other == key || !PEERS.contains(&other.as_str()))
                .map(|(other, value)| {
                    let value =
                        if other == key { vec![peer.clone()].into() } else { value.clone() };
                    (other.clone(), value)
                })
                .collect();
            let raw = Value::Object(one);
            if let Ok(row) = serde_json::from_value(raw.clone()) {
                out.push(Part { raw, row });
            }
        }
    }
    out
}

impl Part {
    /// What makes it the same permission: its description does not.
    pub(super) fn key(&self) -> String {
        let IpPermission { ip_protocol, from_port, to_port, .. } = &self.row;
        let (from, to) = (from_port.unwrap_or(-1), to_port.unwrap_or(-1));
        let peer = self.peer().map(|p| match p {
            Peer::Block(block) => block.to_string(),
            Peer::Group(id) | Peer::PrefixList(id) => id,
        });
        format!("{ip_protocol} {from} {to} {}", peer.unwrap_or_default())
    }

    fn peer(&self) -> Option<Peer> {
        let row = &self.row;
        let v4 = row.ip_ranges.first().map(|r| Peer::Block(r.cidr_ip));
        let v6 = row.ipv6_ranges.first().map(|r| Peer::Block(r.cidr_ipv6));
        let group = row.user_id_group_pairs.first().map(|p| Peer::Group(p.group_id.clone()));
        let list = row.prefix_list_ids.first();
        v4.or(v6).or(group).or(list.map(|l| Peer::PrefixList(l.prefix_list_id.clone())))
    }

    fn read(&self) -> Option<(Option<Protocol>, PortSet, Peer, Option<String>)> {
        let (protocol, ports) = live::protocol(&self.row)?;
        let row = &self.row;
        let v4 = row.ip_ranges.first().and_then(|r| r.description.clone());
        let v6 = row.ipv6_ranges.first().and_then(|r| r.description.clone());
        let group = row.user_id_group_pairs.first().and_then(|p| p.description.clone());
        Some((protocol, ports, self.peer()?, v4.or(v6).or(group)))
    }

    /// `ingress tcp/22 from 192.0.2.0/24`.
    pub(super) fn said(&self, ingress: bool) -> String {
        self.read().map_or_else(
            || self.key(),
            |(protocol, ports, peer, _)| {
                Permission { protocol, ports: &ports, peer: &peer, description: None }.said(ingress)
            },
        )
    }
}
