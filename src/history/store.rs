use super::{Filter, Kept, Life, Run, RunRow, StoreError};
use crate::model::Gap;
use jiff::Timestamp;

/// Where runs are kept. Each call is one transaction, whole or not at all; two processes may use
/// one store at a time.
pub trait Store {
    /// Keeps a run and tells what it changed. `exit` is asked, before anything is final, for the
    /// exit code that what changed gives the run.
    ///
    /// # Errors
    /// A store that cannot be written; nothing of the run is kept then.
    fn keep(&mut self, run: &Run, exit: &mut dyn FnMut(&Kept) -> u8) -> Result<Kept, StoreError>;

    /// The runs, latest first. Of the filter, `since` and `limit` are used.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn runs(&mut self, filter: &Filter) -> Result<Vec<RunRow>, StoreError>;

    /// One run by its number, with its gaps.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn run(&mut self, id: u64) -> Result<Option<(RunRow, Vec<Gap>)>, StoreError>;

    /// The findings, one for each series that saw it: not resolved ones first, then by severity
    /// (worst first), rule, subject, source, series.
    ///
    /// # Errors
    /// A store that cannot be read.
    fn lives(&mut self, filter: &Filter) -> Result<Vec<Life>, StoreError>;

    /// Forgets runs, and what only they tell of.
    ///
    /// # Errors
    /// A store that cannot be written; nothing is forgotten then.
    fn prune(&mut self, retention: &Retention) -> Result<Pruned, StoreError>;
}

/// Which runs are kept. A series none of whose runs is kept goes, with its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs before this instant are forgotten.
    pub since: Option<Timestamp>,
    /// More runs than this are forgotten, oldest first.
    pub max_runs: Option<u64>,
}

/// What pruning forgot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub runs: u64,
    /// Findings of which nothing is left.
    pub findings: u64,
    pub spans: u64,
}
