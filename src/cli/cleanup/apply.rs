//! `portcullis cleanup apply`: the only command that changes what others use.

use super::adapter::{AdapterArgs, RoleArgs};
use super::agreed::{Agreed, AgreedArgs, JOURNAL};
use super::day;
use super::denied;
use super::halts::remembered;
use super::marked::Marked;
use super::names::NamesArgs;
use super::newest;
use super::nonce::nonce;
use super::opted::{OptOutArgs, Opted};
use super::outside::Outside;
use super::place::StateArgs;
use super::receipted::{self, Signer};
use super::refused::{refused, status};
use super::told;
use super::watch::{WatchArgs, Watcher};
use crate::apply::{
    After, ApplyReport, JournalFile, Mode, Setup, Switchboard, SystemClock, Watch, run,
};
use crate::cleanup::journal::Chain;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::{Guards, Reason, Refusal, planted, ramp, selftest, watch};
use crate::cli::{CliError, ExitStatus, Global, interrupt, saved};
use crate::spec::Spec;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Arguments of `portcullis cleanup apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub agreed: AgreedArgs,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    #[command(flatten)]
    pub opt_outs: OptOutArgs,
    #[command(flatten)]
    pub names: NamesArgs,
    #[command(flatten)]
    pub role: RoleArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// The applier's SSH key, which signs the receipt
    #[arg(long, value_name = "KEYFILE", env = "PORTCULLIS_SIGN_KEY")]
    pub key: PathBuf,
    /// One batch whose rest is over, if there is one, and no waiting: for cron and CI (the default)
    #[arg(long)]
    pub step: bool,
    /// All batches, waiting through their rests
    #[arg(long, conflicts_with = "step")]
    pub attached: bool,
    /// Fewer items at once than the plan allows
    #[arg(long, value_name = "N")]
    pub batch: Option<u32>,
    /// Longer rests than the plan asks for
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub soak: Option<SignedDuration>,
    /// Of a deletion: the receipt of the quarantine that it rests on
    #[arg(long, value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub format: saved::AnswerFormat,
}

/// How long a claim counts without a sign of life: twice the longest act of an adapter.
pub(super) const LEASE: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    crate::spec::duration(text)
        .or_else(|| (text == "0").then_some(SignedDuration::ZERO))
        .ok_or_else(|| "write a time such as 30s, 15m or 2h".to_owned())
}

/// Applies a plan as far as it may go now.
///
/// # Errors
/// Everything that kept it from beginning. How it ended is in the status.
pub fn run_apply(args: &ApplyArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let agreed = args.agreed.verify(&args.adapter, &args.state)?;
    let digest = agreed.approved.digest().clone();
    let plan = agreed.approved.plan();
    args.state.are(&plan.pins.places)?;
    let guards = Guards::all();
    let soak = args.soak.map(|s| u64::try_from(s.as_secs()).unwrap_or(0));
    let limits = ramp::tightened(&plan.limits, args.batch, soak, guards)
        .map_err(|e| refused("apply a plan more loosely than was agreed", &e))?;
    // Planted violations, in memory, before anything is asked of the world.
    let at = Timestamp::now();
    let silent =
        selftest::run(guards, at).into_iter().chain(planted(guards)).chain(watch::planted()).next();
    if let Some(why) = silent {
        return not_begun(args, &digest, &why);
    }
    let signer = Signer::new(&args.key, &agreed)?;
    let quarantine = quarantine(args, &agreed)?;
    let mut outside = Outside::new(global, plan)?;
    let mut watcher = args.watch.watcher(&agreed, global)?;
    // A run that is interrupted stops before its next act, and says so.
    let heeding = interrupt::heed();
    let spec = watcher.as_ref().map(|w| w.spec().clone());
    let looks = Looks { live: &mut outside, watch: watcher.as_mut(), spec: spec.as_ref() };
    let report = go(args, &agreed, &signer, limits, guards, quarantine.as_ref(), looks);
    drop(heeding);
    let report = match report? {
        Ok(report) => report,
        Err(why) => return not_begun(args, &digest, &why),
    };
    let written = receipted::write(&agreed, &signer)?;
    match args.format {
        saved::AnswerFormat::Json => {
            saved::print(&format!("{}\n", told::json(&report, plan, &digest)))?;
        }
        saved::AnswerFormat::Text => saved::print(&told::text(&report, plan, &digest, &written))?,
    }
    if interrupt::stop().is_raised() {
        return Ok(ExitStatus::Interrupted);
    }
    Ok(report.class().map_or(ExitStatus::Clean, |class| status(class, report.changed())))
}

/// What it says where nothing was begun.
fn not_begun(
    args: &ApplyArgs,
    digest: &crate::cleanup::Digest,
    why: &Refusal,
) -> Result<ExitStatus, CliError> {
    if args.format == saved::AnswerFormat::Json {
        saved::print(&format!("{}\n", told::refusal(digest, why)))?;
        return Ok(status(why.reason.class(), false));
    }
    Err(refused(format!("apply the plan {digest}"), why))
}

/// Looks of our own, from outside.
struct Looks<'a> {
    live: &'a mut Outside,
    watch: Option<&'a mut Watcher>,
    /// What it watches by, whose names are asked too.
    spec: Option<&'a Spec>,
}

fn go(
    args: &ApplyArgs,
    agreed: &Agreed,
    signer: &Signer,
    limits: crate::cleanup::plan::Limits,
    guards: Guards,
    quarantine: Option<&Receipt>,
    looks: Looks<'_>,
) -> Result<Result<ApplyReport, Refusal>, CliError> {
    let plan = agreed.approved.plan();
    let state = args.state.folder()?;
    let mut register = args.state.claims(agreed.approved.digest(), &agreed.folder)?;
    if let Err(why) = denied::none(&args.state, agreed.approved.digest())? {
        denied::write(&args.state, &agreed.folder, plan, agreed.approved.digest());
        return Ok(Err(why));
    }
    let mut day = match day::book(&args.state, agreed)? {
        Ok(day) => day,
        Err(why) => return Ok(Err(why)),
    };
    let mut newest = newest::book(&args.state, plan)?;
    let mut halt = Switchboard {
        register: args.state.halt()?,
        trust: &agreed.trusted.trust,
        revoked: &agreed.trusted.revoked,
        remembered: remembered(&state)?,
    };
    let path = agreed.folder.join(JOURNAL);
    let mut journal = JournalFile::open(&path)
        .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?;
    let keep = args.opt_outs.of(plan)?;
    let world = args.adapter.start_for(&agreed.words, plan, Some(&args.role), quarantine)?;
    let mut world = args.names.keep(plan, looks.spec, world)?;
    if let Some(path) = keep {
        world = Box::new(Marked { inner: world, mark: Opted::at(path) });
    }
    let mut still = |at: Timestamp| args.agreed.still(agreed, &args.state, at);
    let mut receipted = |chain: &Chain| {
        let written = receipted::write_of(agreed, signer, chain);
        let says = |e: CliError| format!("cannot {e}");
        written.map(drop).map_err(|e| Refusal::new(Reason::JournalUnwritable, says(e)))
    };
    let report = run(Setup {
        approved: &agreed.approved,
        limits,
        guards,
        mode: if args.attached { Mode::Attached } else { Mode::Step },
        receipt: quarantine,
        world: world.as_mut(),
        journal: &mut journal,
        register: register.as_mut(),
        day: &mut day,
        newest: &mut newest,
        halt: &mut halt,
        live: looks.live,
        watch: looks.watch.map(|w| w as &mut dyn Watch),
        still: &mut still,
        receipted: &mut receipted,
        clock: &SystemClock,
        nonce: nonce()?,
        by: by(),
        lease: LEASE,
        stop: interrupt::stop(),
    });
    if let Ok(ApplyReport { after: After::Stopped(_), ledger, .. }) = &report {
        // A halt that this run saw is remembered, whoever puts the switch back.
        for halt in &ledger.halts {
            if !remembered(&state)?.contains(halt) {
                super::halts::remember(&state, halt)?;
            }
        }
    }
    if let Ok(ApplyReport { after: After::Stopped(why), .. }) = &report
        && why.reason == Reason::DeniedBy
    {
        drop(register);
        denied::write(&args.state, &agreed.folder, plan, agreed.approved.digest());
    }
    Ok(report)
}

fn quarantine(args: &ApplyArgs, agreed: &Agreed) -> Result<Option<Receipt>, CliError> {
    let Some(path) = &args.receipt else { return Ok(None) };
    let cannot = format!("delete what {} names", path.display());
    receipted::quarantine(path, &agreed.trusted, &cannot).map(Some)
}

/// Who applies, for people: the machine and the process.
pub(super) fn by() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "somewhere" } else { host };
    format!("{host}, process {}", std::process::id())
}
