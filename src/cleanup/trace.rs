//! Fields of a state that tell what became of a thing meanwhile, and how states without them compare.
//!
//! A deletion wants all of them as its quarantine left them. A receipt may be older than they are: what it
//! does not tell is unknown, and no deletion rests on it. An undo brings back what was, and needs none.

use std::collections::BTreeMap;

type State = BTreeMap<String, String>;

/// An instance's type, which changes only while it is stopped.
pub const INSTANCE_TYPE: &str = "instance-type";
/// When an instance was started last.
pub const LAUNCHED: &str = "launched";
/// Who stopped an instance, and when.
pub const TRANSITION: &str = "transition";
/// A volume's type, and what it was bought to bear.
pub const VOLUME_TYPE: &str = "volume-type";
pub const IOPS: &str = "iops";
pub const THROUGHPUT: &str = "throughput";
/// When a volume was attached to what it is attached to.
pub const ATTACHED_AT: &str = "attached-at";

/// All of them.
const ALL: [&str; 7] =
    [INSTANCE_TYPE, LAUNCHED, TRANSITION, VOLUME_TYPE, IOPS, THROUGHPUT, ATTACHED_AT];
/// Those that every state has which was written with them.
const ALWAYS: [&str; 2] = [INSTANCE_TYPE, VOLUME_TYPE];
/// A field that `was`, of a version before these fields, lacks.
pub(super) fn untold<'a>(was: &State, is: &'a State) -> Option<&'a str> {
    is.keys().map(String::as_str).find(|f| ALWAYS.contains(f) && !was.contains_key(*f))
}

/// Whether two states are one for an undo. That somebody used a thing meanwhile is no reason to keep it
/// out of use, and what is started again was started at another time.
#[must_use]
pub fn same_for_undo(was: &State, is: &State) -> bool {
    let compared = |f: &&String| !ALL.contains(&f.as_str());
    was.keys().chain(is.keys()).filter(compared).all(|f| was.get(f) == is.get(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(fields: &[(&str, &str)]) -> State {
        fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn an_older_state_is_told_and_an_undo_compares_what_it_brings_back() {
        let older = state(&[("state", "stopped"), ("tags", "a=b")]);
        let mut now = older.clone();
        now.insert(INSTANCE_TYPE.into(), "t3.micro".into());
        now.insert(LAUNCHED.into(), "monday".into());
        assert_eq!(untold(&older, &now), Some(INSTANCE_TYPE));
        assert!(same_for_undo(&older, &now));
        let restarted = State::from_iter([(LAUNCHED.into(), "tuesday".into())]);
        let restarted: State = now.clone().into_iter().chain(restarted).collect();
        assert_eq!(untold(&now, &restarted), None);
        assert!(same_for_undo(&now, &restarted));
        for (field, value) in [("state", "running"), ("target-groups", "arn:web healthy")] {
            let mut other = now.clone();
            other.insert(field.into(), value.into());
            assert!(!same_for_undo(&older, &other), "{field}");
        }
    }
}
