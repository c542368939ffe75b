use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis spec`.
#[derive(Debug, Args)]
pub struct SpecArgs {}

/// Runs `portcullis spec`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &SpecArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
