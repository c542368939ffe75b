//! `portcullis cleanup verify`: did enough people agree to this plan, and if not, what is missing?

use super::folder::PlanArgs;
use super::refused::{refused, status};
use super::rendered::items;
use super::trusted::TrustArgs;
use crate::cleanup::approval::{Ask, Assessment, Counted, Running, assess};
use crate::cleanup::policy::Policy;
use crate::cleanup::{Digest, Refusal};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use crate::report::escape::visible;
use crate::signature::APPROVAL;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// The policy that would apply it, compared with the one that the plan pins
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CLEANUP_POLICY")]
    pub policy: Option<PathBuf>,
    #[arg(long, value_enum, default_value = "text")]
    pub format: saved::AnswerFormat,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// Says whether a plan may be applied as far as its folder tells: 0, or 4 with what is missing.
///
/// # Errors
/// Folders and lists that cannot be read.
pub fn run(args: &VerifyArgs) -> Result<ExitStatus, CliError> {
    let trusted = args.trust.read()?;
    let found = args.plan.read()?;
    let caps = args.policy.as_deref().map(bytes_of).transpose()?;
    let policy = caps.as_deref().map(Digest::of);
    // Whether the adapter is the one that was pinned only its runner knows.
    let pinned = crate::cleanup::plan::read(&found.papers.plan).ok().and_then(|p| p.pins.adapter);
    let running = policy.as_ref().map(|policy| Running {
        tool: env!("CARGO_PKG_VERSION"),
        policy,
        adapter: pinned.as_ref(),
    });
    let ask = Ask { running, ..trusted.ask(&found.digest) };
    let cannot = format!("apply the plan {}", found.digest);
    let mut assessed = match assess(&found.papers, &ask) {
        Ok(assessed) => assessed,
        Err(why) => return refuse(args, cannot, &why, &json!({})),
    };
    if let (Some(path), Some(caps), None) = (&args.policy, &caps, &assessed.refusal) {
        let name = visible(&path.display().to_string()).into_owned();
        let made = Policy::read(&name, caps).and_then(|caps| caps.made(&assessed.plan));
        assessed.refusal = made.err();
    }
    let told = told(&assessed);
    if let Some(why) = &assessed.refusal {
        if args.format == saved::AnswerFormat::Text {
            saved::print(&words(&assessed, args, &found.path))?;
        }
        return refuse(args, cannot, why, &told);
    }
    match args.format {
        saved::AnswerFormat::Json => saved::print(&format!("{}\n", with(&told, None)))?,
        saved::AnswerFormat::Text => saved::print(&words(&assessed, args, &found.path))?,
    }
    Ok(ExitStatus::Clean)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, CliError> {
    dossier::read_file(path).map_err(|e| {
        let cannot = format!("use the policy {}", path.display());
        match e.refusal() {
            Some(why) => refused(cannot, &why),
            None => CliError::new(cannot).because(visible(&e.to_string())),
        }
    })
}

fn refuse(
    args: &VerifyArgs,
    cannot: String,
    why: &Refusal,
    told: &Value,
) -> Result<ExitStatus, CliError> {
    if args.format == saved::AnswerFormat::Json {
        saved::print(&format!("{}\n", with(told, Some(why))))?;
        return Ok(status(why.reason.class(), false));
    }
    Err(refused(cannot, why))
}

fn with(told: &Value, why: Option<&Refusal>) -> Value {
    let mut told = told.clone();
    told["verdict"] = json!(if why.is_none() { "approved" } else { "refused" });
    if let Some(why) = why {
        told["class"] = json!(why.reason.class() as u8);
        told["reason"] = json!(why.reason.code());
        told["says"] = json!(why.says);
    }
    told
}

fn told(it: &Assessment) -> Value {
    json!({
        "plan": it.digest,
        "target": it.plan.target,
        "totals": it.plan.totals,
        "rule": it.rule.to_string(),
        "quorum": { "people": it.quorum.people, "teams": it.quorum.teams,
                    "hardware": it.quorum.hardware },
        "counted": it.counted.iter().map(|c| json!({
            "person": c.person, "team": c.team, "key": c.fingerprint, "hardware": c.hardware,
            "authority": c.authority,
            "scope": c.scope, "at": c.at, "not_after": c.not_after, "comment": c.comment,
            "file": c.file,
        })).collect::<Vec<_>>(),
        "dropped": it.dropped.iter().map(|(file, why)| json!({
            "file": file, "class": why.reason.class() as u8, "reason": why.reason.code(),
            "says": why.says,
        })).collect::<Vec<_>>(),
        "items": it.items,
        "lacking": it.lacking,
        "not_after": it.not_after,
    })
}

fn words(it: &Assessment, args: &VerifyArgs, folder: &Path) -> String {
    let mut out = String::new();
    let plan = &it.plan;
    let _ = writeln!(
        out,
        "plan {}\n  {} in {}, made by {}, to be claimed until {}",
        it.digest,
        items(plan.items.len()),
        visible(&plan.target.account),
        visible(&plan.author.name),
        it.not_after,
    );
    let _ = writeln!(out, "  needs {} (quorum.{})", it.quorum, it.rule);
    for (at, one) in it.counted.iter().enumerate() {
        // A copy of an approval is no second one.
        let copy =
            |other: &&Counted| Counted { file: one.file.clone(), ..(*other).clone() } == *one;
        if it.counted[..at].iter().any(|before| copy(&before)) {
            continue;
        }
        let copies = it.counted.iter().filter(copy).count();
        let files = if copies > 1 { format!(" ({copies} files)") } else { String::new() };
        let how = if one.hardware { ", with a hardware key" } else { "" };
        let comment = if one.comment.is_empty() {
            String::new()
        } else {
            format!(": {}", visible(&one.comment))
        };
        let _ = writeln!(
            out,
            "  yes  {} of {}{how}, {}, until {}{files}{comment}",
            visible(&one.person),
            visible(&one.team),
            super::approve::scope_words(&one.scope),
            one.not_after,
        );
    }
    for (file, why) in &it.dropped {
        let _ = writeln!(out, "  ---  {}: {}", visible(file), visible(&why.to_string()));
    }
    let whole = items(plan.items.len());
    let _ = writeln!(out, "  {} of {whole} with their quorum", it.items.len());
    if args.policy.is_none() {
        let _ = writeln!(out, "  not compared: the policy (--policy), the adapter");
    }
    if let Some(one) = it.counted.first() {
        let path = folder.join("approvals").join(&one.file);
        let path = quoted(&path.display().to_string());
        let list = quoted(&args.trust.trust.display().to_string());
        let _ = writeln!(
            out,
            "\nanyone can check a signature with stock OpenSSH:\n  \
             portcullis cleanup trust signers {list} > allowed_signers\n  \
             ssh-keygen -Y verify -f allowed_signers -n {APPROVAL} -I {} -s {path}.sig < {path}",
            quoted(&one.principal),
            path = path,
        );
    }
    out
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let word = visible(word);
    let plain = |c: char| c.is_alphanumeric() || "-_./@:+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
