//! `portcullis cleanup decommission`: say and sign that all of a class is meant to go.

use super::approve::{ByArgs, typed};
use super::folder::unusable;
use super::noted::beside;
use super::refused::refused;
use super::trusted::TrustArgs;
use crate::cleanup::approval::note;
use crate::cleanup::decommission::{Note, SCHEMA, class};
use crate::cleanup::plan::Author;
use crate::cleanup::{Refusal, SignedNote};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use crate::report::escape::visible;
use crate::sign;
use crate::signature::DECOMMISSION;
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup decommission`.
#[derive(Debug, Args)]
pub struct DecommissionArgs {
    /// The class: what has all of these attributes (`host_gen=1 region=us-east-1`)
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = super::plan::pair)]
    pub class: Vec<(String, String)>,
    /// Whose things they are: the account, as plans name it
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,
    /// The scope of the plans that may rest on it
    #[arg(long, value_name = "SCOPE")]
    pub scope: String,
    /// Why all of it goes
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The last moment that it holds, or for how long: 2026-12-24T12:00:00Z, 14d; 90 days at most
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub until: Until,
    #[command(flatten)]
    pub by: ByArgs,
    /// What a person types at the terminal, for scripts without one:
    /// "all of host_gen=1 in 111122223333"
    #[arg(long, value_name = "TEXT")]
    pub confirm: Option<String>,
    /// Where the note goes; its signature goes beside it, as FILE.sig
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// An end, or how far it is.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    At(Timestamp),
    In(jiff::SignedDuration),
}

fn until(text: &str) -> Result<Until, String> {
    match (text.parse(), crate::spec::duration(text)) {
        (Ok(at), _) => Ok(Until::At(at)),
        (_, Some(lasts)) => Ok(Until::In(lasts)),
        _ => Err("write a moment such as 2026-12-24T12:00:00Z, or a time such as 14d".into()),
    }
}

/// Writes a note and signs it, after its class was typed.
///
/// # Errors
/// Notes that no plan would take, and what was not confirmed; then nothing is written.
pub fn run(args: &DecommissionArgs) -> Result<ExitStatus, CliError> {
    let trusted = args.trust.read()?;
    let no = |why: &Refusal| refused("decommission a class", why);
    let stratum: BTreeMap<String, String> = args.class.iter().cloned().collect();
    if stratum.len() != args.class.len() {
        return Err(CliError::new("decommission a class").because("one attribute stands twice"));
    }
    // A note is told in whole seconds, as people write them.
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    let said = Note {
        schema: SCHEMA.into(),
        account: args.account.clone(),
        scope: args.scope.clone(),
        stratum,
        reason: args.reason.clone(),
        by: args.by.name.clone(),
        at: now,
        until: match args.until {
            Until::At(at) => at,
            Until::In(lasts) => now.saturating_add(lasts).unwrap_or(now),
        },
    };
    let bytes = said.bytes().map_err(|e| no(&e))?;
    confirmed(args, &said)?;
    let pem = sign::sign_file(&args.by.key, DECOMMISSION, &bytes)
        .map_err(|e| CliError::new("sign the note").because(e))?;
    let signed = SignedNote {
        statement: String::from_utf8_lossy(&bytes).into_owned(),
        signature: pem.lines().map(str::to_owned).collect(),
    };
    // Before anything is written: it must count, whoever will plan by it.
    let nobody = Author { name: String::new(), requested_by: None };
    note(&signed, &nobody, &trusted.trust, &trusted.revoked, now).map_err(|e| no(&e))?;
    write(&args.out, &bytes, &pem)?;
    let told = signed.told().map_err(|e| no(&e))?;
    let out = visible(&args.out.display().to_string()).into_owned();
    saved::print(&format!("{}\n{out}, {out}.sig\n", visible(&told)))?;
    Ok(ExitStatus::Clean)
}

/// Asks for what goes, and where: a mistyped class must not be signed by habit.
fn confirmed(args: &DecommissionArgs, said: &Note) -> Result<(), CliError> {
    let wanted = format!("all of {} in {}", class(&said.stratum), said.account);
    let prompt = format!(
        "{} says that every {} of {} may go until {}: {}\n\
         type what goes, and where (`all of KEY=VALUE in ACCOUNT`): ",
        visible(&said.by),
        visible(&class(&said.stratum)),
        visible(&said.scope),
        said.until,
        visible(&said.reason),
    );
    let hint = "--confirm \"all of KEY=VALUE in ACCOUNT\", with the note's own class and account";
    let text = typed(args.confirm.as_deref(), &prompt, hint)?;
    if text.trim() == wanted {
        return Ok(());
    }
    Err(CliError::new("decommission what was not named")
        .because(format!("{:?} was typed, and the note is about {wanted:?}", visible(text.trim())))
        .with_status(ExitStatus::Refused))
}

/// The signature first: a note is never there without it.
fn write(out: &Path, bytes: &[u8], pem: &str) -> Result<(), CliError> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = |path: &Path| path.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    let (Some(file), Some(sig)) = (name(out), name(&beside(out))) else {
        return Err(CliError::new("write the note").because("--out names no file"));
    };
    dossier::add_file(folder, &sig, pem.as_bytes()).map_err(|e| unusable(&e))?;
    dossier::add_file(folder, &file, bytes).map_err(|e| unusable(&e))?;
    Ok(())
}
