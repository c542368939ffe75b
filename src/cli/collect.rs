#[cfg(feature = "aws")]
use super::input;
use super::saved::{self, TakenArgs};
use super::{CliError, ExitStatus, Global, interrupt};
use crate::collect::{self, SnapshotFile};
use crate::model::{Gap, GapKind};
use crate::report::counted;
use crate::snapshot::{Call, CallKind, Outcome, RegionView, Snapshot};
use clap::Args;
use jiff::Timestamp;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `portcullis collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Where the snapshot goes; `-` is stdout
    #[arg(short, long, value_name = "FILE", required_unless_present = "print_policy")]
    pub output: Option<PathBuf>,
    /// Read saved `aws ... describe-*` answers from a folder instead of the cloud
    #[arg(long, value_name = "DIR", conflicts_with_all = ["regions", "accounts", "api_rate", "concurrency"])]
    pub aws_json: Option<PathBuf>,
    #[command(flatten)]
    pub taken: TakenArgs,
    /// Print the IAM policy that a collection needs, and do nothing else
    ///
    /// Its statement PortcullisReadForCleanup is for `--for-cleanup` alone, and PortcullisReadFacts for
    /// facts from Systems Manager (`facts: [{ ssm: ... }]`): leave out what you do not use.
    #[arg(long)]
    pub print_policy: bool,
    /// Kinds of gap to accept, so that they do not end in exit code 3; without a value, all
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = gap_kind)]
    pub allow_gaps: Vec<AllowedGap>,

    /// Read too what only a cleanup judges by: volumes, launch templates and configurations, traffic
    /// of running instances (CloudWatch bills that by the metric)
    #[arg(long, conflicts_with = "aws_json")]
    pub for_cleanup: bool,

    #[command(flatten)]
    pub live: LiveArgs,
}

/// What a live collection reads, and how fast: flags of every command that can make one.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Live collection")]
pub struct LiveArgs {
    /// Regions to read [default: the configuration's, else the environment's or the profile's]
    #[arg(long, value_name = "REGION", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<String>,
    /// Account to read: one of the configuration's by id or name, or the ARN of a role to assume (repeatable)
    #[arg(long = "account", value_name = "ID|NAME|ROLE_ARN")]
    pub accounts: Vec<String>,
    /// API requests per second and account, region and service; 0 is unlimited [default: 10]
    #[arg(long, value_name = "N")]
    pub api_rate: Option<f64>,
    /// Regions, over all accounts, to read at once [default: 8]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
    /// Whether what only a cleanup judges by is read too: for a command to say, no flag.
    #[arg(skip)]
    pub for_cleanup: bool,
    /// Instances whose traffic is read although they are stopped.
    #[arg(skip)]
    pub stopped_too: std::collections::BTreeSet<String>,
}

/// What `--allow-gaps` accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedGap {
    Every,
    Kind(GapKind),
}

impl AllowedGap {
    /// Whether a gap of `kind` is accepted.
    #[must_use]
    pub fn accepts(self, kind: GapKind) -> bool {
        self == Self::Every || self == Self::Kind(kind)
    }
}

pub(super) fn gap_kind(text: &str) -> Result<AllowedGap, String> {
    if text == "all" {
        return Ok(AllowedGap::Every);
    }
    GapKind::from_name(text).map(AllowedGap::Kind).ok_or_else(|| {
        let names: Vec<&str> = GapKind::ALL.iter().map(|k| k.name()).collect();
        format!("no such kind of gap; there are {}", names.join(", "))
    })
}

/// Runs `portcullis collect`.
///
/// # Errors
/// Usage and tool errors. What the cloud refuses is a gap in the snapshot and exit code 3.
pub fn run(args: &CollectArgs, global: &Global) -> Result<ExitStatus, CliError> {
    if args.print_policy {
        let policy = serde_json::to_string_pretty(&collect::policy())
            .map_err(|e| CliError::new("print the policy").because(e))?;
        return print(&format!("{policy}\n"));
    }
    let Some(path) = &args.output else {
        return Err(CliError::new("collect without a place for the snapshot").hint("add -o FILE"));
    };
    if global.offline && args.aws_json.is_none() {
        return Err(CliError::new("read the cloud with --offline")
            .hint("read saved answers with --aws-json DIR, or leave --offline out")
            .with_status(ExitStatus::Refused));
    }
    let cannot_write =
        |error: std::io::Error| CliError::new(format!("write {}", path.display())).because(error);
    // Before the long work: a place that cannot be written is told at once.
    let file = match path.as_os_str() == "-" {
        true => None,
        false => Some(SnapshotFile::create(path).map_err(cannot_write)?),
    };
    let (snapshot, oldest) = match &args.aws_json {
        Some(dir) => {
            let saved = saved::answers(dir, &args.taken, global)?;
            (saved.snapshot, saved.oldest)
        }
        None => {
            let live_args = LiveArgs { for_cleanup: args.for_cleanup, ..args.live.clone() };
            (live(&live_args, global, Timestamp::now())?, None)
        }
    };
    match file {
        Some(file) => {
            let _writing = interrupt::writing();
            file.finish(&snapshot).map_err(cannot_write)?;
        }
        None => {
            let mut text = Vec::new();
            collect::write_snapshot(&snapshot, &mut text).map_err(cannot_write)?;
            print(&String::from_utf8_lossy(&text))?;
        }
    }

    let gaps: Vec<Gap> = snapshot.calls.iter().filter_map(Call::gap).collect();
    let open = gaps.iter().filter(|g| !args.allow_gaps.iter().any(|a| a.accepts(g.kind))).count();
    if !global.quiet {
        summarise(&snapshot, &gaps, &args.allow_gaps, global.verbose > 0);
        if let Some(oldest) = &oldest {
            let (at, oldest) = (snapshot.taken_at, saved::escape(&oldest.to_string_lossy()));
            anstream::eprintln!(
                "taken at {at}, when {oldest} was written; --taken-at says otherwise"
            );
        }
    }
    Ok(if open == 0 { ExitStatus::Clean } else { ExitStatus::Incomplete })
}

/// Prints to stdout; a pipe that nobody reads any more is success.
fn print(text: &str) -> Result<ExitStatus, CliError> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write to stdout").because(error))
        }
        _ => Ok(ExitStatus::Clean),
    }
}

/// Reads the cloud as the flags and the configuration say, with progress where a person watches.
///
/// # Errors
/// A build without the `aws` feature, a configuration that cannot be used, options that make no
/// sense, and an interrupt. What the cloud refuses is in the snapshot.
#[cfg(not(feature = "aws"))]
pub fn live(_: &LiveArgs, _: &Global, _: Timestamp) -> Result<Snapshot, CliError> {
    Err(CliError::new("read the cloud with this build: it was made without the `aws` feature")
        .hint("build with the default features: cargo build --release")
        .hint("or read saved answers: --aws-json DIR"))
}

/// Reads the cloud as the flags and the configuration say, with progress where a person watches.
///
/// # Errors
/// A configuration that cannot be used, options that make no sense, and an interrupt. What the
/// cloud refuses is in the snapshot.
#[cfg(feature = "aws")]
pub fn live(args: &LiveArgs, global: &Global, now: Timestamp) -> Result<Snapshot, CliError> {
    use collect::aws;

    let options = options(args, &input::config(global)?, now)?;
    let bar = super::progress::bar(global, 0, "{bar:30} {pos} of {len} calls  {wide_msg}");
    bar.set_message("signing in");
    let (mut done, mut of) = (0, 0);
    let heeding = interrupt::heed();
    let collected = aws::collect(&options, &mut |progress| {
        (done, of) = (progress.done, progress.of);
        bar.set_length(progress.of as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(format!("{} {}", progress.call.region, progress.call.kind.name()));
    });
    bar.finish_and_clear();
    drop(heeding);
    let unfinished = || match of {
        0 => "no call to the cloud had ended, nothing was written".to_owned(),
        _ => format!("{done} of {of} calls to the cloud had ended, nothing was written"),
    };
    if options.stop.is_raised() {
        return Err(interrupt::error(&unfinished()));
    }
    collected.map_err(|error| match error {
        aws::Error::Interrupted => interrupt::error(&unfinished()),
        aws::Error::NoRegion => {
            CliError::new("collect").because(error).hint("name them: --regions eu-west-1,us-east-1")
        }
        other => CliError::new("collect").because(other),
    })
}

/// The name of a region, as far as it can be told without asking.
fn region(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(format!("`{text}` names no region, as eu-west-1 does"));
    }
    Ok(name.to_owned())
}

/// Which accounts and regions the flags and the configuration name, and how fast they are read.
///
/// # Errors
/// An account that is neither known nor one.
#[cfg(feature = "aws")]
pub(super) fn options(
    args: &LiveArgs,
    config: &crate::spec::config::Config,
    now: Timestamp,
) -> Result<collect::aws::Options, CliError> {
    use collect::aws::{self, Options};

    let mut options = Options::new(now);
    options.regions =
        if args.regions.is_empty() { config.regions.clone() } else { args.regions.clone() };
    options.accounts = accounts(&args.accounts, &config.accounts)?;
    options.rate =
        args.api_rate.or(config.limits.collect_rate.map(f64::from)).unwrap_or(aws::POLITE_RATE);
    options.concurrency = args
        .concurrency
        .or(config.limits.collect_concurrency.and_then(|n| usize::try_from(n).ok()))
        .unwrap_or(aws::CONCURRENCY);
    options.only =
        args.for_cleanup.then(|| std::sync::Arc::new(CallKind::ALL.iter().copied().collect()));
    options.stopped_too = std::sync::Arc::new(args.stopped_too.clone());
    options.stop = interrupt::stop();
    Ok(options)
}

/// The accounts of the configuration that were asked for, all of them when none was; a role's ARN
/// and an id that the configuration does not have stand for themselves.
#[cfg(feature = "aws")]
fn accounts(
    asked: &[String],
    configured: &[crate::spec::config::Account],
) -> Result<Vec<collect::aws::Account>, CliError> {
    use collect::aws::{Account, is_account};

    let known = |account: &crate::spec::config::Account| Account {
        id: Some(account.id.clone()),
        profile: account.profile.clone(),
        role_arn: account.role_arn.clone(),
        external_id: account.external_id.clone(),
        regions: Vec::new(),
    };
    if asked.is_empty() {
        return Ok(configured.iter().map(known).collect());
    }
    asked
        .iter()
        .map(|asked| {
            let of_config =
                configured.iter().find(|a| a.id == *asked || a.name.as_ref() == Some(asked));
            if let Some(account) = of_config {
                return Ok(known(account));
            }
            if is_account(asked) {
                return Ok(Account { id: Some(asked.clone()), ..Account::default() });
            }
            Account::of_role(asked).map_err(|error| {
                CliError::new("use --account")
                    .because(error)
                    .hint("give an id or a name of the configuration's accounts, or a role's ARN")
            })
        })
        .collect()
}

/// Says on stderr what the snapshot holds and what it does not.
fn summarise(snapshot: &Snapshot, gaps: &[Gap], allowed: &[AllowedGap], verbose: bool) {
    let accounts: std::collections::BTreeSet<&str> =
        snapshot.regions.iter().map(|v| v.account.as_str()).collect();
    let mut lines = vec![format!(
        "collected {} of {}",
        counted(snapshot.regions.len(), "view"),
        counted(accounts.len(), "account"),
    )];
    for (name, count) in counts(&snapshot.regions) {
        if count > 0 {
            lines.push(format!(
                "  {count:>8}  {}",
                if count == 1 { singular(name) } else { name.into() }
            ));
        }
    }
    for gap in gaps {
        let accepted = allowed.iter().any(|a| a.accepts(gap.kind));
        lines.push(format!("{}: {gap}", if accepted { "accepted gap" } else { "gap" }));
    }
    let accepted = gaps.iter().filter(|g| allowed.iter().any(|a| a.accepts(g.kind))).count();
    let never = never_made(snapshot);
    if verbose {
        lines.extend(never.iter().map(|call| format!("no saved answer of {call}")));
    }
    let mut unseen = Vec::new();
    if !gaps.is_empty() {
        let calls = counted(gaps.len(), "call");
        unseen.push(format!("{calls} not complete ({accepted} accepted), listed above"));
    }
    if !never.is_empty() {
        let named = if verbose { "listed above" } else { "-v names them" };
        unseen.push(match never.as_slice() {
            [one] => format!("no saved answer of {one}: what needs it is unknown"),
            _ => {
                let n = never.len();
                format!("no saved answer of {n} calls ({named}): what needs them is unknown")
            }
        });
    }
    lines.push(match unseen.is_empty() {
        true => "not seen: nothing; every call was complete".into(),
        false => format!("not seen: {}", unseen.join("; ")),
    });
    for line in lines {
        anstream::eprintln!("{}", printable(&line));
    }
}

/// Calls that the snapshot has no word of, as saved output may: `describe-vpcs in ACCOUNT/REGION`.
fn never_made(snapshot: &Snapshot) -> Vec<String> {
    let kinds = CallKind::ALL.iter();
    let kinds = kinds.filter(|k| **k != CallKind::CallerIdentity && !k.on_request());
    let of = |view: &RegionView| {
        let (account, region) = (view.account.clone(), view.region.clone());
        kinds.clone().filter_map(move |kind| {
            let outcome = snapshot.outcome(&account, &region, *kind);
            let never = outcome == Outcome::Missing;
            never.then(|| format!("{} in {account}/{region}", kind.command()))
        })
    };
    snapshot.regions.iter().flat_map(of).collect()
}

/// Without what a terminal would obey: parts of it came from outside.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The name of one thing: `RDS instance`, `instance with traffic told`.
fn singular(name: &str) -> String {
    let (noun, rest) = name
        .split_once(" with ")
        .map_or((name, String::new()), |(noun, rest)| (noun, format!(" with {rest}")));
    let one = noun.strip_suffix("sses").map(|stem| format!("{stem}ss"));
    one.unwrap_or_else(|| noun.strip_suffix('s').unwrap_or(noun).into()) + &rest
}

/// Rows of each kind over all views, in the order of the snapshot.
fn counts(views: &[RegionView]) -> Vec<(&'static str, usize)> {
    let sum = |rows: fn(&RegionView) -> usize| views.iter().map(rows).sum();
    vec![
        ("instances", sum(|v| v.instances.len())),
        ("network interfaces", sum(|v| v.network_interfaces.len())),
        ("security groups", sum(|v| v.security_groups.len())),
        ("network ACLs", sum(|v| v.network_acls.len())),
        ("route tables", sum(|v| v.route_tables.len())),
        ("subnets", sum(|v| v.subnets.len())),
        ("VPCs", sum(|v| v.vpcs.len())),
        ("internet gateways", sum(|v| v.internet_gateways.len())),
        ("egress-only internet gateways", sum(|v| v.egress_only_internet_gateways.len())),
        ("NAT gateways", sum(|v| v.nat_gateways.len())),
        ("addresses", sum(|v| v.addresses.len())),
        ("prefix lists", sum(|v| v.prefix_lists.len())),
        ("VPC peerings", sum(|v| v.vpc_peering_connections.len())),
        ("VPC endpoints", sum(|v| v.vpc_endpoints.len())),
        ("transit gateways", sum(|v| v.transit_gateways.len())),
        ("transit gateway attachments", sum(|v| v.transit_gateway_attachments.len())),
        ("transit gateway route tables", sum(|v| v.transit_gateway_route_tables.len())),
        ("VPN connections", sum(|v| v.vpn_connections.len())),
        ("load balancers", sum(|v| v.load_balancers.len())),
        ("listeners", sum(|v| v.listeners.len())),
        ("target groups", sum(|v| v.target_groups.len())),
        ("Auto Scaling groups", sum(|v| v.auto_scaling_groups.len())),
        ("RDS instances", sum(|v| v.db_instances.len())),
        ("volumes", sum(|v| v.volumes.len())),
        ("launch templates", sum(|v| v.launch_templates.len())),
        ("launch configurations", sum(|v| v.launch_configurations.len())),
        ("instances with traffic told", sum(|v| v.traffic.len())),
        ("block-public-access exclusions", sum(|v| v.bpa_exclusions.len())),
    ]
}
