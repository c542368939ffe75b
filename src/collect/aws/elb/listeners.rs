use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, port, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{Action, Listener};
use aws_sdk_elasticloadbalancingv2::{Client, types};

/// Reads `DescribeListeners` of one balancer, without the rules.
pub(in crate::collect::aws) async fn read(elb: Client, balancer: String) -> Read<Listener> {
    let pages = elb
        .describe_listeners()
        .load_balancer_arn(balancer)
        .page_size(PAGE)
        .into_paginator()
        .send();
    drain(pages, |page| Page::of(page.listeners(), listener, page.next_marker())).await
}

/// Reads `DescribeRules` of one listener: the actions of every rule but the default one.
pub(in crate::collect::aws) async fn rule_actions(elb: Client, listener: String) -> Read<Action> {
    let pages = elb.describe_rules().listener_arn(listener).page_size(PAGE).into_paginator().send();
    drain(pages, |page| Page {
        rows: page
            .rules()
            .iter()
            .filter(|rule| !rule.is_default().unwrap_or_default())
            .flat_map(|rule| rule.actions())
            .map(|row| Ok(action(row)))
            .collect(),
        more: page.next_marker().is_some_and(|m| !m.is_empty()),
    })
    .await
}

fn listener(row: &types::Listener) -> Result<Listener, Malformed> {
    let listener_arn = id("ListenerArn", row.listener_arn())?;
    Ok(Listener {
        load_balancer_arn: text(row.load_balancer_arn()),
        port: port("Port", row.port()).map_err(|e| e.within(&listener_arn))?,
        protocol: row.protocol().map(|p| p.as_str().to_owned()),
        default_actions: row.default_actions().iter().map(action).collect(),
        rule_actions: None,
        listener_arn,
    })
}

fn action(row: &types::Action) -> Action {
    Action {
        action_type: row.r#type().map(|t| t.as_str().to_owned()),
        target_group_arn: text(row.target_group_arn()),
        forward_target_group_arns: row
            .forward_config()
            .map(|f| f.target_groups().iter().filter_map(|t| text(t.target_group_arn())).collect())
            .unwrap_or_default(),
    }
}
