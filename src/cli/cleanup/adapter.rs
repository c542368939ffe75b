//! The adapter, as commands are told it.

use super::native;
use crate::apply::{Adapter, AdapterCommand, AdapterLimits};
use crate::cleanup::plan::Plan;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::{Digest, Target, World};
use crate::cli::{CliError, ExitStatus};
use crate::report::escape::visible;
use clap::Args;

/// Which world.
#[derive(Debug, Clone, Args)]
pub struct AdapterArgs {
    /// The program that speaks for the world (docs/cleanup/adapters.md), its arguments behind it,
    /// between spaces or as a JSON list [default where there is a plan: the one that it pins]
    #[arg(long, value_name = "COMMAND", env = "PORTCULLIS_ADAPTER")]
    pub adapter: Option<String>,
}

impl AdapterArgs {
    /// The words of the command; `pinned` are those of a plan.
    pub(in crate::cli) fn words(&self, pinned: &[String]) -> Result<Vec<String>, CliError> {
        let cannot = || CliError::new("tell which adapter speaks for the world");
        let words = match &self.adapter {
            None => pinned.to_vec(),
            Some(text) if text.trim_start().starts_with('[') => {
                serde_json::from_str(text).map_err(|e| cannot().because(e))?
            }
            Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        };
        if !pinned.is_empty() && words != pinned {
            let why = format!(
                "the plan pins `{}`, and these are `{}`",
                pinned.join(" "),
                words.join(" ")
            );
            return Err(CliError::new("act by another command than was agreed to")
                .because(visible(&why))
                .hint("leave out --adapter, or plan with it")
                .with_status(ExitStatus::Refused));
        }
        if words.is_empty() {
            return Err(cannot().hint("--adapter COMMAND, or `aws` for the one that is built in"));
        }
        Ok(words)
    }

    /// The digest that a plan pins; `None` for the adapter that is built in.
    pub(in crate::cli) fn digest(&self, words: &[String]) -> Result<Option<Digest>, CliError> {
        if built_in(words) {
            return Ok(None);
        }
        command(words)?.digest().map(Some).map_err(|e| {
            CliError::new(format!("read the adapter {}", visible(&words[0]))).because(e)
        })
    }

    /// Starts it for a plan's acts. `role`, and the receipt that a deletion rests on, are for AWS alone.
    pub(in crate::cli) fn start_for(
        &self,
        words: &[String],
        plan: &Plan,
        role: Option<&RoleArgs>,
        quarantine: Option<&Receipt>,
    ) -> Result<Box<dyn World>, CliError> {
        if built_in(words) {
            return native::world(plan, role, quarantine);
        }
        if role.is_some_and(|r| r.assume_role.is_some()) {
            return Err(CliError::new("assume a role for an adapter")
                .because("--assume-role is for plans of AWS; an adapter has its own credentials"));
        }
        self.start(words, &plan.target)
    }

    /// Starts it to be asked what there is.
    pub(in crate::cli) fn start(
        &self,
        words: &[String],
        target: &Target,
    ) -> Result<Box<dyn World>, CliError> {
        if built_in(words) {
            return Err(CliError::new("ask the built-in adapter aws what there is")
                .hint("plan with --aws --spec spec.yaml"));
        }
        let adapter = Adapter::start(&command(words)?, &target.scope, AdapterLimits::default());
        let adapter = adapter.map_err(|e| {
            CliError::new(format!("start the adapter {}", visible(&words[0])))
                .because(e)
                .with_status(ExitStatus::Error)
        })?;
        Ok(Box::new(adapter))
    }
}

/// Whose rights acts in AWS are done with.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rights in AWS")]
pub struct RoleArgs {
    /// The role that may act: it is assumed anew for each act, with a session policy that allows that
    /// act on that thing alone. The credentials themselves then need to read and to assume it
    #[arg(long, value_name = "ARN")]
    pub assume_role: Option<String>,
    /// The external id that the role asks for
    #[arg(long, value_name = "ID", requires = "assume_role")]
    pub external_id: Option<String>,
}

pub(super) fn built_in(words: &[String]) -> bool {
    words.first().is_some_and(|w| w == "aws")
}

fn command(words: &[String]) -> Result<AdapterCommand, CliError> {
    AdapterCommand::new(words).map_err(CliError::new)
}
