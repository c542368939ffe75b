//! What the built-in AWS world can act on and how: the one table that its acts, plans and IAM policy
//! are made from. Types have CloudFormation's names.

use super::{Act, ActRequest, Risk};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An EC2 instance, by its id.
pub const INSTANCE: &str = "AWS::EC2::Instance";
/// A network interface, by its id.
pub const INTERFACE: &str = "AWS::EC2::NetworkInterface";
/// A security group, by its id.
pub const GROUP: &str = "AWS::EC2::SecurityGroup";
/// One permission of a group for one peer: `sg-1/ingress/tcp/22/22/10.0.0.0/8`.
pub const PERMISSION: &str = "AWS::EC2::SecurityGroupRule";
/// An Elastic IP address, by its allocation id.
pub const ADDRESS: &str = "AWS::EC2::EIP";
/// A target of a target group: `ARN/i-1/8080`.
pub const TARGET: &str = "AWS::ElasticLoadBalancingV2::Target";
/// An EBS volume, by its id.
pub const VOLUME: &str = "AWS::EC2::Volume";

/// The tag of the group that isolated instances get: it must let nothing in or out.
pub const QUARANTINE_TAG: &str = "portcullis:quarantine";
/// The tag that the policy denies every act on, whatever a plan says.
pub const PROTECT_TAG: &str = "portcullis:protect";
/// The tag that ties what an act made to the act, so that it is made once.
pub const TOKEN_TAG: &str = "portcullis:token";

/// The tag that tells an owner that a thing will go, by which plan; whoever takes it off objects.
pub const CONDEMNED_TAG: &str = "portcullis:condemned";

/// Tags that keep a thing, in lower case. `false`, `no`, `off` and `0` lift them; any other value,
/// legible or not, protects.
const PROTECT: [&str; 7] =
    [PROTECT_TAG, "protect", "protected", "do-not-delete", "donotdelete", "keep", "permanent"];

/// Whether a tag keeps the thing that has it.
#[must_use]
pub fn protects(key: &str, value: &str) -> bool {
    let lifts = ["false", "no", "off", "0"].contains(&value.trim().to_lowercase().as_str());
    PROTECT.contains(&key.to_lowercase().as_str()) && !lifts
}

/// One row: an act, the act that takes it back, and what each needs of IAM.
struct Row {
    kind: &'static str,
    action: &'static str,
    undo: Option<&'static str>,
    risk: Risk,
    /// Fields of a thing's `immutable`.
    identity: &'static [&'static str],
    /// Whether AWS refuses it while the thing is in use.
    precondition: bool,
    /// Of the act.
    rights: &'static [Right],
    /// Of what takes it back.
    back: &'static [Right],
}

/// IAM actions, and what they are bound to, as ARNs end.
struct Right {
    iam: &'static [&'static str],
    resources: &'static [&'static str],
    bound: Bound,
}

/// What else a right is bound to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Nothing,
    /// To the tag [`CONDEMNED_TAG`] alone.
    Mark,
    /// To tags that a snapshot is made with.
    Making,
    /// To tags that a permission is made with.
    Authorizing,
}

const fn right(iam: &'static [&'static str], resources: &'static [&'static str]) -> Right {
    Right { iam, resources, bound: Bound::Nothing }
}

const fn mark(resources: &'static [&'static str]) -> Right {
    Right { iam: &["ec2:CreateTags"], resources, bound: Bound::Mark }
}

const fn unmark(resources: &'static [&'static str]) -> Right {
    Right { iam: &["ec2:DeleteTags"], resources, bound: Bound::Mark }
}

const PLACE: &[&str] = &["account", "region"];
const IMAGE: &[&str] = &["account", "region", "image"];
const PRIVATE_IP: &[&str] = &["account", "region", "private-ip"];
const NAME: &[&str] = &["account", "region", "vpc", "name"];
const PUBLIC_IP: &[&str] = &["account", "region", "public-ip"];
const RULE: &[&str] = &["account", "region", "group"];
const TARGETED: &[&str] = &["account", "region", "target-group", "target"];

const INSTANCES: &str = "ec2:*:*:instance/*";
const INTERFACES: &str = "ec2:*:*:network-interface/*";
const VOLUMES: &str = "ec2:*:*:volume/*";
const SNAPSHOTS: &str = "ec2:*::snapshot/*";
const GROUPS: &str = "ec2:*:*:security-group/*";
const RULES: &str = "ec2:*:*:security-group-rule/*";
const ADDRESSES: &str = "ec2:*:*:elastic-ip/*";
const TARGETS: &str = "elasticloadbalancing:*:*:targetgroup/*";

use Risk::{Exposing, Irreversible, Reversible};

const AUTHORIZE: Right = right(
    &["ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
    &[GROUPS, RULES],
);
/// A permission comes back with the tags that it had.
const TAG_RULE: Right =
    Right { iam: &["ec2:CreateTags"], resources: &[RULES], bound: Bound::Authorizing };
const REVOKE: Right =
    right(&["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"], &[GROUPS, RULES]);
const ISOLATE: Right =
    right(&["ec2:ModifyNetworkInterfaceAttribute"], &[INTERFACES, GROUPS, INSTANCES]);

const MAKE_SNAPSHOT: Right = right(&["ec2:CreateSnapshot"], &[VOLUMES, SNAPSHOTS]);
const TAG_SNAPSHOT: Right =
    Right { iam: &["ec2:CreateTags"], resources: &[SNAPSHOTS], bound: Bound::Making };

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { kind: INSTANCE, action: "stop", undo: Some("start"), risk: Reversible, identity: IMAGE, precondition: false,
        rights: &[right(&["ec2:StopInstances"], &[INSTANCES])],
        back: &[right(&["ec2:StartInstances"], &[INSTANCES])] },
    Row { kind: INSTANCE, action: "isolate", undo: Some("rejoin"), risk: Reversible, identity: IMAGE, precondition: false,
        rights: &[ISOLATE], back: &[ISOLATE] },
    Row { kind: INSTANCE, action: "terminate", undo: None, risk: Irreversible, identity: IMAGE, precondition: false,
        // First of all its volumes are told to stay.
        rights: &[right(&["ec2:TerminateInstances"], &[INSTANCES]),
            right(&["ec2:ModifyInstanceAttribute"], &[INSTANCES, VOLUMES])], back: &[] },
    Row { kind: INTERFACE, action: "detach", undo: Some("attach"), risk: Reversible, identity: PRIVATE_IP, precondition: true,
        rights: &[right(&["ec2:DetachNetworkInterface"], &[INTERFACES, INSTANCES])],
        back: &[right(&["ec2:AttachNetworkInterface"], &[INTERFACES, INSTANCES])] },
    Row { kind: INTERFACE, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PRIVATE_IP, precondition: false,
        rights: &[mark(&[INTERFACES])], back: &[unmark(&[INTERFACES])] },
    Row { kind: INTERFACE, action: "delete", undo: None, risk: Irreversible, identity: PRIVATE_IP, precondition: true,
        rights: &[right(&["ec2:DeleteNetworkInterface"], &[INTERFACES])], back: &[] },
    Row { kind: VOLUME, action: "detach", undo: Some("attach"), risk: Reversible, identity: PLACE, precondition: true,
        rights: &[right(&["ec2:DetachVolume"], &[VOLUMES, INSTANCES])],
        back: &[right(&["ec2:AttachVolume"], &[VOLUMES, INSTANCES])] },
    Row { kind: VOLUME, action: "snapshot", undo: Some("drop-snapshot"), risk: Reversible, identity: PLACE, precondition: false,
        rights: &[MAKE_SNAPSHOT, TAG_SNAPSHOT, mark(&[VOLUMES])],
        back: &[right(&["ec2:DeleteSnapshot"], &[SNAPSHOTS]), unmark(&[VOLUMES])] },
    Row { kind: VOLUME, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PLACE, precondition: false,
        rights: &[mark(&[VOLUMES])], back: &[unmark(&[VOLUMES])] },
    Row { kind: VOLUME, action: "delete", undo: None, risk: Irreversible, identity: PLACE, precondition: true,
        // Right before, for what was written since its quarantine.
        rights: &[MAKE_SNAPSHOT, TAG_SNAPSHOT, right(&["ec2:DeleteVolume"], &[VOLUMES])], back: &[] },
    Row { kind: PERMISSION, action: "revoke", undo: Some("authorize"), risk: Reversible, identity: RULE, precondition: true,
        rights: &[REVOKE], back: &[AUTHORIZE, TAG_RULE] },
    Row { kind: PERMISSION, action: "authorize", undo: Some("revoke"), risk: Exposing, identity: RULE, precondition: true,
        rights: &[AUTHORIZE], back: &[REVOKE] },
    Row { kind: GROUP, action: "mark", undo: Some("unmark"), risk: Reversible, identity: NAME, precondition: false,
        rights: &[mark(&[GROUPS])], back: &[unmark(&[GROUPS])] },
    Row { kind: GROUP, action: "delete", undo: None, risk: Irreversible, identity: NAME, precondition: true,
        rights: &[right(&["ec2:DeleteSecurityGroup"], &[GROUPS])], back: &[] },
    Row { kind: ADDRESS, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PUBLIC_IP, precondition: false,
        rights: &[mark(&[ADDRESSES])], back: &[unmark(&[ADDRESSES])] },
    Row { kind: ADDRESS, action: "release", undo: None, risk: Irreversible, identity: PUBLIC_IP, precondition: true,
        rights: &[right(&["ec2:ReleaseAddress"], &[ADDRESSES])], back: &[] },
    Row { kind: TARGET, action: "deregister", undo: Some("register"), risk: Reversible, identity: TARGETED, precondition: false,
        rights: &[right(&["elasticloadbalancing:DeregisterTargets"], &[TARGETS])],
        back: &[right(&["elasticloadbalancing:RegisterTargets"], &[TARGETS])] },
];

/// What acts read just before and after, beside what observing them reads. None can be narrowed.
const READS: &[&str] = &[
    "ec2:DescribeAddresses",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSnapshots",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
];

/// The table of acts, as the built-in world offers it.
///
/// An act counts as rehearsed where `tests/aws/cleanup.rs` does it, takes it back and finds
/// everything as it was.
#[must_use]
pub fn acts() -> Vec<Act> {
    TABLE
        .iter()
        .map(|row| Act {
            action: row.action.into(),
            kind: row.kind.into(),
            undo: row.undo.map(Into::into),
            risk: row.risk,
            identity: row.identity.iter().map(|f| (*f).into()).collect(),
            precondition: row.precondition,
            // Any other change of an instance is somebody else's.
            changes: match (row.kind, row.action) {
                (INSTANCE, "stop") => vec!["state".into()],
                (INSTANCE, "isolate") => vec!["interfaces".into()],
                _ => Vec::new(),
            },
            rehearsed: row.undo.is_some(),
        })
        .collect()
}

/// The least IAM policy that apply needs, for these actions of the table, or all of them where none is
/// named. `reads` are IAM actions that observing needs beside; `partition` is `aws`, `aws-cn`, ….
///
/// What carries the tag [`PROTECT_TAG`] is denied every act, whatever a plan says.
#[must_use]
pub fn policy(partition: &str, actions: &BTreeSet<String>, reads: &BTreeSet<String>) -> Value {
    let rows = TABLE.iter().filter(|row| {
        actions.is_empty()
            || actions.contains(row.action)
            || row.undo.is_some_and(|undo| actions.contains(undo))
    });
    let mut by: BTreeMap<(Bound, &[&str]), BTreeSet<&str>> = BTreeMap::new();
    for right in rows.flat_map(Row::all_rights) {
        by.entry((right.bound, right.resources)).or_default().extend(right.iam);
    }
    let mut all: BTreeSet<&str> = by.values().flatten().copied().collect();
    let mut statements: Vec<Value> = by
        .into_iter()
        .enumerate()
        .map(|(n, ((bound, resources), iam))| {
            let resources = resources.iter().map(|r| format!("arn:{partition}:{r}")).collect();
            let iam: Vec<&str> = iam.into_iter().collect();
            let mut statement = allow(&iam, resources, bound);
            statement["Sid"] = format!("PortcullisApply{}", n + 1).into();
            statement
        })
        .collect();
    // A snapshot is made of a protected volume too: it takes nothing away. Nor does taking a mark off.
    all.remove("ec2:CreateSnapshot");
    all.remove("ec2:DeleteTags");
    statements.push(json!({
        "Sid": "PortcullisProtected",
        "Effect": "Deny",
        "Action": all,
        "Resource": "*",
        "Condition": { "Null": { format!("aws:ResourceTag/{PROTECT_TAG}"): "false" } },
    }));
    let reads: BTreeSet<&str> =
        reads.iter().map(String::as_str).chain(READS.iter().copied()).collect();
    statements.push(json!({
        "Sid": "PortcullisObserve",
        "Effect": "Allow",
        "Action": reads,
        "Resource": "*",
    }));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(iam: &[&str], resources: Vec<String>, bound: Bound) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": iam, "Resource": resources });
    match bound {
        Bound::Nothing => {}
        // DeleteTags without a tag takes off every tag: keys must be named, and only ours.
        Bound::Mark => {
            statement["Condition"] = json!({
                "ForAllValues:StringEquals": { "aws:TagKeys": [CONDEMNED_TAG] },
                "Null": { "aws:TagKeys": "false" },
            });
        }
        Bound::Making => {
            statement["Condition"] =
                json!({ "StringEquals": { "ec2:CreateAction": "CreateSnapshot" } });
        }
        Bound::Authorizing => {
            let made = ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"];
            statement["Condition"] = json!({ "StringEquals": { "ec2:CreateAction": made } });
        }
    }
    statement
}

/// The session policy of one act, or with what it `handed` out of what takes it back (then `action` is
/// the undo's name): that act on that thing, and what it reads just before and after. Two things AWS
/// cannot bind more closely: which ports of the group a permission is for, and which interfaces and
/// groups of the region an isolation touches, because those are known only when it looks. With it a role can do nothing else,
/// whatever the role itself may do. It has at most 2,048 characters, which is all that AWS takes.
///
/// `None` where the table has no such act, or the thing does not say where it is.
#[must_use]
pub fn session(
    partition: &str,
    act: &ActRequest,
    handed: Option<&BTreeMap<String, String>>,
) -> Option<Value> {
    let (back, none) = (handed.is_some(), BTreeMap::new());
    let handed = handed.unwrap_or(&none);
    let named = |row: &&Row| if back { row.undo } else { Some(row.action) } == Some(&act.action);
    let row = TABLE.iter().filter(|row| row.kind == act.item.kind).find(named)?;
    let field = |key: &str| act.immutable.get(key).filter(|v| !v.is_empty());
    let (account, region) = (field("account")?, field("region")?);
    let own = match act.item.kind.as_str() {
        PERMISSION => field("group")?,
        _ => &act.item.id,
    };
    let snapshot = handed.get("snapshot").map_or("*", String::as_str);
    let narrow = |resource: &&str| match (*resource, row.kind) {
        // Whole ARNs already.
        (TARGETS, _) => field("target-group").cloned(),
        (SNAPSHOTS, _) => Some(format!("arn:{partition}:ec2:{region}::snapshot/{snapshot}")),
        (resource, kind) => {
            let its = matches!(
                (resource, kind),
                (INSTANCES, INSTANCE)
                    | (INTERFACES, INTERFACE)
                    | (VOLUMES, VOLUME)
                    | (GROUPS, GROUP | PERMISSION)
                    | (ADDRESSES, ADDRESS)
            );
            let (_, noun) = resource.rsplit_once(':')?;
            let noun = noun.trim_end_matches('*');
            let name = if its { own.as_str() } else { "*" };
            Some(format!("arn:{partition}:ec2:{region}:{account}:{noun}{name}"))
        }
    };
    let mut statements = Vec::new();
    for right in if back { row.back } else { row.rights } {
        let resources: Option<Vec<String>> = right.resources.iter().map(narrow).collect();
        // One way of a group's traffic is no right over the other.
        let way = field("direction").map(|d| if d == "egress" { "Egress" } else { "Ingress" });
        let both = |iam: &&&str| iam.ends_with("Ingress") || iam.ends_with("Egress");
        let meant = |iam: &&&str| !both(iam) || way.is_none_or(|way| iam.ends_with(way));
        let iam: Vec<&str> = right.iam.iter().filter(meant).copied().collect();
        statements.push(allow(&iam, resources?, right.bound));
    }
    statements.push(json!({ "Effect": "Allow", "Action": READS, "Resource": "*" }));
    Some(json!({ "Version": "2012-10-17", "Statement": statements }))
}

impl Row {
    fn all_rights(&self) -> impl Iterator<Item = &'static Right> {
        self.rights.iter().chain(self.back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_one_row_with_an_identity_and_rights() {
        let mut seen = BTreeSet::new();
        for act in acts() {
            assert!(seen.insert((act.kind.clone(), act.action.clone())), "{act:?} is there twice");
            assert!(!act.identity.is_empty(), "{act:?}");
            assert_eq!(act.risk == Risk::Irreversible, act.undo.is_none(), "{act:?}");
        }
        let rights: Vec<&Right> = TABLE.iter().flat_map(Row::all_rights).collect();
        assert!(rights.iter().all(|r| !r.iam.is_empty() && !r.resources.is_empty()));
        // What cannot be taken back has something of its type before it that can.
        for row in TABLE.iter().filter(|row| row.undo.is_none()) {
            let quarantine = TABLE.iter().any(|r| r.kind == row.kind && r.undo.is_some());
            assert!(quarantine, "{} of a {} has no quarantine", row.action, row.kind);
        }
    }

    #[test]
    fn the_policy_allows_what_is_asked_for_and_nothing_else() {
        let only = |name: &str| policy("aws", &BTreeSet::from([name.to_owned()]), &BTreeSet::new());
        let text = only("stop").to_string();
        assert!(text.contains("ec2:StopInstances") && text.contains("ec2:StartInstances"));
        assert!(!text.contains("Terminate") && !text.contains("Delete"), "{text}");
        // Rights to take it back alone still name both: one row is one pair.
        assert_eq!(only("start"), only("stop"));
        let all = policy("aws", &BTreeSet::new(), &BTreeSet::new());
        let denied =
            all["Statement"].as_array().and_then(|s| s.iter().find(|s| s["Effect"] == "Deny"));
        let denied = denied.expect("a denial")["Action"].to_string();
        for row in TABLE.iter().filter(|row| row.undo.is_none()) {
            // A snapshot takes nothing away.
            let mut iam = row.rights.iter().flat_map(|r| r.iam);
            assert!(
                iam.all(|iam| *iam == "ec2:CreateSnapshot" || denied.contains(iam)),
                "{} is not denied",
                row.action
            );
        }
        assert!(denied.contains("ec2:CreateTags") && !denied.contains("ec2:DeleteTags"));
        // Every right over tags is bound: to our mark, or to the making of a snapshot.
        for statement in all["Statement"].as_array().expect("a list") {
            let tags = statement["Action"].to_string().contains("Tags\"");
            if statement["Effect"] == "Allow" && tags && statement["Sid"] != "PortcullisObserve" {
                let bound = statement["Condition"].to_string();
                let to_mark = bound.contains(CONDEMNED_TAG) && bound.contains("Null");
                let made = ["CreateSnapshot", "AuthorizeSecurityGroupIngress"];
                assert!(to_mark || made.iter().any(|m| bound.contains(m)), "{statement}");
            }
        }
        for statement in all["Statement"].as_array().expect("a list") {
            let wide = statement["Resource"] == "*" && statement["Effect"] == "Allow";
            let acts = statement["Action"].to_string();
            assert!(!wide || acts.split(',').all(|a| a.contains(":Describe")), "{acts}");
        }
    }

    fn act(kind: &str, action: &str, id: &str) -> ActRequest {
        let arn = format!(
            "arn:aws:elasticloadbalancing:us-gov-west-1:123456789012:targetgroup/{}/0123456789abcdef",
            "n".repeat(32)
        );
        let immutable = [
            ("account", "123456789012"),
            ("region", "us-gov-west-1"),
            ("group", "sg-0123456789abcdef0"),
            ("target-group", arn.as_str()),
        ];
        ActRequest {
            plan: String::new(),
            n: 1,
            item: crate::cleanup::ItemRef { kind: kind.into(), id: id.into() },
            action: action.into(),
            immutable: immutable.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            state: BTreeMap::new(),
            token: String::new(),
            fence: 1,
            not_after: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_may_do_one_act_to_one_thing() {
        let stop = session("aws", &act(INSTANCE, "stop", "i-0a"), None).expect("an act");
        assert_eq!(
            stop["Statement"][0],
            json!({"Effect": "Allow", "Action": ["ec2:StopInstances"],
                   "Resource": ["arn:aws:ec2:us-gov-west-1:123456789012:instance/i-0a"]})
        );
        let start = session("aws", &act(INSTANCE, "start", "i-0a"), Some(&BTreeMap::new()))
            .expect("an undo");
        assert_eq!(start["Statement"][0]["Action"], json!(["ec2:StartInstances"]));
        assert_eq!(session("aws", &act(INSTANCE, "start", "i-0a"), None), None, "it is no act");
        assert_eq!(session("aws", &act(VOLUME, "stop", "vol-1"), None), None);
        let mut nowhere = act(INSTANCE, "stop", "i-0a");
        nowhere.immutable.remove("region");
        assert_eq!(session("aws", &nowhere, None), None);
        let rule = session("aws", &act(PERMISSION, "revoke", "sg-0123456789abcdef0/x"), None);
        let text = rule.expect("an act").to_string();
        assert!(
            text.contains("security-group/sg-0123456789abcdef0") && !text.contains("Authorize")
        );
    }

    #[test]
    fn a_session_names_its_thing_and_fits_into_what_aws_takes() {
        for row in TABLE {
            for (action, back) in [(Some(row.action), false), (row.undo, true)] {
                let Some(action) = action else { continue };
                let id = match row.kind {
                    PERMISSION => "sg-0123456789abcdef0/ingress/tcp/1/1/2001:db8::/128",
                    _ => "vol-0123456789abcdef0",
                };
                let handed =
                    BTreeMap::from([("snapshot".to_owned(), "snap-0123456789abcdef0".to_owned())]);
                let policy =
                    session("aws-us-gov", &act(row.kind, action, id), back.then_some(&handed));
                let policy = policy.unwrap_or_else(|| panic!("{} {action}", row.kind));
                let text = policy.to_string();
                assert!(text.len() <= 2048, "{} {action}: {}", row.kind, text.len());
                let whole = |r: &Value| !r.as_str().unwrap_or_default().ends_with('*');
                let statements = policy["Statement"].as_array().expect("a list");
                // What a thing is attached to or carries, beside the thing itself.
                let makes = match row.kind {
                    VOLUME => ["snapshot", "delete"].contains(&action),
                    kind => kind == PERMISSION && action == "authorize",
                };
                let others = |r: &&Value| {
                    let text = r.as_str().unwrap_or_default();
                    let of = |nouns: &[&str]| nouns.iter().any(|n| text.contains(n));
                    match row.kind {
                        INSTANCE => of(&["network-interface/", "security-group/", "volume/"]),
                        INTERFACE | VOLUME => of(&["instance/"]) || (makes && of(&["snapshot/"])),
                        PERMISSION => of(&["security-group-rule/"]),
                        _ => false,
                    }
                };
                let named = statements.iter().filter(|s| s["Resource"] != "*").all(|s| {
                    let all = s["Resource"].as_array().expect("a list");
                    let own = all.iter().filter(|r| !others(r));
                    // What an act makes has no name before.
                    own.clone().next().is_none() && makes
                        || own.clone().next().is_some() && own.clone().all(whole)
                });
                assert!(named, "{} {action}: {text}", row.kind);
                let acts = |s: &&Value| s["Resource"] == "*";
                let wide = statements.iter().filter(acts).map(|s| s["Action"].to_string());
                assert!(
                    wide.flat_map(|a| a.split(',').map(str::to_owned).collect::<Vec<_>>())
                        .all(|a| a.contains(":Describe"))
                );
            }
        }
    }
}
