use super::client::Clients;
use super::outcome::No;
use crate::cleanup::Health;

/// Whether every target group that takes part in balancing has a healthy target.
///
/// A group whose targets are all unused belongs to no balancer and says nothing.
pub(super) async fn look(clients: &Clients, region: &str) -> Result<Health, No> {
    let mut health = Health { healthy: true, checks: Vec::new() };
    let mut pages = clients.elb.describe_target_groups().into_paginator().send();
    let mut well = 0;
    while let Some(page) = pages.next().await {
        for group in page?.target_groups() {
            let Some(arn) = group.target_group_arn() else { continue };
            let answer = clients.elb.describe_target_health().target_group_arn(arn).send().await?;
            let states: Vec<&str> = answer
                .target_health_descriptions()
                .iter()
                .filter_map(|d| Some(d.target_health()?.state()?.as_str()))
                .filter(|state| *state != "unused")
                .collect();
            if states.is_empty() {
                continue;
            }
            if states.contains(&"healthy") {
                well += 1;
            } else {
                health.healthy = false;
                health.checks.push(format!("{arn}: none of {} targets is healthy", states.len()));
            }
        }
    }
    health.checks.push(format!("{region}: {well} target groups have a healthy target"));
    Ok(health)
}
