use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {}

/// Runs `portcullis probe`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &ProbeArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
