//! A configuration made of plain lines, for tests of what asks it.

use super::{Configuration, Exposed};
use crate::model::{AddressSet, Gap, GapKind, PortSet, PortSpec, Protocol};
use crate::reach::{ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Path};
use ipnetwork::IpNetwork;
use std::net::IpAddr;
use std::sync::Arc;

/// `lets` says which clients reach which ports; everything else of `ours` is blocked by a group.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    lets: Vec<(IpAddr, PortSpec, AddressSet)>,
    hidden: Vec<(IpAddr, PortSpec)>,
    ours: Vec<IpAddr>,
    pub(crate) blocker: Option<Layer>,
    /// Asking about these is a mistake.
    pub(crate) taboo: Vec<IpAddr>,
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub(crate) fn ports(text: &str) -> PortSpec {
    text.parse().expect("ports")
}

pub(crate) fn set(blocks: &[&str]) -> AddressSet {
    blocks.iter().map(|b| b.parse::<IpNetwork>().expect("a block")).collect()
}

impl Fake {
    pub(crate) fn of(ours: &[&str]) -> Self {
        Self { ours: ours.iter().map(|a| ip(a)).collect(), ..Self::default() }
    }

    pub(crate) fn lets(mut self, address: &str, what: &str, clients: &[&str]) -> Self {
        self.lets.push((ip(address), ports(what), set(clients)));
        self
    }

    /// Nobody can tell what reaches this.
    pub(crate) fn hides(mut self, address: &str, what: &str) -> Self {
        self.hidden.push((ip(address), ports(what)));
        self
    }

    fn path(&self, verdict: HopVerdict) -> Arc<Path> {
        let layer = match verdict {
            HopVerdict::Blocks => self.blocker.unwrap_or(Layer::SecurityGroup),
            _ => Layer::SecurityGroup,
        };
        let entry = Some("no matching entry".to_owned());
        let entry: Option<Arc<str>> = entry.map(Into::into);
        let hop = Hop { layer, id: "sg-1".into(), entry: entry.clone(), verdict };
        let decided_by = Decider { layer, id: "sg-1".into(), entry };
        Arc::new(Path::new(vec![hop], decided_by, Arc::default()))
    }
}

impl Configuration for Fake {
    fn slices(
        &self,
        address: IpAddr,
        _interface: Option<&str>,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        assert!(!from.is_empty() && !ports.is_empty(), "nothing is asked of nobody");
        assert!(!self.taboo.contains(&address), "nothing is asked of {address}");
        if !self.ours.contains(&address) {
            return vec![(ports.clone(), Configured::NotApplicable)];
        }
        let mut pieces = vec![ports.clone()];
        let lines =
            self.lets.iter().map(|(a, p, _)| (a, p)).chain(self.hidden.iter().map(|(a, p)| (a, p)));
        for (_, spec) in lines.filter(|(a, p)| **a == address && p.protocol == protocol) {
            pieces = pieces
                .iter()
                .flat_map(|p| [p.intersect(&spec.ports), p.subtract(&spec.ports)])
                .filter(|p| !p.is_empty())
                .collect();
        }
        let answer = |piece: PortSet| {
            let holds = |a: &IpAddr, p: &PortSpec| {
                *a == address && p.protocol == protocol && p.ports.is_superset(&piece)
            };
            let family =
                if address.is_ipv4() { AddressSet::all_v4() } else { AddressSet::all_v6() };
            let from = from.intersect(&family);
            let clients = self
                .lets
                .iter()
                .filter(|(a, p, _)| holds(a, p))
                .fold(AddressSet::empty(), |all, (_, _, c)| all.union(c))
                .intersect(&from);
            let public = from.intersect(&AddressSet::public());
            let whole = if public.is_empty() { &from } else { &public };
            let configured = if self.hidden.iter().any(|(a, p)| holds(a, p)) {
                let gap = Gap::new(GapKind::SecurityGroups, "1/r", "denied");
                Configured::Unknown(self.path(HopVerdict::Unknown), Arc::from([gap]))
            } else if clients.is_superset(whole) {
                Configured::Permitted(self.path(HopVerdict::Passes))
            } else if clients.is_empty() {
                Configured::Blocked(self.path(HopVerdict::Blocks))
            } else {
                let set = ClientSet { addresses: clients, ports: PortSet::all() };
                Configured::Partly(self.path(HopVerdict::PartlyPasses), Arc::new(set))
            };
            (piece, configured)
        };
        pieces.into_iter().map(answer).collect()
    }

    fn exposed(&self, at: IpAddr, _interface: Option<&str>, from: &AddressSet) -> Vec<Exposed> {
        assert!(!self.taboo.contains(&at), "nothing is asked of {at}");
        let mut out = Vec::new();
        let lines = self
            .lets
            .iter()
            .map(|(a, p, _)| (*a, p))
            .chain(self.hidden.iter().map(|(a, p)| (*a, p)));
        let mut asked: Vec<(IpAddr, Protocol)> =
            lines.clone().map(|(a, p)| (a, p.protocol)).collect();
        asked.sort();
        asked.dedup();
        for (address, protocol) in asked.into_iter().filter(|(a, _)| *a == at) {
            let all = lines
                .clone()
                .filter(|(a, p)| *a == address && p.protocol == protocol)
                .fold(PortSet::empty(), |all, (_, p)| all.union(&p.ports));
            for (ports, configured) in self.slices(address, None, from, protocol, &all) {
                if !matches!(configured, Configured::Blocked(_)) {
                    let every_other_protocol = false;
                    out.push(Exposed { protocol, every_other_protocol, ports, configured });
                }
            }
        }
        out
    }

    fn gaps(&self) -> Vec<Gap> {
        Vec::new()
    }
}
