use super::{CliError, ExitStatus, Global};
use clap::Args;

/// Arguments of `portcullis demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {}

/// Runs `portcullis demo`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(_args: &DemoArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    Err(CliError::new("run this command: it is being built"))
}
