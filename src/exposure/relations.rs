use super::cell::Declared;
use super::declared::Declaration;
use super::source::Source;
use super::traffic::Traffic;
use crate::model::{AddressSet, PortSet, SourceName};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// How one source lies to the others.
pub(super) struct Relations {
    /// Sources that contain it.
    pub(super) broader: BTreeSet<usize>,
    /// Sources that share clients with it without containing it.
    pub(super) overlapping: BTreeSet<usize>,
    /// `internet`, for a source with clients inside our networks: no permission that lets everybody in
    /// keeps those out, so what is open to the internet by declaration is open to them.
    pub(super) everybody: Option<usize>,
}

impl Relations {
    pub(super) fn of(sources: &[Source], i: usize) -> Self {
        let (mut broader, mut overlapping) = (BTreeSet::new(), BTreeSet::new());
        for (j, other) in sources.iter().enumerate().filter(|(j, _)| *j != i) {
            if other.clients.is_superset(&sources[i].clients) {
                broader.insert(j);
            } else if other.clients.intersects(&sources[i].clients) {
                overlapping.insert(j);
            }
        }
        let internet = sources.iter().position(|s| s.name == SourceName::Internet);
        let everybody = internet.filter(|j| *j != i && !broader.contains(j));
        Self { broader, overlapping, everybody }
    }

    /// Whether it is open to this source because it is declared for everybody.
    pub(super) fn for_everybody(&self, d: &Declaration) -> bool {
        self.everybody == Some(d.source)
            && matches!(d.declared, Declared::Required | Declared::Allowed)
    }
}

/// What is declared for sources that share clients with this one without containing it.
pub(super) fn narrower<'a>(
    sources: &'a [Source],
    relations: &'a Relations,
    declared: &'a [Declaration],
    traffic: Traffic,
) -> impl Iterator<Item = (Cow<'a, PortSet>, &'a AddressSet)> {
    declared
        .iter()
        .filter(move |d| {
            d.speaks_of(traffic)
                && matches!(d.declared, Declared::Required | Declared::Allowed)
                && relations.overlapping.contains(&d.source)
        })
        .map(move |d| (Cow::Borrowed(&d.ports), &sources[d.source].clients))
}
