use super::super::error::{SpecError, shorten};
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
                continue;
            }
            // What answers there would count for both, and either may be the one that does not.
            match self.addresses.get(&address) {
                Some((first, span)) if first != name => {
                    let (address, of) = (address.to_string(), shorten(first));
                    self.errors.push(
                        SpecError::new(item.span, format!("`{of}` has the address {address}, too"))
                            .label("again here")
                            .also(*span, "first here")
                            .hint("an address is one host's: give one that several share a host of its own"),
                    );
                }
                _ => {
                    self.addresses.insert(address, (name.to_owned(), item.span));
                }
            }
            addresses.push(address);
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
        let Some((item, text)) = node.get("address").and_then(|n| Some((n, n.text()?))) else {
            return;
        };
        // What is no address at all has been told already.
        let Ok(address) = scalar::address(text) else { return };
        if let Err(wrong) = scalar::host_address(text) {
            let error = SpecError::new(item.span, wrong.message);
            self.errors.push(wrong.hint.into_iter().fold(error, |e, hint| e.hint(hint)));
            return;
        }
        let Some(port) = port(at) else { return };
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
