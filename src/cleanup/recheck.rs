use super::plan::{self, Item};
use super::{Act, Guard, Guards, Hello, Reason, Refusal, Resource};
use std::collections::BTreeMap;

/// The state's field that says which of several a thing is: `primary`, `secondary`.
pub const ROLE: &str = "role";

/// The state's field that says what an act opens, and to whom: people agree to that, and an act that
/// would open something else is of a changed thing.
pub const OPENS: &str = "opens";

/// The state's field that says whose plan condemned a thing: its owner sees it, and takes it off to
/// object.
pub const CONDEMNED: &str = "condemned";

/// Whether a thing, as it is a moment before the act, is still what people agreed to.
///
/// The order is that of what weighs most: another thing, a protected one, a live one, one that nobody
/// knows enough about, one of another role, a changed one, one whose evidence is not there any more.
///
/// # Errors
/// The first that holds, about the item. [`Reason::CameAlive`] holds its whole stratum.
pub fn recheck(item: &Item, act: &Act, now: &Resource, guards: Guards) -> Result<(), Refusal> {
    let no = |reason, says: String| Err(Refusal::of(reason, item.item(), says));
    if guards.has(Guard::Width) && now.item() != item.item() {
        return no(
            Reason::ActOutsidePlan,
            format!("asked for it, the adapter shows {}", now.item()),
        );
    }
    if guards.has(Guard::Identity) {
        if act.identity.is_empty() {
            return no(Reason::IdentityChanged, "nothing tells it from another".into());
        }
        for field in &act.identity {
            let (was, is) = (item.immutable.get(field), now.immutable.get(field));
            if was.is_none() || was != is {
                return no(Reason::IdentityChanged, change(field, was, is));
            }
        }
    }
    if guards.has(Guard::Protected)
        && let Some(it) = now.protected.first()
    {
        return no(Reason::Protected, format!("{}, says {}", it.kind, it.source));
    }
    if guards.has(Guard::Protected)
        && let Some(says) = objected(&item.state, &now.state)
    {
        return no(Reason::Protected, says);
    }
    if guards.has(Guard::CameAlive)
        && let Some(it) = now.live.first()
    {
        return no(Reason::CameAlive, format!("{}, says {}", it.kind, it.source));
    }
    // What could not be read is no change: it would show as a field without a value.
    if guards.has(Guard::UnknownItem)
        && let Some(what) = now.unknown.first()
    {
        return no(Reason::Unknown, what.clone());
    }
    if guards.has(Guard::Role) && item.state.get(ROLE) != now.state.get(ROLE) {
        let says = change(ROLE, item.state.get(ROLE), now.state.get(ROLE));
        return no(Reason::RoleMismatch, says);
    }
    if guards.has(Guard::State)
        && let Some(says) = differs(&item.state, &now.state)
    {
        return no(Reason::StateChanged, says);
    }
    // Of one that has changed that says more than what follows from it.
    if guards.has(Guard::StillDead)
        && let Some(says) = plan::lost(item, now)
    {
        return no(Reason::Unknown, says);
    }
    Ok(())
}

/// That somebody took the mark off a thing that is condemned, which is an objection.
pub(super) fn objected(
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
) -> Option<String> {
    let marked =
        |state: &BTreeMap<String, String>| state.get(CONDEMNED).is_some_and(|m| !m.is_empty());
    (marked(was) && !marked(is)).then(|| "its mark was taken off: somebody objects".into())
}

/// The first field in which two states differ, in words.
pub(crate) fn differs(
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
) -> Option<String> {
    let differ = |f: &&String| was.get(*f) != is.get(*f);
    let field = was.keys().chain(is.keys()).filter(differ).min()?;
    Some(change(field, was.get(field), is.get(field)))
}

/// The row of the adapter's table by which an item is acted on.
///
/// # Errors
/// None, or one that is not what people agreed to: another undo, another risk.
pub fn row<'a>(item: &Item, hello: &'a Hello) -> Result<&'a Act, Refusal> {
    let no = |says: String| Refusal::of(Reason::NoSuchAct, item.item(), says);
    let found = hello.acts.iter().find(|a| a.action == item.action && a.kind == item.kind);
    let Some(act) = found else {
        return Err(no(format!("the adapter {} has no act {} for it", hello.adapter, item.action)));
    };
    if act.undo != item.undo || act.risk != item.risk {
        return Err(no(format!(
            "the adapter's act {} is {:?} and undone by {:?}; planned was {:?}, undone by {:?}",
            act.action, act.risk, act.undo, item.risk, item.undo
        )));
    }
    Ok(act)
}

fn change(field: &str, was: Option<&String>, is: Option<&String>) -> String {
    let shown = |value: Option<&String>| value.map_or("nothing".to_owned(), |v| format!("{v:?}"));
    format!("{field} was {} and is {}", shown(was), shown(is))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A list that was denied shows as a field without a value.
    #[test]
    fn what_could_not_be_read_is_unknown_and_no_change() {
        let text = |value| serde_json::from_value::<BTreeMap<String, String>>(value);
        let item = json!({
            "n": 1, "type": "t", "id": "one", "immutable": {"uuid": "u"}, "stratum": 1,
            "state_sha256": crate::cleanup::Digest::of(b""), "state": {"interfaces": "eni-1"},
            "action": "stop", "undo": "start", "risk": "reversible", "dead": [], "live_checked": [],
        });
        let item: Item = serde_json::from_value(item).expect("an item");
        let act = json!({
            "action": "stop", "type": "t", "undo": "start", "risk": "reversible",
            "identity": ["uuid"],
        });
        let act: Act = serde_json::from_value(act).expect("an act");
        let now = json!({
            "type": "t", "id": "one", "immutable": {"uuid": "u"},
            "unknown": ["DescribeNetworkInterfaces denied"],
        });
        let mut now: Resource = serde_json::from_value(now).expect("a thing");
        now.state = text(json!({ "interfaces": "" })).expect("a state");
        let said = |now: &Resource| {
            let why = recheck(&item, &act, now, Guards::all()).expect_err("refused");
            (why.reason, why.says)
        };
        let (reason, says) = said(&now);
        assert_eq!((reason, says.as_str()), (Reason::Unknown, "DescribeNetworkInterfaces denied"));
        now.unknown.clear();
        assert_eq!(said(&now).0, Reason::StateChanged);
    }
}
