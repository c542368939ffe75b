//! `portcullis cleanup trust`: look at a list of trust, and lead from one to the next.

use super::approve::ByArgs;
use super::refused::refused;
use super::trusted::{self, revoked_beside};
use crate::cleanup::trust::{Change, Countersign, Trust, change};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use crate::report::escape::visible;
use crate::sign;
use crate::signature::{self, TRUST};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup trust`.
#[derive(Debug, Args)]
pub struct TrustCommand {
    #[command(subcommand)]
    pub act: TrustAct,
}

/// What is done about a list of trust.
#[derive(Debug, Subcommand)]
pub enum TrustAct {
    /// Print whom a list names and its digest; with --from, whether enough people of the list
    /// before it signed it
    Check(CheckArgs),
    /// Sign a new list as somebody of the one before it
    Sign(SignArgs),
    /// Print whom a list names as OpenSSH's allowed_signers, for stock ssh-keygen -Y verify
    Signers(SignersArgs),
}

/// Arguments of `portcullis cleanup trust check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// trust.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The list that it replaces; signatures of FILE are read from FILE.signatures
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Arguments of `portcullis cleanup trust sign`.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The new trust.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The list that it replaces, and that names you
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    #[command(flatten)]
    pub by: ByArgs,
}

/// Arguments of `portcullis cleanup trust signers`.
#[derive(Debug, Args)]
pub struct SignersArgs {
    /// trust.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `portcullis cleanup trust`.
///
/// # Errors
/// Lists that are not understood to their end, and changes that too few signed (exit 4).
pub fn run(command: &TrustCommand) -> Result<ExitStatus, CliError> {
    match &command.act {
        TrustAct::Signers(args) => saved::print(&trusted::list(&args.file)?.allowed_signers())?,
        TrustAct::Check(args) => check(args)?,
        TrustAct::Sign(args) => countersign(args)?,
    }
    Ok(ExitStatus::Clean)
}

fn check(args: &CheckArgs) -> Result<(), CliError> {
    let Some(from) = &args.from else {
        return saved::print(&words(&trusted::list(&args.file)?));
    };
    let cannot = format!("replace {} by {}", from.display(), args.file.display());
    let old = trusted::list(from)?;
    let revoked = revoked_beside(from, &old).map_err(|e| refused(cannot.clone(), &e))?;
    let new = trusted::bytes(&args.file)?;
    let signatures = dossier::read_folder(&beside(&args.file))
        .map_err(|e| super::folder::unusable(&e))?
        .into_iter()
        .map(|(name, signature)| Countersign { name, signature })
        .collect::<Vec<_>>();
    let Change { trust, people, dropped } =
        change(&old, &revoked, &new, &signatures, Timestamp::now())
            .map_err(|e| refused(cannot, &e))?;
    let people: Vec<_> = people.into_iter().collect();
    let mut out = words(&trust);
    let _ = writeln!(out, "follows {}, signed by {}", old.digest(), visible(&people.join(", ")));
    for (name, why) in &dropped {
        let _ = writeln!(out, "  ---  {}: {}", visible(name), visible(&why.to_string()));
    }
    saved::print(&out)
}

fn countersign(args: &SignArgs) -> Result<(), CliError> {
    let cannot = || CliError::new("sign the list of trust");
    let old = trusted::list(&args.from)?;
    let new = trusted::bytes(&args.file)?;
    let follows = Trust::parse(&new).map_err(|e| refused("sign the list of trust", &e.into()))?;
    if follows.follows() != Some(old.digest()) {
        return Err(cannot()
            .because("it does not follow the list that it replaces")
            .hint(format!("write `follows: {}` into it", old.digest())));
    }
    let signed = sign::sign_file(&args.by.key, TRUST, &new).map_err(|e| cannot().because(e))?;
    let made = signature::maker(&new, &signed, TRUST).map_err(|e| cannot().because(e))?;
    let whose = old.holder(&made).map(|it| it.party);
    if whose.is_none_or(|party| party.name != args.by.name || !party.approves()) {
        return Err(cannot().because(format!(
            "in the list before it, the key {} is not that of an approver {}",
            made.fingerprint,
            visible(&args.by.name)
        )));
    }
    let place =
        dossier::add_file(&beside(&args.file), &format!("{}.sig", args.by.name), signed.as_bytes())
            .map_err(|e| super::folder::unusable(&e))?;
    saved::print(&format!(
        "signed by {}: {}\n",
        visible(&args.by.name),
        visible(&place.display().to_string())
    ))
}

/// The folder of a list's signatures.
fn beside(list: &Path) -> PathBuf {
    let mut path = list.as_os_str().to_owned();
    path.push(".signatures");
    path.into()
}

fn words(trust: &Trust) -> String {
    let mut out = format!("{}\n", trust.digest());
    for party in trust.parties() {
        let what = party.team().unwrap_or("a workload");
        let roles: Vec<_> = party.roles.iter().map(|r| format!("{r:?}").to_lowercase()).collect();
        let _ = writeln!(
            out,
            "  {} ({}): {}",
            visible(&party.name),
            visible(what),
            if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") }
        );
        for key in &party.keys {
            let until = key.valid_before.map_or_else(String::new, |at| format!(", until {at}"));
            let _ = writeln!(out, "    {}{until}", key.fingerprint);
        }
        for it in &party.certificates {
            let (authority, principal) = (&it.fingerprint, visible(&it.principal));
            let _ = writeln!(out, "    certificates of {authority} for {principal}");
        }
    }
    for (rule, why) in trust.unreachable() {
        let _ = writeln!(out, "note: quorum.{rule} can never be reached: {why}");
    }
    out
}
