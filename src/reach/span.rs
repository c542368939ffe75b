use super::{Assumption, Decider, Hop, Layer};
use crate::model::{AddressSet, Gap, PortSet};
use std::sync::{Arc, LazyLock};

/// Stages in the order that a packet meets them, shared by everything that is decided on them.
pub(super) type Way = Arc<[Arc<Stage>]>;

/// The way through these stages.
pub(super) fn way(stages: impl IntoIterator<Item = Stage>) -> Way {
    stages.into_iter().map(Arc::new).collect()
}

static NOBODY: LazyLock<Arc<AddressSet>> = LazyLock::new(Arc::default);

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
            Self::None => Arc::clone(&NOBODY),
            Self::These(these) if Arc::ptr_eq(these, set) => Arc::clone(set),
            Self::These(these) => {
                let both = these.intersect(set);
                if both == **set { Arc::clone(set) } else { Arc::new(both) }
            }
        }
    }

    /// Whether both are the same by their looks, without comparing sets.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) | (Self::None, Self::None) => true,
            (Self::These(these), Self::These(those)) => Arc::ptr_eq(these, those),
            _ => false,
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
    /// What most spans lack; `None` where there is nothing in it.
    pub(super) rest: Option<Box<Rest>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rest {
    gaps: Vec<Gap>,
    decider: Option<Decider>,
    inner: Vec<Hop>,
    cut: Option<Arc<str>>,
    owner: Option<Arc<str>>,
    assumptions: Vec<Assumption>,
}

impl Span {
    /// Every port, decided alike.
    pub(super) fn whole(yes: Ends, maybe: Ends, entry: Option<Arc<str>>, gaps: Vec<Gap>) -> Self {
        Self { low: 0, high: u16::MAX, yes, maybe, entry, rest: None }.with(gaps, None, Vec::new())
    }

    /// The same span with gaps, with a component inside this stage that decides in its stead, and
    /// with the hops behind this one (a balancer's target).
    pub(super) fn with(self, gaps: Vec<Gap>, decider: Option<Decider>, inner: Vec<Hop>) -> Self {
        let Rest { cut, owner, assumptions, .. } = self.rest.map_or_else(Rest::default, |r| *r);
        let rest = Rest { gaps, decider, inner, cut, owner, assumptions };
        let rest = (rest != Rest::default()).then(|| Box::new(rest));
        Self { rest, ..self }
    }

    /// The same span with the line that keeps some ends out, where not the one that lets the others
    /// through explains it.
    pub(super) fn cut_by(mut self, line: Option<Arc<str>>) -> Self {
        if line.is_some() {
            self.rest.get_or_insert_default().cut = line;
        }
        self
    }

    /// The same span with the component whose line it is, where the stage is of several (R1).
    pub(super) fn owned_by(mut self, id: Arc<str>) -> Self {
        self.rest.get_or_insert_default().owner = Some(id);
        self
    }

    /// The same span with what is taken for granted in it.
    pub(super) fn assuming(mut self, mut assumptions: Vec<Assumption>) -> Self {
        if !assumptions.is_empty() {
            assumptions.sort();
            assumptions.dedup();
            self.rest.get_or_insert_default().assumptions = assumptions;
        }
        self
    }

    /// What is taken for granted in it.
    pub(super) fn assumptions(&self) -> &[Assumption] {
        self.rest.as_ref().map_or(&[], |r| &r.assumptions)
    }

    /// The component whose line it is, where that is not the stage's own.
    pub(super) fn owner(&self) -> Option<&Arc<str>> {
        self.rest.as_ref()?.owner.as_ref()
    }

    /// The line that keeps some ends out.
    pub(super) fn cut(&self) -> Option<&Arc<str>> {
        self.rest.as_ref()?.cut.as_ref()
    }

    /// Why `maybe` is more than `yes`.
    pub(super) fn gaps(&self) -> &[Gap] {
        self.rest.as_ref().map_or(&[], |r| &r.gaps)
    }

    /// A component inside this stage that decides in its stead.
    pub(super) fn decider(&self) -> Option<&Decider> {
        self.rest.as_ref()?.decider.as_ref()
    }

    /// Hops behind this one.
    pub(super) fn inner(&self) -> &[Hop] {
        self.rest.as_ref().map_or(&[], |r| &r.inner)
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
    pub(super) fn node(layer: Layer, id: impl Into<Arc<str>>) -> Self {
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
    pub(super) fn new(layer: Layer, id: impl Into<Arc<str>>, act: Act) -> Self {
        Self {
            layer,
            id: id.into(),
            act,
            absent: Arc::default(),
            assumptions: Vec::new(),
            assumed: Vec::new(),
        }
    }

    /// Whether it lets nothing through at any port.
    pub(super) fn is_closed(&self) -> bool {
        matches!(&self.act, Act::Filter(spans) if spans.is_empty())
    }

    /// Where in its spans a port lies.
    pub(super) fn span_index(&self, port: u16) -> Option<usize> {
        let Act::Filter(spans) = &self.act else { return None };
        let at = spans.partition_point(|s| s.high < port);
        spans.get(at).filter(|s| s.low <= port).map(|_| at)
    }

    /// The span that holds a port.
    pub(super) fn span(&self, port: u16) -> Option<&Span> {
        let Act::Filter(spans) = &self.act else { return None };
        self.span_index(port).map(|at| &spans[at])
    }

    /// Whether it may do with one port what it does not with another.
    pub(super) fn tells_ports_apart(&self) -> bool {
        let Act::Filter(spans) = &self.act else { return false };
        !matches!(&**spans, [] | [Span { low: 0, high: u16::MAX, .. }])
    }

    /// Names something taken for granted here.
    pub(super) fn assume(mut self, code: &str, text: &str, gap: Option<Gap>) -> Self {
        self.assumptions.push(Assumption { code: code.into(), text: text.into() });
        self.assumed.extend(gap);
        self
    }

    /// The same stage where it is not known whether a packet meets it: what passes it passes, and what does
    /// not may.
    pub(super) fn perhaps(mut self, gap: &Gap) -> Self {
        let open = match &self.act {
            Act::Node => true,
            Act::Filter(spans) => {
                let ports: PortSet =
                    spans.iter().filter(|s| s.yes == Ends::All).map(|s| (s.low, s.high)).collect();
                if !ports.is_all() {
                    let all = spans.iter().filter(|s| s.yes == Ends::All).cloned();
                    let entry = Some(Arc::from(gap.why.as_str()));
                    let rest = PortSet::all().subtract(&ports);
                    let mut new: Vec<Span> = all.collect();
                    new.extend(rest.ranges().iter().map(|&(low, high)| Span {
                        low,
                        high,
                        ..Span::whole(Ends::None, Ends::All, entry.clone(), vec![gap.clone()])
                    }));
                    new.sort_by_key(|s| s.low);
                    self.act = Act::Filter(new.into());
                }
                true
            }
            Act::Reply(pieces, _) => {
                matches!(&pieces[..], [(Ends::All, ports)] if ports.is_all())
            }
        };
        if open { self } else { Self::unknown(self.layer, &self.id, vec![gap.clone()]) }
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
