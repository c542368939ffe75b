use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis reach`.
#[derive(Debug, Args)]
pub struct ReachArgs {}

/// Runs `portcullis reach`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &ReachArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
