//! How a refusal ends the process.

use crate::cleanup::{Class, Refusal};
use crate::cli::{CliError, ExitStatus};
use crate::report::escape::visible;

/// The exit status of a class, by the one table: whatever stopped it, it is partly applied where
/// something was `done`.
pub(in crate::cli) fn status(class: Class, done: bool) -> ExitStatus {
    match class {
        Class::Usage => ExitStatus::Error,
        Class::Unreconciled | Class::Source => ExitStatus::Incomplete,
        _ if done => ExitStatus::PartlyApplied,
        Class::Planning
        | Class::Invalid
        | Class::Quorum
        | Class::Claimed
        | Class::Drift
        | Class::Halted => ExitStatus::Refused,
    }
}

/// "cannot {cannot}", because of a refusal, where nothing was done.
pub(in crate::cli) fn refused(cannot: impl Into<String>, why: &Refusal) -> CliError {
    CliError::new(cannot)
        .because(visible(&why.to_string()))
        .with_status(status(why.reason.class(), false))
}
