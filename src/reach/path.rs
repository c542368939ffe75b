use super::combine::{answered, retrace};
use super::index::Nic;
use super::span::Way;
use super::{Assumption, Decider, Hop, HopVerdict, Layer};
use crate::model::{AddressSet, PortSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A path through the configuration, hop by hop.
///
/// Most paths are never read: what judges an estate asks a few thousand of them for their hops, out
/// of a hundred thousand. So a path is the way that was walked and one of its ports, and the hops
/// are written when somebody asks.
#[derive(Clone)]
pub struct Path {
    told: OnceLock<Box<Told>>,
    walk: Option<Walk>,
    /// Where it is blocked and others of the same sources get through: the path of these.
    others: Option<Arc<Path>>,
}

/// What a path has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) hops: Vec<Hop>,
    pub(super) decided_by: Decider,
    /// Sorted.
    pub(super) assumptions: Arc<[Assumption]>,
}

/// What one port meets on a way.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    pub(super) way: Way,
    pub(super) asked: Arc<AddressSet>,
    pub(super) required: Arc<AddressSet>,
    pub(super) port: u16,
    pub(super) rename: Option<Arc<Rename>>,
}

/// The interface that a way was walked for, and the one of the same class that is spoken of.
#[derive(Debug)]
pub(super) struct Rename {
    from: Arc<str>,
    to: Arc<str>,
    host: Arc<str>,
}

impl Path {
    /// A path of these hops; `assumptions` are sorted.
    #[must_use]
    pub fn new(hops: Vec<Hop>, decided_by: Decider, assumptions: Arc<[Assumption]>) -> Self {
        let told = OnceLock::from(Box::new(Told { hops, decided_by, assumptions }));
        Self { told, walk: None, others: None }
    }

    /// The path of a walk, written when somebody asks.
    pub(super) fn of(walk: Walk) -> Self {
        Self { told: OnceLock::new(), walk: Some(walk), others: None }
    }

    /// The same path, told of another interface of the class.
    pub(super) fn renamed(&self, rename: &Arc<Rename>) -> Self {
        match &self.walk {
            Some(walk) => Self::of(Walk { rename: Some(Arc::clone(rename)), ..walk.clone() }),
            None => self.clone(),
        }
    }

    /// The same path, which keeps out some of the sources, beside one that others get through by.
    pub(super) fn beside(&self, others: &Arc<Path>) -> Self {
        Self { others: Some(Arc::clone(others)), ..self.clone() }
    }

    /// The port that it was walked for.
    pub(super) fn port(&self) -> u16 {
        self.walk.as_ref().map_or(0, |w| w.port)
    }

    fn told(&self) -> &Told {
        self.told.get_or_init(|| {
            let Some(walk) = &self.walk else {
                let internet =
                    Decider { layer: Layer::Internet, id: "internet".into(), entry: None };
                let assumptions = Arc::default();
                return Box::new(Told { hops: Vec::new(), decided_by: internet, assumptions });
            };
            let mut told = retrace(walk);
            if let Some(rename) = &walk.rename {
                rename.apply(&mut told);
            }
            Box::new(told)
        })
    }

    /// The components in the order a packet meets them, the last one what blocks where one does.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.told().hops
    }

    /// The component that decides.
    #[must_use]
    pub fn decided_by(&self) -> &Decider {
        &self.told().decided_by
    }

    /// The permission that lets in what arrives; `None` where no line on the way does. Of what passes in
    /// part [`Self::decided_by`] may be another, which keeps some clients out.
    #[must_use]
    pub fn opened_by(&self) -> Option<Decider> {
        if let Some(others) = &self.others {
            return others.opened_by();
        }
        let passes = |h: &&Hop| matches!(h.verdict, HopVerdict::Passes | HopVerdict::PartlyPasses);
        let mut hops = self.hops().iter().filter(passes).rev();
        let group = hops.clone().find(|h| h.layer == Layer::SecurityGroup);
        let hop = group.or_else(|| hops.find(|h| h.entry.is_some()))?;
        Some(Decider { layer: hop.layer, id: Arc::clone(&hop.id), entry: hop.entry.clone() })
    }

    /// The client ports that answers come back to.
    #[must_use]
    pub fn client_ports(&self) -> PortSet {
        self.walk.as_ref().map_or_else(PortSet::all, answered)
    }

    /// What is taken for granted on the way, sorted.
    #[must_use]
    pub fn assumptions(&self) -> &[Assumption] {
        &self.told().assumptions
    }
}

impl Rename {
    /// `None` where they are one.
    pub(super) fn new(from: &Nic<'_>, to: &Nic<'_>) -> Option<Arc<Self>> {
        (from.id() != to.id()).then(|| {
            Arc::new(Self {
                from: Arc::clone(&from.id_text),
                to: Arc::clone(&to.id_text),
                host: Arc::clone(&to.host_text),
            })
        })
    }

    fn apply(&self, told: &mut Told) {
        let one = |layer: Layer, id: &mut Arc<str>, entry: &mut Option<Arc<str>>| {
            match layer {
                Layer::Instance => *id = Arc::clone(&self.host),
                Layer::NetworkInterface => *id = Arc::clone(&self.to),
                _ => {}
            }
            if let Some(text) = entry
                && let Some(stem) = text.strip_suffix(&*self.from)
            {
                *text = format!("{stem}{}", self.to).into();
            }
        };
        for hop in &mut told.hops {
            one(hop.layer, &mut hop.id, &mut hop.entry);
        }
        let decider = &mut told.decided_by;
        one(decider.layer, &mut decider.id, &mut decider.entry);
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.told() == other.told() && self.others == other.others
    }
}

impl Eq for Path {}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Path")
            .field("hops", &self.hops())
            .field("decided_by", self.decided_by())
            .field("assumptions", &self.assumptions())
            .finish()
    }
}
