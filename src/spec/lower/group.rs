use super::super::error::{SpecError, shorten};
use super::super::node::{Key, Node};
use super::super::{DeclaredGroup, DeclaredPermission, Peer};
use super::{Lower, port, scalar, text};
use crate::model::{AddressSet, Family, Protocol};
use ipnetwork::IpNetwork;

impl Lower<'_> {
    pub(super) fn group(&mut self, id: &str, key: &Key, node: &Node) {
        let ingress = self.permissions(id, node.get("ingress"), "from");
        let egress = self.permissions(id, node.get("egress"), "to");
        let group = DeclaredGroup {
            id: id.into(),
            name: text(node, "name"),
            ingress,
            egress,
            at: self.place(key.span),
        };
        self.spec.groups.insert(id.into(), group);
    }

    fn permissions(
        &mut self,
        id: &str,
        node: Option<&Node>,
        peers: &str,
    ) -> Vec<DeclaredPermission> {
        let mut out = Vec::new();
        for item in node.map(Node::items).unwrap_or_default() {
            let at = self.place(item.span);
            if item.text() == Some("any") {
                let peers = everyone().into_iter().map(Peer::Block).collect();
                out.push(DeclaredPermission { port: None, peers, description: None, at });
                continue;
            }
            let Some(port_node) = item.get("port") else { continue };
            let every = port_node.text() == Some("all");
            let port = port(port_node);
            let mut found: Vec<Peer> = Vec::new();
            for peer in item.get(peers).map(Node::items).unwrap_or_default() {
                let all = self.peer(id, peer);
                match port.as_ref().map(|spec| spec.protocol) {
                    Some(protocol) => found.extend(self.spoken(protocol, peer, all)),
                    None => found.extend(all),
                }
            }
            if found.is_empty() || (port.is_none() && !every) {
                continue;
            }
            let description = text(item, "description");
            out.push(DeclaredPermission { port, peers: found, description, at });
        }
        out
    }

    /// Of what a word stands for, the blocks whose packets carry a protocol at all: ICMP is IPv4's,
    /// and ICMPv6 is IPv6's.
    fn spoken(&mut self, protocol: Protocol, word: &Node, peers: Vec<Peer>) -> Vec<Peer> {
        let fits = |peer: &Peer| match peer {
            Peer::Block(block) => protocol.runs_over(Family::of(block.ip())),
            Peer::Group(_) | Peer::PrefixList(_) => true,
        };
        let any = !peers.is_empty();
        let spoken: Vec<Peer> = peers.into_iter().filter(fits).collect();
        if any && spoken.is_empty() {
            let other = if protocol == Protocol::Icmp { Protocol::Icmpv6 } else { Protocol::Icmp };
            let what =
                format!("no packet of `{}` carries {protocol}", word.text().unwrap_or_default());
            self.errors.push(SpecError::new(word.span, what).hint(format!("its own is {other}")));
        }
        spoken
    }

    /// What one word under `from` or `to` of a permission stands for.
    fn peer(&mut self, id: &str, node: &Node) -> Vec<Peer> {
        let Some(word) = node.text() else { return Vec::new() };
        if let Some(network) = self.spec.networks.get(word) {
            return network.blocks.iter().copied().map(Peer::Block).collect();
        }
        match word {
            "internet" | "any" => return everyone().into_iter().map(Peer::Block).collect(),
            "self" => return vec![Peer::Group(id.into())],
            _ if word.starts_with("sg-") => return vec![Peer::Group(word.into())],
            _ if word.starts_with("pl-") => return vec![Peer::PrefixList(word.into())],
            _ => {}
        }
        // Something with a slash or a colon, or digits and dots, was meant as a block.
        let block_like =
            word.contains(['/', ':']) || word.chars().all(|c| c.is_ascii_digit() || c == '.');
        if block_like {
            match scalar::block(word) {
                Ok(block) => return vec![Peer::Block(block)],
                Err(wrong) => {
                    let mut error = SpecError::new(node.span, wrong.message);
                    error.hint = wrong.hint;
                    self.errors.push(error);
                }
            }
            return Vec::new();
        }
        let known = ["internet", "self", "any"].into_iter().chain(self.networks.keys().copied());
        let error =
            SpecError::new(node.span, format!("the peer `{}` is not declared", shorten(word)));
        self.errors.push(match self.near(word, known) {
            Some(near) => error.did_you_mean(Some(near)),
            None if self.roles.contains_key(word) => error.hint(
                "a permission cannot name a role: name a network, a block or a group (`sg-…`)",
            ),
            None => error
                .hint("use a block, a name of `networks:`, `internet`, `self`, `sg-…` or `pl-…`"),
        });
        Vec::new()
    }
}

/// Every address of both families.
fn everyone() -> Vec<IpNetwork> {
    AddressSet::all().to_networks()
}
