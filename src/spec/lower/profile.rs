use super::super::error::SpecError;
use super::super::node::{Key, Node, Span};
use super::super::suggest::nearest;
use super::super::{Journey, Profile, ProxyKind, Service};
use super::{Lower, number, port, text};
use crate::model::{Family, PortSet, PortSpec, Protocol};

impl Lower<'_> {
    pub(super) fn profile(&mut self, name: &str, key: &Key, node: &Node) {
        let ports = |field: &str| {
            let items = node.get(field).map(Node::items).unwrap_or_default();
            items.iter().filter_map(port).collect()
        };
        let profile = Profile {
            name: name.into(),
            block: ports("block"),
            allow: ports("allow"),
            via: text(node, "via"),
            family: match text(node, "family").as_deref() {
                Some("ipv4") => Some(Family::V4),
                Some("ipv6") => Some(Family::V6),
                _ => None,
            },
            mtu: number(node, "mtu"),
            at: self.place(key.span),
        };
        self.contradictions_of_profile(&profile, key.span, node);
        self.spec.profiles.insert(name.into(), profile);
    }

    /// Tells what of a profile cannot be together. One fault is told once.
    fn contradictions_of_profile(&mut self, profile: &Profile, at: Span, node: &Node) {
        let Profile { name, block: _, allow, via, family, mtu, at: _ } = profile;
        let span = |field: &str| node.get(field).map_or(at, |n| n.span);
        let read =
            |field: &str, n: usize| node.get(field).map_or(n == 0, |list| list.items().len() == n);
        if let Some(via) = via
            && ProxyKind::of_name(via).is_none()
            && let Some(near) = nearest(via, ProxyKind::ALL.map(ProxyKind::name))
            && via.chars().count().abs_diff(near.chars().count()) <= 1
        {
            let message = format!("`{via}` is no kind of proxy that is known");
            self.errors.push(SpecError::new(span("via"), message).hint(format!(
                "did you mean `{near}`? A proxy of a name of its own is called less alike"
            )));
        }
        if mtu.is_some() && via.is_some() {
            let message = format!("profile `{name}` has a small MTU and a proxy");
            self.errors.push(
                SpecError::new(span("mtu"), message)
                    .label("small packets end at the proxy")
                    .also(span("via"), "the proxy")
                    .hint("make two profiles of it"),
            );
        }
        if let (Some(mtu), Some(Family::V6)) = (mtu, family)
            && *mtu < Profile::LEAST_MTU_V6
        {
            let message = format!("a link of {mtu} bytes carries no IPv6");
            let least = Profile::LEAST_MTU_V6;
            self.errors.push(
                SpecError::new(span("mtu"), message)
                    .also(span("family"), "the only family there is")
                    .hint(format!("IPv6 needs links of at least {least} bytes: `mtu: {least}`")),
            );
        }
        if node.get("allow").is_some_and(|n| n.items().is_empty()) && allow.is_empty() {
            if matches!(node.get("allow"), Some(n) if n.text().is_none()) {
                let message = format!("profile `{name}` allows nothing");
                self.errors.push(
                    SpecError::new(span("allow"), message)
                        .hint("leave `allow` out to let everything out that is not blocked"),
                );
            }
            return;
        }
        // What did not read was told, and may be what lets something through.
        if !read("allow", allow.len()) || !read("block", profile.block.len()) {
            return;
        }
        let all = |protocol| PortSpec::new(protocol, PortSet::all());
        let through = |p: &Profile| {
            [Protocol::Tcp, Protocol::Udp]
                .into_iter()
                .any(|proto| !p.permits(&all(proto)).is_empty())
        };
        if !through(profile) {
            let message = format!("nothing gets through profile `{name}`");
            let proxy = through(&Profile { via: None, ..profile.clone() });
            self.errors.push(SpecError::new(at, message).hint(if proxy {
                "an HTTP CONNECT proxy carries tcp only: let tcp through, or go `via: socks5`"
            } else {
                "let something through that `block` does not take away"
            }));
        }
    }

    /// Tells of a journey that no client of one of its profiles can ever make.
    pub(super) fn contradictions_of_journey(
        &mut self,
        journey: &Journey,
        at: Span,
        services: &[Service],
    ) {
        let any_of: Vec<&Service> =
            journey.any_of.iter().filter_map(|n| services.iter().find(|s| s.name == *n)).collect();
        // What did not read was told already.
        if any_of.is_empty() || any_of.len() < journey.any_of.len() {
            return;
        }
        let names: Vec<String> = match journey.profiles.as_slice() {
            [] => self.spec.profiles.keys().cloned().collect(),
            some => some.to_vec(),
        };
        for name in names {
            let Some(profile) = self.spec.profiles.get(&name) else { continue };
            let all = PortSpec::new(Protocol::Tcp, PortSet::all());
            let all_udp = PortSpec::new(Protocol::Udp, PortSet::all());
            let carries = |s: &Service| !profile.permits(&s.port).is_empty();
            // A profile that nothing gets through was told as such.
            let hopeless = profile.permits(&all).is_empty() && profile.permits(&all_udp).is_empty();
            if hopeless || any_of.iter().any(|s| carries(s)) {
                continue;
            }
            let message =
                format!("no service of journey `{}` gets through profile `{name}`", journey.name);
            let services: Vec<String> =
                any_of.iter().map(|s| format!("`{}` ({})", s.name, s.port)).collect();
            let error = SpecError::new(at, message)
                .label(format!("it has {}", services.join(", ")))
                .hint("add a service that does, or name under `profiles:` those that it is for");
            self.errors.push(match self.profiles.get(name.as_str()) {
                Some(key) => error.also(key.span, "the profile"),
                None => error,
            });
        }
    }
}
