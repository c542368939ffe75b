use super::plan::Item;
use super::{Act, Guards, Reason, Refusal, Resource, recheck};
use serde_json::{Value, json};

/// What is done to a thing between the plan and the act, and what must be said of it.
const VIOLATIONS: [(Reason, &str, &str); 7] = [
    (Reason::ActOutsidePlan, "/id", "\"another\""),
    (Reason::IdentityChanged, "/immutable/uuid", "\"another\""),
    (Reason::Protected, "/protected", r#"[{"kind": "opt-out", "source": "planted"}]"#),
    (Reason::CameAlive, "/live", r#"[{"kind": "answers", "source": "planted"}]"#),
    (Reason::RoleMismatch, "/state/role", "\"primary\""),
    (Reason::StateChanged, "/state/status", "\"running\""),
    (Reason::Unknown, "/dead", "[]"),
];

/// Plants a violation against every guard of the last look, in memory, before anything is done, and
/// says which were silent. What nothing speaks against must pass, too.
#[must_use]
pub fn planted(guards: Guards) -> Vec<Refusal> {
    let dead = |says: String| Refusal::new(Reason::GuardDead, says);
    let fit = json!({
        "type": "planted", "id": "one", "immutable": {"uuid": "u"},
        "state": {"status": "stopped", "role": "secondary"}, "live": [], "protected": [],
        "dead": [{"kind": "tombstone", "source": "planted", "at": "2026-01-01T00:00:00Z"}],
    });
    let Some((item, act)) = plan() else { return vec![dead("nothing can be planted".into())] };
    let look = |world: &Value| {
        serde_json::from_value::<Resource>(world.clone())
            .map_err(|e| dead(e.to_string()))
            .and_then(|now| recheck(&item, &act, &now, guards))
    };
    let mut silent = Vec::new();
    if let Err(why) = look(&fit) {
        silent.push(dead(format!("a thing that nothing speaks against is refused: {why}")));
    }
    for (reason, place, value) in VIOLATIONS {
        let mut world = fit.clone();
        if let (Some(field), Ok(value)) = (world.pointer_mut(place), serde_json::from_str(value)) {
            *field = value;
        }
        if look(&world).err().map(|why| why.reason) != Some(reason) {
            silent.push(dead(format!("nothing says {reason} of a changed {place}")));
        }
    }
    silent
}

fn plan() -> Option<(Item, Act)> {
    let item = json!({
        "n": 1, "type": "planted", "id": "one", "immutable": {"uuid": "u"},
        "state_sha256": super::Digest::of(b""), "stratum": 1,
        "state": {"status": "stopped", "role": "secondary"},
        "action": "stop", "undo": "start", "risk": "reversible", "dead": [], "live_checked": [],
        "again": [{"kind": "tombstone", "source": "planted"}],
    });
    let act = json!({
        "action": "stop", "type": "planted", "undo": "start", "risk": "reversible",
        "identity": ["uuid"],
    });
    Some((serde_json::from_value(item).ok()?, serde_json::from_value(act).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleanup::Guard;

    #[test]
    fn each_dead_guard_is_named() {
        assert_eq!(planted(Guards::all()), []);
        for (guard, reason) in [
            (Guard::Width, Reason::ActOutsidePlan),
            (Guard::Identity, Reason::IdentityChanged),
            (Guard::Protected, Reason::Protected),
            (Guard::CameAlive, Reason::CameAlive),
            (Guard::Role, Reason::RoleMismatch),
            (Guard::State, Reason::StateChanged),
            (Guard::StillDead, Reason::Unknown),
        ] {
            let silent = planted(Guards::all().without(guard));
            assert_eq!(silent.len(), 1, "{guard:?}: {silent:?}");
            assert_eq!(silent[0].reason, Reason::GuardDead);
            assert!(silent[0].says.contains(reason.code()), "{}", silent[0]);
        }
    }
}
