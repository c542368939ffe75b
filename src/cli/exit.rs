//! Exit codes: the same for every format and every command.

use std::process::ExitCode;

/// How a run ended. The number never depends on the output format.
///
/// Where several apply, the order is 2 over 1 over 3 over 0, so that tolerating incomplete evidence
/// never hides a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: clean and complete.
    Clean,
    /// 1: findings at or above `--fail-on`.
    Findings,
    /// 2: usage or tool error.
    Error,
    /// 3: incomplete evidence that `--allow-gaps` did not accept.
    Incomplete,
    /// 4: refused; nothing was changed.
    Refused,
    /// 130: interrupted.
    Interrupted,
}

impl ExitStatus {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Error => 2,
            Self::Incomplete => 3,
            Self::Refused => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
