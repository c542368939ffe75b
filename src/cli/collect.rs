use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {}

/// Runs `portcullis collect`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &CollectArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
