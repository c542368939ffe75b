//! What an answer about a host does not say of the balancers in front of it.

use super::balancer::{arns, carries};
use super::ends::{From, Named};
use super::{End, Note, Query, Reach, Verdict};
use crate::model::{PortSet, Protocol};
use crate::snapshot::{Balancer, Listener, TargetGroup};
use std::collections::BTreeSet;

/// What a balancer in front of a host does, as far as it is known.
enum Way<'i> {
    /// A listener with the port of the target, where that is known.
    Forwards(&'i Listener, Option<u16>),
    /// Its listeners or its targets were not read.
    Perhaps,
}

impl Reach<'_> {
    /// The internet-facing balancers that let whoever asks through to a host that is closed by itself.
    pub(super) fn behind(&self, query: &Query, from: &[From<'_, '_>]) -> Vec<Note> {
        if !from.iter().any(|f| matches!(f, From::Outside(_))) {
            return Vec::new();
        }
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let nics: Vec<usize> = match &query.to {
            End::Resource(id) => {
                let (nics, named) = self.nics_of(id).unwrap_or_default();
                if let Some(Named::Instance(instance)) = named {
                    ids.insert(instance.to_owned());
                }
                nics
            }
            End::Address(a) => self.index.spots(*a).iter().map(|spot| spot.nic).collect(),
            End::Internet | End::Network(_) => Vec::new(),
        };
        for nic in &nics {
            ids.extend(self.index.nics[*nic].instance.map(str::to_owned));
            ids.extend(self.index.addresses_of(*nic).iter().map(|(a, _)| a.to_string()));
        }
        let vpcs: BTreeSet<&str> = nics.iter().map(|n| self.index.nics[*n].vpc).collect();
        let facing = |b: &Balancer| b.scheme.as_deref() == Some("internet-facing");
        let balancers = self.index.balancers.values().map(|(b, _)| *b).filter(|b| facing(b));
        balancers.filter_map(|b| self.note(b, query, &ids, &vpcs)).collect()
    }

    fn note(
        &self,
        balancer: &Balancer,
        query: &Query,
        ids: &BTreeSet<String>,
        vpcs: &BTreeSet<&str>,
    ) -> Option<Note> {
        let arn = balancer.load_balancer_arn.as_str();
        let name = balancer.load_balancer_name.as_deref().unwrap_or(arn);
        let note = |text: String| {
            let code = "behind-balancer";
            Some(Note {
                code,
                id: arn.into(),
                text: format!("internet-facing balancer {name} {text}"),
            })
        };
        let mut perhaps = false;
        for way in self.ways_of(balancer, ids, vpcs) {
            let Way::Forwards(listener, port) = way else {
                perhaps = true;
                continue;
            };
            let said = listener.protocol.as_deref().unwrap_or("TCP");
            let at = listener.port.unwrap_or_default();
            let to = port.map(|p| format!(" at port {p}")).unwrap_or_default();
            match self.through(balancer, query, listener, port) {
                Some(Verdict::Blocked) => {}
                Some(Verdict::Permitted | Verdict::Partly) => {
                    return note(format!(
                        "is reached at {said}:{at} and forwards to it{to}: it is exposed through that"
                    ));
                }
                _ => perhaps = true,
            }
        }
        if !perhaps {
            return None;
        }
        note("may forward to it: what of that balancer decides was not all read".into())
    }

    /// The ways on which a balancer sends to any of `ids`.
    fn ways_of(
        &self,
        balancer: &Balancer,
        ids: &BTreeSet<String>,
        vpcs: &BTreeSet<&str>,
    ) -> Vec<Way<'_>> {
        let arn = balancer.load_balancer_arn.as_str();
        let listeners = self.index.listeners.get(arn).map_or(&[][..], Vec::as_slice);
        let mut out = Vec::new();
        for group in self.index.target_groups.values() {
            let near = group.vpc_id.as_deref().is_none_or(|v| vpcs.is_empty() || vpcs.contains(v));
            let senders: Vec<&Listener> =
                listeners.iter().copied().filter(|l| forwards(l, group)).collect();
            let own = group.load_balancer_arns.iter().any(|a| a == arn);
            if !near || (senders.is_empty() && !own) {
                continue;
            }
            let Some(targets) = &group.targets else {
                out.push(Way::Perhaps);
                continue;
            };
            let idle = |t: &Option<String>| matches!(t.as_deref(), Some("unused" | "draining"));
            for target in targets.iter().filter(|t| ids.contains(&t.target.id) && !idle(&t.state)) {
                let port = target.target.port.or(group.port);
                // Some rule that nobody read sends there.
                out.extend(senders.is_empty().then_some(Way::Perhaps));
                out.extend(senders.iter().map(|l| Way::Forwards(l, port)));
            }
        }
        out
    }

    /// Whether who asks reaches the listener and the balancer the target; `None` where neither can
    /// be told.
    fn through(
        &self,
        balancer: &Balancer,
        query: &Query,
        listener: &Listener,
        port: Option<u16>,
    ) -> Option<Verdict> {
        let protocol = if carries(listener, Protocol::Tcp) { Protocol::Tcp } else { Protocol::Udp };
        let own = || End::Resource(balancer.load_balancer_arn.clone());
        let verdict = |from: End, to: End, port: u16| {
            let query = Query { from, to, protocol: Some(protocol), ports: PortSet::one(port) };
            self.answered(&query).ok().map(|e| e.configured.verdict())
        };
        let reached = verdict(query.from.clone(), own(), listener.port?)?;
        // A network balancer's own answer ends at its targets.
        if reached == Verdict::Blocked || balancer.balancer_type.as_deref() == Some("network") {
            return Some(reached);
        }
        match verdict(own(), query.to.clone(), port?)? {
            Verdict::Permitted | Verdict::Partly => Some(reached),
            other => Some(other),
        }
    }
}

/// Whether any action of a listener sends to a group.
fn forwards(listener: &Listener, group: &TargetGroup) -> bool {
    let rules = listener.rule_actions.iter().flatten();
    let actions = listener.default_actions.iter().chain(rules);
    actions.flat_map(arns).any(|arn| arn == group.target_group_arn)
}
