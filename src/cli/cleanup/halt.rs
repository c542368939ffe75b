//! `portcullis cleanup halt`: stop every apply before its next act; lifting takes a signature.

use super::halts::{remember, remembered};
use super::nonce::nonce;
use super::place::{Place, state_folder};
use super::refused::refused;
use super::trusted::TrustArgs;
use crate::apply::{HaltSwitch as _, Switchboard};
use crate::cleanup::halt::{BEGIN_SCHEMA, Begin, HaltOrder, LIFT_SCHEMA, Lift, Signed};
use crate::cleanup::{Digest, Refusal};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use crate::report::escape::visible;
use crate::sign;
use crate::signature::HALT;
use clap::Args;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup halt`.
#[derive(Debug, Args)]
pub struct HaltArgs {
    /// The halt switch: a file, git:REMOTE or nats://HOST:PORT/BUCKET
    #[arg(long, value_name = "PLACE", env = "PORTCULLIS_HALT")]
    pub halt: Place,
    /// Why, for whoever finds it halted
    #[arg(long, value_name = "TEXT", default_value = "no reason was given")]
    pub why: String,
    /// Make a switch that says run, where there is none, on the word of --key: the one before may
    /// have been deleted with a halt
    #[arg(long, group = "what", requires = "key")]
    pub init: bool,
    /// Say what the switch says: exit 0 for run, 4 for everything else
    #[arg(long, group = "what")]
    pub show: bool,
    /// Write a statement that lifts this halt, signed with --key beside it
    #[arg(long, value_name = "sha256:HEX", group = "what", requires_all = ["out", "key"])]
    pub sign_lift: Option<Digest>,
    /// Lift the halt that this signed statement names
    #[arg(long, value_name = "STATEMENT", group = "what")]
    pub lift: Option<PathBuf>,
    /// Where --sign-lift writes
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The SSH key of a person who may approve
    #[arg(long, value_name = "KEYFILE", env = "PORTCULLIS_SIGN_KEY")]
    pub key: Option<PathBuf>,
    /// What this machine remembers
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_STATE")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// Halts, or lifts a halt.
///
/// # Errors
/// Switches that cannot be written; statements that lift nothing.
pub fn run(args: &HaltArgs) -> Result<ExitStatus, CliError> {
    if let (Some(halt), Some(out), Some(key)) = (&args.sign_lift, &args.out, &args.key) {
        return sign_lift(args, halt, out, key);
    }
    let trusted = args.trust.read()?;
    let state = state_folder(args.state.as_deref())?;
    let mut switch = Switchboard {
        register: args.halt.open("halt", &state)?,
        trust: &trusted.trust,
        revoked: &trusted.revoked,
        remembered: remembered(&state)?,
    };
    let no = |what: &str, why: &Refusal| refused(what, why);
    if let (true, Some(key)) = (args.init, &args.key) {
        let now = Timestamp::now();
        let why = visible(&args.why).into_owned();
        let begin = Begin { schema: BEGIN_SCHEMA.into(), at: now, why };
        let cannot = || CliError::new("sign that a halt switch begins");
        let statement = serde_json::to_string(&begin).map_err(|e| cannot().because(e))?;
        let pem =
            sign::sign_file(key, HALT, statement.as_bytes()).map_err(|e| cannot().because(e))?;
        switch.init(Signed::new(statement, &pem), now).map_err(|e| no("make a halt switch", &e))?;
        saved::print("the halt switch says run\n")?;
    } else if args.show {
        switch
            .look(&BTreeSet::new(), Timestamp::now())
            .map_err(|e| no("say that the halt switch says run", &e.refusal))?;
        saved::print("the halt switch says run\n")?;
    } else if let Some(path) = &args.lift {
        let signed = Signed::new(text(path)?, &text(&sig(path))?);
        let lifted = switch.lift(signed, Timestamp::now());
        let (halt, other) = lifted.map_err(|e| no("lift the halt", &e))?;
        let now = other.map_or("the halt switch says run".to_owned(), |it| {
            let (by, why) = (visible(&it.by), visible(&it.why));
            format!(
                "it is halted still, as {by} did at {}: {why}\n{}",
                it.at,
                to_lift(&it.digest())
            )
        });
        saved::print(&format!("lifted {halt}: {now}\n"))?;
    } else {
        let order = HaltOrder {
            by: super::apply::by(),
            at: Timestamp::now(),
            why: visible(&args.why).into_owned(),
            nonce: nonce()?,
        };
        // Remembered first: one that was written and forgotten could be put back unseen.
        remember(&state, &order.digest())?;
        let halt = switch.halt(&order).map_err(|e| no("halt", &e))?;
        saved::print(&format!(
            "halted: every apply that reads this switch stops before its next act\n{}\n",
            to_lift(&halt)
        ))?;
    }
    Ok(ExitStatus::Clean)
}

fn to_lift(halt: &Digest) -> String {
    format!(
        "to lift it: portcullis cleanup halt --sign-lift {halt} --key KEYFILE --out lift.json, then \
         --lift lift.json"
    )
}

fn sign_lift(
    args: &HaltArgs,
    halt: &Digest,
    out: &Path,
    key: &Path,
) -> Result<ExitStatus, CliError> {
    let lift = Lift {
        schema: LIFT_SCHEMA.into(),
        lifts: halt.clone(),
        at: Timestamp::now(),
        why: visible(&args.why).into_owned(),
    };
    let bytes = serde_json::to_vec(&lift).map_err(|e| CliError::new("sign").because(e))?;
    let pem = sign::sign_file(key, HALT, &bytes)
        .map_err(|e| CliError::new("sign that a halt is lifted").because(e))?;
    let written = std::fs::write(out, &bytes).and_then(|()| std::fs::write(sig(out), pem));
    written.map_err(|e| CliError::new(format!("write {}", out.display())).because(e))?;
    saved::print(&format!(
        "signed: {} and {}\nnext: portcullis cleanup halt --lift {}\n",
        visible(&out.display().to_string()),
        visible(&sig(out).display().to_string()),
        visible(&out.display().to_string())
    ))?;
    Ok(ExitStatus::Clean)
}

fn sig(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn text(path: &Path) -> Result<String, CliError> {
    let cannot = || CliError::new(format!("read {}", visible(&path.display().to_string())));
    let bytes = dossier::read_file(path).map_err(|e| cannot().because(visible(&e.to_string())))?;
    String::from_utf8(bytes).map_err(|_| cannot().because("it is no text"))
}
