//! Replays an incident of cleanup: the tool as it was, each guard alone, all of them, the tool mended.

use super::cleanup::planned::{self, Outcome};
use super::{CliError, ExitStatus, saved};
use crate::demo::{Incident, Reaped, Reaping, reaping};
use crate::report::Format;
use serde_json::json;
use std::fmt::Write as _;

/// Replays it and prints what came of it.
///
/// # Errors
/// Sockets that cannot be had, and a format that no plan has.
pub(super) fn run(
    incident: &Incident,
    replay: &Reaping,
    format: Format,
) -> Result<ExitStatus, CliError> {
    if !matches!(format, Format::Text | Format::Json) {
        return Err(CliError::new(format!("print {} in this format", incident.name))
            .hint("a plan of a cleanup is text or json"));
    }
    let reap = |attempt| {
        reaping::reap(replay, attempt)
            .map_err(|e| CliError::new(format!("replay {}", incident.name)).because(e))
    };
    let was = reap(&reaping::AS_IT_WAS)?;
    let mut alone = Vec::new();
    for attempt in &reaping::ALONE {
        alone.push((attempt, reap(attempt)?));
    }
    let all = reap(&reaping::ALL)?;
    let mended = reap(&reaping::MENDED)?;
    // What a replay is for: the damage without, none with, and the work done all the same.
    let held = alone.iter().all(|(_, r)| r.dark.is_empty()) && all.dark.is_empty();
    let shown = !was.dark.is_empty() && held && mended.dark.is_empty() && mended.stopped > 0;
    let told = |r: &Reaped| json!({ "stopped": r.stopped, "live_stopped": r.dark.len() });
    let each = alone.iter().map(|(attempt, r)| (attempt.name.to_owned(), told(r)));
    let each: serde_json::Map<_, _> = each.collect();
    let numbers = json!({
        "incident": incident.name,
        "servos": was.of,
        "without_guards": told(&was),
        "each_guard_alone": each,
        "all_guards": told(&all),
        "tool_mended": told(&mended),
    });
    let Reaped { plan, report, .. } = all;
    let outcome = Outcome { plan, report, sealed: None, signed: false, told: Vec::new() };
    if format == Format::Json {
        let mut numbers = numbers;
        numbers["plan"] = planned::json(&outcome);
        saved::print(&format!("{numbers:#}\n"))?;
    } else {
        saved::print(&text(incident, &was, &alone, &outcome, &mended))?;
    }
    Ok(if shown { ExitStatus::Clean } else { ExitStatus::Error })
}

fn text(
    incident: &Incident,
    was: &Reaped,
    alone: &[(&reaping::Attempt, Reaped)],
    all: &Outcome,
    mended: &Reaped,
) -> String {
    let Incident { name, date, title, story, .. } = incident;
    let mut out = format!("{name} ({date}): {title}\n{story}\n\n");
    let _ = writeln!(
        out,
        "The tool as it was, on {} servos that listen on loopback: it stopped {}, and {} of them \
         were in use and answer nobody now.",
        was.of,
        was.stopped,
        was.dark.len()
    );
    out.push_str("\nThe same list, with one guard of Portcullis alone:\n");
    for (attempt, r) in alone {
        let _ = writeln!(
            out,
            "  {:<14} {} in use stopped, {} orphans: {}",
            attempt.name,
            r.dark.len(),
            r.stopped - r.dark.len(),
            attempt.why
        );
    }
    out.push_str("\nWith all of them, as `portcullis cleanup plan` says it:\n\n");
    // Nothing is sealed here, which the command itself says first.
    let report = planned::text(all);
    for line in report.lines().skip_while(|l| l.is_empty() || l.starts_with("shadow: ")) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(
        out,
        "\nThe tool mended (it reads both generations and asks the projects too), in its second \
         run: {} stopped, {} of them in use.",
        mended.stopped,
        mended.dark.len()
    );
    out.push_str(NEXT);
    out
}

/// What to type next.
const NEXT: &str = "
What to type next:
  portcullis demo --list                             the other incidents
  portcullis cleanup plan --candidates list.jsonl    what of your own job's list would be held
";
