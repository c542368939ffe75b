//! The history in an SQLite file: an edge behind [`crate::history::Store`].
//!
//! What a run did not change costs it no row: a finding's life is a list of spans of runs that saw
//! it say the same, and the last one is open-ended. See `schema.rs` for the tables.
//!
//! One writer at a time, any number of readers (WAL); a second writer waits, for as long as it is
//! told, and then says so. A transaction is a whole run; what was killed in the middle of it never
//! happened.

mod code;
mod keep;
mod lives;
mod open;
mod prune;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod trouble;

use crate::history::{Filter, Kept, Life, Pruned, Retention, Run, RunRow, Store, StoreError};
use crate::model::Gap;
use jiff::SignedDuration;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::time::Duration;

/// How a history is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long another writer is waited for.
    pub wait: Duration,
    /// Runs older than this are forgotten, now and then; `None` keeps all.
    pub keep: Option<SignedDuration>,
    /// More runs than this are forgotten, now and then; `None` keeps all.
    pub max_runs: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { wait: Duration::from_secs(5), keep: None, max_runs: None }
    }
}

/// A history in an SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    /// For errors.
    name: String,
    options: Options,
}

impl Sqlite {
    fn new(connection: Connection, name: String, options: Options) -> Self {
        Self { connection, name, options }
    }

    /// Runs `work` in one transaction, which lasts only if it succeeds.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &Options) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { connection, name, options } = self;
        let done = Transaction::new(connection, TransactionBehavior::Immediate).and_then(|tx| {
            let value = work(&tx, options)?;
            tx.commit()?;
            Ok(value)
        });
        done.map_err(|e| StoreError::new(name.clone(), trouble::trouble(&e, options.wait)))
    }

    /// Runs `work` on one unchanging view.
    fn read<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Self { connection, name, options } = self;
        let done =
            Transaction::new(connection, TransactionBehavior::Deferred).and_then(|tx| work(&tx));
        done.map_err(|e| StoreError::new(name.clone(), trouble::trouble(&e, options.wait)))
    }

    /// Gives pages that nothing uses back to the system.
    fn shrink(&mut self) {
        // Only tidying: what fails here is done the next time.
        let _ = self.connection.execute_batch("PRAGMA incremental_vacuum");
    }
}

impl Store for Sqlite {
    fn keep(&mut self, run: &Run, exit: &mut dyn FnMut(&Kept) -> u8) -> Result<Kept, StoreError> {
        let (kept, pruned) = self.write(|tx, options| {
            let kept = keep::keep(tx, run, exit)?;
            Ok((kept, prune::when_due(tx, run.at, options)?))
        })?;
        if pruned.runs > 0 {
            self.shrink();
        }
        Ok(kept)
    }

    fn runs(&mut self, filter: &Filter) -> Result<Vec<RunRow>, StoreError> {
        self.read(|tx| read::runs(tx, filter))
    }

    fn run(&mut self, id: u64) -> Result<Option<(RunRow, Vec<Gap>)>, StoreError> {
        self.read(|tx| read::run(tx, id))
    }

    fn lives(&mut self, filter: &Filter) -> Result<Vec<Life>, StoreError> {
        self.read(|tx| lives::lives(tx, filter))
    }

    fn prune(&mut self, retention: &Retention) -> Result<Pruned, StoreError> {
        let pruned = self.write(|tx, _| prune::prune(tx, retention))?;
        self.shrink();
        Ok(pruned)
    }
}
