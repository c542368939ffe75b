use super::combine::Decision;
use super::engine::{is_internet, required, whole_family};
use super::span::Stage;
use crate::model::{AddressSet, Family, PortSet, Protocol};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What was asked before and may be asked again. Threads that ask the same thing at once may both
/// work it out: it comes to the same.
#[derive(Debug, Default)]
pub(super) struct Memory<'a> {
    sources: RwLock<BTreeMap<AddressSet, Arc<Asked>>>,
    frames: RwLock<BTreeMap<FrameKey<'a>, Arc<Frame>>>,
    /// The blocks of our VPCs, which are no part of the internet.
    ours: AddressSet,
    /// By class.
    answers: Vec<Mutex<Vec<(AnswerKey, Arc<Answer>)>>>,
}

/// Subnet, number of the sources, protocol and family.
type FrameKey<'a> = (&'a str, u32, Protocol, Family);

/// Number of the sources, protocol and family.
type AnswerKey = (u32, Protocol, Family);

/// A partition of all ports.
pub(super) type Answer = [(PortSet, Decision)];

/// What stands between the internet and every interface of a subnet, and behind it on the way back.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) before: Vec<Arc<Stage>>,
    pub(super) behind: Vec<Arc<Stage>>,
}

/// Sources, taken apart once.
#[derive(Debug)]
pub(super) struct Asked {
    /// `None` where they are not remembered.
    pub(super) number: Option<u32>,
    v4: Side,
    v6: Side,
}

/// The sources of one family.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) all: Arc<AddressSet>,
    pub(super) outside: Arc<AddressSet>,
    pub(super) private: Arc<AddressSet>,
    /// Whether they mean the whole internet.
    pub(super) internet: bool,
    /// Whether they are so many that ours are none of them.
    pub(super) everybody: bool,
    /// Those outside that must pass for *permitted*.
    pub(super) required: Arc<AddressSet>,
    /// Every address of the family: how "from anywhere" is written.
    pub(super) anywhere: Arc<AddressSet>,
}

impl Asked {
    fn new(number: Option<u32>, from: &AddressSet, ours: &AddressSet) -> Self {
        let side = |family| Side::new(from, family, ours);
        Self { number, v4: side(Family::V4), v6: side(Family::V6) }
    }

    pub(super) fn side(&self, family: Family) -> &Side {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }
}

impl Side {
    fn new(from: &AddressSet, family: Family, ours: &AddressSet) -> Self {
        let all = from.of_family(family);
        let everything = AddressSet::outside();
        let outside = all.intersect(&everything);
        let everybody = is_everybody(&all, family);
        let strangers = |set: AddressSet| if everybody { set.subtract(ours) } else { set };
        Self {
            internet: is_internet(&all, family),
            everybody,
            required: Arc::new(strangers(required(&outside, family))),
            private: Arc::new(all.subtract(&everything)),
            outside: Arc::new(strangers(outside)),
            all: Arc::new(all),
            anywhere: Arc::new(whole_family(family)),
        }
    }
}

/// Whether sources of a family are so many that ours among them change nothing: the internet, or what is
/// left of it without a partner's network.
fn is_everybody(all: &AddressSet, family: Family) -> bool {
    is_internet(all, family)
        || AddressSet::outside().is_superset(all)
            && all.size() > AddressSet::public().of_family(family).size() / 2
}

impl<'a> Memory<'a> {
    pub(super) fn new(classes: usize, ours: AddressSet) -> Self {
        Self {
            ours,
            answers: std::iter::repeat_with(Mutex::default).take(classes).collect(),
            ..Self::default()
        }
    }

    /// Frees answers; what is small stays.
    pub(super) fn forget(&self) {
        for answers in &self.answers {
            *answers.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
        }
    }

    /// The sources, taken apart.
    pub(super) fn sources(&self, from: &AddressSet) -> Arc<Asked> {
        let known = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = known.get(from) {
            return Arc::clone(asked);
        }
        drop(known);
        let mut known = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(known.len()).ok();
        let asked = known
            .entry(from.clone())
            .or_insert_with(|| Arc::new(Asked::new(next, from, &self.ours)));
        Arc::clone(asked)
    }

    /// Sources that nobody asks for again.
    pub(super) fn some(&self, from: &AddressSet) -> Asked {
        Asked::new(None, from, &self.ours)
    }

    /// The answer of a class, made by `make` where it is not known.
    pub(super) fn answer(
        &self,
        class: u32,
        asked: &Asked,
        protocol: Protocol,
        family: Family,
        make: impl FnOnce() -> Vec<(PortSet, Decision)>,
    ) -> Arc<Answer> {
        let Some(number) = asked.number else { return make().into() };
        let key = (number, protocol, family);
        let answers = &self.answers[class as usize];
        let known = answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = known.iter().find(|(k, _)| *k == key) {
            return Arc::clone(answer);
        }
        drop(known);
        let answer: Arc<Answer> = make().into();
        let mut known = answers.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((key, Arc::clone(&answer)));
        answer
    }

    /// The frame of a subnet, made by `make` where it is not known.
    pub(super) fn frame(
        &self,
        subnet: &'a str,
        asked: &Asked,
        protocol: Protocol,
        family: Family,
        make: impl FnOnce() -> Frame,
    ) -> Arc<Frame> {
        let Some(number) = asked.number else { return Arc::new(make()) };
        let key = (subnet, number, protocol, family);
        let known = self.frames.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = known.get(&key) {
            return Arc::clone(frame);
        }
        drop(known);
        let frame = Arc::new(make());
        let mut known = self.frames.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_insert(frame))
    }
}
