//! What the built-in AWS world can act on and how: the one table that its acts, plans and IAM policy
//! are made from. Types have CloudFormation's names.

use super::{Act, Risk};
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

/// One row: an act, the act that takes it back, and what each needs of IAM.
struct Row {
    kind: &'static str,
    action: &'static str,
    undo: Option<&'static str>,
    /// Fields of a thing's `immutable`.
    identity: &'static [&'static str],
    /// Whether AWS refuses it while the thing is in use.
    precondition: bool,
    /// Of the act and of its undo.
    rights: &'static [Right],
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
}

const fn right(iam: &'static [&'static str], resources: &'static [&'static str]) -> Right {
    Right { iam, resources, bound: Bound::Nothing }
}

const fn marks(resources: &'static [&'static str]) -> Right {
    Right { iam: &["ec2:CreateTags", "ec2:DeleteTags"], resources, bound: Bound::Mark }
}

const PLACE: &[&str] = &["account", "region"];
const IMAGE: &[&str] = &["account", "region", "image"];
const PRIVATE_IP: &[&str] = &["account", "region", "private-ip"];
const NAME: &[&str] = &["account", "region", "vpc", "name"];
const PUBLIC_IP: &[&str] = &["account", "region", "public-ip"];

const INSTANCES: &str = "ec2:*:*:instance/*";
const INTERFACES: &str = "ec2:*:*:network-interface/*";
const VOLUMES: &str = "ec2:*:*:volume/*";
const SNAPSHOTS: &str = "ec2:*::snapshot/*";
const GROUPS: &str = "ec2:*:*:security-group/*";
const RULES: &str = "ec2:*:*:security-group-rule/*";
const ADDRESSES: &str = "ec2:*:*:elastic-ip/*";
const TARGETS: &str = "elasticloadbalancing:*:*:targetgroup/*";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { kind: INSTANCE, action: "stop", undo: Some("start"), identity: IMAGE, precondition: false,
        rights: &[right(&["ec2:StopInstances", "ec2:StartInstances"], &[INSTANCES])] },
    Row { kind: INSTANCE, action: "isolate", undo: Some("rejoin"), identity: IMAGE, precondition: false,
        rights: &[right(&["ec2:ModifyNetworkInterfaceAttribute"], &[INTERFACES, GROUPS, INSTANCES])] },
    Row { kind: INSTANCE, action: "terminate", undo: None, identity: IMAGE, precondition: false,
        rights: &[right(&["ec2:TerminateInstances"], &[INSTANCES])] },
    Row { kind: INTERFACE, action: "detach", undo: Some("attach"), identity: PRIVATE_IP, precondition: true,
        rights: &[right(&["ec2:DetachNetworkInterface", "ec2:AttachNetworkInterface"], &[INTERFACES, INSTANCES])] },
    Row { kind: INTERFACE, action: "mark", undo: Some("unmark"), identity: PRIVATE_IP, precondition: false,
        rights: &[marks(&[INTERFACES])] },
    Row { kind: INTERFACE, action: "delete", undo: None, identity: PRIVATE_IP, precondition: true,
        rights: &[right(&["ec2:DeleteNetworkInterface"], &[INTERFACES])] },
    Row { kind: VOLUME, action: "detach", undo: Some("attach"), identity: PLACE, precondition: true,
        rights: &[right(&["ec2:DetachVolume", "ec2:AttachVolume"], &[VOLUMES, INSTANCES])] },
    Row { kind: VOLUME, action: "snapshot", undo: Some("drop-snapshot"), identity: PLACE, precondition: false,
        rights: &[right(&["ec2:CreateSnapshot"], &[VOLUMES, SNAPSHOTS]), right(&["ec2:DeleteSnapshot"], &[SNAPSHOTS]),
            Right { iam: &["ec2:CreateTags"], resources: &[SNAPSHOTS], bound: Bound::Making }, marks(&[VOLUMES])] },
    Row { kind: VOLUME, action: "mark", undo: Some("unmark"), identity: PLACE, precondition: false,
        rights: &[marks(&[VOLUMES])] },
    Row { kind: VOLUME, action: "delete", undo: None, identity: PLACE, precondition: true,
        rights: &[right(&["ec2:DeleteVolume"], &[VOLUMES])] },
    Row { kind: PERMISSION, action: "revoke", undo: Some("authorize"), identity: &["account", "region", "group"], precondition: true,
        rights: &[right(&["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
            &[GROUPS, RULES])] },
    Row { kind: PERMISSION, action: "authorize", undo: Some("revoke"), identity: &["account", "region", "group"], precondition: true,
        rights: &[right(&["ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"],
            &[GROUPS, RULES])] },
    Row { kind: GROUP, action: "mark", undo: Some("unmark"), identity: NAME, precondition: false,
        rights: &[marks(&[GROUPS])] },
    Row { kind: GROUP, action: "delete", undo: None, identity: NAME, precondition: true,
        rights: &[right(&["ec2:DeleteSecurityGroup"], &[GROUPS])] },
    Row { kind: ADDRESS, action: "mark", undo: Some("unmark"), identity: PUBLIC_IP, precondition: false,
        rights: &[marks(&[ADDRESSES])] },
    Row { kind: ADDRESS, action: "release", undo: None, identity: PUBLIC_IP, precondition: true,
        rights: &[right(&["ec2:ReleaseAddress"], &[ADDRESSES])] },
    Row { kind: TARGET, action: "deregister", undo: Some("register"), identity: &["account", "region", "target-group", "target"], precondition: false,
        rights: &[right(&["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"], &[TARGETS])] },
];

/// What acts read just before and after, beside what observing them reads. None can be narrowed.
const READS: &[&str] = &[
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
            risk: match (row.kind, row.action, row.undo) {
                (PERMISSION, "authorize", _) => Risk::Exposing,
                (_, _, Some(_)) => Risk::Reversible,
                (_, _, None) => Risk::Irreversible,
            },
            identity: row.identity.iter().map(|f| (*f).into()).collect(),
            precondition: row.precondition,
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
    for right in rows.flat_map(|row| row.rights) {
        by.entry((right.bound, right.resources)).or_default().extend(right.iam);
    }
    let mut all: BTreeSet<&str> = by.values().flatten().copied().collect();
    let mut statements: Vec<Value> = by
        .into_iter()
        .enumerate()
        .map(|(n, ((bound, resources), iam))| {
            let resources: Vec<String> =
                resources.iter().map(|r| format!("arn:{partition}:{r}")).collect();
            let mut statement = json!({
                "Sid": format!("PortcullisApply{}", n + 1),
                "Effect": "Allow",
                "Action": iam,
                "Resource": resources,
            });
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
            }
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
        let rights: Vec<&Right> = TABLE.iter().flat_map(|row| row.rights).collect();
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
            let mut iam = row.rights.iter().flat_map(|r| r.iam);
            assert!(iam.all(|iam| denied.contains(iam)), "{} is not denied", row.action);
        }
        assert!(denied.contains("ec2:CreateTags") && !denied.contains("ec2:DeleteTags"));
        // Every right over tags is bound: to our mark, or to the making of a snapshot.
        for statement in all["Statement"].as_array().expect("a list") {
            let tags = statement["Action"].to_string().contains("Tags\"");
            if statement["Effect"] == "Allow" && tags && statement["Sid"] != "PortcullisObserve" {
                let bound = statement["Condition"].to_string();
                let to_mark = bound.contains(CONDEMNED_TAG) && bound.contains("Null");
                assert!(to_mark || bound.contains("CreateSnapshot"), "{statement}");
            }
        }
        for statement in all["Statement"].as_array().expect("a list") {
            let wide = statement["Resource"] == "*" && statement["Effect"] == "Allow";
            let acts = statement["Action"].to_string();
            assert!(!wide || acts.split(',').all(|a| a.contains(":Describe")), "{acts}");
        }
    }
}
