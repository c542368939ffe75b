use super::hello::no_answer;
use super::{LiveLook, Looked};
use crate::cleanup::plan::Item;
use crate::cleanup::{
    Act, Guard, Guards, Hello, ItemRef, Observed, Reason, Refusal, Resource, World, recheck, row,
};
use std::collections::BTreeSet;

/// Most things below one item that are looked at; more is more than anybody agreed to.
const MOST: usize = 1000;

/// An act that nothing speaks against, the thing as it is now, and the channels that showed no life of it;
/// or why it is left out.
pub(in crate::apply) type Fit = Result<(Act, Resource, Vec<String>), Refusal>;

/// What an item is looked at with, a moment before its act.
pub(in crate::apply) struct Eyes<'a> {
    pub(in crate::apply) world: &'a mut dyn World,
    pub(in crate::apply) live: &'a mut dyn LiveLook,
    pub(in crate::apply) hello: &'a Hello,
    pub(in crate::apply) guards: Guards,
}

impl Eyes<'_> {
    /// Looks at an item again, in every way there is. The inner no leaves it out.
    pub(in crate::apply) fn look(&mut self, item: &Item) -> Result<Fit, Refusal> {
        let no = |reason, says: &str| Ok(Err(Refusal::of(reason, item.item(), says)));
        let act = match row(item, self.hello) {
            Ok(act) => act.clone(),
            Err(why) if self.guards.has(Guard::Width) => return Ok(Err(why)),
            Err(_) => Act {
                action: item.action.clone(),
                kind: item.kind.clone(),
                undo: item.undo.clone(),
                risk: item.risk,
                identity: item.immutable.keys().cloned().collect(),
                precondition: false,
                changes: Vec::new(),
                rehearsed: false,
            },
        };
        let resource = match self.world.observe(&item.item()).map_err(|e| no_answer(&e))? {
            Observed::Yes { resource } => *resource,
            Observed::No => return no(Reason::Gone, "it is not there any more"),
            Observed::Unknown { why } => return no(Reason::Unknown, &why),
        };
        if let Err(why) = recheck(item, &act, &resource, self.guards) {
            return Ok(Err(why));
        }
        if self.guards.has(Guard::Descendant)
            && let Some(why) = self.descendants(item, &resource)?
        {
            return Ok(Err(why));
        }
        match self.live.look(item, &resource) {
            Looked::Alive(claim) if self.guards.has(Guard::CameAlive) => {
                let says = format!("{}, says {}", claim.kind, claim.source);
                no(Reason::CameAlive, &says)
            }
            Looked::Unknown(why) if self.guards.has(Guard::UnknownItem) => {
                no(Reason::Unknown, &why)
            }
            Looked::Silent(channels) => Ok(Ok((act, resource, channels))),
            Looked::Alive(_) | Looked::Unknown(_) => Ok(Ok((act, resource, Vec::new()))),
        }
    }

    /// Why something that an item contains keeps it from being acted on: it lives, or nobody can say.
    fn descendants(
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
