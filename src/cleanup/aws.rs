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

/// One row: an act, the act that takes it back, and what each needs of IAM.
struct Row {
    kind: &'static str,
    action: &'static str,
    undo: Option<&'static str>,
    /// Fields of a thing's `immutable`.
    identity: &'static [&'static str],
    /// Whether AWS refuses it while the thing is in use.
    precondition: bool,
    /// IAM actions of the act and of its undo.
    iam: &'static [&'static str],
    /// What they are bound to, as ARNs end.
    resources: &'static [&'static str],
}

const PLACE: &[&str] = &["account", "region"];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { kind: INSTANCE, action: "stop", undo: Some("start"), identity: &["account", "region", "image"], precondition: false,
        iam: &["ec2:StopInstances", "ec2:StartInstances"], resources: &["ec2:*:*:instance/*"] },
    Row { kind: INSTANCE, action: "isolate", undo: Some("rejoin"), identity: &["account", "region", "image"], precondition: false,
        iam: &["ec2:ModifyNetworkInterfaceAttribute"], resources: &["ec2:*:*:network-interface/*", "ec2:*:*:security-group/*", "ec2:*:*:instance/*"] },
    Row { kind: INSTANCE, action: "terminate", undo: None, identity: &["account", "region", "image"], precondition: false,
        iam: &["ec2:TerminateInstances"], resources: &["ec2:*:*:instance/*"] },
    Row { kind: INTERFACE, action: "detach", undo: Some("attach"), identity: &["account", "region", "private-ip"], precondition: true,
        iam: &["ec2:DetachNetworkInterface", "ec2:AttachNetworkInterface"], resources: &["ec2:*:*:network-interface/*", "ec2:*:*:instance/*"] },
    Row { kind: INTERFACE, action: "delete", undo: None, identity: &["account", "region", "private-ip"], precondition: true,
        iam: &["ec2:DeleteNetworkInterface"], resources: &["ec2:*:*:network-interface/*"] },
    Row { kind: VOLUME, action: "detach", undo: Some("attach"), identity: PLACE, precondition: true,
        iam: &["ec2:DetachVolume", "ec2:AttachVolume"], resources: &["ec2:*:*:volume/*", "ec2:*:*:instance/*"] },
    Row { kind: VOLUME, action: "snapshot", undo: Some("drop-snapshot"), identity: PLACE, precondition: false,
        iam: &["ec2:CreateSnapshot", "ec2:CreateTags", "ec2:DeleteSnapshot"], resources: &["ec2:*:*:volume/*", "ec2:*::snapshot/*"] },
    Row { kind: VOLUME, action: "delete", undo: None, identity: PLACE, precondition: true,
        iam: &["ec2:DeleteVolume"], resources: &["ec2:*:*:volume/*"] },
    Row { kind: PERMISSION, action: "revoke", undo: Some("authorize"), identity: &["account", "region", "group"], precondition: true,
        iam: &["ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress"],
        resources: &["ec2:*:*:security-group/*", "ec2:*:*:security-group-rule/*"] },
    Row { kind: GROUP, action: "delete", undo: None, identity: &["account", "region", "vpc", "name"], precondition: true,
        iam: &["ec2:DeleteSecurityGroup"], resources: &["ec2:*:*:security-group/*"] },
    Row { kind: ADDRESS, action: "release", undo: None, identity: &["account", "region", "public-ip"], precondition: true,
        iam: &["ec2:ReleaseAddress"], resources: &["ec2:*:*:elastic-ip/*"] },
    Row { kind: TARGET, action: "deregister", undo: Some("register"), identity: &["account", "region", "target-group", "target"], precondition: false,
        iam: &["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"], resources: &["elasticloadbalancing:*:*:targetgroup/*"] },
];

/// What acts read just before and after, beside what observing them reads. None can be narrowed.
const READS: &[&str] = &[
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSnapshots",
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
            risk: match row.undo {
                Some(_) => Risk::Reversible,
                None => Risk::Irreversible,
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
    let mut by: BTreeMap<&[&str], BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        by.entry(row.resources).or_default().extend(row.iam);
    }
    let mut all: BTreeSet<&str> = by.values().flatten().copied().collect();
    let mut statements: Vec<Value> = by
        .into_iter()
        .enumerate()
        .map(|(n, (resources, iam))| {
            let resources: Vec<String> =
                resources.iter().map(|r| format!("arn:{partition}:{r}")).collect();
            json!({
                "Sid": format!("PortcullisApply{}", n + 1),
                "Effect": "Allow",
                "Action": iam,
                "Resource": resources,
            })
        })
        .collect();
    // A snapshot is made of a protected volume too: it takes nothing away.
    all.remove("ec2:CreateSnapshot");
    all.remove("ec2:CreateTags");
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
        assert!(TABLE.iter().all(|row| !row.iam.is_empty() && !row.resources.is_empty()));
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
            assert!(row.iam.iter().all(|iam| denied.contains(iam)), "{} is not denied", row.action);
        }
        for statement in all["Statement"].as_array().expect("a list") {
            let wide = statement["Resource"] == "*" && statement["Effect"] == "Allow";
            let acts = statement["Action"].to_string();
            assert!(!wide || acts.split(',').all(|a| a.contains(":Describe")), "{acts}");
        }
    }
}
