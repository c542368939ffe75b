//! A world in which something else than the world itself speaks for things: opt-outs, names.

use crate::cleanup::{
    ActRequest, Acted, Health, Hello, ItemRef, Listing, Observed, Resource, World, WorldError,
};
use std::collections::BTreeMap;

/// What speaks for things.
pub(super) trait Mark {
    /// Makes sure that it speaks of now.
    ///
    /// # Errors
    /// It cannot be asked: then nobody knows what it would say.
    fn refresh(&mut self) -> Result<(), String>;

    /// Says what it has to say of one thing.
    fn mark(&self, thing: &mut Resource);
}

/// A world whose things are marked at each look, after the look: it may take its time.
pub(super) struct Marked<M> {
    pub(super) inner: Box<dyn World>,
    pub(super) mark: M,
}

impl<M: Mark> Marked<M> {
    fn refresh(&mut self, verb: &str) -> Result<(), WorldError> {
        self.mark.refresh().map_err(|why| WorldError { verb: verb.into(), why })
    }
}

impl<M: Mark> World for Marked<M> {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        self.inner.hello()
    }

    fn list(
        &mut self,
        scope: &str,
        selector: &BTreeMap<String, String>,
    ) -> Result<Listing, WorldError> {
        let mut listing = self.inner.list(scope, selector)?;
        self.refresh("list")?;
        listing.resources.iter_mut().for_each(|r| self.mark.mark(r));
        Ok(listing)
    }

    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        let mut seen = self.inner.observe(item)?;
        self.refresh("observe")?;
        if let Observed::Yes { resource } = &mut seen {
            self.mark.mark(resource);
        }
        Ok(seen)
    }

    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        self.inner.act(request)
    }

    fn undo(
        &mut self,
        request: &ActRequest,
        handed: &BTreeMap<String, String>,
    ) -> Result<Acted, WorldError> {
        self.inner.undo(request, handed)
    }

    fn health(&mut self) -> Result<Health, WorldError> {
        self.inner.health()
    }
}
