use super::span::{Act, Ends, Span, Stage};
use super::{Assumption, ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Path, Verdict};
use crate::model::{AddressSet, Gap, PortSet};
use std::sync::Arc;

/// What a way does with one set of destination ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// Ends that pass for sure, whatever their client ports.
    pub(super) yes: Arc<AddressSet>,
    /// Ends that pass for sure or may.
    pub(super) maybe: Arc<AddressSet>,
    /// Client ports whose answer comes back; all where nothing limits them.
    pub(super) client_ports: PortSet,
    pub(super) hops: Vec<Hop>,
    pub(super) decided_by: Decider,
    pub(super) assumptions: Arc<[Assumption]>,
    pub(super) gaps: Arc<[Gap]>,
}

impl Decision {
    /// As the answer that other layers see.
    pub(super) fn configured(self) -> Configured {
        let (hops, decided_by) = (self.hops.clone(), self.decided_by.clone());
        self.along(Path::new(hops, decided_by, Arc::clone(&self.assumptions)))
    }

    /// The same answer along another path of the same shape.
    pub(super) fn along(&self, path: Path) -> Configured {
        let Self { verdict, yes, client_ports, gaps, .. } = self;
        let path = Arc::new(path);
        match *verdict {
            Verdict::Permitted => Configured::Permitted(path),
            Verdict::Partly => {
                let clients = ClientSet { addresses: (**yes).clone(), ports: client_ports.clone() };
                Configured::Partly(path, Arc::new(clients))
            }
            Verdict::Blocked => Configured::Blocked(path),
            Verdict::Unknown => Configured::Unknown(path, Arc::clone(gaps)),
            Verdict::NotApplicable => Configured::NotApplicable,
        }
    }
}

/// Client ports an answer may go to: what systems choose from (Linux 32768 to 60999, Windows 49152
/// to 65535, NAT gateways and network load balancers 1024 to 65535), taken together.
pub(super) fn ephemeral() -> PortSet {
    PortSet::range(1024, u16::MAX)
}

/// Walks the stages for every port of `ports`; the parts are sorted, disjoint and maximal.
///
/// `asked` are the ends in question, `required` those that must pass for *permitted*.
pub(super) fn combine(
    stages: &[Stage],
    asked: &Arc<AddressSet>,
    required: &AddressSet,
    ports: &PortSet,
) -> Vec<(PortSet, Decision)> {
    let mut out: Vec<(Vec<(u16, u16)>, Decision)> = Vec::new();
    for (low, high) in pieces(stages, ports) {
        let decision = walk(stages, asked, required, low);
        match out.iter_mut().find(|(_, d)| *d == decision) {
            Some((ranges, _)) => ranges.push((low, high)),
            None => out.push((vec![(low, high)], decision)),
        }
    }
    out.into_iter().map(|(ranges, d)| (ranges.into_iter().collect(), d)).collect()
}

/// The largest ranges within which every stage decides alike.
fn pieces(stages: &[Stage], ports: &PortSet) -> Vec<(u16, u16)> {
    let mut starts: Vec<u32> = Vec::new();
    for stage in stages {
        if let Act::Filter(spans) = &stage.act {
            for span in spans.iter() {
                starts.push(span.low.into());
                starts.push(u32::from(span.high) + 1);
            }
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let mut out = Vec::new();
    for &(low, high) in ports.ranges() {
        let mut from = u32::from(low);
        let at = starts.partition_point(|s| *s <= from);
        for &start in starts[at..].iter().take_while(|s| **s <= u32::from(high)) {
            out.push((from as u16, (start - 1) as u16));
            from = start;
        }
        out.push((from as u16, high));
    }
    out
}

/// The span that holds `port`.
fn span_at(spans: &[Span], port: u16) -> Option<&Span> {
    let i = spans.partition_point(|s| s.high < port);
    spans.get(i).filter(|s| s.low <= port)
}

/// One port through every stage.
fn walk(stages: &[Stage], asked: &Arc<AddressSet>, required: &AddressSet, port: u16) -> Decision {
    let (mut yes, mut maybe) = (Arc::clone(asked), Arc::clone(asked));
    let mut replies: Vec<(Arc<AddressSet>, PortSet)> = vec![(Arc::clone(asked), ephemeral())];
    let mut hops: Vec<Hop> = Vec::with_capacity(stages.len());
    let mut deciders: Vec<Option<Decider>> = Vec::with_capacity(stages.len());
    let (mut gaps, mut assumptions) = (Vec::new(), Vec::new());
    for stage in stages {
        assumptions.extend(stage.assumptions.iter().cloned());
        let (entry, verdict, decider) = match &stage.act {
            // What is only taken for granted must not read as if it had been seen.
            Act::Node => {
                let taken = stage.assumptions.first();
                let entry = taken.map(|a| Arc::from(format!("assumed: {}", a.text)));
                (entry, HopVerdict::Passes, None)
            }
            Act::Filter(spans) => {
                let span = span_at(spans, port);
                // What passes here for sure, of all that may have come this far.
                let (sure, m) = span
                    .map_or_else(Default::default, |s| (s.yes.meet(&maybe), s.maybe.meet(&maybe)));
                let y = span.map_or_else(Default::default, |s| s.yes.meet(&yes));
                let verdict = if m.is_empty() {
                    HopVerdict::Blocks
                } else if sure.is_superset(required) {
                    HopVerdict::Passes
                } else if let Some(s) = span
                    && sure != m
                {
                    gaps.extend(s.gaps.iter().cloned());
                    HopVerdict::Unknown
                } else {
                    HopVerdict::PartlyPasses
                };
                (yes, maybe) = (y, m);
                let entry = match span {
                    Some(s) if verdict != HopVerdict::Blocks || s.decider.is_some() => {
                        s.entry.clone()
                    }
                    _ => Some(Arc::clone(&stage.absent)),
                };
                (entry, verdict, span.and_then(|s| s.decider.clone()))
            }
            Act::Reply(pieces, entry) => {
                let mut next = Vec::new();
                for (ends, ports) in pieces {
                    for (set, before) in &replies {
                        let set = ends.meet(set);
                        let both = ports.intersect(before);
                        if !set.is_empty() && !both.is_empty() {
                            next.push((set, both));
                        }
                    }
                }
                replies = next;
                let some = union(replies.iter().map(|(s, _)| s));
                let full = union(replies.iter().filter(|(_, p)| *p == ephemeral()).map(|(s, _)| s));
                let some = Ends::of(some);
                (yes, maybe) = (some.meet(&yes), some.meet(&maybe));
                let verdict = if maybe.is_empty() {
                    HopVerdict::Blocks
                } else if full.is_superset(&required.intersect(&maybe)) {
                    HopVerdict::Passes
                } else {
                    HopVerdict::PartlyPasses
                };
                let entry = if verdict == HopVerdict::Blocks {
                    Some(stage.absent.clone())
                } else {
                    entry.clone()
                };
                (entry, verdict, None)
            }
        };
        hops.push(Hop {
            layer: stage.layer,
            id: Arc::clone(&stage.id),
            entry: entry.filter(|e| !e.is_empty()),
            verdict,
        });
        deciders.push(decider);
        if let Act::Filter(spans) = &stage.act
            && let Some(span) = span_at(spans, port)
        {
            hops.extend(span.inner.iter().cloned());
            deciders.resize(hops.len(), None);
        }
        if verdict == HopVerdict::Blocks {
            break;
        }
    }
    let full = union(replies.iter().filter(|(_, p)| *p == ephemeral()).map(|(s, _)| s));
    let verdict = if maybe.is_empty() {
        Verdict::Blocked
    } else if yes.is_superset(required) && full.is_superset(required) {
        Verdict::Permitted
    } else if yes == maybe {
        Verdict::Partly
    } else {
        Verdict::Unknown
    };
    if verdict != Verdict::Unknown {
        gaps.clear();
    }
    gaps.sort();
    gaps.dedup();
    assumptions.sort();
    assumptions.dedup();
    let decided_by = decider(verdict, &hops, &deciders);
    let client_ports = client_ports(&replies, &yes, &full);
    let (assumptions, gaps) = (assumptions.into(), gaps.into());
    Decision { verdict, yes, maybe, client_ports, hops, decided_by, assumptions, gaps }
}

/// Client ports that every end that passes can use; those any can, where none is common.
fn client_ports(
    replies: &[(Arc<AddressSet>, PortSet)],
    yes: &AddressSet,
    full: &AddressSet,
) -> PortSet {
    if full.is_superset(yes) {
        return PortSet::all();
    }
    let used: Vec<&PortSet> =
        replies.iter().filter(|(s, _)| s.intersects(yes)).map(|(_, p)| p).collect();
    let common = used.iter().fold(ephemeral(), |all, p| all.intersect(p));
    if !common.is_empty() {
        return common;
    }
    used.iter().fold(PortSet::empty(), |all, p| all.union(p))
}

fn union<'s>(sets: impl Iterator<Item = &'s Arc<AddressSet>>) -> AddressSet {
    sets.fold(AddressSet::empty(), |all, s| all.union(s))
}

/// The hop that decides: what blocks, limits or is unknown first; else the permission.
fn decider(verdict: Verdict, hops: &[Hop], deciders: &[Option<Decider>]) -> Decider {
    let wanted = match verdict {
        Verdict::Blocked => HopVerdict::Blocks,
        Verdict::Unknown => HopVerdict::Unknown,
        Verdict::Partly => HopVerdict::PartlyPasses,
        Verdict::Permitted | Verdict::NotApplicable => HopVerdict::Passes,
    };
    let index = if wanted == HopVerdict::Passes {
        hops.iter()
            .rposition(|h| h.layer == Layer::SecurityGroup)
            .or_else(|| hops.iter().rposition(|h| h.entry.is_some()))
    } else {
        hops.iter().position(|h| h.verdict == wanted)
    };
    let Some(index) = index.or_else(|| hops.len().checked_sub(1)) else {
        return Decider { layer: Layer::Internet, id: "internet".into(), entry: None };
    };
    let hop = &hops[index];
    deciders[index].clone().unwrap_or_else(|| Decider {
        layer: hop.layer,
        id: hop.id.clone(),
        entry: hop.entry.clone(),
    })
}
