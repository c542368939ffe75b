use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {}

/// Runs `portcullis explain`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &ExplainArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
