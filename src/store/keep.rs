//! Keeps one run: what is unchanged is read and not written.

use super::code::{self, micros};
use super::read;
use crate::history::{
    Absence, Against, Before, Blindness, Change, Content, FLAPPING_TURNS, Fingerprint, Gone, Kept,
    LastSeen, Run, Scope, Seen, Sighting, Standing, flaps, judge, turns,
};
use crate::model::{Gap, Severity};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What ended a span, as the column has it.
pub(super) const CHANGED: u8 = 1;
pub(super) const UNSEEN: u8 = 2;
pub(super) const RESOLVED: u8 = 3;

pub(super) fn keep(
    tx: &Transaction<'_>,
    run: &Run,
    exit: &mut dyn FnMut(&Kept) -> u8,
) -> rusqlite::Result<Kept> {
    let (series, last) = series(tx, &run.scope)?;
    let previous = match last {
        0 => None,
        seq => read::row(tx, "WHERE series = ?1 AND seq = ?2", params![series, seq])?,
    };
    let keeper = Keeper { tx, run, series, seq: last + 1, previous: previous.as_ref() };
    keeper.gaps()?;
    let (seen, gone) = keeper.findings()?;
    let against = previous.as_ref().map(|p| Against { run: p.id, at: p.at });
    let mut kept = Kept { run: 0, against, seen, gone };
    let came = |s: &&Sighting| matches!(s.change, Change::New | Change::Reopened { .. });
    let new = kept.seen.iter().filter(came).count();
    let resolved = kept.gone.iter().filter(|g| g.unseen.is_none()).count();
    tx.execute("UPDATE series SET seq = ?2 WHERE id = ?1", params![series, keeper.seq])?;
    tx.execute(
        "INSERT INTO run (series, seq, at, tool, scope, spec, snapshot, snapshot_at, exit, complete,
         gaps, unprobed, findings, new, resolved)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            series,
            keeper.seq,
            micros(run.at),
            run.tool,
            code::scope_text(&run.scope),
            run.spec,
            run.snapshot.as_ref().map(|s| s.digest.as_str()),
            run.snapshot.as_ref().map(|s| micros(s.taken_at)),
            run.is_complete(),
            run.gaps.len(),
            run.unprobed,
            run.seen.len(),
            new,
            resolved
        ],
    )?;
    kept.run = u64::try_from(tx.last_insert_rowid()).unwrap_or_default();
    // Asked for last, because what it answers rests on all of the rest.
    let exit = exit(&kept);
    tx.execute("UPDATE run SET exit = ?2 WHERE id = ?1", params![kept.run, exit])?;
    Ok(kept)
}

/// The series that a run continues, and the place of its last run: the one of its scope, else the
/// latest that looked at no more than it does, which looks at more from now on; else a new one.
fn series(tx: &Transaction<'_>, scope: &Scope) -> rusqlite::Result<(i64, u64)> {
    let text = code::scope_text(scope);
    let found = tx
        .query_row("SELECT id, seq FROM series WHERE scope = ?1", [&text], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    let mut others = tx.prepare(
        "SELECT series.id, series.seq, series.scope FROM series
         JOIN run ON run.series = series.id AND run.seq = series.seq ORDER BY run.id DESC",
    )?;
    let mut rows = others.query([])?;
    while let Some(row) = rows.next()? {
        if scope.covers(&code::scope(2, row.get_ref(2)?.as_str()?)?) {
            let (id, seq): (i64, u64) = (row.get(0)?, row.get(1)?);
            tx.execute("UPDATE series SET scope = ?2 WHERE id = ?1", params![id, text])?;
            return Ok((id, seq));
        }
    }
    tx.execute("INSERT INTO series (scope, seq) VALUES (?1, 0)", [&text])?;
    Ok((tx.last_insert_rowid(), 0))
}

struct Keeper<'a> {
    tx: &'a Transaction<'a>,
    run: &'a Run,
    series: i64,
    /// The run's own place in the series.
    seq: u64,
    previous: Option<&'a crate::history::RunRow>,
}

/// A row of `current`: a finding that is not resolved.
struct Current {
    fingerprint: Fingerprint,
    finding: i64,
    from_seq: u64,
    /// The last run that saw it, where that is not the series' last.
    to_seq: Option<u64>,
    first_at: Timestamp,
    severity: Severity,
    /// As last counted.
    measure: Option<u64>,
    standing: Standing,
    content: i64,
    digest: [u8; 16],
    turns: Vec<u64>,
}

impl Keeper<'_> {
    /// Walks the findings of the run and those that are not resolved side by side.
    fn findings(&self) -> rusqlite::Result<(Vec<Sighting>, Vec<Gone>)> {
        let mut seen = Vec::with_capacity(self.run.seen.len());
        let mut gone = Vec::new();
        let mut absent = Absent::default();
        let mut current = self.current()?.into_iter().peekable();
        let mut found = self.run.seen.iter().peekable();
        loop {
            let order = match (current.peek(), found.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(c), Some(f)) => c.fingerprint.cmp(&f.fingerprint),
            };
            match order {
                Ordering::Less => {
                    if let Some(was) = current.next() {
                        gone.extend(self.missing(was, &mut absent)?);
                    }
                }
                Ordering::Equal => {
                    if let (Some(was), Some(now)) = (current.next(), found.next()) {
                        seen.push(self.again(&was, now)?);
                    }
                }
                Ordering::Greater => {
                    if let Some(now) = found.next() {
                        seen.push(self.came(now)?);
                    }
                }
            }
        }
        Ok((seen, gone))
    }

    fn current(&self) -> rusqlite::Result<Vec<Current>> {
        let mut query = self.tx.prepare(
            "SELECT fingerprint, finding, from_seq, to_seq, first_at, severity, standing, content,
             digest, turns, measure FROM current WHERE series = ?1 ORDER BY fingerprint",
        )?;
        let mut rows = query.query([self.series])?;
        let mut out = Vec::with_capacity(self.run.seen.len());
        while let Some(row) = rows.next()? {
            out.push(Current {
                fingerprint: code::fingerprint(0, row.get_ref(0)?.as_blob()?)?,
                finding: row.get(1)?,
                from_seq: row.get(2)?,
                to_seq: row.get(3)?,
                first_at: code::time(4, row.get(4)?)?,
                severity: code::severity(5, row.get(5)?)?,
                measure: row.get(10)?,
                standing: code::standing(6, row.get(6)?)?,
                content: row.get(7)?,
                digest: row.get(8)?,
                turns: code::turns(9, row.get_ref(9)?.as_str_or_null()?)?,
            });
        }
        Ok(out)
    }

    /// A finding that is there as it was before.
    fn again(&self, was: &Current, now: &Seen) -> rusqlite::Result<Sighting> {
        let digest = now.content.digest();
        let same = digest == was.digest;
        if !same || was.to_seq.is_some() {
            let content = if same { was.content } else { self.content(&now.content)? };
            if was.to_seq.is_none() {
                self.end(was, CHANGED, None)?;
            }
            self.begin(was.finding, content)?;
            self.tx
                .prepare_cached(
                    "UPDATE current SET from_seq = ?3, to_seq = NULL, severity = ?4, standing = ?5,
                 content = ?6, digest = ?7, measure = coalesce(?8, measure) WHERE series = ?1 AND fingerprint = ?2",
                )?
                .execute(params![
                    self.series,
                    was.fingerprint.0,
                    self.seq,
                    now.content.severity as u8,
                    now.content.standing as u8,
                    content,
                    digest,
                    now.content.measure
                ])?;
        }
        let measured = was.measure.zip(now.content.measure);
        let alike = (was.severity, was.standing) == (now.content.severity, now.content.standing)
            && measured.is_none_or(|(was, now)| was == now);
        let change = if alike {
            Change::Unchanged
        } else {
            Change::Updated { severity: was.severity, measure: was.measure, standing: was.standing }
        };
        let flapping = flaps(&was.turns, self.seq);
        Ok(Sighting { change, first_seen: was.first_at, flapping })
    }

    /// A finding that is new, or was resolved.
    fn came(&self, now: &Seen) -> rusqlite::Result<Sighting> {
        let known = self
            .tx
            .prepare_cached(
                "SELECT id, first_at FROM finding WHERE series = ?1 AND fingerprint = ?2",
            )?
            .query_row(params![self.series, now.fingerprint.0], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        let digest = now.content.digest();
        let (finding, first_seen, content, turned, change) = match known {
            None => {
                self.tx
                    .prepare_cached(
                        "INSERT INTO finding (series, fingerprint, rule, subject, source, first_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        self.series,
                        now.fingerprint.0,
                        now.rule,
                        now.subject,
                        now.source,
                        micros(self.run.at)
                    ])?;
                let finding = self.tx.last_insert_rowid();
                (finding, self.run.at, self.content(&now.content)?, Vec::new(), Change::New)
            }
            Some((finding, first)) => {
                let spans = read::spans(self.tx, finding, None)?;
                let (content, last) = spans.last().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
                let same = last.content.digest() == digest;
                let content = if same { *content } else { self.content(&now.content)? };
                let resolved_at = match last.end {
                    crate::history::End::Resolved { at, .. } => at,
                    _ => return Err(rusqlite::Error::QueryReturnedNoRows),
                };
                let spans: Vec<_> = spans.into_iter().map(|(_, span)| span).collect();
                let mut turned = turns(&spans);
                turned.push(self.seq);
                turned.drain(..turned.len().saturating_sub(FLAPPING_TURNS));
                let change = Change::Reopened { resolved_at };
                (finding, code::time(1, first)?, content, turned, change)
            }
        };
        self.begin(finding, content)?;
        self.tx
            .prepare_cached(
                "INSERT INTO current (series, fingerprint, finding, from_seq, to_seq, first_at,
                 severity, standing, content, digest, turns, measure)
                 VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                self.series,
                now.fingerprint.0,
                finding,
                self.seq,
                micros(first_seen),
                now.content.severity as u8,
                now.content.standing as u8,
                content,
                digest,
                code::turns_text(&turned),
                now.content.measure
            ])?;
        Ok(Sighting { change, first_seen, flapping: flaps(&turned, self.seq) })
    }

    /// A finding that the run does not have: resolved, or not seen. Nothing where it was not seen
    /// before either.
    fn missing(&self, was: Current, absent: &mut Absent) -> rusqlite::Result<Option<Gone>> {
        let (rule, subject, source): (String, String, Option<String>) = self
            .tx
            .prepare_cached("SELECT rule, subject, source FROM finding WHERE id = ?1")?
            .query_row([was.finding], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let last = was.to_seq.unwrap_or(self.seq - 1);
        let known = absent.run(self, last)?;
        let last_seen = LastSeen {
            rule: &rule,
            subject: &subject,
            source: source.as_deref(),
            snapshot_at: known.snapshot_at,
        };
        let absence = judge(self.run, &last_seen, &known.blind);
        let at = known.at;
        let unseen = match absence {
            Absence::Resolved => {
                self.end(&was, RESOLVED, None)?;
                self.tx
                    .prepare_cached("DELETE FROM current WHERE series = ?1 AND fingerprint = ?2")?
                    .execute(params![self.series, was.fingerprint.0])?;
                None
            }
            Absence::Unseen(_) if was.to_seq.is_some() => return Ok(None),
            Absence::Unseen(why) => {
                self.end(&was, UNSEEN, Some(&why))?;
                self.tx
                    .prepare_cached(
                        "UPDATE current SET to_seq = ?3 WHERE series = ?1 AND fingerprint = ?2",
                    )?
                    .execute(params![self.series, was.fingerprint.0, last])?;
                Some(why)
            }
        };
        let mut turned = was.turns.clone();
        turned.extend(unseen.is_none().then_some(self.seq));
        Ok(Some(Gone {
            fingerprint: was.fingerprint,
            rule,
            subject,
            source,
            content: read::content(self.tx, was.content)?,
            first_seen: was.first_at,
            last_seen: at,
            flapping: flaps(&turned, self.seq),
            unseen,
        }))
    }

    /// Begins a span with this run.
    fn begin(&self, finding: i64, content: i64) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO span (finding, from_seq, from_at, content) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![finding, self.seq, micros(self.run.at), content])?;
        Ok(())
    }

    /// Ends a finding's last span with the run before this one, if it has not ended there already.
    fn end(&self, was: &Current, how: u8, why: Option<&str>) -> rusqlite::Result<()> {
        let before = self.previous.map_or(self.run.at, |p| p.at);
        self.tx
            .prepare_cached(
                "UPDATE span SET to_seq = coalesce(to_seq, ?3), to_at = coalesce(to_at, ?4),
                 ended = ?5, end_seq = ?6, end_at = ?7, why = coalesce(?8, why)
                 WHERE finding = ?1 AND from_seq = ?2",
            )?
            .execute(params![
                was.finding,
                was.from_seq,
                self.seq - 1,
                micros(before),
                how,
                self.seq,
                micros(self.run.at),
                why
            ])?;
        Ok(())
    }

    fn content(&self, content: &Content) -> rusqlite::Result<i64> {
        let Content { severity, confidence, measure, standing, note, message } = content;
        self.tx
            .prepare_cached(
                "INSERT INTO content (severity, confidence, standing, note, message, measure)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                *severity as u8,
                *confidence as u8,
                *standing as u8,
                note,
                message,
                measure
            ])?;
        Ok(self.tx.last_insert_rowid())
    }

    /// Notes which gaps began and which ended with this run.
    fn gaps(&self) -> rusqlite::Result<()> {
        let mut open: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        {
            let mut query = self.tx.prepare(
                "SELECT gap.digest, gap.id FROM gap_span JOIN gap ON gap.id = gap_span.gap
                 WHERE gap_span.series = ?1 AND gap_span.to_seq IS NULL",
            )?;
            let mut rows = query.query([self.series])?;
            while let Some(row) = rows.next()? {
                open.insert(row.get(0)?, row.get(1)?);
            }
        }
        for gap in &self.run.gaps {
            let digest = digest(gap);
            if open.remove(&digest[..]).is_some() {
                continue;
            }
            self.tx
                .prepare_cached(
                    "INSERT INTO gap (digest, kind, scope, why) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (digest) DO NOTHING",
                )?
                .execute(params![digest, gap.kind.name(), gap.scope, gap.why])?;
            // One that stood twice in the run is there already.
            self.tx
                .prepare_cached(
                    "INSERT INTO gap_span (series, gap, from_seq)
                     SELECT ?1, id, ?3 FROM gap WHERE digest = ?2 ON CONFLICT DO NOTHING",
                )?
                .execute(params![self.series, digest, self.seq])?;
        }
        for gap in open.into_values() {
            self.tx
                .prepare_cached(
                    "UPDATE gap_span SET to_seq = ?3
                     WHERE series = ?1 AND gap = ?2 AND to_seq IS NULL",
                )?
                .execute(params![self.series, gap, self.seq - 1])?;
        }
        Ok(())
    }
}

fn digest(gap: &Gap) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in [gap.kind.name(), &gap.scope, &gap.why] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut out = [0; 16];
    out.copy_from_slice(&hash.finalize()[..16]);
    out
}

/// The runs that saw a missing finding last, each read once.
#[derive(Default)]
struct Absent(BTreeMap<u64, LastRun>);

struct LastRun {
    at: Timestamp,
    snapshot_at: Option<Timestamp>,
    /// What the run that is being kept could not see, and this one could.
    blind: Blindness,
}

impl Absent {
    fn run(&mut self, keeper: &Keeper<'_>, seq: u64) -> rusqlite::Result<&LastRun> {
        use std::collections::btree_map::Entry;
        let slot = match self.0.entry(seq) {
            Entry::Occupied(there) => return Ok(there.into_mut()),
            Entry::Vacant(slot) => slot,
        };
        let row =
            read::row(keeper.tx, "WHERE series = ?1 AND seq = ?2", params![keeper.series, seq])?;
        let then = read::gaps(keeper.tx, keeper.series, seq)?;
        let before: Before = then.iter().collect();
        let Run { gaps, scope, unseen, .. } = keeper.run;
        let blind = Blindness::new(gaps, &scope.vantages, &before).and_of(unseen);
        // A run that was pruned saw it long ago; nothing of it is left to compare with.
        Ok(slot.insert(LastRun {
            at: row.as_ref().map_or(keeper.run.at, |r| r.at),
            snapshot_at: row.and_then(|r| r.snapshot).map(|s| s.taken_at),
            blind,
        }))
    }
}
