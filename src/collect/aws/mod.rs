//! Live collection through the AWS SDKs: describe, list and get calls only. What hosts are, SSM's
//! inventory tells ([`inventory`]).
//!
//! What [`collect`] guarantees:
//! - every page of every list is read, or the call's outcome says that it was not;
//! - one call that fails costs the others nothing, and is a gap on exactly the rows it blinds;
//! - requests keep to a rate of their own per account, region and service, retries included;
//! - the same account read twice gives equal snapshots but for the time.
//!
//! The SDK's types stay inside this module.

mod autoscaling;
mod client;
mod cloudwatch;
mod ec2;
mod elb;
mod identity;
mod inventory;
mod log;
mod options;
mod outcome;
mod pace;
#[cfg(test)]
mod paging;
mod parse;
mod rds;
mod read;
mod region;
mod transport;

pub use inventory::inventory;
pub use options::{Account, CONCURRENCY, NotARole, Options, POLITE_RATE, Progress, is_account};

use crate::model::Stop;
use crate::snapshot::{Call, CallKind, RegionView, Snapshot, UNKNOWN_ACCOUNT};
use client::Base;
use log::Log;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Between two looks at whether the end was asked for.
const LOOK: Duration = Duration::from_millis(50);

/// Why nothing was collected. What the cloud refuses is never an error: it is a call's outcome.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no region is named: not by --regions, not in portcullis.yaml, not by AWS_REGION or the profile"
    )]
    NoRegion,
    #[error("account {0} is named twice")]
    AccountTwice(String),
    #[error("the rate {0} is not a number of requests per second")]
    Rate(f64),
    #[error("interrupted")]
    Interrupted,
    #[error("a task of the collection failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
}

/// Reads every account and region that `options` name, and tells each call that ends to `progress`.
///
/// Blocks until the last call has ended, on a runtime of its own: not to be called from async code.
/// An account whose credentials cannot be had has no view in the snapshot, but a call
/// `GetCallerIdentity` with the reason in each of its regions, under the id that was asked for or
/// `unknown`.
///
/// # Errors
/// Options that make no sense, a raised `stop`, and failures of this machine.
pub fn collect(
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Snapshot, Error> {
    if !options.rate.is_finite() || options.rate < 0.0 {
        return Err(Error::Rate(options.rate));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let collected = runtime.block_on(async {
        tokio::select! {
            collected = all(options, progress) => collected,
            () = raised(&options.stop) => Err(Error::Interrupted),
        }
    });
    // Whatever still waits for an answer waits for nobody.
    runtime.shutdown_background();
    collected
}

/// Waits until the end is asked for.
async fn raised(stop: &Stop) {
    while !stop.is_raised() {
        tokio::time::sleep(LOOK).await;
    }
}

async fn all(options: &Options, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Snapshot, Error> {
    let base = Arc::new(Base::load(options).await);
    let asked = asked(options, &base)?;
    let kinds = CallKind::ALL
        .iter()
        .filter(|k| **k == CallKind::CallerIdentity || log::wanted(options.only.as_deref(), **k));
    let kinds = kinds.count();
    let planned: usize = asked.iter().map(|a| a.regions.len() * kinds).sum();

    let (told, mut heard) = unbounded_channel::<Call>();
    let places = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let mut accounts = JoinSet::new();
    for account in asked {
        accounts.spawn(read_account(
            Arc::clone(&base),
            account,
            Arc::clone(&places),
            told.clone(),
            Asked {
                only: options.only.clone(),
                traffic_of: options.traffic_of.clone(),
                stopped_too: options.stopped_too.clone(),
                now: options.taken_at,
            },
        ));
    }
    drop(told);

    let mut done = 0;
    while let Some(call) = heard.recv().await {
        done += 1;
        progress(Progress { call: &call, done, of: planned });
    }

    let mut snapshot = Snapshot::empty(options.taken_at);
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    while let Some(read) = accounts.join_next().await {
        let read = read??;
        if let Some(id) = read.id
            && seen.insert(id.clone(), ()).is_some()
        {
            return Err(Error::AccountTwice(id));
        }
        snapshot.calls.extend(read.calls);
        snapshot.regions.extend(read.views);
    }
    snapshot.sort();
    Ok(snapshot)
}

/// The accounts with their regions filled in.
fn asked(options: &Options, base: &Base) -> Result<Vec<Account>, Error> {
    let mut default = options.regions.clone();
    if default.is_empty() {
        default.extend(base.region());
    }
    let mut accounts = options.accounts.clone();
    if accounts.is_empty() {
        accounts.push(Account::default());
    }
    for account in &mut accounts {
        if account.regions.is_empty() {
            account.regions.clone_from(&default);
        }
        account.regions.sort();
        account.regions.dedup();
        if account.regions.is_empty() {
            return Err(Error::NoRegion);
        }
    }
    Ok(accounts)
}

/// What is asked of every region.
#[derive(Clone)]
struct Asked {
    only: Option<Arc<BTreeSet<CallKind>>>,
    traffic_of: Option<Arc<BTreeSet<String>>>,
    stopped_too: Arc<BTreeSet<String>>,
    now: jiff::Timestamp,
}

/// What one account showed.
struct AccountRead {
    /// `None` when it could not be entered.
    id: Option<String>,
    calls: Vec<Call>,
    views: Vec<RegionView>,
}

async fn read_account(
    base: Arc<Base>,
    account: Account,
    places: Arc<Semaphore>,
    told: UnboundedSender<Call>,
    asked: Asked,
) -> Result<AccountRead, Error> {
    let Some(first) = account.regions.first() else { return Err(Error::NoRegion) };
    let config = base.account(&account, first).await;
    let name = [&account.role_arn, &account.profile, &account.id]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    let identity = identity::read(&base.sts(&config, &name), &account).await;
    let id = match identity {
        Ok(id) => id,
        Err(outcome) => {
            let unknown = account.id.as_deref().unwrap_or(UNKNOWN_ACCOUNT);
            let mut calls = Vec::new();
            for region in &account.regions {
                let log = Log::new(unknown, region, told.clone(), None);
                log.note(CallKind::CallerIdentity, outcome.clone(), 0);
                calls.extend(log.into_calls());
            }
            return Ok(AccountRead { id: None, calls, views: Vec::new() });
        }
    };

    let mut regions: JoinSet<(Vec<Call>, RegionView)> = JoinSet::new();
    for region in account.regions {
        let clients = base.clients(&config, &id, &region);
        let log = Log::new(&id, &region, told.clone(), asked.only.clone());
        let (id, places, asked) = (id.clone(), Arc::clone(&places), asked.clone());
        regions.spawn(async move {
            // Never closed; were it, the region would be read at once rather than not at all.
            let _place = places.acquire_owned().await;
            // Asked once for the account, and told for each region that it opened.
            log.note(CallKind::CallerIdentity, crate::snapshot::Outcome::Complete, 1);
            let view = region::read(&clients, &log, &asked, &id, &region).await;
            (log.into_calls(), view)
        });
    }
    drop(told);
    let mut read = AccountRead { id: Some(id), calls: Vec::new(), views: Vec::new() };
    while let Some(region) = regions.join_next().await {
        let (calls, view) = region?;
        read.calls.extend(calls);
        read.views.push(view);
    }
    Ok(read)
}
