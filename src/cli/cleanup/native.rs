//! AWS without an adapter: the account's own things as a listing, and the world that acts on them.

use super::super::audit::Probing;
use super::super::cloud::CloudArgs;
use super::super::collect::LiveArgs;
use super::super::pipeline::{self, Case};
use super::super::saved::TakenArgs;
use super::super::{input, rules};
use super::adapter::RoleArgs;
use super::names::Listed;
use crate::cleanup::names::{self, Led};
use crate::cleanup::plan::{Phase, Plan};
use crate::cleanup::receipt::Receipt;
use crate::cleanup::{Digest, Hello, ItemRef, Listing, Source, Target, World, aws};
use crate::cli::{CliError, Global};
use crate::fact::Gathered;
use crate::observation::Observations;
use crate::reach::{self, Reach};
use crate::report::escape::visible;
#[cfg(feature = "aws")]
use crate::snapshot::CallKind;
use crate::snapshot::Snapshot;
use crate::spec::{self, Spec};
use crate::{audit, drift, reclaim, resolve};
use clap::Args;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What a quarantine took out of use, and when.
pub(super) type Quarantined = BTreeMap<ItemRef, Timestamp>;

/// What a receipt says was taken out of use.
pub(super) fn quarantined(receipt: &Receipt) -> Quarantined {
    receipt.items.iter().map(|i| (i.item.clone(), i.at)).collect()
}

/// The account that is cleaned up, and the spec that says what is wanted in it.
#[derive(Debug, Args)]
#[command(next_help_heading = "AWS without an adapter")]
pub struct NativeArgs {
    /// Clean up what of an AWS account the spec does not ask for and nothing uses
    #[arg(long)]
    pub aws: bool,
    /// Spec files and folders: what is wanted (repeatable)
    #[arg(long = "spec", value_name = "SPEC", requires = "aws")]
    pub specs: Vec<PathBuf>,
    /// Plan from a snapshot that `portcullis collect` wrote, instead of the live account
    #[arg(long, value_name = "FILE", requires = "aws", conflicts_with = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// Plan from saved `aws ... describe-*` answers, instead of the live account
    #[arg(long, value_name = "DIR", requires = "aws")]
    pub aws_json: Option<PathBuf>,
    #[command(flatten)]
    pub taken: TakenArgs,
    #[command(flatten)]
    pub probing: Probing,
    #[command(flatten)]
    pub live: LiveArgs,
}

/// What a plan is drafted from, in place of an adapter's answers.
#[derive(Debug)]
pub(super) struct Native {
    pub(super) hello: Hello,
    pub(super) listing: Listing,
    /// Of what decides that something is dead. The spec is not part of it: it is the list that keeps
    /// things, and is watched as one.
    pub(super) classifier: Digest,
}

impl NativeArgs {
    /// The digest of the spec that says what is wanted; `None` without one.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub(super) fn spec_digest(&self) -> Result<Option<Digest>, CliError> {
        if self.specs.is_empty() { Ok(None) } else { input::spec_digest(&self.specs).map(Some) }
    }

    /// Reads the account, probes it, and lists all of it.
    ///
    /// # Errors
    /// Specs and snapshots that cannot be read, and more accounts than one.
    pub(super) fn list(
        &self,
        global: &Global,
        (scope, selector, asked): (&str, &BTreeMap<String, String>, &Listed<'_>),
        (phase, quarantined): (Phase, &Quarantined),
        now: Timestamp,
    ) -> Result<Native, CliError> {
        let config = input::config(global)?;
        let auditor = input::auditor(&config, global)?;
        if self.specs.is_empty() {
            return Err(CliError::new("plan a cleanup of AWS without a spec")
                .because("what nobody declared cannot be told from what nobody wants")
                .hint("name it: --spec spec.yaml; `portcullis init` writes one from a snapshot"));
        }
        let sources = input::sources(&self.specs)?;
        let spec = spec::load(&sources).map_err(input::rendered)?;
        let cloud = CloudArgs {
            snapshot: self.snapshot.clone(),
            aws_json: self.aws_json.clone(),
            taken: self.taken.clone(),
            no_cloud: false,
            save_snapshot: None,
        };
        let live = LiveArgs {
            for_cleanup: true,
            stopped_too: instances(quarantined).cloned().collect(),
            ..self.live.clone()
        };
        let snapshot = cloud.read(&live, global, now)?;
        let hello = hello(&snapshot, scope)?;
        if !global.quiet {
            for told in reclaim::unread(&snapshot) {
                anstream::eprintln!("not read: {}", visible(&told));
            }
        }
        let rules = rules::load(&[])?;
        let scope = config.scope_addresses();
        let (none, facts, options) =
            (BTreeSet::new(), Gathered::default(), audit::Options::default());
        let case = Case {
            spec: &spec,
            snapshot: &snapshot,
            resolution: &resolve::resolve(&spec, &snapshot),
            facts: &facts,
            rules: &rules,
            options: &options,
            probed: None,
            sweep: &none,
            scope: &scope,
            limits: pipeline::limits(&config),
            now,
        };
        let seen = pipeline::run(&case, &mut |survey, gaps| {
            if self.probing.no_probe || global.offline {
                return Observations::default();
            }
            super::super::vantages::probe_all(
                survey,
                gaps,
                &self.probing,
                &config,
                &auditor,
                global,
            )
        })
        .observations;
        let led = match asked.with(Some(&spec))? {
            Some(names) if !global.offline => Some(asked.led(&names)?),
            // Nobody is asked: of a list that was named what it says by itself counts, and where its
            // names lead is unknown.
            Some(names) if asked.pin().is_some() => Some(Led::unasked(&names, now)),
            _ => None,
        };
        let seen = Seen { observations: &seen, named: led.as_ref() };
        let mut listing = of(&spec, &snapshot, seen, (phase, quarantined));
        select(&mut listing, selector);
        let tool = concat!("portcullis ", env!("CARGO_PKG_VERSION"), " reclaim/v1");
        Ok(Native { hello, listing, classifier: Digest::of(tool.as_bytes()) })
    }
}

fn instances(quarantined: &Quarantined) -> impl Iterator<Item = &String> {
    quarantined.keys().filter(|item| item.kind == aws::INSTANCE).map(|item| &item.id)
}

/// What was seen of an account beside its own word.
#[derive(Clone, Copy)]
struct Seen<'a> {
    observations: &'a Observations,
    named: Option<&'a Led>,
}

/// What a snapshot, probes and names show of an account.
fn of(
    spec: &Spec,
    snapshot: &Snapshot,
    Seen { observations, named }: Seen<'_>,
    (phase, quarantined): (Phase, &Quarantined),
) -> Listing {
    let resolution = resolve::resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    let drifted = drift::compare(spec, snapshot, &reach);
    let input = reclaim::Input {
        spec,
        snapshot,
        resolution: &resolution,
        drifted: &drifted,
        quarantined,
        observations,
        named,
    };
    let mut listing = match phase {
        Phase::Quarantine | Phase::Delete => reclaim::list(&input),
        Phase::Repair => reclaim::repairs(&input),
    };
    // Probes and names prove life, and no silence is taken for anything: none can be missing.
    let proving = |name: &str, rows: usize| Source {
        name: name.into(),
        fetched_at: snapshot.taken_at,
        newest: None,
        complete: true,
        rows: rows as u64,
        cross_count: None,
        keeps: false,
        may_be_empty: false,
        selector: BTreeMap::new(),
    };
    if !observations.vantages.is_empty() {
        listing.sources.push(proving("probe", observations.rows.len()));
    }
    listing.sources.extend(named.map(|led| proving(names::SOURCE, led.names())));
    listing
}

/// What is left of something that its group does not have any more: see [`reclaim::absent`]. Of what
/// is to be `repaired`, with the words that it will be described by: [`reclaim::absent_for_repair`].
#[cfg(feature = "aws")]
fn absent(
    snapshot: &Snapshot,
    item: &ItemRef,
    repaired: Option<&Option<String>>,
) -> Option<crate::cleanup::Resource> {
    let (spec, drifted) = (Spec::default(), drift::Drifted::default());
    let input = reclaim::Input {
        spec: &spec,
        snapshot,
        resolution: &resolve::resolve(&spec, snapshot),
        drifted: &drifted,
        quarantined: &Quarantined::new(),
        observations: &Observations::default(),
        named: None,
    };
    let Some(words) = repaired else { return reclaim::absent(&input, item) };
    let mut thing = reclaim::absent_for_repair(&input, item)?;
    thing.immutable.extend(words.iter().map(|w| (reclaim::DESCRIPTION.into(), w.clone())));
    Some(thing)
}

/// Leaves what was asked for, by attributes.
fn select(listing: &mut Listing, selector: &BTreeMap<String, String>) {
    listing.resources.retain(|r| selector.iter().all(|(k, v)| r.attributes.get(k) == Some(v)));
    for source in &mut listing.sources {
        source.selector.clone_from(selector);
    }
}

/// Who the account is, as the world will say it when the plan is applied.
fn hello(snapshot: &Snapshot, scope: &str) -> Result<Hello, CliError> {
    let cannot = || CliError::new("plan a cleanup of AWS");
    let accounts: BTreeSet<&str> = snapshot.regions.iter().map(|v| v.account.as_str()).collect();
    let account = match accounts.iter().collect::<Vec<_>>().as_slice() {
        [one] => (**one).to_owned(),
        [] => return Err(cannot().because("no account and region was read")),
        many => {
            return Err(cannot()
                .because(format!("{} accounts were read, and a plan acts in one", many.len()))
                .hint("name it: --account ID, and plan each account by itself"));
        }
    };
    let regions: BTreeSet<String> = snapshot.regions.iter().map(|v| v.region.clone()).collect();
    let partition = match regions.first().map_or("", String::as_str) {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("us-iso-") => "aws-iso",
        region if region.starts_with("us-isob-") => "aws-iso-b",
        _ => "aws",
    };
    Ok(Hello {
        protocol: 1,
        adapter: "aws".into(),
        target: Target {
            provider: "aws".into(),
            partition: partition.into(),
            account,
            regions,
            scope: scope.into(),
        },
        clock: None,
        acts: aws::acts(),
    })
}

/// The world that a plan of AWS is applied in, with the credentials that the SDKs find: it looks at
/// each thing by a fresh reading of what concerns its type, made and listed as the plan was. What a plan
/// rests on is judged again by it. A deletion is of what `quarantine` took out of use.
///
/// # Errors
/// What keeps this machine from making calls.
#[cfg(not(feature = "aws"))]
pub(super) fn world(
    _: &Plan,
    _: Option<&RoleArgs>,
    _: Option<&Receipt>,
) -> Result<Box<dyn World>, CliError> {
    Err(no_aws())
}

#[cfg(not(feature = "aws"))]
fn no_aws() -> CliError {
    CliError::new("act in AWS with this build: it was made without the `aws` feature")
        .hint("build with the default features: cargo build --release")
}

/// The world that a plan of AWS is applied in, with the credentials that the SDKs find: it looks at
/// each thing by a fresh reading of what concerns its type, made and listed as the plan was. What a plan
/// rests on is judged again by it. A deletion is of what `quarantine` took out of use.
///
/// # Errors
/// What keeps this machine from making calls.
#[cfg(feature = "aws")]
pub(super) fn world(
    plan: &Plan,
    role: Option<&RoleArgs>,
    quarantine: Option<&Receipt>,
) -> Result<Box<dyn World>, CliError> {
    use crate::apply::aws::{AwsWorld, Settings};
    use crate::cleanup::Observed;

    let target = &plan.target;
    let repair = plan.phase == Phase::Repair;
    let settings = Settings {
        regions: target.regions.clone(),
        scope: target.scope.clone(),
        session: role.map(|role| session(role, plan)).transpose()?.flatten(),
        ..Settings::default()
    };
    let (planned, again) = (target.clone(), target.clone());
    let described: BTreeMap<String, Option<String>> = plan
        .items
        .iter()
        .filter(|_| repair)
        .map(|i| (i.id.clone(), i.immutable.get(reclaim::DESCRIPTION).cloned()))
        .collect();
    let list = move |_: &str, selector: &BTreeMap<String, String>| {
        let snapshot = fresh(&planned, reclaim::NEEDS.into_iter().collect(), None, "list")?;
        let mut listing = looked_at(&snapshot, &Quarantined::new());
        select(&mut listing, selector);
        Ok(listing)
    };
    let planned_items: BTreeMap<ItemRef, crate::cleanup::plan::Item> =
        plan.items.iter().filter(|_| !repair).map(|i| (i.item(), i.clone())).collect();
    let quarantined = quarantine.map(self::quarantined).unwrap_or_default();
    let observe = move |item: &ItemRef| {
        let planned = planned_items.get(item);
        let mut needs: BTreeSet<CallKind> = reclaim::needs(&item.kind).iter().copied().collect();
        // What opening something would open, everything on the way decides.
        if repair {
            needs.extend(audited());
        }
        needs.extend(planned.into_iter().flat_map(|it| reclaim::rests_on(&it.dead)));
        // Traffic is billed by the metric: nobody else's is asked for.
        let snapshot = fresh(&again, needs.clone(), Some(&item.id), "observe")?;
        let listing = looked_at(&snapshot, &quarantined);
        if let Some(mut resource) = listing.resources.into_iter().find(|r| r.item() == *item) {
            // What the look from outside asks, a moment before the act.
            let at: Vec<String> =
                reclaim::addresses(&snapshot, item).iter().map(ToString::to_string).collect();
            if !at.is_empty() {
                resource.attributes.insert(crate::cleanup::ADDRESSES.into(), at.join(" "));
            }
            // Of one that has changed that says more than what follows from it.
            if let Some(it) = planned.filter(|it| it.state == resource.state) {
                resource.unknown.extend(reclaim::lost(&it.dead, &resource, &snapshot));
            }
            return Ok(Observed::Yes { resource: Box::new(resource) });
        }
        // Absent is gone only where everything that would show it was read.
        let shows = reclaim::needs(&item.kind);
        let mut lost = snapshot.calls.iter().filter(|c| shows.contains(&c.kind));
        Ok(match lost.find_map(crate::snapshot::Call::gap) {
            Some(gap) => Observed::Unknown { why: format!("{}: {}", gap.scope, gap.why) },
            None => match absent(&snapshot, item, described.get(&item.id)) {
                Some(resource) => Observed::Yes { resource: Box::new(resource) },
                None => Observed::No,
            },
        })
    };
    let world = AwsWorld::new(settings, Box::new(list), Box::new(observe));
    Ok(Box::new(world.map_err(|e| CliError::new("use AWS").because(e))?))
}

/// What acts are done by, where a role was named.
#[cfg(feature = "aws")]
fn session(role: &RoleArgs, plan: &Plan) -> Result<Option<crate::apply::aws::Session>, CliError> {
    let Some(arn) = &role.assume_role else { return Ok(None) };
    let cannot = || CliError::new(format!("assume the role {}", visible(arn)));
    let arn: crate::apply::aws::RoleArn = arn.parse().map_err(|e: String| cannot().hint(e))?;
    if (&arn.account, &arn.partition) != (&plan.target.account, &plan.target.partition) {
        let why =
            format!("the plan is of account {} ({})", plan.target.account, plan.target.partition);
        return Err(cannot().because(why).with_status(crate::cli::ExitStatus::Refused));
    }
    let acts = plan.items.iter().map(|i| (i.item(), i.action.clone(), i.undo.clone())).collect();
    let external_id = role.external_id.clone();
    Ok(Some(crate::apply::aws::Session { role: arn, external_id, acts }))
}

/// All that can be read of a plan's account and regions, now.
///
/// # Errors
/// Regions that were not entered.
#[cfg(feature = "aws")]
pub(super) fn snapshot(target: &Target) -> Result<Snapshot, CliError> {
    fresh(target, audited().collect(), None, "list").map_err(|e| CliError::new(e.to_string()))
}

/// What an audit reads.
#[cfg(feature = "aws")]
fn audited() -> impl Iterator<Item = CallKind> {
    CallKind::ALL.iter().copied().filter(|call| !call.on_request())
}

/// All that can be read of a plan's account and regions: nothing, by this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "aws"))]
pub(super) fn snapshot(_: &Target) -> Result<Snapshot, CliError> {
    Err(no_aws())
}

/// What a fresh reading shows. What a thing is and what uses it needs no spec.
#[cfg(feature = "aws")]
fn looked_at(snapshot: &Snapshot, quarantined: &Quarantined) -> Listing {
    let seen = Seen { observations: &Observations::default(), named: None };
    of(&Spec::default(), snapshot, seen, (Phase::Quarantine, quarantined))
}

/// Reads some calls of the target's account and regions, now.
#[cfg(feature = "aws")]
fn fresh(
    target: &Target,
    only: BTreeSet<CallKind>,
    traffic_of: Option<&String>,
    verb: &str,
) -> Result<Snapshot, crate::cleanup::WorldError> {
    use crate::collect::aws as collect;

    let mut options = collect::Options::new(Timestamp::now());
    options.accounts = vec![collect::Account {
        id: Some(target.account.clone()),
        regions: target.regions.iter().cloned().collect(),
        ..collect::Account::default()
    }];
    options.only = Some(only.into());
    options.traffic_of = traffic_of.map(|id| std::sync::Arc::new(BTreeSet::from([id.clone()])));
    options.stop = crate::cli::interrupt::stop();
    let error = |why: String| crate::cleanup::WorldError { verb: verb.into(), why };
    let snapshot = collect::collect(&options, &mut |_| {}).map_err(|e| error(e.to_string()))?;
    // A region that was not entered would look like one where everything is gone.
    let entered = |region: &String| snapshot.view(&target.account, region).is_some();
    match target.regions.iter().find(|region| !entered(region)) {
        Some(region) => {
            Err(error(format!("{region} of account {} was not entered", target.account)))
        }
        None => Ok(snapshot),
    }
}
