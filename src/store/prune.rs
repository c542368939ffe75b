use super::Options;
use super::code::micros;
use crate::history::{Pruned, Retention};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params};

/// A run prunes only when this part of what is kept is past its time, so that not every run pays.
const SLACK: i32 = 20;

/// Prunes by the options where enough has come together.
pub(super) fn when_due(
    tx: &Transaction<'_>,
    now: Timestamp,
    options: &Options,
) -> rusqlite::Result<Pruned> {
    let (oldest, runs): (Option<i64>, u64) =
        tx.query_row("SELECT min(at), count(*) FROM run", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let since = |keep: SignedDuration| now.checked_sub(keep).ok();
    let late = options
        .keep
        .and_then(|keep| since(keep + keep / SLACK))
        .is_some_and(|limit| oldest.is_some_and(|at| at < micros(limit)));
    let many = options.max_runs.is_some_and(|most| runs > most + most / SLACK as u64);
    if !late && !many {
        return Ok(Pruned::default());
    }
    let retention = Retention { since: options.keep.and_then(since), max_runs: options.max_runs };
    prune(tx, &retention)
}

/// Forgets the oldest runs, and what only they tell of. Of a series, a first part goes, never one
/// from the middle, whatever the clock said.
pub(super) fn prune(tx: &Transaction<'_>, retention: &Retention) -> rusqlite::Result<Pruned> {
    // The first run to keep; the very last is kept always, so that there is something to compare with.
    let by_time = match retention.since {
        None => 0,
        Some(since) => tx.query_row(
            "SELECT coalesce((SELECT min(id) FROM run WHERE at >= ?1), (SELECT max(id) FROM run), 0)",
            [micros(since)],
            |row| row.get::<_, i64>(0),
        )?,
    };
    let by_number = match retention.max_runs {
        None => 0,
        Some(most) => tx.query_row(
            "SELECT coalesce(min(id), 0) FROM (SELECT id FROM run ORDER BY id DESC LIMIT ?1)",
            [most.max(1)],
            |row| row.get::<_, i64>(0),
        )?,
    };
    let first = by_time.max(by_number);
    let runs = tx.execute("DELETE FROM run WHERE id < ?1", [first])?;
    if runs == 0 {
        return Ok(Pruned::default());
    }
    tx.execute_batch(
        "CREATE TEMP TABLE first_kept AS SELECT series, min(seq) AS seq FROM run GROUP BY series",
    )?;
    let counted = |sql| tx.execute(sql, params![]);
    counted("DELETE FROM current WHERE series NOT IN (SELECT series FROM first_kept)")?;
    // A span goes with the run that ended it; not, though, the last one of what is not resolved.
    let spans = counted(
        "DELETE FROM span WHERE EXISTS (SELECT 1 FROM finding LEFT JOIN first_kept USING (series)
            WHERE finding.id = span.finding
            AND (first_kept.seq IS NULL OR span.end_seq < first_kept.seq))
         AND NOT EXISTS (SELECT 1 FROM current JOIN finding
            ON finding.series = current.series AND finding.fingerprint = current.fingerprint
            WHERE finding.id = span.finding AND current.from_seq = span.from_seq)",
    )?;
    let findings = counted(
        "DELETE FROM finding WHERE NOT EXISTS (SELECT 1 FROM span WHERE span.finding = finding.id)",
    )?;
    counted(
        "DELETE FROM content WHERE id NOT IN (SELECT content FROM span)
         AND id NOT IN (SELECT content FROM current)",
    )?;
    counted(
        "DELETE FROM gap_span WHERE NOT EXISTS (SELECT 1 FROM first_kept
            WHERE first_kept.series = gap_span.series
            AND (gap_span.to_seq IS NULL OR gap_span.to_seq >= first_kept.seq))",
    )?;
    counted("DELETE FROM gap WHERE id NOT IN (SELECT gap FROM gap_span)")?;
    counted("DELETE FROM series WHERE id NOT IN (SELECT series FROM first_kept)")?;
    tx.execute_batch("DROP TABLE first_kept")?;
    Ok(Pruned { runs: runs as u64, findings: findings as u64, spans: spans as u64 })
}
