use super::ask::Changed;
use crate::cli::saved::escape;
use crate::history::{
    End, FLAPPING_RUNS, FLAPPING_TURNS, Life, Pruned, RunRow, Scope, Span, State,
};
use crate::model::Gap;
use crate::report::counted;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Digits of a fingerprint that a list shows: enough to name it.
const SHOWN: usize = 12;

/// The newest `runs` of the `kept` ones, and so many findings of `all`.
pub(super) fn list(runs: &[RunRow], kept: usize, lives: &[Life], all: usize) -> String {
    let mut out = String::new();
    for run in runs {
        let _ = writeln!(out, "{}", run_line(run));
    }
    if !runs.is_empty() {
        out.push('\n');
    }
    let widths = [
        width(lives.iter().map(|l| l.content.severity.name().len())),
        width(lives.iter().map(|l| l.rule.len())),
    ];
    for life in lives {
        let print = life.fingerprint.to_string();
        let _ = writeln!(
            out,
            "{:<8}  {:<w0$}  {:<w1$}  {}  {}",
            life.state.name(),
            life.content.severity.name(),
            escape(&life.rule),
            &print[..SHOWN],
            subject(life),
            w0 = widths[0],
            w1 = widths[1],
        );
        let _ = writeln!(out, "          {}", summary(life));
    }
    if !lives.is_empty() {
        out.push('\n');
    }
    let count = |state: fn(&Life) -> bool| lives.iter().filter(|l| state(l)).count();
    let _ = write!(
        out,
        "{}, {}: {} open, {} not seen by the last run, {} resolved; {} flapping",
        match kept {
            n if n > runs.len() => {
                format!("{} of {}; more with --limit 0", runs.len(), counted(n, "run"))
            }
            n => counted(n, "run"),
        },
        counted(lives.len(), "finding"),
        count(|l| l.state == State::Open),
        count(|l| matches!(l.state, State::Unseen(_))),
        count(|l| matches!(l.state, State::Resolved(_))),
        count(|l| l.flapping),
    );
    if all > lives.len() {
        let _ = write!(out, "; {} more with --limit 0", all - lives.len());
    }
    out.push('\n');
    out
}

/// To the second: people compare these by eye.
fn shown(at: Timestamp) -> String {
    format!("{at:.0}")
}

fn width(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.max().unwrap_or_default()
}

fn run_line(run: &RunRow) -> String {
    let mut out = format!(
        "r{:<5} {}  {}  exit {}  {}",
        run.id,
        shown(run.at),
        scope(&run.scope),
        run.exit,
        counted(usize::try_from(run.findings).unwrap_or(usize::MAX), "finding"),
    );
    if run.new + run.resolved > 0 {
        let _ = write!(out, " (+{} -{})", run.new, run.resolved);
    }
    if !run.complete {
        let _ = write!(out, ", incomplete: {}", missing(run));
    }
    out
}

fn missing(run: &RunRow) -> String {
    let gaps = counted(usize::try_from(run.gaps).unwrap_or(usize::MAX), "gap");
    match run.unprobed {
        0 => gaps,
        n => format!("{gaps}, {n} endpoints not probed"),
    }
}

/// `audit spec.yaml`, and where it looked.
fn scope(scope: &Scope) -> String {
    let Scope { command, specs, of, places, vantages, sources } = scope;
    let mut out = command.clone();
    for word in specs.iter().chain(of) {
        let _ = write!(out, " {word}");
    }
    let list = |out: &mut String, what: &str, names: &std::collections::BTreeSet<String>| {
        match names.len() {
            0 => {}
            n if n > 3 => {
                let _ = write!(out, ", {n} {what}");
            }
            _ => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let _ = write!(out, ", {}", names.join(" "));
            }
        }
    };
    list(&mut out, "regions", places);
    list(&mut out, "sources of facts", sources);
    match vantages.len() {
        0 => out.push_str(", no probes"),
        _ => {
            let names: Vec<&str> = vantages.iter().map(String::as_str).collect();
            let _ = write!(out, ", from {}", names.join(" "));
        }
    }
    escape(&out)
}

fn subject(life: &Life) -> String {
    let source = life.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
    escape(&format!("{}{source}", life.subject))
}

/// Since when, until when, how often.
fn summary(life: &Life) -> String {
    let times = counted(usize::try_from(life.times_seen).unwrap_or(usize::MAX), "run");
    let mut out = format!("first seen {}, ", shown(life.first_seen));
    let last = shown(life.last_seen);
    let _ = match &life.state {
        State::Open => write!(out, "last seen {last}, in {times}"),
        State::Unseen(why) => {
            write!(out, "last seen {}, in {times}; not seen since: {}", life.last_seen, escape(why))
        }
        State::Resolved(at) => {
            write!(out, "last seen {last}, in {times}; resolved {}", shown(*at))
        }
    };
    if life.flapping {
        out.push_str("; flapping");
    }
    if life.content.standing != crate::history::Standing::Open {
        let _ = write!(out, "; {}", life.content.standing.name());
    }
    out
}

/// A finding, once for each series that saw it, span by span.
pub(super) fn lives(lives: &[Life], runs: &BTreeMap<(u64, u64), u64>) -> String {
    let mut out = String::new();
    let Some(first) = lives.first() else { return out };
    let _ = writeln!(out, "{}: {}", escape(&first.rule), subject(first));
    let _ = writeln!(out, "fingerprint {}", first.fingerprint);
    for life in lives {
        let _ = writeln!(out, "\n{}", scope(&life.scope));
        let _ = writeln!(out, "  {}: {}", life.state.name(), summary(life));
        let mut before: Option<&Span> = None;
        for span in &life.spans {
            write_span(&mut out, life, span, before, runs);
            before = Some(span);
        }
        if life.flapping {
            let _ = writeln!(
                out,
                "  flapping: resolved or back {FLAPPING_TURNS} times or more within {FLAPPING_RUNS} runs"
            );
        }
    }
    out
}

fn write_span(
    out: &mut String,
    life: &Life,
    span: &Span,
    before: Option<&Span>,
    runs: &BTreeMap<(u64, u64), u64>,
) {
    let run =
        |seq: u64| runs.get(&(life.series, seq)).map_or_else(String::new, |id| format!(" (r{id})"));
    let _ = writeln!(
        out,
        "  from {}{} to {}{}: {}",
        shown(span.from_at),
        run(span.from),
        shown(span.to_at),
        run(span.to),
        if span.from == span.to { "one run".into() } else { lasted(span.from_at, span.to_at) }
    );
    let content = &span.content;
    let was = before.map(|b| &b.content);
    if was.is_none_or(|was| (was.severity, was.standing) != (content.severity, content.standing)) {
        let was = was.map(|w| format!(" (was {}, {})", w.severity, w.standing.name()));
        let _ = writeln!(
            out,
            "    {}, {}{}{}",
            content.severity,
            content.standing.name(),
            if content.note.is_empty() {
                String::new()
            } else {
                format!(" {}", escape(&content.note))
            },
            was.unwrap_or_default()
        );
    }
    if let Some(measure) =
        content.measure.filter(|_| was.is_none_or(|was| was.measure != content.measure))
    {
        let was = was.and_then(|was| was.measure).map(|was| format!(" (was {was})"));
        let _ = writeln!(out, "    measure {measure}{}", was.unwrap_or_default());
    }
    if was.is_none_or(|was| was.message != content.message) {
        let _ = writeln!(out, "    {}", escape(&content.message));
    }
    let _ = match &span.end {
        End::Lasts | End::Changed => Ok(()),
        End::Unseen { why } => writeln!(out, "    not seen by the next run: {}", escape(why)),
        End::Resolved { by, at } => {
            writeln!(out, "    gone at {}{}, {}", shown(*at), run(*by), within(span.from_at, *at))
        }
    };
}

/// How long something was there at most, that was first seen then and seen to be gone now.
fn within(from: Timestamp, to: Timestamp) -> String {
    let passed = to.duration_since(from);
    if passed.is_negative() {
        return "before it was first seen: the clock went backwards".into();
    }
    let most = if passed.as_secs() > 0 { "at most " } else { "" };
    format!("{most}{} after it was first seen", lasted(from, to))
}

/// A length of time in its two largest units.
fn lasted(from: Timestamp, to: Timestamp) -> String {
    let passed: SignedDuration = to.duration_since(from);
    if passed.is_negative() {
        return "the clock went backwards".into();
    }
    let seconds = passed.as_secs();
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, length) in units {
        if rest >= length && parts.len() < 2 {
            parts.push(format!("{}{name}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() { "under 1s".into() } else { parts.join(" ") }
}

/// One run: how widely it looked, what it could not see, what it changed.
pub(super) fn run(run: &RunRow, gaps: &[Gap], changed: &[Changed]) -> String {
    let mut out = format!("{}\n", run_line(run));
    let _ = writeln!(out, "  portcullis {}", escape(&run.tool));
    let _ = writeln!(out, "  spec     sha256:{}", escape(&run.spec));
    if let Some(snapshot) = &run.snapshot {
        let digest = escape(&snapshot.digest);
        let _ = writeln!(out, "  snapshot sha256:{digest}, of {}", shown(snapshot.taken_at));
    }
    for gap in gaps {
        let _ = writeln!(out, "  gap[{}]: {}: {}", gap.kind, escape(&gap.scope), escape(&gap.why));
    }
    let wide = width(changed.iter().map(|c| c.what.len()));
    for Changed { what, life } in changed {
        let print = life.fingerprint.to_string();
        let _ = writeln!(
            out,
            "  {what:<wide$}  {}  {}  {}",
            escape(&life.rule),
            &print[..SHOWN],
            subject(life)
        );
    }
    let same = run.findings.saturating_sub(run.new);
    let _ = writeln!(out, "  {same} findings were there before");
    out
}

pub(super) fn pruned(pruned: &Pruned) -> String {
    format!(
        "forgot {}, {} and {}\n",
        counted(usize::try_from(pruned.runs).unwrap_or(usize::MAX), "run"),
        counted(usize::try_from(pruned.spans).unwrap_or(usize::MAX), "span"),
        counted(usize::try_from(pruned.findings).unwrap_or(usize::MAX), "finding"),
    )
}
