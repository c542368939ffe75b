use super::{HistoryAct, HistoryCommand, ListArgs, When, json, text};
use crate::cli::saved::{AnswerFormat, escape, print};
use crate::cli::{CliError, ExitStatus, Global, input, keep};
use crate::history::{End, Filter, Life, Retention, RunRow, Store, StoreError};
use crate::store::Sqlite;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Fewest digits of a fingerprint that name a finding.
const MIN_PREFIX: usize = 4;

pub(super) fn run(args: &HistoryCommand, global: &Global) -> Result<ExitStatus, CliError> {
    let config = input::config(global)?;
    let file = args.history.clone().unwrap_or_else(|| keep::configured(&config, global));
    let options = keep::options(&config);
    let prunes = matches!(args.command, Some(HistoryAct::Prune { .. }));
    let open = if prunes { Sqlite::existing } else { Sqlite::reading };
    let mut store = open(&file, options).map_err(keep::trouble)?;
    match &args.command {
        None => list(&mut store, &args.list),
        Some(HistoryAct::Show { id, format }) => show(&mut store, id, *format),
        Some(HistoryAct::Prune { keep, max_runs }) => {
            let keep = keep.or(options.keep.filter(|_| max_runs.is_none()));
            let since = keep.and_then(|keep| Timestamp::now().checked_sub(keep).ok());
            let retention = Retention { since, max_runs: max_runs.or(options.max_runs) };
            let pruned = store.prune(&retention).map_err(keep::trouble)?;
            print(&text::pruned(&pruned))?;
            Ok(ExitStatus::Clean)
        }
    }
}

fn list(store: &mut dyn Store, args: &ListArgs) -> Result<ExitStatus, CliError> {
    let since = args.since.map(|when| match when {
        When::At(at) => at,
        When::Ago(ago) => Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN),
    });
    let mut runs = store.runs(&Filter { since, ..Filter::default() }).map_err(keep::trouble)?;
    let filter = Filter {
        open: args.open,
        since,
        rule: args.rule.clone(),
        subject: args.subject.clone(),
        ..Filter::default()
    };
    let mut lives = store.lives(&filter).map_err(keep::trouble)?;
    let all = lives.len();
    let most = usize::try_from(args.limit).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    let kept = runs.len();
    lives.truncate(most);
    runs.truncate(most);
    match args.format {
        AnswerFormat::Text => print(&text::list(&runs, kept, &lives, all))?,
        AnswerFormat::Json => print(&json::list(&runs, &lives, all)?)?,
    }
    Ok(ExitStatus::Clean)
}

fn show(store: &mut dyn Store, id: &str, format: AnswerFormat) -> Result<ExitStatus, CliError> {
    let number = id.strip_prefix(['r', 'R']).and_then(|n| n.parse::<u64>().ok());
    if let Some(number) = number {
        let Some((run, gaps)) = store.run(number).map_err(keep::trouble)? else {
            return Err(CliError::new(format!("find the run {}", escape(id)))
                .hint("`portcullis history` lists the runs that are kept"));
        };
        let lives = store.lives(&Filter::default()).map_err(keep::trouble)?;
        let changed = changed(&run, lives);
        match format {
            AnswerFormat::Text => print(&text::run(&run, &gaps, &changed))?,
            AnswerFormat::Json => print(&json::run(&run, &gaps, &changed)?)?,
        }
        return Ok(ExitStatus::Clean);
    }
    let lives = named(store, id)?;
    let runs = numbers(store).map_err(keep::trouble)?;
    match format {
        AnswerFormat::Text => print(&text::lives(&lives, &runs))?,
        AnswerFormat::Json => print(&json::lives(&lives, &runs)?)?,
    }
    Ok(ExitStatus::Clean)
}

/// The one finding whose fingerprint begins so, once for each series that saw it.
fn named(store: &mut dyn Store, id: &str) -> Result<Vec<Life>, CliError> {
    let cannot = || CliError::new(format!("find `{}` in the history", escape(id)));
    let prefix = id.to_ascii_lowercase();
    if prefix.len() < MIN_PREFIX || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(cannot().hint(format!(
            "name a run (r17), or the first {MIN_PREFIX} or more hex digits of a fingerprint"
        )));
    }
    let filter = Filter { prefix: Some(prefix), ..Filter::default() };
    let lives = store.lives(&filter).map_err(keep::trouble)?;
    let Some(first) = lives.first() else {
        return Err(cannot().hint("`portcullis history --limit 0` lists all that is kept"));
    };
    if let Some(other) = lives.iter().find(|l| l.fingerprint != first.fingerprint) {
        return Err(cannot()
            .because(format!("{} and {} both begin so", first.fingerprint, other.fingerprint))
            .hint("give more digits"));
    }
    Ok(lives)
}

/// The runs' numbers by series and place.
fn numbers(store: &mut dyn Store) -> Result<BTreeMap<(u64, u64), u64>, StoreError> {
    let runs = store.runs(&Filter::default())?;
    Ok(runs.iter().map(|r| ((r.series, r.seq), r.id)).collect())
}

/// What one run did to a finding.
pub(super) struct Changed {
    /// `new`, `reopened`, `changed`, `resolved`, `not seen`.
    pub(super) what: &'static str,
    pub(super) life: Life,
}

/// The findings that a run changed, in the order of [`Store::lives`].
fn changed(run: &RunRow, lives: Vec<Life>) -> Vec<Changed> {
    let mut out = Vec::new();
    for life in lives.into_iter().filter(|l| l.series == run.series) {
        let began = life.spans.iter().position(|s| s.from == run.seq);
        let what = if let Some(at) = began {
            match at.checked_sub(1).map(|before| &life.spans[before].end) {
                None if life.first_seen < run.at => "seen",
                None => "new",
                Some(End::Resolved { .. }) => "reopened",
                Some(End::Unseen { .. }) => "seen again",
                Some(End::Changed | End::Lasts) => "changed",
            }
        } else if life
            .spans
            .iter()
            .any(|s| matches!(s.end, End::Resolved { by, .. } if by == run.seq))
        {
            "resolved"
        } else if life
            .spans
            .iter()
            .any(|s| matches!(s.end, End::Unseen { .. }) && s.to + 1 == run.seq)
        {
            "not seen"
        } else {
            continue;
        };
        out.push(Changed { what, life });
    }
    out
}
