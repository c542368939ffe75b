use super::{code, read};
use crate::history::{End, Filter, Fingerprint, Life, RunRow, Span, State, flapping};
use jiff::Timestamp;
use rusqlite::{Transaction, params};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Findings of every series that the filter lets through.
pub(super) fn lives(tx: &Transaction<'_>, filter: &Filter) -> rusqlite::Result<Vec<Life>> {
    let mut last: BTreeMap<u64, RunRow> = BTreeMap::new();
    let mut query = tx.prepare(
        "SELECT id, series, fingerprint, rule, subject, source, first_at FROM finding
         WHERE (?1 IS NULL OR rule = ?1) AND (?2 IS NULL OR instr(subject, ?2))
         AND (?3 IS NULL OR substr(lower(hex(fingerprint)), 1, length(?3)) = ?3)
         AND (NOT ?4 OR EXISTS (SELECT 1 FROM current
              WHERE current.series = finding.series AND current.fingerprint = finding.fingerprint))",
    )?;
    let mut rows = query.query(params![filter.rule, filter.subject, filter.prefix, filter.open])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let (finding, series): (i64, u64) = (row.get(0)?, row.get(1)?);
        let ends = match last.get(&series) {
            Some(run) => run,
            None => {
                let which = "WHERE series = ?1 ORDER BY seq DESC LIMIT 1";
                let run = read::row(tx, which, [series])?;
                last.entry(series).or_insert(run.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
            }
        };
        let spans = read::spans(tx, finding, Some(ends))?;
        let spans: Vec<Span> = spans.into_iter().map(|(_, span)| span).collect();
        let fingerprint = code::fingerprint(2, row.get_ref(2)?.as_blob()?)?;
        let first_seen = code::time(6, row.get(6)?)?;
        let life = life(fingerprint, first_seen, spans, ends)?;
        let life =
            Life { series, rule: row.get(3)?, subject: row.get(4)?, source: row.get(5)?, ..life };
        if filter.since.is_none_or(|since| touched(&life) >= since) {
            out.push(life);
        }
    }
    out.sort_by(|a, b| key(a).cmp(&key(b)));
    if let Some(limit) = filter.limit {
        out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(out)
}

fn life(
    fingerprint: Fingerprint,
    first_seen: Timestamp,
    spans: Vec<Span>,
    ends: &RunRow,
) -> rusqlite::Result<Life> {
    let newest = spans.last().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(Life {
        fingerprint,
        series: 0,
        scope: ends.scope.clone(),
        rule: String::new(),
        subject: String::new(),
        source: None,
        first_seen,
        last_seen: newest.to_at,
        times_seen: spans.iter().map(|s| s.to.saturating_sub(s.from) + 1).sum(),
        state: match &newest.end {
            End::Lasts | End::Changed => State::Open,
            End::Unseen { why } => State::Unseen(why.clone()),
            End::Resolved { at, .. } => State::Resolved(*at),
        },
        flapping: flapping(&spans, ends.seq),
        content: newest.content.clone(),
        spans,
    })
}

/// When anything was last known of a finding.
fn touched(life: &Life) -> Timestamp {
    match life.state {
        State::Resolved(at) => at.max(life.last_seen),
        _ => life.last_seen,
    }
}

fn key(life: &Life) -> impl Ord + '_ {
    (
        matches!(life.state, State::Resolved(_)),
        Reverse(life.content.severity),
        &life.rule,
        &life.subject,
        &life.source,
        life.series,
    )
}
