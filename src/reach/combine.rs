use super::path::{Told, Walk};
use super::span::{Act, Ends, Span, Stage, Way};
use super::{ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Path, Verdict};
use crate::model::{AddressSet, Gap, PortSet};
use std::sync::{Arc, LazyLock};

/// What a way does with one set of destination ports.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// Ends that pass for sure, whatever their client ports.
    pub(super) yes: Arc<AddressSet>,
    /// Ends that pass for sure or may.
    pub(super) maybe: Arc<AddressSet>,
    /// Those that get an answer, where the verdict is *partly*.
    clients: Option<Arc<ClientSet>>,
    pub(super) gaps: Arc<[Gap]>,
    pub(super) path: Arc<Path>,
    /// Stages that were walked.
    pub(super) depth: usize,
    marks: u128,
}

impl Decision {
    /// As the answer that other layers see.
    pub(super) fn configured(&self) -> Configured {
        self.along(Arc::clone(&self.path))
    }

    /// The same answer along another path of the same shape.
    pub(super) fn along(&self, path: Arc<Path>) -> Configured {
        match (self.verdict, &self.clients) {
            (Verdict::Permitted, _) => Configured::Permitted(path),
            (Verdict::Partly, Some(clients)) => Configured::Partly(path, Arc::clone(clients)),
            (Verdict::Blocked, _) => Configured::Blocked(path),
            (Verdict::Unknown | Verdict::Partly, _) => {
                Configured::Unknown(path, Arc::clone(&self.gaps))
            }
            (Verdict::NotApplicable, _) => Configured::NotApplicable,
        }
    }
}

static EPHEMERAL: LazyLock<PortSet> = LazyLock::new(|| PortSet::range(1024, u16::MAX));

/// Client ports an answer may go to: what systems choose from (Linux 32768 to 60999, Windows 49152
/// to 65535, NAT gateways and network load balancers 1024 to 65535), taken together.
pub(super) fn ephemeral() -> &'static PortSet {
    &EPHEMERAL
}

/// Whether answers come back to every port that clients choose from.
fn has_usual(ports: &PortSet) -> bool {
    ports.is_superset(ephemeral())
}

/// Walks the stages for every port of `ports`; the parts are sorted, disjoint and maximal.
///
/// `asked` are the ends in question, `required` those that must pass for *permitted*.
pub(super) fn combine(
    way: &Way,
    asked: &Arc<AddressSet>,
    required: &Arc<AddressSet>,
    ports: &PortSet,
) -> Vec<(PortSet, Decision)> {
    // What stands before the first stage that tells ports apart is walked once.
    let first = way.iter().position(|s| s.tells_ports_apart()).unwrap_or(way.len());
    let start = State::new(asked, required).walked(&way[..first], required, 0);
    let rest = if start.blocked { &[] } else { &way[first..] };
    let mut known: Vec<(Vec<Option<usize>>, usize)> = Vec::new();
    let mut out: Vec<(Vec<(u16, u16)>, Decision)> = Vec::new();
    for (low, high) in pieces(way, ports) {
        let met: Vec<Option<usize>> = rest.iter().map(|s| s.span_index(low)).collect();
        if let Some((_, at)) = known.iter().find(|(k, _)| *k == met) {
            out[*at].0.push((low, high));
            continue;
        }
        let state = start.clone().walked(rest, required, low);
        let decision = state.decide(way, asked, required, low);
        let same = |d: &Decision| alike(way, (d, d.port()), (&decision, low));
        let at = match out.iter().position(|(_, d)| same(d)) {
            Some(at) => {
                out[at].0.push((low, high));
                at
            }
            None => {
                out.push((vec![(low, high)], decision));
                out.len() - 1
            }
        };
        known.push((met, at));
    }
    out.into_iter().map(|(ranges, d)| (ranges.into_iter().collect(), d)).collect()
}

/// Whether two walks of one way come to the same answer by the same words.
fn alike(way: &Way, (a, p): (&Decision, u16), (b, q): (&Decision, u16)) -> bool {
    let fields = a.verdict == b.verdict
        && a.depth == b.depth
        && a.marks == b.marks
        && a.yes == b.yes
        && a.maybe == b.maybe
        && a.clients == b.clients
        && a.gaps == b.gaps;
    if !fields {
        return false;
    }
    if way.len() > MOST_MARKS {
        return a.path == b.path;
    }
    way[..a.depth].iter().enumerate().all(|(at, stage)| {
        let (Some(s), Some(t)) = (stage.span(p), stage.span(q)) else {
            return stage.span(p).is_none() == stage.span(q).is_none() || a.path == b.path;
        };
        // Where nothing passes, the stage's own words stand unless the span has a decider.
        let blocks = a.verdict == Verdict::Blocked && at + 1 == a.depth;
        let silent = |s: &Span| blocks && s.decider().is_none();
        std::ptr::eq(s, t)
            || (s.decider() == t.decider()
                && s.inner() == t.inner()
                && s.assumptions() == t.assumptions()
                && (silent(s) || s.owner() == t.owner())
                && (silent(s) || s.entry == t.entry))
    })
}

/// The largest ranges within which every stage decides alike.
fn pieces(stages: &[Arc<Stage>], ports: &PortSet) -> Vec<(u16, u16)> {
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

/// Stages whose verdicts fit into the marks of a decision.
const MOST_MARKS: usize = 64;

/// How far a walk has come.
#[derive(Debug, Clone)]
struct State {
    yes: Arc<AddressSet>,
    maybe: Arc<AddressSet>,
    /// Which ends have which client ports left; `None` as long as all have all.
    replies: Option<Vec<(Arc<AddressSet>, PortSet)>>,
    asked: Arc<AddressSet>,
    /// Whether all that must pass was asked about.
    whole: bool,
    gaps: Vec<Gap>,
    depth: usize,
    /// The verdict of each stage, two bits each.
    marks: u128,
    blocked: bool,
}

impl State {
    fn new(asked: &Arc<AddressSet>, required: &AddressSet) -> Self {
        Self {
            yes: Arc::clone(asked),
            maybe: Arc::clone(asked),
            replies: None,
            asked: Arc::clone(asked),
            whole: asked.is_superset(required),
            gaps: Vec::new(),
            depth: 0,
            marks: 0,
            blocked: false,
        }
    }

    /// Goes on through `stages` until one blocks.
    fn walked(mut self, stages: &[Arc<Stage>], required: &AddressSet, port: u16) -> Self {
        for stage in stages {
            if self.blocked {
                break;
            }
            self.step(stage, required, port);
        }
        self
    }

    /// Whether the set holds all that must pass; what was asked about is known to, or not to.
    fn covers(&self, set: &Arc<AddressSet>, required: &AddressSet) -> bool {
        if Arc::ptr_eq(set, &self.asked) { self.whole } else { set.is_superset(required) }
    }

    /// One port through one stage.
    fn step(&mut self, stage: &Stage, required: &AddressSet, port: u16) -> HopVerdict {
        let verdict = match &stage.act {
            Act::Node => HopVerdict::Passes,
            Act::Filter(_) => self.filter(stage.span(port), required),
            Act::Reply(pieces, _) => self.reply(pieces, required),
        };
        if self.depth < MOST_MARKS {
            self.marks |= (verdict as u128) << (2 * self.depth);
        }
        self.depth += 1;
        self.blocked = verdict == HopVerdict::Blocks;
        verdict
    }

    fn filter(&mut self, span: Option<&Span>, required: &AddressSet) -> HopVerdict {
        let Some(span) = span else {
            (self.yes, self.maybe) = Default::default();
            return HopVerdict::Blocks;
        };
        // What passes here for sure, of all that may have come this far.
        let sure = span.yes.meet(&self.maybe);
        let maybe =
            if span.yes.is(&span.maybe) { Arc::clone(&sure) } else { span.maybe.meet(&self.maybe) };
        let yes = if Arc::ptr_eq(&self.yes, &self.maybe) {
            Arc::clone(&sure)
        } else {
            span.yes.meet(&self.yes)
        };
        // What an earlier stage took away is not this one's doing.
        let keeps = |before: &Arc<AddressSet>| {
            Arc::ptr_eq(before, &sure) || sure.is_superset(&before.intersect(required))
        };
        let verdict = if maybe.is_empty() {
            HopVerdict::Blocks
        } else if self.covers(&sure, required) || keeps(&self.maybe) {
            HopVerdict::Passes
        } else if !Arc::ptr_eq(&sure, &maybe) && sure != maybe {
            self.gaps.extend(span.gaps().iter().cloned());
            HopVerdict::Unknown
        } else {
            HopVerdict::PartlyPasses
        };
        (self.yes, self.maybe) = (yes, maybe);
        verdict
    }

    fn reply(&mut self, pieces: &[(Ends, PortSet)], required: &AddressSet) -> HopVerdict {
        if let [(Ends::All, ports)] = pieces
            && ports.is_superset(ephemeral())
        {
            // Which ends pass stays as it is; of what few clients use some may go.
            if !ports.is_all() {
                let asked = &self.asked;
                let all = || vec![(Arc::clone(asked), PortSet::all())];
                let replies = self.replies.get_or_insert_with(all);
                replies.iter_mut().for_each(|(_, have)| *have = have.intersect(ports));
            }
            let any = !self.maybe.is_empty();
            return if any { HopVerdict::Passes } else { HopVerdict::Blocks };
        }
        let (asked, had_all) = (required.intersect(&self.maybe), self.full());
        let before =
            self.replies.take().unwrap_or_else(|| vec![(Arc::clone(&self.asked), PortSet::all())]);
        let mut next = Vec::new();
        for (ends, ports) in pieces {
            for (set, before) in &before {
                let set = ends.meet(set);
                let both = ports.intersect(before);
                if !set.is_empty() && both.intersects(ephemeral()) {
                    next.push((set, both));
                }
            }
        }
        let some = union(next.iter().map(|(s, _)| s));
        let full = union(next.iter().filter(|(_, p)| has_usual(p)).map(|(s, _)| s));
        self.replies = Some(next);
        let keeps = some.is_superset(&asked) && full.is_superset(&asked.intersect(&had_all));
        let some = Ends::of(some);
        (self.yes, self.maybe) = (some.meet(&self.yes), some.meet(&self.maybe));
        if self.maybe.is_empty() {
            HopVerdict::Blocks
        } else if keeps {
            HopVerdict::Passes
        } else {
            HopVerdict::PartlyPasses
        }
    }

    fn verdict(&self, required: &AddressSet, full: &Arc<AddressSet>) -> Verdict {
        if self.maybe.is_empty() {
            Verdict::Blocked
        } else if self.covers(&self.yes, required) && self.covers(full, required) {
            Verdict::Permitted
        } else if Arc::ptr_eq(&self.yes, &self.maybe) || self.yes == self.maybe {
            Verdict::Partly
        } else {
            Verdict::Unknown
        }
    }

    /// Ends that have every client port left.
    fn full(&self) -> Arc<AddressSet> {
        match &self.replies {
            None => Arc::clone(&self.asked),
            Some(replies)
                if let [(all, ports)] = &replies[..]
                    && has_usual(ports) =>
            {
                Arc::clone(all)
            }
            Some(replies) => {
                let full = replies.iter().filter(|(_, p)| has_usual(p)).map(|(s, _)| s);
                Arc::new(union(full))
            }
        }
    }

    fn decide(
        mut self,
        way: &Way,
        asked: &Arc<AddressSet>,
        required: &Arc<AddressSet>,
        port: u16,
    ) -> Decision {
        let full = self.full();
        let verdict = self.verdict(required, &full);
        let mut gaps = std::mem::take(&mut self.gaps);
        if verdict != Verdict::Unknown {
            gaps.clear();
        }
        gaps.sort();
        gaps.dedup();
        let clients = (verdict == Verdict::Partly).then(|| {
            let ports = match &self.replies {
                None => PortSet::all(),
                Some(replies) => client_ports(replies, &self.yes),
            };
            Arc::new(ClientSet { addresses: (*self.yes).clone(), ports })
        });
        let path = Path::of(Walk {
            way: Arc::clone(way),
            asked: Arc::clone(asked),
            required: Arc::clone(required),
            port,
            rename: None,
        });
        let Self { yes, maybe, depth, marks, .. } = self;
        let (gaps, path) = (gaps.into(), Arc::new(path));
        Decision { verdict, yes, maybe, clients, gaps, path, depth, marks }
    }
}

impl Decision {
    /// A port of the part that it was made for.
    fn port(&self) -> u16 {
        self.path.port()
    }
}

/// The client ports that a way lets answers out to.
pub(super) fn answered(walk: &Walk) -> PortSet {
    let Walk { way, asked, required, port, rename: _ } = walk;
    let state = State::new(asked, required).walked(way, required, *port);
    let replies = state.replies.as_ref().filter(|_| !state.blocked);
    replies.map_or_else(PortSet::all, |replies| client_ports(replies, &state.yes))
}

/// Walks a way once more for one port, and tells what it meets.
pub(super) fn retrace(walk: &Walk) -> Told {
    let Walk { way, asked, required, port, rename: _ } = walk;
    let mut state = State::new(asked, required);
    let mut hops: Vec<Hop> = Vec::with_capacity(way.len());
    let mut deciders: Vec<Option<Decider>> = Vec::with_capacity(way.len());
    let mut assumptions = Vec::new();
    for stage in way.iter() {
        assumptions.extend(stage.assumptions.iter().cloned());
        let verdict = state.step(stage, required, *port);
        let blocks = verdict == HopVerdict::Blocks;
        let span = stage.span(*port);
        assumptions.extend(span.iter().flat_map(|s| s.assumptions().iter().cloned()));
        let entry = match &stage.act {
            // What is only taken for granted must not read as if it had been seen.
            Act::Node => {
                let taken = stage.assumptions.first();
                taken.map(|a| Arc::from(format!("assumed: {}", a.text)))
            }
            Act::Filter(_) => match span {
                Some(s) if !blocks || s.decider().is_some() => s.entry.clone(),
                _ => Some(Arc::clone(&stage.absent)),
            },
            Act::Reply(_, _) if blocks => Some(Arc::clone(&stage.absent)),
            Act::Reply(_, entry) => entry.clone(),
        };
        let owner = span.and_then(Span::owner).filter(|_| !blocks);
        hops.push(Hop {
            layer: stage.layer,
            id: Arc::clone(owner.unwrap_or(&stage.id)),
            entry: entry.filter(|e| !e.is_empty()),
            verdict,
        });
        deciders.push(span.and_then(|s| match s.cut() {
            // Of what passes in part, the line that keeps the others out is what people look for.
            Some(line) if verdict == HopVerdict::PartlyPasses => Some(Decider {
                layer: stage.layer,
                id: Arc::clone(&stage.id),
                entry: Some(Arc::clone(line)),
            }),
            _ => s.decider().cloned(),
        }));
        if let Some(span) = span {
            hops.extend(span.inner().iter().cloned());
            deciders.resize(hops.len(), None);
        }
        if blocks {
            break;
        }
    }
    assumptions.sort();
    assumptions.dedup();
    let verdict = state.verdict(required, &state.full());
    let decided_by = decider(verdict, &hops, &deciders);
    Told { hops, decided_by, assumptions: assumptions.into() }
}

/// Client ports that every end that passes can use; those any can, where none is common.
fn client_ports(replies: &[(Arc<AddressSet>, PortSet)], yes: &AddressSet) -> PortSet {
    let used: Vec<&PortSet> =
        replies.iter().filter(|(s, _)| s.intersects(yes)).map(|(_, p)| p).collect();
    let common = used.iter().fold(PortSet::all(), |all, p| all.intersect(p));
    if common.intersects(ephemeral()) {
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
