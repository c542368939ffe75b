use super::super::error::SpecError;
use super::super::node::{Key, Node};
use super::super::{Control, DeclaredHost};
use super::{Lower, port, scalar};
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Lower<'_> {
    pub(super) fn host(&mut self, name: &str, key: &Key, node: &Node) {
        let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
        let mut addresses = Vec::new();
        for item in node.get("addresses").map(Node::items).unwrap_or_default() {
            let Some(address) = item.text().and_then(|t| scalar::address(t).ok()) else { continue };
            if !seen.insert(address) {
                self.errors.push(
                    SpecError::new(item.span, format!("the address {address} stands twice"))
                        .hint("keep one of the two"),
                );
            } else {
                addresses.push(address);
            }
        }
        let tags = node.get("tags").map(Node::entries).unwrap_or_default();
        let host = DeclaredHost {
            name: name.into(),
            addresses,
            tags: tags
                .iter()
                .filter_map(|(k, v)| Some((k.text.to_string(), v.text()?.to_owned())))
                .collect(),
            at: self.place(key.span),
        };
        self.spec.hosts.insert(name.into(), host);
    }

    pub(super) fn control(&mut self, node: &Node) {
        let Some(at) = node.get("port") else { return };
        let address =
            node.get("address").and_then(Node::text).and_then(|t| scalar::address(t).ok());
        let (Some(address), Some(port)) = (address, port(at)) else { return };
        if !port.protocol.has_ports() || port.ports.len() != 1 {
            self.errors.push(
                SpecError::new(at.span, format!("cannot use {port} as a control"))
                    .hint("a control is one tcp or udp port, such as `tcp/443`"),
            );
            return;
        }
        let at = self.place(node.span);
        self.spec.controls.push(Control { address, port, at });
    }
}
