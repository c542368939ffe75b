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
    /// What it is described as where it is put in.
    pub description: Option<&'a str>,
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
    let (lines, are) = if n == 1 { ("permission", "is") } else { ("permissions", "are") };
    let text = match authorize {
        true => format!("put the {n} declared {direction} {lines} that {are} missing into {group}"),
        false => format!("take the {n} {direction} {lines} that nobody declared out of {group}"),
    };
    let verb = if authorize { "authorize" } else { "revoke" };
    let list: Vec<Value> = permissions.iter().flat_map(|p| p.raw(authorize)).collect();
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
    fn raw(&self, described: bool) -> impl Iterator<Item = Value> {
        let (name, pairs) = match self.protocol {
            None => ("-1".to_owned(), vec![None]),
            Some(protocol) => (protocol.to_string(), port_pairs(protocol, self.ports)),
        };
        let (key, name_of, id) = match self.peer {
            Peer::Block(block) if block.is_ipv4() => ("IpRanges", "CidrIp", block.to_string()),
            Peer::Block(block) => ("Ipv6Ranges", "CidrIpv6", block.to_string()),
            Peer::Group(id) => ("UserIdGroupPairs", "GroupId", id.clone()),
            Peer::PrefixList(id) => ("PrefixListIds", "PrefixListId", id.clone()),
        };
        let words =
            self.description.filter(|_| described).map(|words| ("Description", words.into()));
        let mut peer: Vec<(&str, String)> = words.into_iter().chain([(name_of, id)]).collect();
        // Keys in one order, whichever way `serde_json` was built to keep them.
        peer.sort();
        let peer: Map<String, Value> =
            peer.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        let peer = json!([peer]);
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
    pub(super) fn said(&self, ingress: bool) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_has_its_description_and_what_is_taken_out_needs_none() {
        let (ports, peer) = (PortSet::one(443), Peer::Group("sg-2".into()));
        let permission = Permission {
            protocol: Some(Protocol::Tcp),
            ports: &ports,
            peer: &peer,
            description: Some("customers"),
        };
        let command = |authorize| {
            let mend = reconcile("eu-west-1", "sg-1", true, authorize, &[permission]);
            mend.and_then(|m| m.command).expect("a command")
        };
        let pair = r#""UserIdGroupPairs":[{"Description":"customers","GroupId":"sg-2"}]"#;
        assert!(command(true).contains(pair), "{}", command(true));
        assert!(!command(false).contains("customers"), "{}", command(false));
    }
}
