//! `portcullis cleanup permit`: one line for a job that removes things by itself.

use super::agreed::{AgreedArgs, JOURNAL};
use super::apply::{LEASE, by};
use super::halts::remembered;
use super::nonce::nonce;
use super::place::StateArgs;
use super::refused::refused;
use crate::apply::{JournalFile, PermitSetup, Switchboard, SystemClock, permit};
use crate::cleanup::Reason;
use crate::cli::{CliError, ExitStatus, saved};
use crate::report::escape::visible;
use clap::Args;
use std::time::Duration;

/// Arguments of `portcullis cleanup permit`.
#[derive(Debug, Args)]
pub struct PermitArgs {
    #[command(flatten)]
    pub agreed: AgreedArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// The thing's id, as the plan has it
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// What the job is about to do to it, as the plan has it
    #[arg(long, value_name = "ACTION")]
    pub action: String,
}

/// Several workers of one job ask at once: each waits this often for the claim.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// Says whether a job may do one act: 0, once; 4 for everything else.
///
/// # Errors
/// Why not.
pub fn run(args: &PermitArgs) -> Result<ExitStatus, CliError> {
    let agreed = args.agreed.verify(None)?;
    let state = args.state.folder()?;
    let path = agreed.folder.join(JOURNAL);
    let mut tries = 0;
    let answer = loop {
        let mut journal = JournalFile::open(&path)
            .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?;
        let mut halt = Switchboard {
            register: args.state.halt()?,
            trust: &agreed.trusted.trust,
            revoked: &agreed.trusted.revoked,
            remembered: remembered(&state)?,
        };
        let mut register = args.state.claims(agreed.approved.digest(), &agreed.folder)?;
        let answer = permit(PermitSetup {
            approved: &agreed.approved,
            id: &args.id,
            action: &args.action,
            journal: &mut journal,
            register: register.as_mut(),
            halt: &mut halt,
            clock: &SystemClock,
            nonce: nonce()?,
            by: by(),
            lease: LEASE,
        });
        match answer {
            Err(why) if why.reason == Reason::Claimed && tries < TRIES => {
                tries += 1;
                std::thread::sleep(BETWEEN);
            }
            other => break other,
        }
    };
    let what = format!("permit {} of {}", visible(&args.action), visible(&args.id));
    // Whatever the class: to the job that asks, every no is the same.
    let n = answer.map_err(|why| refused(what.clone(), &why).with_status(ExitStatus::Refused))?;
    saved::print(&format!("{what}: item {n} of {}, once\n", agreed.approved.digest()))?;
    Ok(ExitStatus::Clean)
}
