use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {}

/// Runs `portcullis audit`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &AuditArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
