use super::hello::no_answer;
use super::run::Run;
use crate::cleanup::plan::Item;
use crate::cleanup::{ItemRef, Observed, Reason, Refusal, Resource};
use std::collections::BTreeSet;

/// Most things below one item that are looked at; more is more than anybody agreed to.
const MOST: usize = 1000;

impl Run<'_> {
    /// Why something that an item contains keeps it from being acted on: it lives, or nobody can say.
    pub(super) fn descendants(
        &mut self,
        item: &Item,
        resource: &Resource,
    ) -> Result<Option<Refusal>, Refusal> {
        let no = |says: String| Ok(Some(Refusal::of(Reason::LiveDescendant, item.item(), says)));
        let mut seen: BTreeSet<ItemRef> = BTreeSet::from([item.item()]);
        let mut left: Vec<ItemRef> = resource.children.clone();
        while let Some(child) = left.pop() {
            if !seen.insert(child.clone()) {
                continue;
            }
            if seen.len() > MOST {
                return no(format!("more than {MOST} things are below it"));
            }
            match self.world.observe(&child).map_err(|e| no_answer(&e))? {
                Observed::No => {}
                Observed::Unknown { why } => {
                    return no(format!("whether its {child} lives nobody can say: {why}"));
                }
                Observed::Yes { resource } => {
                    if let Some(it) = resource.live.first() {
                        return no(format!("its {child} lives: {}, says {}", it.kind, it.source));
                    }
                    if let Some(it) = resource.protected.first() {
                        return no(format!("its {child} is protected: {}", it.kind));
                    }
                    if let Some(what) = resource.unknown.first() {
                        return no(format!("whether its {child} lives nobody can say: {what}"));
                    }
                    left.extend(resource.children);
                }
            }
        }
        Ok(None)
    }
}
