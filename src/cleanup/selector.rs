//! What a listing is asked for, and whether it was heard.

use super::{Guard, Guards, Reason, Refusal, Resource, Source};
use std::collections::BTreeMap;

/// What an unset variable or an empty list prints as: asked of a server, it selects everything.
const NOTHING: [&str; 10] = ["", "*", "**", "null", "nil", "none", "undefined", "[]", "{}", "\"\""];

/// Whether a scope and selector say anything, before anybody is asked.
///
/// # Errors
/// [`Reason::EmptySelector`] with the part that says nothing.
pub fn check(
    scope: &str,
    selector: &BTreeMap<String, String>,
    guards: Guards,
) -> Result<(), Refusal> {
    if !guards.has(Guard::Selector) {
        return Ok(());
    }
    let empty = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        NOTHING.contains(&text.as_str()) || text.chars().all(|c| matches!(c, '*' | '%' | ',' | ' '))
    };
    let refuse = |says: String| Err(Refusal::new(Reason::EmptySelector, says));
    if empty(scope) {
        return refuse(format!("the scope {scope:?} selects everything or nothing: name one"));
    }
    for (key, value) in selector {
        if empty(key) || empty(value) || value.split(',').any(empty) {
            return refuse(format!(
                "the selector {key:?}={value:?} selects everything or nothing: give a value, or leave it out"
            ));
        }
    }
    Ok(())
}

/// Tests every row of a listing against what was asked of it; the first that does not fit says that
/// the filter was not honoured.
pub(super) fn honoured(
    resources: &[Resource],
    sources: &[Source],
    selector: &BTreeMap<String, String>,
) -> Option<Refusal> {
    let asked: BTreeMap<&str, &BTreeMap<String, String>> = sources
        .iter()
        .filter(|s| !s.selector.is_empty())
        .map(|s| (s.name.as_str(), &s.selector))
        .collect();
    for resource in resources {
        if let Some((key, wanted)) =
            selector.iter().find(|(k, v)| of(resource, k) != Some(v.as_str()))
        {
            let found = of(resource, key).unwrap_or("nothing");
            let says = format!("{key} was asked to be {wanted:?} and is {found:?}");
            return Some(Refusal::of(Reason::SourceIgnoredFilter, resource.item(), says));
        }
        for claim in &resource.dead {
            let Some(selector) = asked.get(claim.source.as_str()) else { continue };
            for (key, wanted) in *selector {
                let recorded = claim.record.as_ref().and_then(|r| r.get(key)).map(|v| match v {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                let found = recorded.or_else(|| of(resource, key).map(str::to_owned));
                if found.as_ref() != Some(wanted) {
                    let says = format!(
                        "{key} was asked of {} to be {wanted:?} and is {:?}",
                        claim.source,
                        found.as_deref().unwrap_or("nothing")
                    );
                    return Some(Refusal::of(Reason::SourceIgnoredFilter, resource.item(), says));
                }
            }
        }
    }
    None
}

fn of<'a>(resource: &'a Resource, key: &str) -> Option<&'a str> {
    let own = match key {
        "type" => Some(resource.kind.as_str()),
        "id" => Some(resource.id.as_str()),
        "owner" => resource.owner.as_deref(),
        "domain" => resource.domain.as_deref(),
        "set" => resource.set.as_deref(),
        _ => None,
    };
    let text = |map: &'a BTreeMap<String, String>| map.get(key).map(String::as_str);
    own.or_else(|| text(&resource.attributes)).or_else(|| text(&resource.state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_selects_nothing_or_everything_is_refused() {
        let check = |scope: &str, key: &str, value: &str| {
            let selector = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            super::check(scope, &selector, Guards::all())
        };
        assert!(check("servos", "region", "r1").is_ok());
        assert!(check("servos", "name", "none-of-your-business").is_ok());
        assert!(super::check("servos", &BTreeMap::new(), Guards::all()).is_ok());
        for value in
            ["", " ", "*", " * ", "null", "None", "undefined", "[]", "%", "*,*", "r1,", "r1,*"]
        {
            let refused = check("servos", "region", value).expect_err(value);
            assert_eq!(refused.reason, Reason::EmptySelector, "{value}");
        }
        for scope in ["", "*", "null", "\t"] {
            assert!(check(scope, "region", "r1").is_err(), "{scope:?}");
        }
        assert!(check("servos", "", "r1").is_err());
    }
}
