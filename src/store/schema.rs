//! The tables, as a list of steps: a database of version n has had the first n of them.
//!
//! Nothing here changes once it has been released: what is to change is a new step.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "Port", in the header of the file: what tells a history from any other SQLite file.
pub(super) const APPLICATION_ID: i32 = 0x506f_7274;

/// The steps. Times are microseconds since 1970-01-01 UTC; `seq` counts the runs of a series from 1.
pub(super) const STEPS: &[&str] = &[
    "
-- Runs that can be compared: the same command, specs and breadth.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    series INTEGER NOT NULL REFERENCES series,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    tool TEXT NOT NULL,
    -- As it was: a series may look at more later on.
    scope TEXT NOT NULL,
    spec TEXT NOT NULL,
    snapshot TEXT,
    snapshot_at INTEGER,
    exit INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    gaps INTEGER NOT NULL,
    unprobed INTEGER NOT NULL,
    findings INTEGER NOT NULL,
    new INTEGER NOT NULL,
    resolved INTEGER NOT NULL,
    UNIQUE (series, seq)
);
CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series,
    fingerprint BLOB NOT NULL,
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    source TEXT,
    first_at INTEGER NOT NULL,
    UNIQUE (series, fingerprint)
);
-- What a finding said, while it said it.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    severity INTEGER NOT NULL,
    confidence INTEGER NOT NULL,
    standing INTEGER NOT NULL,
    note TEXT NOT NULL,
    message TEXT NOT NULL
);
-- Runs one after the other that saw a finding say the same. Without an end: up to the series' last.
CREATE TABLE span (
    finding INTEGER NOT NULL REFERENCES finding,
    from_seq INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_seq INTEGER,
    to_at INTEGER,
    content INTEGER NOT NULL REFERENCES content,
    -- 1 changed, 2 not seen, 3 resolved; by the run of that place and time.
    ended INTEGER,
    end_seq INTEGER,
    end_at INTEGER,
    why TEXT,
    PRIMARY KEY (finding, from_seq)
) WITHOUT ROWID;
-- The findings that are not resolved, read in one go by every run: what is unchanged costs a run
-- nothing but this.
CREATE TABLE current (
    series INTEGER NOT NULL REFERENCES series,
    fingerprint BLOB NOT NULL,
    finding INTEGER NOT NULL REFERENCES finding,
    from_seq INTEGER NOT NULL,
    -- The last run that saw it, where that is not the series' last.
    to_seq INTEGER,
    first_at INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    standing INTEGER NOT NULL,
    content INTEGER NOT NULL REFERENCES content,
    digest BLOB NOT NULL,
    -- The last places at which it was resolved or came back, where it ever was.
    turns TEXT,
    PRIMARY KEY (series, fingerprint)
) WITHOUT ROWID;
CREATE TABLE gap (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE TABLE gap_span (
    series INTEGER NOT NULL REFERENCES series,
    gap INTEGER NOT NULL REFERENCES gap,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER,
    PRIMARY KEY (series, gap, from_seq)
) WITHOUT ROWID;
CREATE INDEX gap_span_open ON gap_span (series) WHERE to_seq IS NULL;
",
    "
-- How bad a finding is beside its severity, where that was counted.
ALTER TABLE content ADD COLUMN measure INTEGER;
-- As last counted: a run that could not tell does not make the next one the first.
ALTER TABLE current ADD COLUMN measure INTEGER;
",
];

/// Brings a database to the last of `steps`, whole or not at all. Two processes may do so at once:
/// the second finds it done.
///
/// # Errors
/// What SQLite answers; the database is as it was then.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    if version(connection)? >= steps.len() as i64 {
        return Ok(());
    }
    let step = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&step)?).unwrap_or(usize::MAX);
    for sql in steps.iter().skip(done) {
        step.execute_batch(sql)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.pragma_update(None, "user_version", steps.len().max(done) as i64)?;
    step.commit()
}

/// Lets a database of an older version be read as one of the last, without a change to it: views of this
/// connection alone stand before its tables. One for each step after the first, of what readers ask for.
const VIEWS: &[&str] = &["CREATE TEMP VIEW content AS SELECT *, NULL AS measure FROM main.content"];

/// Reads a database as one of the last version, whichever it is of.
///
/// # Errors
/// What SQLite answers.
pub(super) fn as_if_new(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let done = usize::try_from(version(connection)?).unwrap_or(usize::MAX);
    VIEWS.iter().skip(done.saturating_sub(1)).try_for_each(|view| connection.execute_batch(view))
}

/// How many steps a database has had.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).expect("a count")
    }

    #[test]
    fn an_older_database_is_brought_up_and_keeps_its_rows() {
        let mut old = Connection::open_in_memory().expect("memory");
        migrate(&mut old, STEPS).expect("as it is today");
        old.execute("INSERT INTO series (scope, seq) VALUES ('{}', 7)", []).expect("a row");
        let more: Vec<&str> = STEPS
            .iter()
            .copied()
            .chain(["ALTER TABLE series ADD COLUMN name TEXT NOT NULL DEFAULT 'x'"])
            .collect();
        migrate(&mut old, &more).expect("one version more");
        assert_eq!(version(&old), Ok(STEPS.len() as i64 + 1));
        assert_eq!(count(&old, "SELECT seq FROM series WHERE name = 'x'"), 7);
        migrate(&mut old, &more).expect("nothing to do");
        assert_eq!(count(&old, "SELECT count(*) FROM series"), 1);
    }

    #[test]
    fn a_step_that_fails_leaves_all_as_it_was() {
        let mut old = Connection::open_in_memory().expect("memory");
        migrate(&mut old, STEPS).expect("as it is today");
        let broken: Vec<&str> = STEPS
            .iter()
            .copied()
            .chain(["ALTER TABLE series ADD COLUMN name TEXT; ALTER TABLE no_such ADD COLUMN x"])
            .collect();
        assert!(migrate(&mut old, &broken).is_err());
        assert_eq!(version(&old), Ok(STEPS.len() as i64));
        let columns = "SELECT count(*) FROM pragma_table_info('series') WHERE name = 'name'";
        assert_eq!(count(&old, columns), 0, "half a step was kept");
    }
}
