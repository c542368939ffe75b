use super::aws::port_pairs;
use super::shell::command;
use super::{Mend, terraform};
use crate::model::{PortSet, PortSpec, Protocol};
use crate::spec::Peer;
use serde_json::{Map, Value, json};

/// More permissions than this are no command line any more.
const MAX_PERMISSIONS: usize = 60;

/// One permission that is to be put in or taken out.
#[derive(Debug, Clone, Copy)]
pub struct Permission<'a> {
    /// `None` is every protocol.
    pub protocol: Option<Protocol>,
    pub ports: &'a PortSet,
    pub peer: &'a Peer,
}

/// The command and the Terraform rules that put permissions into a group (`authorize`) or take them
/// out; nothing for none.
pub fn reconcile(
    region: &str,
    group: &str,
    ingress: bool,
    authorize: bool,
    permissions: &[Permission<'_>],
) -> Option<Mend> {
    let n = permissions.len();
    if n == 0 {
        return None;
    }
    let direction = if ingress { "ingress" } else { "egress" };
    let lines = if n == 1 { "permission" } else { "permissions" };
    let text = match authorize {
        true => format!("put the {n} declared {direction} {lines} that are missing into {group}"),
        false => format!("take the {n} {direction} {lines} that nobody declared out of {group}"),
    };
    let verb = if authorize { "authorize" } else { "revoke" };
    let list: Vec<Value> = permissions.iter().flat_map(|p| p.raw()).collect();
    let command = (n <= MAX_PERMISSIONS).then(|| {
        let call = format!("{verb}-security-group-{direction}");
        let list = Value::Array(list).to_string();
        command([
            "aws",
            "ec2",
            &call,
            "--region",
            region,
            "--group-id",
            group,
            "--ip-permissions",
            &list,
        ])
    });
    let terraform = match authorize {
        true => terraform::rules(group, ingress, permissions),
        false => {
            let said = permissions.iter().map(|p| p.said(ingress));
            terraform::removed(group, ingress, &said.collect::<Vec<_>>())
        }
    };
    Some(Mend { text, command, terraform: Some(terraform) })
}

impl Permission<'_> {
    /// Its parts as the API takes them, keys in one order.
    fn raw(&self) -> impl Iterator<Item = Value> {
        let (name, pairs) = match self.protocol {
            None => ("-1".to_owned(), vec![None]),
            Some(protocol) => (protocol.to_string(), port_pairs(protocol, self.ports)),
        };
        let (key, peer) = match self.peer {
            Peer::Block(block) if block.is_ipv4() => {
                ("IpRanges", json!([{ "CidrIp": block.to_string() }]))
            }
            Peer::Block(block) => ("Ipv6Ranges", json!([{ "CidrIpv6": block.to_string() }])),
            Peer::Group(id) => ("UserIdGroupPairs", json!([{ "GroupId": id }])),
            Peer::PrefixList(id) => ("PrefixListIds", json!([{ "PrefixListId": id }])),
        };
        pairs.into_iter().map(move |pair| {
            let mut out = Map::new();
            out.extend(pair.map(|(from, _)| ("FromPort".into(), from.into())));
            out.insert("IpProtocol".into(), name.clone().into());
            out.insert(key.into(), peer.clone());
            out.extend(pair.map(|(_, to)| ("ToPort".into(), to.into())));
            Value::Object(out)
        })
    }
    /// `ingress tcp/22 from 192.0.2.0/24`, as drift has it.
    fn said(&self, ingress: bool) -> String {
        let what = match self.protocol {
            None => "all".into(),
            Some(protocol) => PortSpec::new(protocol, self.ports.clone()).to_string(),
        };
        let (direction, word) = if ingress { ("ingress", "from") } else { ("egress", "to") };
        match self.peer {
            Peer::Block(block) => format!("{direction} {what} {word} {block}"),
            Peer::Group(id) | Peer::PrefixList(id) => format!("{direction} {what} {word} {id}"),
        }
    }
}
