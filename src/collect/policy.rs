use crate::snapshot::CallKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The least IAM policy that a live collection needs: one action for each kind of call, and no other.
///
/// None of the actions can be narrowed to resources, so each stands on `*`; one that needs no
/// permission at all (`sts:GetCallerIdentity`) is left out.
#[must_use]
pub fn policy() -> Value {
    let mut actions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for kind in CallKind::ALL.iter().filter(|k| **k != CallKind::CallerIdentity) {
        let action = format!("{}:{}", kind.service(), kind.operation());
        actions.entry(kind.service()).or_default().push(action);
    }
    let statements: Vec<Value> = actions
        .into_iter()
        .map(|(service, mut actions)| {
            actions.sort();
            json!({
                "Sid": format!("PortcullisRead{}", capitalised(service)),
                "Effect": "Allow",
                "Action": actions,
                "Resource": "*",
            })
        })
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_its_action_and_every_action_only_reads() {
        let policy = policy();
        let actions: Vec<&str> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s["Action"].as_array().unwrap())
            .map(|a| a.as_str().unwrap())
            .collect();
        assert_eq!(actions.len(), CallKind::ALL.len() - 1);
        for action in actions {
            let (_, operation) = action.split_once(':').unwrap();
            assert!(
                ["Describe", "Get", "Search", "List"].iter().any(|v| operation.starts_with(v)),
                "{action}"
            );
        }
    }
}
