use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {}

/// Runs `portcullis rules`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &RulesArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
