//! `portcullis cleanup approve`: look at a plan, say how many of what it acts on, and sign.

use super::folder::{PlanArgs, unusable};
use super::nonce::nonce;
use super::refused::refused;
use super::rendered::{rendered, whole};
use super::trusted::TrustArgs;
use crate::cleanup::approval::{Ask, Decision, Paper, Papers, Scope, Statement, Words, assess};
use crate::cleanup::plan::Plan;
use crate::cleanup::trust::Trust;
use crate::cleanup::{Class, Digest, Reason, Refusal};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier::{self, Pile};
use crate::report::escape::visible;
use crate::sign;
use crate::signature::APPROVAL;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

/// Arguments of `portcullis cleanup approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub by: ByArgs,
    /// What to say with it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Agree to these strata alone: the pairs of one key, or several times (`host_gen=2`)
    #[arg(long, value_name = "KEY=VALUE[,KEY=VALUE]", value_parser = stratum)]
    pub strata: Vec<Stratum>,
    /// What a person types at the terminal, for scripts without one: "12 items in 111122223333"
    #[arg(long, value_name = "TEXT")]
    pub confirm: Option<String>,
    /// How long it counts [default: as long as the list of trust lets it]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub lasts: Option<SignedDuration>,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// Who signs.
#[derive(Debug, Args)]
pub struct ByArgs {
    /// The SSH key that signs: a private key, or a public one whose other half an agent or a
    /// hardware key holds
    #[arg(long, value_name = "KEYFILE", env = "PORTCULLIS_SIGN_KEY")]
    pub key: PathBuf,
    /// Who you are in the list of trust
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
}

/// The key of a stratum.
type Stratum = BTreeMap<String, String>;

fn stratum(text: &str) -> Result<Stratum, String> {
    text.split(',')
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
            _ => Err(format!("{pair:?} is no KEY=VALUE")),
        })
        .collect()
}

fn time(text: &str) -> Result<SignedDuration, String> {
    crate::spec::duration(text)
        .filter(SignedDuration::is_positive)
        .ok_or_else(|| "write a time such as 30m, 12h or 2d".to_owned())
}

/// Shows a plan, asks for count and target, signs and puts the approval in the plan's folder.
///
/// # Errors
/// Plans that nobody could apply, approvals that would not count, and whatever was not shown or not
/// confirmed; then nothing is written.
pub fn run(args: &ApproveArgs) -> Result<ExitStatus, CliError> {
    let trusted = args.trust.read()?;
    let found = args.plan.read()?;
    let now = Timestamp::now();
    let ask = Ask { now, ..trusted.ask(&found.digest) };
    let cannot = || format!("approve the plan {}", found.digest);
    let no = |why: &Refusal| refused(cannot(), why);
    let plan = applicable(&found.papers, &ask).map_err(|e| no(&e))?;
    let scope = scope(args);
    let items = plan.items.iter().filter(|i| scope.covers(&plan, i)).count();
    if let Some(key) = scope.unknown(&plan) {
        return Err(CliError::new(cannot())
            .because(format!("it has no stratum {}", visible(&key_words(key)))));
    }
    if items == 0 {
        return Err(CliError::new(cannot()).because("there is no item to agree to"));
    }
    let text = rendered(&plan, &found.digest);
    whole(&plan, &text).map_err(|e| no(&e))?;
    shown(&text).map_err(|e| CliError::new(cannot()).because(e))?;
    confirmed(args, &plan, &scope, items)?;
    let words = Words {
        decision: Decision::Approve,
        by: args.by.name.clone(),
        scope,
        at: now,
        not_after: not_after(args, &plan, &trusted.trust, now),
        nonce: nonce()?,
        comment: visible(args.comment.as_deref().unwrap_or_default()).into_owned(),
        rendered_sha256: Digest::of(text.as_bytes()),
    };
    let bytes = Statement::about(&plan, &found.digest, words).bytes().map_err(|e| no(&e))?;
    let signed = sign::sign_file(&args.by.key, APPROVAL, &bytes)
        .map_err(|e| CliError::new("sign the approval").because(e))?;
    // Before anything is written: it must count.
    let paper = Paper {
        name: args.by.name.clone(),
        bytes: bytes.clone(),
        signature: Some(signed.clone().into_bytes()),
    };
    let alone = Papers { approvals: vec![paper], ..found.papers };
    let assessed = assess(&alone, &ask).map_err(|e| no(&e))?;
    if let Some((_, why)) = assessed.dropped.first() {
        return Err(no(why));
    }
    let place = dossier::add(&found.path, Pile::Approvals, &args.by.name, &bytes, &signed)
        .map_err(|e| unusable(&e))?;
    saved::print(&format!(
        "\napproved by {} until {}: {}\npush it with its .sig to where the plan is applied\n",
        visible(&args.by.name),
        assessed.not_after,
        visible(&place.display().to_string()),
    ))?;
    Ok(ExitStatus::Clean)
}

/// A plan that lacks nothing but people.
fn applicable(papers: &Papers, ask: &Ask<'_>) -> Result<Plan, Refusal> {
    let assessed = assess(papers, ask)?;
    match assessed.refusal {
        // Others' approvals that do not count are not this approver's business.
        Some(why) if why.reason == Reason::DeniedBy => Err(why),
        Some(why) if why.reason.class() == Class::Quorum => Ok(assessed.plan),
        Some(why) if assessed.dropped.iter().any(|(_, d)| d.reason == why.reason) => {
            Ok(assessed.plan)
        }
        Some(why) => Err(why),
        None => Ok(assessed.plan),
    }
}

fn scope(args: &ApproveArgs) -> Scope {
    if args.strata.is_empty() { Scope::All } else { Scope::Strata(args.strata.clone()) }
}

fn key_words(key: &Stratum) -> String {
    key.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// What somebody agreed to, in words.
pub(super) fn scope_words(scope: &Scope) -> String {
    match scope {
        Scope::All => "all of it".to_owned(),
        Scope::Strata(keys) => {
            let keys: Vec<_> = keys.iter().map(key_words).collect();
            format!("of it {}", visible(&keys.join(" and ")))
        }
    }
}

fn not_after(args: &ApproveArgs, plan: &Plan, trust: &Trust, now: Timestamp) -> Timestamp {
    let lasts = args.lasts.map_or(trust.approval_lasts, |l| l.min(trust.approval_lasts));
    now.saturating_add(lasts).unwrap_or(now).min(plan.not_after)
}

/// Shows the whole text: unlike other output, what nobody reads any more is an error here.
fn shown(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| format!("what was not shown cannot be approved: {e}"))
}

/// Asks for what an approver must have read: how many, and where.
fn confirmed(args: &ApproveArgs, plan: &Plan, scope: &Scope, items: usize) -> Result<(), CliError> {
    let noun = if items == 1 { "item" } else { "items" };
    let wanted = format!("{items} {noun} in {}", plan.target.account);
    let of = match scope {
        Scope::All => String::new(),
        Scope::Strata(_) => format!(" ({})", scope_words(scope)),
    };
    let typed = typed(
        args.confirm.as_deref(),
        &format!("type how many items{of} it acts on, and where (`N items in TARGET`): "),
        "--confirm \"N items in TARGET\", with the plan's own count and target",
    )?;
    if typed.trim() == wanted {
        return Ok(());
    }
    Err(CliError::new("approve what was not counted")
        .because(format!(
            "{:?} was typed, and that is not what the plan{of} acts on",
            visible(typed.trim())
        ))
        .hint("look again at the count and the target above, as `N items in TARGET`")
        .with_status(ExitStatus::Refused))
}

/// What somebody types at the terminal, or what a script without one says in its place.
pub(super) fn typed(given: Option<&str>, prompt: &str, hint: &str) -> Result<String, CliError> {
    if let Some(text) = given {
        return Ok(text.to_owned());
    }
    if !io::stdin().is_terminal() {
        return Err(CliError::new("ask you what you saw: this is no terminal").hint(hint));
    }
    let mut out = io::stderr().lock();
    let _ = write!(out, "\n{prompt}");
    let _ = out.flush();
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|e| CliError::new("read what you typed").because(e))?;
    Ok(line)
}
