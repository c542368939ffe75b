//! Whether taking an act back in AWS would open what the spec does not want open.

use super::super::input;
use super::native;
use crate::cleanup::receipt::Receipted;
use crate::cleanup::{Reason, Refusal, Target};
use crate::cli::CliError;
use crate::collect;
use crate::reclaim;
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use clap::Args;
use jiff::Timestamp;
use std::path::PathBuf;

/// What an undo in AWS is judged by.
#[derive(Debug, Args)]
#[command(next_help_heading = "Undo in AWS")]
pub struct JudgedArgs {
    /// Spec files and folders: what would open anything is taken back only where they do not forbid
    /// it (repeatable)
    #[arg(long = "spec", value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// Judge by a snapshot that `portcullis collect` wrote [default: AWS as it is now]
    #[arg(long, value_name = "FILE", requires = "specs", conflicts_with = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// Judge by saved `aws ... describe-*` answers
    #[arg(long, value_name = "DIR", requires = "specs")]
    pub aws_json: Option<PathBuf>,
}

/// Judges one undo after another, each with those before it done.
pub(super) struct Judge<'a> {
    args: &'a JudgedArgs,
    target: &'a Target,
    /// Whether it is AWS: no other world can be read, and its adapter's table says what opens.
    aws: bool,
    spec: Option<Spec>,
    now: Option<Snapshot>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        args: &'a JudgedArgs,
        aws: bool,
        target: &'a Target,
    ) -> Result<Self, CliError> {
        let spec = if args.specs.is_empty() { None } else { Some(input::spec(&args.specs)?) };
        Ok(Self { args, target, aws, spec, now: None })
    }

    /// Whether it may be taken back without a plan. `exposing`: the adapter's own table says that it
    /// opens something.
    pub(super) fn may(&mut self, it: &Receipted, exposing: bool) -> Result<(), Refusal> {
        let no = |says: String| Refusal::of(Reason::Exposes, it.item.clone(), says);
        if !self.aws {
            let undo = it.undo.as_deref().unwrap_or("taking it back");
            let says = format!("{undo} opens something, says the adapter: plan it as a repair");
            return if exposing { Err(no(says)) } else { Ok(()) };
        }
        if !reclaim::may_open(it) {
            return Ok(());
        }
        let Some(spec) = &self.spec else {
            let undo = it.undo.as_deref().unwrap_or("taking it back");
            return Err(no(format!(
                "{undo} may open something, and without --spec nobody can say whether it may"
            )));
        };
        let now = match self.now.take() {
            Some(now) => now,
            None => read(self.args, self.target).map_err(|e| {
                no(format!(
                    "what it may open nobody can say: cannot {}: {}",
                    e.cannot,
                    e.causes.join(": ")
                ))
            })?,
        };
        let judged = reclaim::reopens(spec, &now, it);
        match judged {
            Ok(then) => {
                self.now = Some(then);
                Ok(())
            }
            Err(why) => {
                self.now = Some(now);
                Err(why)
            }
        }
    }
}

fn read(args: &JudgedArgs, target: &Target) -> Result<Snapshot, CliError> {
    match (&args.snapshot, &args.aws_json) {
        (Some(path), _) => input::snapshot(path),
        (_, Some(dir)) => {
            collect::saved::read(dir, Timestamp::now()).map_err(|e| CliError::new(e.to_string()))
        }
        _ => native::snapshot(target),
    }
}
