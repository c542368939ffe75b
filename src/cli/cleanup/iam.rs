use super::super::saved;
use crate::cleanup::aws;
use crate::cli::{CliError, ExitStatus};
use crate::snapshot::CallKind;
use clap::Args;
use std::collections::BTreeSet;

/// Arguments of `portcullis cleanup policy`.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// Print the IAM policy that applying plans of AWS needs
    #[arg(long, required = true)]
    pub aws: bool,
    /// Only for these actions and what takes them back: stop, revoke, … [default: all]
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub actions: Vec<String>,
    /// The partition of the account's ARNs
    #[arg(long, value_name = "PARTITION", default_value = "aws")]
    pub partition: String,
}

/// Prints the least IAM policy that an apply needs.
///
/// # Errors
/// An action that there is none of.
pub fn run(args: &PolicyArgs) -> Result<ExitStatus, CliError> {
    let acts = aws::acts();
    let known: BTreeSet<&str> = acts.iter().map(|a| a.action.as_str()).collect();
    if let Some(unknown) = args.actions.iter().find(|a| !known.contains(a.as_str())) {
        let cannot = format!("print the policy for the action `{}`", saved::escape(unknown));
        let known: Vec<&str> = known.into_iter().collect();
        return Err(CliError::new(cannot).hint(format!("the actions are {}", known.join(", "))));
    }
    let actions: BTreeSet<String> = args.actions.iter().cloned().collect();
    // What can be reached with a permission and without it everything on the way decides, before an act and
    // before what takes it back.
    let reads = CallKind::ALL.iter().filter(|call| **call != CallKind::CallerIdentity);
    let reads = reads.map(|call| format!("{}:{}", call.service(), call.operation())).collect();
    let policy = aws::policy(&args.partition, &actions, &reads);
    let text = serde_json::to_string_pretty(&policy)
        .map_err(|e| CliError::new("print the policy").because(e))?;
    saved::print(&format!("{text}\n"))?;
    Ok(ExitStatus::Clean)
}
