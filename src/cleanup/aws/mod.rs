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
    /// Fields of a thing's `state` that show the act: any other change is somebody else's. None where any may.
    changes: &'static [&'static str],
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
    Row { kind: INSTANCE, action: "stop", undo: Some("start"), risk: Reversible, identity: IMAGE, precondition: false, changes: &["state"],
        rights: &[right(&["ec2:StopInstances"], &[INSTANCES])],
        back: &[right(&["ec2:StartInstances"], &[INSTANCES])] },
    Row { kind: INSTANCE, action: "isolate", undo: Some("rejoin"), risk: Reversible, identity: IMAGE, precondition: false, changes: &["interfaces"],
        rights: &[ISOLATE], back: &[ISOLATE] },
    Row { kind: INSTANCE, action: "terminate", undo: None, risk: Irreversible, identity: IMAGE, precondition: false, changes: &[],
        // First of all its volumes are told to stay.
        rights: &[right(&["ec2:TerminateInstances"], &[INSTANCES]),
            right(&["ec2:ModifyInstanceAttribute"], &[INSTANCES, VOLUMES])], back: &[] },
    Row { kind: INTERFACE, action: "detach", undo: Some("attach"), risk: Reversible, identity: PRIVATE_IP, precondition: true, changes: &[],
        rights: &[right(&["ec2:DetachNetworkInterface"], &[INTERFACES, INSTANCES])],
        back: &[right(&["ec2:AttachNetworkInterface"], &[INTERFACES, INSTANCES])] },
    Row { kind: INTERFACE, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PRIVATE_IP, precondition: false, changes: &[],
        rights: &[mark(&[INTERFACES])], back: &[unmark(&[INTERFACES])] },
    Row { kind: INTERFACE, action: "delete", undo: None, risk: Irreversible, identity: PRIVATE_IP, precondition: true, changes: &[],
        rights: &[right(&["ec2:DeleteNetworkInterface"], &[INTERFACES])], back: &[] },
    Row { kind: VOLUME, action: "detach", undo: Some("attach"), risk: Reversible, identity: PLACE, precondition: true, changes: &[],
        rights: &[right(&["ec2:DetachVolume"], &[VOLUMES, INSTANCES])],
        back: &[right(&["ec2:AttachVolume"], &[VOLUMES, INSTANCES])] },
    Row { kind: VOLUME, action: "snapshot", undo: Some("drop-snapshot"), risk: Reversible, identity: PLACE, precondition: false, changes: &[],
        rights: &[MAKE_SNAPSHOT, TAG_SNAPSHOT, mark(&[VOLUMES])],
        back: &[right(&["ec2:DeleteSnapshot"], &[SNAPSHOTS]), unmark(&[VOLUMES])] },
    Row { kind: VOLUME, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PLACE, precondition: false, changes: &[],
        rights: &[mark(&[VOLUMES])], back: &[unmark(&[VOLUMES])] },
    Row { kind: VOLUME, action: "delete", undo: None, risk: Irreversible, identity: PLACE, precondition: true, changes: &[],
        // Right before, for what was written since its quarantine.
        rights: &[MAKE_SNAPSHOT, TAG_SNAPSHOT, right(&["ec2:DeleteVolume"], &[VOLUMES])], back: &[] },
    Row { kind: PERMISSION, action: "revoke", undo: Some("authorize"), risk: Reversible, identity: RULE, precondition: true, changes: &[],
        rights: &[REVOKE], back: &[AUTHORIZE, TAG_RULE] },
    Row { kind: PERMISSION, action: "authorize", undo: Some("revoke"), risk: Exposing, identity: RULE, precondition: true, changes: &[],
        rights: &[AUTHORIZE], back: &[REVOKE] },
    Row { kind: GROUP, action: "mark", undo: Some("unmark"), risk: Reversible, identity: NAME, precondition: false, changes: &[],
        rights: &[mark(&[GROUPS])], back: &[unmark(&[GROUPS])] },
    Row { kind: GROUP, action: "delete", undo: None, risk: Irreversible, identity: NAME, precondition: true, changes: &[],
        rights: &[right(&["ec2:DeleteSecurityGroup"], &[GROUPS])], back: &[] },
    Row { kind: ADDRESS, action: "mark", undo: Some("unmark"), risk: Reversible, identity: PUBLIC_IP, precondition: false, changes: &[],
        rights: &[mark(&[ADDRESSES])], back: &[unmark(&[ADDRESSES])] },
    Row { kind: ADDRESS, action: "release", undo: None, risk: Irreversible, identity: PUBLIC_IP, precondition: true, changes: &[],
        rights: &[right(&["ec2:ReleaseAddress"], &[ADDRESSES])], back: &[] },
    Row { kind: TARGET, action: "deregister", undo: Some("register"), risk: Reversible, identity: TARGETED, precondition: false, changes: &[],
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
            changes: row.changes.iter().map(|f| (*f).into()).collect(),
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
mod tests;
