//! Whether taking an act back in AWS would open what the spec does not want open.

use super::super::input;
use super::native;
use super::refused::refused;
use crate::cleanup::plan::Plan;
use crate::cleanup::receipt::Receipted;
use crate::cleanup::{Reason, Refusal, Target};
use crate::cli::CliError;
use crate::reclaim;
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use clap::Args;
use std::path::PathBuf;

/// What an undo in AWS is judged by.
#[derive(Debug, Args)]
#[command(next_help_heading = "Undo in AWS")]
pub struct JudgedArgs {
    /// The spec that the plan was made by, files and folders (repeatable): what would open anything is
    /// taken back only where it does not forbid it, by AWS as it is now
    #[arg(long = "spec", value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
}

/// Judges one undo after another, each with those before it done.
pub(super) struct Judge<'a> {
    target: &'a Target,
    /// Whether it is AWS: no other world can be read, and its adapter's table says what opens.
    aws: bool,
    spec: Option<Spec>,
    now: Option<Snapshot>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(args: &JudgedArgs, aws: bool, plan: &'a Plan) -> Result<Self, CliError> {
        let spec = if args.specs.is_empty() { None } else { Some(input::spec(&args.specs)?) };
        if aws && spec.is_some() {
            let given = input::spec_digest(&args.specs)?;
            if plan.pins.spec.as_ref() != Some(&given) {
                let says = "it is not the spec that the plan was made by, which people agreed to";
                return Err(refused("judge an undo by this spec", &Refusal::new(Reason::Loosening, says))
                    .hint("give that one; what a newer spec wants open is authorized by `cleanup plan --repair`"));
            }
        }
        Ok(Self { target: &plan.target, aws, spec, now: None })
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
            None => native::snapshot(self.target).map_err(|e| {
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
