//! Whether taking an act back would open what the spec does not want open.

use super::opening::{Opening, Opens, add_permission, names, region};
use crate::cleanup::receipt::Receipted;
use crate::cleanup::{Reason, Refusal, aws};
use crate::snapshot::{Interface, Snapshot};
use crate::spec::Spec;
use serde_json::json;
use std::collections::BTreeSet;

/// Whether taking it back can let anybody in who is kept out now. What answers go out by (egress),
/// volumes, tags, and targets of a balancer that is there all the while, do not.
#[must_use]
pub fn may_open(it: &Receipted) -> bool {
    match (it.item.kind.as_str(), it.undo.as_deref()) {
        (aws::PERMISSION, Some("authorize")) => {
            it.immutable.get("direction").map(String::as_str) != Some("egress")
        }
        (aws::INSTANCE, Some(undo)) => matches!(undo, "start" | "rejoin"),
        (aws::INTERFACE, Some(undo)) => undo == "attach",
        _ => false,
    }
}

/// Judges an undo by what can be reached with it and without it, and gives the account as it will be.
///
/// # Errors
/// [`Reason::Exposes`]: it would open what the spec forbids, or what nobody declared for the
/// internet; or nobody can say.
pub fn reopens(spec: &Spec, now: &Snapshot, it: &Receipted) -> Result<Snapshot, Refusal> {
    let undo = it.undo.as_deref().unwrap_or("taking it back");
    let no = |says: String| Refusal::of(Reason::Exposes, it.item.clone(), says);
    let mut then = now.clone();
    let touched = take_back(&mut then, it).ok_or_else(|| {
        no(format!("what {undo} would open nobody can say: not all of it is there"))
    })?;
    Opening::new(spec, now, None).judge(&then, &touched, undo).map_err(|why| match why {
        Opens::Unwanted(says) => {
            no(format!("{says}: it goes back once people agreed to that in the spec"))
        }
        Opens::Unknown(says) => no(says),
    })?;
    Ok(then)
}

/// Changes a snapshot as the undo would change the account, and names the interfaces that it touches.
/// `None` where something of it is not there.
fn take_back(snapshot: &mut Snapshot, it: &Receipted) -> Option<BTreeSet<String>> {
    let id = it.item.id.as_str();
    match it.undo.as_deref()? {
        "authorize" => add_permission(snapshot, &it.immutable),
        "rejoin" => {
            let view = region(snapshot, |v| v.instances.iter().any(|i| i.instance_id == id))?;
            let mut touched = BTreeSet::new();
            for (name, groups) in it.handed.iter().filter(|(k, _)| k.starts_with("eni-")) {
                let mut all = view.network_interfaces.iter_mut();
                let interface = all.find(|i| i.network_interface_id == *name)?;
                let groups: Vec<_> =
                    groups.split_whitespace().map(|g| json!({"GroupId": g})).collect();
                interface.groups = serde_json::from_value(groups.into()).ok()?;
                touched.insert(name.clone());
            }
            (!touched.is_empty()).then_some(touched)
        }
        "start" => {
            let view = region(snapshot, |v| v.instances.iter().any(|i| i.instance_id == id))?;
            view.instances.iter_mut().find(|i| i.instance_id == id)?.state.name = "running".into();
            let of = |i: &&Interface| {
                i.attachment.as_ref().and_then(|a| a.instance_id.as_deref()) == Some(id)
            };
            Some(names(view.network_interfaces.iter().filter(of)))
        }
        "attach" => {
            let instance = it.handed.get("instance")?;
            let is = |i: &Interface| i.network_interface_id == id;
            let view = region(snapshot, |v| v.network_interfaces.iter().any(is))?;
            let interface = view.network_interfaces.iter_mut().find(|i| is(i))?;
            let attachment = json!({"InstanceId": instance, "Status": "attached"});
            interface.attachment = serde_json::from_value(attachment).ok()?;
            interface.status = Some("in-use".into());
            Some(BTreeSet::from([id.to_owned()]))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "reopen_tests.rs"]
mod tests;
