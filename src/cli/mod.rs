//! The command line: one file a command, exit codes in [`exit`].

pub mod exit;

pub use exit::ExitStatus;
