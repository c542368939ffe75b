use super::rows::text;
use crate::model::Protocol;
use crate::snapshot::CallKind;
use serde_json::Value;

/// What makes a row of a filter or a route table unfit to answer from: such a row reads as one
/// that lets nothing through, or as one that denies nothing, and either would be a guess.
pub(super) fn flaw(kind: CallKind, row: &Value) -> Option<String> {
    match kind {
        CallKind::SecurityGroups => absent(row, "IpPermissions").or_else(|| {
            ["IpPermissions", "IpPermissionsEgress"]
                .iter()
                .find_map(|list| items(row, list).find_map(permission))
        }),
        CallKind::NetworkAcls => {
            absent(row, "Entries").or_else(|| items(row, "Entries").find_map(entry))
        }
        CallKind::RouteTables => absent(row, "Routes"),
        CallKind::LaunchTemplateVersions => {
            absent(row, "VersionNumber").or_else(|| absent(row, "LaunchTemplateData"))
        }
        _ => None,
    }
}

/// A list that every answer has; `null` is how some tools write an empty one.
fn absent(row: &Value, list: &str) -> Option<String> {
    row.get(list).is_none().then(|| format!("it has no {list}"))
}

fn items<'v>(row: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    row.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// What a permission has.
const OF_PERMISSION: [&str; 7] = [
    "FromPort",
    "IpProtocol",
    "IpRanges",
    "Ipv6Ranges",
    "PrefixListIds",
    "ToPort",
    "UserIdGroupPairs",
];

fn permission(permission: &Value) -> Option<String> {
    let fields = permission.as_object().into_iter().flatten();
    // A list that we do not know may be of clients.
    let list = |v: &Value| v.as_array().is_some_and(|l| !l.is_empty());
    let mut more = fields.filter(|(k, v)| !OF_PERMISSION.contains(&k.as_str()) && list(v));
    let unknown = more.next().map(|(key, _)| format!("a permission has {key}, which is not known"));
    unknown.or_else(|| protocol(permission, "IpProtocol"))
}

fn protocol(value: &Value, field: &str) -> Option<String> {
    let name = text(value, field).unwrap_or_default();
    let known = name == "-1" || name.eq_ignore_ascii_case("all");
    (!known && name.parse::<Protocol>().is_err()).then(|| format!("its {field} is `{name}`"))
}

fn entry(entry: &Value) -> Option<String> {
    let missing = ["RuleNumber", "Egress"].iter().find_map(|field| absent(entry, field));
    missing.or_else(|| protocol(entry, "Protocol")).or_else(|| {
        let action = text(entry, "RuleAction").unwrap_or_default();
        if !matches!(action.as_str(), "allow" | "deny") {
            return Some(format!("its RuleAction is `{action}`"));
        }
        let blocks = ["CidrBlock", "Ipv6CidrBlock"];
        let block = blocks.iter().any(|b| text(entry, b).is_some_and(|t| !t.is_empty()));
        (!block).then(|| "an entry has no block".into())
    })
}
