use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis init`.
#[derive(Debug, Args)]
pub struct InitArgs {}

/// Runs `portcullis init`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &InitArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
