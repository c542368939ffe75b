//! Rows as our types.

use super::code;
use super::keep::{CHANGED, RESOLVED, UNSEEN};
use crate::history::{Content, End, Filter, Read, RunRow, Span};
use crate::model::Gap;
use rusqlite::{OptionalExtension, Params, Row, Transaction, params};

const RUN: &str = "SELECT id, series, seq, at, tool, scope, spec, snapshot, snapshot_at, exit, \
                   complete, gaps, unprobed, findings, new, resolved FROM run ";

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let snapshot = match (row.get::<_, Option<String>>(7)?, row.get::<_, Option<i64>>(8)?) {
        (Some(digest), Some(at)) => Some(Read { digest, taken_at: code::time(8, at)? }),
        _ => None,
    };
    Ok(RunRow {
        id: row.get(0)?,
        series: row.get(1)?,
        seq: row.get(2)?,
        at: code::time(3, row.get(3)?)?,
        tool: row.get(4)?,
        scope: code::scope(5, row.get_ref(5)?.as_str()?)?,
        spec: row.get(6)?,
        snapshot,
        exit: row.get(9)?,
        complete: row.get(10)?,
        gaps: row.get(11)?,
        unprobed: row.get(12)?,
        findings: row.get(13)?,
        new: row.get(14)?,
        resolved: row.get(15)?,
    })
}

/// One run.
pub(super) fn row(
    tx: &Transaction<'_>,
    which: &str,
    values: impl Params,
) -> rusqlite::Result<Option<RunRow>> {
    tx.query_row(&format!("{RUN}{which}"), values, run_row).optional()
}

/// The runs, latest first.
pub(super) fn runs(tx: &Transaction<'_>, filter: &Filter) -> rusqlite::Result<Vec<RunRow>> {
    let since = filter.since.map_or(i64::MIN, code::micros);
    let limit = filter.limit.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1);
    let mut query = tx.prepare(&format!("{RUN}WHERE at >= ?1 ORDER BY id DESC LIMIT ?2"))?;
    let rows = query.query_map(params![since, limit], run_row)?;
    rows.collect()
}

/// One run with its gaps.
pub(super) fn run(tx: &Transaction<'_>, id: u64) -> rusqlite::Result<Option<(RunRow, Vec<Gap>)>> {
    let Some(row) = row(tx, "WHERE id = ?1", [id])? else { return Ok(None) };
    let series = i64::try_from(row.series).unwrap_or_default();
    let gaps = gaps(tx, series, row.seq)?;
    Ok(Some((row, gaps)))
}

/// The gaps of one run, sorted.
pub(super) fn gaps(tx: &Transaction<'_>, series: i64, seq: u64) -> rusqlite::Result<Vec<Gap>> {
    let mut query = tx.prepare_cached(
        "SELECT kind, scope, why FROM gap_span JOIN gap ON gap.id = gap_span.gap
         WHERE series = ?1 AND from_seq <= ?2 AND (to_seq IS NULL OR to_seq >= ?2)",
    )?;
    let mut rows = query.query(params![series, seq])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = code::gap_kind(0, row.get_ref(0)?.as_str()?)?;
        out.push(Gap::new(kind, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    }
    out.sort();
    Ok(out)
}

fn content_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Content> {
    Ok(Content {
        severity: code::severity(first, row.get(first)?)?,
        confidence: code::confidence(first + 1, row.get(first + 1)?)?,
        standing: code::standing(first + 2, row.get(first + 2)?)?,
        note: row.get(first + 3)?,
        message: row.get(first + 4)?,
        measure: row.get(first + 5)?,
    })
}

pub(super) fn content(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<Content> {
    tx.prepare_cached(
        "SELECT severity, confidence, standing, note, message, measure FROM content WHERE id = ?1",
    )?
    .query_row([id], |row| content_at(row, 0))
}

/// A finding's spans in order, each with the id of its content. `last` is the last run of the
/// series, with its time: where a span that nothing ended reaches to.
pub(super) fn spans(
    tx: &Transaction<'_>,
    finding: i64,
    last: Option<&RunRow>,
) -> rusqlite::Result<Vec<(i64, Span)>> {
    let mut query = tx.prepare_cached(
        "SELECT from_seq, from_at, to_seq, to_at, ended, end_seq, end_at, why, span.content,
         severity, confidence, standing, note, message, measure
         FROM span JOIN content ON content.id = span.content WHERE finding = ?1 ORDER BY from_seq",
    )?;
    let rows = query.query_map([finding], |row| {
        let (from, from_at): (u64, i64) = (row.get(0)?, row.get(1)?);
        let (to, to_at): (Option<u64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        let end = match row.get::<_, Option<u8>>(4)? {
            None => End::Lasts,
            Some(CHANGED) => End::Changed,
            Some(UNSEEN) => {
                End::Unseen { why: row.get::<_, Option<String>>(7)?.unwrap_or_default() }
            }
            Some(RESOLVED) => End::Resolved { by: row.get(5)?, at: code::time(6, row.get(6)?)? },
            Some(other) => {
                return Err(rusqlite::Error::IntegralValueOutOfRange(4, other.into()));
            }
        };
        let from_at = code::time(1, from_at)?;
        let span = Span {
            from,
            to: to.or(last.map(|l| l.seq)).unwrap_or(from),
            from_at,
            to_at: match to_at {
                Some(at) => code::time(3, at)?,
                None => last.map_or(from_at, |l| l.at),
            },
            content: content_at(row, 9)?,
            end,
        };
        Ok((row.get(8)?, span))
    })?;
    rows.collect()
}
