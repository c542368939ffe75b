//! Facts of hosts from AWS Systems Manager's inventory.
//!
//! `GetInventory` lists the managed nodes (it gives no other type's rows), `ListInventoryEntries` the
//! rows of each asked type of each node. A region that denies, throttles or ends a list early is a
//! gap of its own, and costs the others nothing.

use super::client::Base;
use super::options::{Account, Options};
use super::read::{Page, Read, drain, parts};
use super::{Error, outcome};
use crate::collect::facts::{Wanted, rows};
use crate::collect::policy::INVENTORY;
use crate::fact::{Gathered, Record, SourceRead};
use crate::model::{Gap, GapKind};
use crate::snapshot::Outcome;
use aws_sdk_ssm::{Client, types};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Rows asked for at once: the most that the service gives.
const PAGE: i32 = 50;

/// Most gaps of single nodes that are told one by one.
const MAX_TOLD: usize = 5;

/// A node that the inventory knows.
#[derive(Debug, Clone)]
struct Node {
    id: String,
    /// Its other names: computer name, address.
    names: Vec<String>,
}

/// Reads the rows of these types of every managed node in every account and region of `options`.
///
/// Each account and region is a source of its own, `NAME ACCOUNT/REGION`. Blocks, on a runtime of its own.
///
/// # Errors
/// Options that make no sense, a raised `stop`, and failures of this machine. What the service refuses is a gap.
pub fn inventory(
    options: &Options,
    name: &str,
    types: &[String],
    wanted: &Wanted,
) -> Result<Gathered, Error> {
    if !options.rate.is_finite() || options.rate < 0.0 {
        return Err(Error::Rate(options.rate));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let read = runtime.block_on(async {
        tokio::select! {
            read = all(options, name, types, wanted) => read,
            () = super::raised(&options.stop) => Err(Error::Interrupted),
        }
    });
    runtime.shutdown_background();
    read
}

async fn all(
    options: &Options,
    name: &str,
    types: &[String],
    wanted: &Wanted,
) -> Result<Gathered, Error> {
    let base = Arc::new(Base::load(options).await);
    let places = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let mut regions: JoinSet<(String, Gathered)> = JoinSet::new();
    for account in super::asked(options, &base)? {
        for region in &account.regions {
            let (base, account, region) = (Arc::clone(&base), account.clone(), region.clone());
            let (places, types, wanted) = (Arc::clone(&places), types.to_vec(), wanted.clone());
            let source = format!("{name} {}/{region}", called(&account));
            regions.spawn(async move {
                let _place = places.acquire_owned().await;
                let config = base.account(&account, &region).await;
                let client = base.ssm(&config, &called(&account), &region);
                let gathered = of_region(&client, &source, &types, &wanted).await;
                (source, gathered)
            });
        }
    }
    let mut by_name = BTreeMap::new();
    while let Some(region) = regions.join_next().await {
        let (source, gathered) = region?;
        by_name.insert(source, gathered);
    }
    let mut out = Gathered::default();
    by_name.into_values().for_each(|gathered| out.merge(gathered));
    Ok(out)
}

fn called(account: &Account) -> String {
    let known = [&account.id, &account.role_arn, &account.profile];
    known.into_iter().flatten().next().cloned().unwrap_or_else(|| "account".into())
}

/// Reads one region.
pub(super) async fn of_region(
    ssm: &Client,
    source: &str,
    types: &[String],
    wanted: &Wanted,
) -> Gathered {
    let source: Arc<str> = source.into();
    let gap = |why: String| Gap::new(GapKind::Facts, &*source, why);
    let nodes = nodes(ssm).await;
    let mut out = Gathered::default();
    if !nodes.outcome.is_complete() {
        let hint = format!("it takes {}", INVENTORY.join(" and "));
        out.gaps.push(gap(format!("GetInventory: {}; {hint}", nodes.outcome)));
    }
    // Nothing came: the source was not read. What came before a list broke off stands.
    let unread = !nodes.outcome.is_complete() && nodes.rows.is_empty();
    let asked: Vec<(Node, String)> = nodes
        .rows
        .iter()
        .flat_map(|node| types.iter().map(|t| (node.clone(), t.clone())))
        .collect();
    let answers = parts(asked.clone(), |(node, kind)| entries(ssm.clone(), node, kind)).await;
    let mut failed = Vec::new();
    for ((node, kind), answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(found) => out.records.extend(found.into_iter().map(|mut record| {
                record.source = Arc::clone(&source);
                if record.facts.len() > 64 {
                    record.facts.retain(|name, _| wanted.contains(name));
                }
                record
            })),
            Err(outcome) => failed.push(format!("{kind} of {}: {outcome}", node.id)),
        }
    }
    let more = failed.len().saturating_sub(MAX_TOLD);
    out.gaps.extend(failed.into_iter().take(MAX_TOLD).map(gap));
    if more > 0 {
        out.gaps.push(gap(format!("{more} more lists of entries could not be read")));
    }
    let hosts = nodes.rows.iter().map(|n| &n.id).collect::<BTreeSet<_>>().len();
    let read_at = (!unread).then(crate::collect::facts::now);
    out.sources.push(SourceRead { name: source, read_at, hosts });
    out
}

/// Every node but those that are gone.
async fn nodes(ssm: &Client) -> Read<Node> {
    let pages = ssm.get_inventory().into_paginator().page_size(PAGE).send();
    let read = drain(pages, |page| Page {
        rows: page.entities().iter().map(|e| Ok(node(e))).collect(),
        more: page.next_token().is_some_and(|t| !t.is_empty()),
    })
    .await;
    Read { rows: read.rows.into_iter().flatten().collect(), outcome: read.outcome }
}

fn node(entity: &types::InventoryResultEntity) -> Option<Node> {
    let id = entity.id().filter(|id| !id.is_empty())?.to_owned();
    let about = entity.data().and_then(|d| d.get("AWS:InstanceInformation"));
    let about = about.and_then(|a| a.content().first());
    let of = |key: &str| about.and_then(|a| a.get(key)).filter(|v| !v.is_empty()).cloned();
    let gone = of("InstanceStatus").is_some_and(|s| s == "Terminated" || s == "Stopped");
    let names = [of("ComputerName"), of("IpAddress")].into_iter().flatten().collect();
    (!gone).then_some(Node { id, names })
}

/// Every row of a type of a node, as one record; none where the node has no such type.
async fn entries(ssm: Client, node: Node, kind: String) -> Read<Record> {
    let mut content: Vec<Value> = Vec::new();
    let mut captured: Option<Timestamp> = None;
    let mut tokens: BTreeSet<String> = BTreeSet::new();
    let mut token: Option<String> = None;
    loop {
        let request = ssm
            .list_inventory_entries()
            .instance_id(&node.id)
            .type_name(&kind)
            .max_results(PAGE)
            .set_next_token(token.take());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Read { rows: Vec::new(), outcome: outcome::of(&error) },
        };
        captured = captured.or_else(|| answer.capture_time()?.parse().ok());
        for entry in answer.entries() {
            // In the order of their keys, whichever way the answer held them.
            let entry: BTreeMap<&String, &String> = entry.iter().collect();
            content.push(
                entry.into_iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect(),
            );
        }
        match answer.next_token().filter(|t| !t.is_empty()) {
            None => break,
            Some(next) if !tokens.insert(next.to_owned()) => {
                let why = "a page says that there is more, and gives no way on";
                return Read { rows: Vec::new(), outcome: Outcome::Truncated(why.into()) };
            }
            Some(next) => token = Some(next.to_owned()),
        }
    }
    if content.is_empty() {
        return Read { rows: Vec::new(), outcome: Outcome::Complete };
    }
    let mut facts = BTreeMap::new();
    rows(&kind, Some(&Value::Array(content)), &mut facts);
    let mut keys = vec![node.id];
    keys.extend(node.names);
    let record = Record {
        source: "".into(),
        at: kind,
        keys,
        facts,
        read_at: crate::collect::facts::now(),
        gathered_at: captured,
    };
    Read { rows: vec![record], outcome: Outcome::Complete }
}

/// Tests with the SDK's own mock client, because moto has no `GetInventory`.
#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "the SDK's own maps")]
mod tests {
    use super::*;
    use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
    use aws_sdk_ssm::operation::get_inventory::GetInventoryOutput;
    use aws_sdk_ssm::operation::list_inventory_entries::ListInventoryEntriesOutput;
    use aws_smithy_mocks::{
        MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock,
    };
    use std::collections::HashMap;

    fn client(rules: &[&Rule]) -> Client {
        let answers = rules
            .iter()
            .fold(MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny), |all, rule| {
                all.with_rule(rule)
            });
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("dummy", "dummy", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(create_mock_http_client())
            .interceptor(answers)
            .build();
        Client::from_conf(config)
    }

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn entity(id: &str, status: &str) -> types::InventoryResultEntity {
        let content =
            map(&[("InstanceStatus", status), ("ComputerName", "web"), ("IpAddress", "10.0.0.1")]);
        let item = types::InventoryResultItem::builder()
            .type_name("AWS:InstanceInformation")
            .schema_version("1.0")
            .content(content)
            .build()
            .expect("an item");
        types::InventoryResultEntity::builder().id(id).data("AWS:InstanceInformation", item).build()
    }

    fn listed(
        entities: Vec<types::InventoryResultEntity>,
        next: Option<&str>,
    ) -> GetInventoryOutput {
        GetInventoryOutput::builder()
            .set_entities(Some(entities))
            .set_next_token(next.map(str::to_owned))
            .build()
    }

    fn read(ssm: &Client, types: &[&str]) -> Gathered {
        let types: Vec<String> = types.iter().map(|t| (*t).to_owned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(of_region(ssm, "ssm 1/r", &types, &Wanted::new()))
    }

    #[test]
    fn every_page_of_every_type_becomes_facts_with_the_time_they_were_captured() {
        let nodes = mock!(Client::get_inventory).then_output(|| {
            listed(vec![entity("i-1", "Active"), entity("i-2", "Terminated")], None)
        });
        let rows = mock!(Client::list_inventory_entries).then_compute_output(|i| {
            let out = ListInventoryEntriesOutput::builder()
                .type_name(i.type_name().unwrap_or_default())
                .capture_time("2026-11-22T10:00:00Z");
            match (i.type_name(), i.next_token()) {
                (Some("AWS:Application"), None) => out
                    .entries(map(&[("Name", "openjdk-8-jre"), ("Version", "8u212-b03-2~deb9u1")]))
                    .next_token("more")
                    .build(),
                (Some("AWS:Application"), _) => {
                    out.entries(map(&[("Name", "openssl"), ("Version", "1.1.0l-1~deb9u6")])).build()
                }
                _ => out.entries(map(&[("build", "41"), ("requests", "7")])).build(),
            }
        });
        let gathered = read(&client(&[&nodes, &rows]), &["AWS:Application", "Custom:Build"]);
        assert_eq!(gathered.gaps, []);
        let [packages, build] = &gathered.records[..] else { panic!("{:?}", gathered.records) };
        assert_eq!(packages.keys, ["i-1", "web", "10.0.0.1"], "the node that is gone is not asked");
        assert_eq!(packages.facts["AWS:Application.openjdk-8-jre"], "8u212-b03-2~deb9u1");
        assert_eq!(packages.facts["AWS:Application.openssl"], "1.1.0l-1~deb9u6");
        assert_eq!(packages.gathered_at, "2026-11-22T10:00:00Z".parse().ok());
        assert_eq!(build.facts["Custom:Build.build"], "41");
        assert!(gathered.sources[0].read_at.is_some());
    }

    #[test]
    fn what_is_denied_throttled_or_cut_short_is_a_gap_and_the_rest_stands() {
        let denied = |code: &str| {
            mock!(Client::get_inventory)
                .sequence()
                .http_status(400, Some(format!("{{\"__type\":\"{code}\"}}")))
                .build()
        };
        let gathered = read(&client(&[&denied("AccessDeniedException")]), &["Custom:Build"]);
        let why = &gathered.gaps[0].why;
        assert!(
            why.contains("denied: AccessDeniedException") && why.contains("ssm:GetInventory"),
            "{why}"
        );
        assert_eq!((gathered.sources[0].read_at, gathered.records.len()), (None, 0));
        let gathered = read(&client(&[&denied("ThrottlingException")]), &["Custom:Build"]);
        assert!(gathered.gaps[0].why.contains("throttled"), "{:?}", gathered.gaps);

        // The second page never comes, and one node's rows are refused: the other's stand.
        let first =
            mock!(Client::get_inventory).match_requests(|i| i.next_token().is_none()).then_output(
                || listed(vec![entity("i-1", "Active"), entity("i-2", "Active")], Some("2")),
            );
        let second = mock!(Client::get_inventory)
            .match_requests(|i| i.next_token().is_some())
            .sequence()
            .http_status(400, Some("{\"__type\":\"ThrottlingException\"}".into()))
            .build();
        let good = mock!(Client::list_inventory_entries)
            .match_requests(|i| i.instance_id() == Some("i-1"))
            .then_output(|| {
                ListInventoryEntriesOutput::builder().entries(map(&[("build", "41")])).build()
            });
        let bad = mock!(Client::list_inventory_entries)
            .match_requests(|i| i.instance_id() == Some("i-2"))
            .sequence()
            .http_status(400, Some("{\"__type\":\"AccessDeniedException\"}".into()))
            .build();
        let gathered = read(&client(&[&first, &second, &good, &bad]), &["Custom:Build"]);
        assert_eq!(gathered.records.len(), 1);
        let gaps: Vec<&str> = gathered.gaps.iter().map(|g| g.why.as_str()).collect();
        assert!(gaps[0].contains("page 2 throttled"), "{gaps:?}");
        assert!(gaps[1].contains("Custom:Build of i-2: denied"), "{gaps:?}");
        assert!(gathered.sources[0].read_at.is_some(), "in part it was read");
    }

    #[test]
    fn a_token_that_repeats_is_not_the_end_of_the_list() {
        let nodes = mock!(Client::get_inventory)
            .then_output(|| listed(vec![entity("i-1", "Active")], None));
        let same = mock!(Client::list_inventory_entries).then_output(|| {
            ListInventoryEntriesOutput::builder()
                .entries(map(&[("a", "b")]))
                .next_token("x")
                .build()
        });
        let gathered = read(&client(&[&nodes, &same]), &["Custom:Build"]);
        assert_eq!(gathered.records.len(), 0, "a list read by half would pass for a whole one");
        assert!(gathered.gaps[0].why.contains("gives no way on"), "{:?}", gathered.gaps);
    }
}
