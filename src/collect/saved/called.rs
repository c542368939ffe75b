//! What call a file is meant to hold, by its name: an empty one has nothing else to tell.

use super::place::region_in;
use crate::snapshot::CallKind;

/// How names of operations begin.
const VERBS: [&str; 3] = ["describe", "get", "search"];

/// The call that the file's name, or the folder it lies in, spells: `SecurityGroups.json`,
/// `ec2-describe-security-groups-eu-west-1.json`, `describe-listeners/web.json`.
pub(super) fn call(parts: &[String]) -> Option<CallKind> {
    let (name, folders) = parts.split_last()?;
    let spelt = |kind: CallKind| plain(&kind.command());
    let whole = |text: &str| {
        CallKind::ALL.iter().copied().find(|kind| {
            let operation = spelt(*kind);
            let noun = VERBS.iter().find_map(|v| operation.strip_prefix(v)).unwrap_or(&operation);
            text == noun || text.strip_prefix(kind.service()) == Some(noun)
        })
    };
    // The longest, for a name may be the beginning of another.
    let within = |text: &str| {
        let all = CallKind::ALL.iter().copied().filter(|k| text.contains(&spelt(*k)));
        all.max_by_key(|k| spelt(*k).len())
    };
    let stem = name.split('.').next().unwrap_or_default();
    let own = plain(&match region_in(stem) {
        Some(region) => stem.replace(&region, ""),
        None => stem.to_owned(),
    });
    let folder = folders.last().map(|f| plain(f)).unwrap_or_default();
    whole(&own).or_else(|| within(&own)).or_else(|| within(&folder))
}

/// Letters and digits only, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
