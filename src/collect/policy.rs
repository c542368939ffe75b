use crate::snapshot::CallKind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What facts from Systems Manager's inventory take (`facts: [{ ssm: … }]`).
pub(super) const INVENTORY: [&str; 2] = ["ssm:GetInventory", "ssm:ListInventoryEntries"];

/// The least IAM policy that a live collection needs, with the facts beside it: one action for each
/// kind of call, and no other.
///
/// Each stands on `*`, because lists cannot be narrowed to resources, nor nodes that are not known
/// yet; one that needs no permission at all (`sts:GetCallerIdentity`) is left out. What only a
/// cleanup asks for, and the facts, have statements of their own: whoever plans no cleanups, or reads
/// nothing from Systems Manager, leaves them out.
#[must_use]
pub fn policy() -> Value {
    let mut actions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut of_cleanup: Vec<String> = Vec::new();
    for kind in CallKind::ALL.iter().filter(|k| **k != CallKind::CallerIdentity) {
        let action = format!("{}:{}", kind.service(), kind.operation());
        match kind.on_request() {
            true => of_cleanup.push(action),
            // Two calls may have one action: those of both load balancing APIs.
            false => drop(actions.entry(kind.service()).or_default().insert(action)),
        }
    }
    of_cleanup.sort();
    let mut statements: Vec<Value> = actions
        .into_iter()
        .map(|(service, actions)| {
            json!({
                "Sid": format!("PortcullisRead{}", capitalised(service)),
                "Effect": "Allow",
                "Action": actions,
                "Resource": "*",
            })
        })
        .collect();
    statements.push(json!({
        "Sid": "PortcullisReadForCleanup",
        "Effect": "Allow",
        "Action": of_cleanup,
        "Resource": "*",
    }));
    statements.push(json!({
        "Sid": "PortcullisReadFacts",
        "Effect": "Allow",
        "Action": INVENTORY,
        "Resource": "*",
    }));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the inventory's edge asks its client for, as the service names it.
    fn asked_of_ssm() -> BTreeSet<String> {
        let source = include_str!("aws/inventory.rs");
        let (code, _) = source.split_once("#[cfg(test)]").unwrap();
        let client =
            code.split("ssm").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('.'));
        let call = client.filter_map(|rest| rest.split_once("()").map(|(name, _)| name));
        let words = call.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        words
            .filter(|name| *name != "clone")
            .map(|name| format!("ssm:{}", name.split('_').map(capitalised).collect::<String>()))
            .collect()
    }

    #[test]
    fn every_call_has_its_action_and_every_action_only_reads() {
        let policy = policy();
        let actions: BTreeSet<String> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s["Action"].as_array().unwrap())
            .map(|a| a.as_str().unwrap().to_owned())
            .collect();
        let kinds = CallKind::ALL.iter().filter(|k| **k != CallKind::CallerIdentity);
        let mut called: BTreeSet<String> =
            kinds.map(|k| format!("{}:{}", k.service(), k.operation())).collect();
        called.append(&mut asked_of_ssm());
        assert_eq!(actions, called);
        for action in actions {
            let (_, operation) = action.split_once(':').unwrap();
            assert!(
                ["Describe", "Get", "Search", "List"].iter().any(|v| operation.starts_with(v)),
                "{action}"
            );
        }
    }
}
