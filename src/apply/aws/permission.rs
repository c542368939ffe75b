use super::Done;
use super::outcome::{No, field};
use crate::cleanup::ActRequest;
use crate::cleanup::aws::protects;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroupRule, Tag,
    TagSpecification, UserIdGroupPair,
};
use std::collections::BTreeMap;

/// What begins the names of the tags among what an act hands to what takes it back.
const TAG: &str = "tag:";

/// What the plan says of the rule.
struct Planned<'a> {
    group: &'a str,
    egress: bool,
    protocol: &'a str,
    from: i32,
    to: i32,
    peer: &'a str,
}

impl<'a> Planned<'a> {
    fn of(request: &'a ActRequest) -> Result<Self, No> {
        let text = |key| field(&request.immutable, key);
        let number = |key| {
            let value = text(key)?;
            value.parse().map_err(|_| No::Failed(format!("{value:?} is no number for {key}")))
        };
        let planned = Self {
            group: text("group")?,
            egress: text("direction")? == "egress",
            protocol: text("protocol")?,
            from: number("from")?,
            to: number("to")?,
            peer: text("peer")?,
        };
        let Self { group, protocol, from, to, peer, .. } = planned;
        let way = text("direction")?;
        // The id is the rule: both must say the same.
        if request.item.id != format!("{group}/{way}/{protocol}/{from}/{to}/{peer}") {
            return Err(No::Failed("its id and its fields name different rules".into()));
        }
        Ok(planned)
    }

    fn is(&self, rule: &SecurityGroupRule) -> bool {
        let referenced = rule.referenced_group_info().and_then(|g| g.group_id());
        let peers = [rule.cidr_ipv4(), rule.cidr_ipv6(), rule.prefix_list_id(), referenced];
        rule.is_egress() == Some(self.egress)
            && rule.ip_protocol() == Some(self.protocol)
            && rule.from_port().unwrap_or(-1) == self.from
            && rule.to_port().unwrap_or(-1) == self.to
            && peers.into_iter().flatten().any(|peer| peer == self.peer)
    }

    /// The rule as the API takes it to make it anew.
    fn permission(&self, handed: &BTreeMap<String, String>) -> IpPermission {
        let description = handed.get("description").filter(|d| !d.is_empty());
        let permission = IpPermission::builder().ip_protocol(self.protocol);
        // `-1` as protocol takes no ports.
        let permission = match self.protocol {
            "-1" => permission,
            _ => permission.from_port(self.from).to_port(self.to),
        };
        let words = || description.cloned();
        if self.peer.starts_with("sg-") {
            let pair = UserIdGroupPair::builder()
                .group_id(self.peer)
                .set_user_id(handed.get("peer-account").filter(|a| !a.is_empty()).cloned())
                .set_description(words());
            return permission.user_id_group_pairs(pair.build()).build();
        }
        if self.peer.starts_with("pl-") {
            let list = PrefixListId::builder().prefix_list_id(self.peer);
            return permission.prefix_list_ids(list.set_description(words()).build()).build();
        }
        if self.peer.contains(':') {
            let range = Ipv6Range::builder().cidr_ipv6(self.peer).set_description(words());
            return permission.ipv6_ranges(range.build()).build();
        }
        let range = IpRange::builder().cidr_ip(self.peer).set_description(words());
        permission.ip_ranges(range.build()).build()
    }
}

/// Every rule of the group, page by page.
async fn rules(ec2: &Client, group: &str) -> Result<Vec<SecurityGroupRule>, No> {
    let filter = Filter::builder().name("group-id").values(group).build();
    let mut pages = ec2.describe_security_group_rules().filters(filter).into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        all.extend(page?.security_group_rules.unwrap_or_default());
    }
    Ok(all)
}

/// Revokes exactly the rule, by AWS's own id of it.
pub(super) async fn revoke(ec2: &Client, request: &ActRequest) -> Done {
    let planned = Planned::of(request)?;
    let all = rules(ec2, planned.group).await?;
    let found: Vec<&SecurityGroupRule> = all.iter().filter(|rule| planned.is(rule)).collect();
    let [rule] = found.as_slice() else {
        return Err(No::Failed(format!(
            "{} rules of {} are it, not one",
            found.len(),
            planned.group
        )));
    };
    let id = rule.security_group_rule_id().unwrap_or_default();
    if id.is_empty() {
        return Err(No::Failed("the rule has no id to revoke it by".into()));
    }
    let tags: BTreeMap<String, String> = rule
        .tags()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default().into(), tag.value().unwrap_or_default().into()))
        .collect();
    // A listing of groups does not tell the tags of their rules: here is where they are seen.
    if let Some((key, value)) = tags.iter().find(|(key, value)| protects(key, value)) {
        return Err(No::Failed(format!(
            "the rule {id} has the tag {key}={value}, which protects it"
        )));
    }
    // A revocation of what is not there may be answered as done; by the id it is this rule or none.
    let done = if planned.egress {
        let call = ec2.revoke_security_group_egress().group_id(planned.group);
        call.security_group_rule_ids(id).send().await?.r#return()
    } else {
        let call = ec2.revoke_security_group_ingress().group_id(planned.group);
        call.security_group_rule_ids(id).send().await?.r#return()
    };
    if done == Some(false) {
        return Err(No::Unknown("AWS answered that it did not revoke it".into()));
    }
    let account = rule.referenced_group_info().and_then(|g| g.user_id()).unwrap_or_default();
    let mut undo = BTreeMap::from([("rule".into(), id.to_owned())]);
    undo.insert("description".into(), rule.description().unwrap_or_default().to_owned());
    undo.insert("peer-account".into(), account.to_owned());
    // AWS keeps what begins with `aws:` for itself, and takes it from nobody.
    let own = tags.into_iter().filter(|(key, _)| !key.starts_with("aws:"));
    undo.extend(own.map(|(key, value)| (format!("{TAG}{key}"), value)));
    undo.retain(|key, value| !value.is_empty() || key.starts_with(TAG));
    Ok(undo)
}

/// Makes a rule that the spec asks for, with the description that it was declared with.
pub(super) async fn repair(ec2: &Client, request: &ActRequest) -> Done {
    // AWS refuses one that is there already, so somebody else's is never taken for this act's.
    make(ec2, &Planned::of(request)?, &request.immutable).await
}

/// Makes the rule anew, with its description; AWS gives it another id.
pub(super) async fn authorize(
    ec2: &Client,
    request: &ActRequest,
    handed: &BTreeMap<String, String>,
) -> Done {
    let planned = Planned::of(request)?;
    if rules(ec2, planned.group).await?.iter().any(|rule| planned.is(rule)) {
        return Ok(BTreeMap::new());
    }
    make(ec2, &planned, handed).await
}

async fn make(ec2: &Client, planned: &Planned<'_>, handed: &BTreeMap<String, String>) -> Done {
    let permission = planned.permission(handed);
    let tags = handed.iter().filter_map(|(key, value)| Some((key.strip_prefix(TAG)?, value)));
    let tags: Vec<Tag> =
        tags.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let tags = (!tags.is_empty()).then(|| {
        let rule = TagSpecification::builder().resource_type(ResourceType::SecurityGroupRule);
        vec![rule.set_tags(Some(tags)).build()]
    });
    if planned.egress {
        let call = ec2.authorize_security_group_egress().group_id(planned.group);
        call.ip_permissions(permission).set_tag_specifications(tags).send().await?;
    } else {
        let call = ec2.authorize_security_group_ingress().group_id(planned.group);
        call.ip_permissions(permission).set_tag_specifications(tags).send().await?;
    }
    Ok(BTreeMap::new())
}
