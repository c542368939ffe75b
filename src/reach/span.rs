use super::{Assumption, Decider, Hop, Layer};
use crate::model::{AddressSet, Gap, PortSet};
use std::sync::Arc;

/// Some of the addresses at the other end of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ends {
    All,
    None,
    These(Arc<AddressSet>),
}

impl Ends {
    /// The set; [`Ends::None`] when it is empty.
    pub(super) fn of(set: AddressSet) -> Self {
        if set.is_empty() { Self::None } else { Self::These(Arc::new(set)) }
    }

    /// Members of `set` that are among these.
    pub(super) fn meet(&self, set: &Arc<AddressSet>) -> Arc<AddressSet> {
        match self {
            Self::All => Arc::clone(set),
            Self::None => Arc::default(),
            Self::These(these) if Arc::ptr_eq(these, set) => Arc::clone(set),
            Self::These(these) => {
                let both = these.intersect(set);
                if both == **set { Arc::clone(set) } else { Arc::new(both) }
            }
        }
    }

    /// Whether any of `set` is among these, collapsed to all or none: for the side of a flow whose
    /// other end is one address.
    pub(super) fn collapse(&self, set: &AddressSet) -> Self {
        match self {
            Self::All => Self::All,
            Self::These(these) if these.intersects(set) => Self::All,
            Self::These(_) | Self::None => Self::None,
        }
    }
}

/// What a filter does with a range of destination ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: u16,
    pub(super) high: u16,
    /// Ends that pass for sure.
    pub(super) yes: Ends,
    /// Ends that pass if what could not be seen lets them; holds `yes`.
    pub(super) maybe: Ends,
    /// The line that decides, as people read it.
    pub(super) entry: Option<Arc<str>>,
    /// Why `maybe` is more than `yes`.
    pub(super) gaps: Vec<Gap>,
    /// A component inside this stage that decides in its stead (a balancer's target).
    pub(super) decider: Option<Decider>,
    /// Hops behind this one (a balancer's target).
    pub(super) inner: Vec<Hop>,
}

impl Span {
    /// Every port, decided alike.
    pub(super) fn whole(yes: Ends, maybe: Ends, entry: Option<Arc<str>>, gaps: Vec<Gap>) -> Self {
        Self { low: 0, high: u16::MAX, yes, maybe, entry, gaps, decider: None, inner: Vec::new() }
    }
}

/// One component on a way, and what it does.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) layer: Layer,
    pub(super) id: Arc<str>,
    pub(super) act: Act,
    /// What is said where no span holds the port: the reason it blocks.
    pub(super) absent: Arc<str>,
    pub(super) assumptions: Vec<Assumption>,
    /// Gaps that an assumption stands in for.
    pub(super) assumed: Vec<Gap>,
}

/// What a stage does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// A place on the way: everything passes.
    Node,
    /// Spans sorted by port; a port in none is blocked.
    Filter(Arc<[Span]>),
    /// The answer's way back: which client ports of which ends get through. Disjoint.
    Reply(Vec<(Ends, PortSet)>, Option<Arc<str>>),
}

impl Stage {
    /// A place on the way.
    pub(super) fn node(layer: Layer, id: &str) -> Self {
        Self::new(layer, id, Act::Node)
    }

    /// A stage that lets nothing through.
    pub(super) fn blocks(layer: Layer, id: &str, why: impl Into<Arc<str>>) -> Self {
        Self { absent: why.into(), ..Self::new(layer, id, Act::Filter(Arc::from([]))) }
    }

    /// A stage that could not be seen.
    pub(super) fn unknown(layer: Layer, id: &str, gaps: Vec<Gap>) -> Self {
        let why = gaps.first().map(|g| Arc::from(g.why.as_str()));
        let span = Span::whole(Ends::None, Ends::All, why, gaps);
        Self::new(layer, id, Act::Filter(Arc::from([span])))
    }

    /// A filter over ports.
    pub(super) fn filter(layer: Layer, id: &str, spans: Vec<Span>, absent: Arc<str>) -> Self {
        Self { absent, ..Self::new(layer, id, Act::Filter(spans.into())) }
    }

    /// A stage with an act of its own.
    pub(super) fn new(layer: Layer, id: &str, act: Act) -> Self {
        Self {
            layer,
            id: id.into(),
            act,
            absent: Arc::from(""),
            assumptions: Vec::new(),
            assumed: Vec::new(),
        }
    }

    /// Names something taken for granted here.
    pub(super) fn assume(mut self, code: &str, text: &str, gap: Option<Gap>) -> Self {
        self.assumptions.push(Assumption { code: code.into(), text: text.into() });
        self.assumed.extend(gap);
        self
    }

    /// Collapses the other end to one address: what passes for any of `ends` passes.
    pub(super) fn collapse(mut self, ends: &AddressSet) -> Self {
        match &mut self.act {
            Act::Node => {}
            Act::Filter(spans) => {
                let spans: Vec<Span> = spans
                    .iter()
                    .map(|s| Span {
                        yes: s.yes.collapse(ends),
                        maybe: s.maybe.collapse(ends),
                        ..s.clone()
                    })
                    .collect();
                self.act = Act::Filter(spans.into());
            }
            Act::Reply(pieces, entry) => {
                let pieces = pieces
                    .iter()
                    .map(|(e, p)| (e.collapse(ends), p.clone()))
                    .filter(|(e, _)| *e != Ends::None)
                    .collect();
                self.act = Act::Reply(pieces, entry.take());
            }
        }
        self
    }
}
