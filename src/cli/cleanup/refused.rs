//! How a refusal ends the process.

use crate::cleanup::{Class, Refusal};
use crate::cli::{CliError, ExitStatus};
use crate::report::escape::visible;

/// The exit status of a class, by the one table: 13 and 14 are partly applied where something was
/// `done`.
pub(in crate::cli) fn status(class: Class, done: bool) -> ExitStatus {
    match class {
        Class::Usage => ExitStatus::Error,
        Class::Planning | Class::Invalid | Class::Quorum | Class::Claimed => ExitStatus::Refused,
        Class::Drift | Class::Halted if done => ExitStatus::PartlyApplied,
        Class::Drift | Class::Halted => ExitStatus::Refused,
        Class::Unreconciled | Class::Source => ExitStatus::Incomplete,
    }
}

/// "cannot {cannot}", because of a refusal, where nothing was done.
pub(in crate::cli) fn refused(cannot: impl Into<String>, why: &Refusal) -> CliError {
    CliError::new(cannot)
        .because(visible(&why.to_string()))
        .with_status(status(why.reason.class(), false))
}
