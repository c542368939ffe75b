use super::saved::escape;
use super::{CliError, ExitStatus, Global, input, rules};
use crate::fact::Facts;
use crate::inventory::{self, Row, What};
use crate::spec::{self, Spec, SpecErrors, config};
use crate::{resolve, spec::Place, spec::Waiver};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `portcullis spec`.
#[derive(Debug, Args)]
pub struct SpecArgs {
    #[command(subcommand)]
    command: SpecCommand,
}

#[derive(Debug, Subcommand)]
enum SpecCommand {
    /// Read, merge and validate spec files; tell every error at once
    Check(CheckArgs),
    /// Print the JSON Schema of spec files
    Schema(SchemaArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Spec files and folders; `-` is standard input [default: spec.yaml, spec or specs]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Also hold the roles against a snapshot: selectors that pick nothing and roles that
    /// contradict each other are errors
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Args)]
struct SchemaArgs {
    /// Of what
    #[arg(long, value_enum, default_value = "spec")]
    of: Document,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    /// Spec files
    Spec,
    /// portcullis.yaml
    Config,
}

/// Runs `portcullis spec`.
///
/// # Errors
/// Usage and tool errors, and specs that cannot be used.
pub fn run(args: &SpecArgs, global: &Global) -> Result<ExitStatus, CliError> {
    match &args.command {
        SpecCommand::Check(args) => check(args, global),
        SpecCommand::Schema(args) => {
            let schema = match args.of {
                Document::Spec => spec::schema(),
                Document::Config => config::schema(),
            };
            print(&format!("{schema:#}\n"))?;
            Ok(ExitStatus::Clean)
        }
    }
}

fn check(args: &CheckArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let sources = input::sources(&args.paths)?;
    let spec = match spec::load(&sources) {
        Ok(spec) => spec,
        Err(errors) if args.format == Format::Json => {
            print(&format!("{:#}\n", of_errors(&errors)))?;
            return Ok(ExitStatus::Error);
        }
        Err(errors) => return Err(input::rendered(errors)),
    };
    let rows = match &args.snapshot {
        Some(path) => {
            let snapshot = input::snapshot(path)?;
            let rows = inventory::judge(
                &spec,
                &resolve::resolve(&spec, &snapshot),
                &Facts::default(),
                snapshot.taken_at,
            );
            rows.into_iter().filter(is_error).collect()
        }
        None => Vec::new(),
    };
    let misnamed = misnamed(&spec, global)?;
    // What is wrong and what may be: hosts that could not be seen may be those it picks.
    let certain = !misnamed.is_empty() || rows.iter().any(|r| r.gaps.is_empty());
    let valid = misnamed.is_empty() && rows.is_empty();
    match args.format {
        Format::Json => print(&format!("{:#}\n", of_spec(&spec, &rows, &misnamed)))?,
        Format::Text => {
            for row in &rows {
                print(&row_text(row))?;
            }
            for wrong in &misnamed {
                let (message, hint) = (escape(&wrong.message()), &wrong.hint);
                print(&format!("error: {message}\n  --> {}\n  hint: {hint}\n", wrong.waiver.at))?;
            }
            if valid && !global.quiet {
                print(&format!("{}\n", summary(&spec, sources.len())))?;
                for part in &spec.unjudged {
                    print(&format!("  not judged yet: {} ({})\n", part.what, part.at))?;
                }
            }
        }
    }
    Ok(match (valid, certain) {
        (true, _) => ExitStatus::Clean,
        (false, true) => ExitStatus::Error,
        (false, false) => ExitStatus::Incomplete,
    })
}

/// A waiver of a rule that there is not: it waives nothing, and its finding stays open.
struct Misnamed<'a> {
    waiver: &'a Waiver,
    hint: String,
}

impl Misnamed<'_> {
    fn message(&self) -> String {
        format!("the waiver is of `{}`, and no rule has this id", self.waiver.finding)
    }
}

/// Waivers of no rule, neither a built-in one nor one of the configuration's folders.
fn misnamed<'a>(spec: &'a Spec, global: &Global) -> Result<Vec<Misnamed<'a>>, CliError> {
    if spec.waivers.is_empty() {
        return Ok(Vec::new());
    }
    let folders: Vec<PathBuf> =
        input::config(global)?.rules.iter().map(|f| input::beside(global, f)).collect();
    let rules = rules::load(&folders)?;
    let unknown = spec.waivers.iter().filter(|w| rules.get(&w.finding).is_none());
    let hint = |waiver: &Waiver| {
        match spec::nearest(&waiver.finding, rules.rules().iter().map(|r| r.id.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`portcullis rules list` names every rule; folders of more stand under `rules:` of portcullis.yaml".into(),
        }
    };
    Ok(unknown.map(|waiver| Misnamed { waiver, hint: hint(waiver) }).collect())
}

/// Whether a disagreement with the snapshot is a fault of the spec rather than of the estate.
fn is_error(row: &Row) -> bool {
    match row.what {
        What::PicksNothing { .. } | What::Overlap { .. } => true,
        What::TooFew { .. }
        | What::TooMany { .. }
        | What::NoneLive { .. }
        | What::Unknown { .. }
        | What::Silent { .. }
        | What::FactViolated { .. }
        | What::FactSkewed { .. }
        | What::FactIncompatible { .. }
        | What::RolloutTooFast { .. }
        | What::FactUnknown { .. } => false,
    }
}

fn row_text(row: &Row) -> String {
    let word = if row.gaps.is_empty() { "error" } else { "unknown" };
    let mut out = format!("{word}: {}\n", escape(&row.to_string()));
    for at in [&row.place, &row.other].into_iter().flatten() {
        out += &format!("  --> {at}\n");
    }
    for gap in &row.gaps {
        out += &format!("  not seen: {}\n", escape(&gap.to_string()));
    }
    out
}

fn summary(spec: &Spec, files: usize) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let services = spec.roles.values().map(|r| r.services.len()).sum();
    [
        count(files, "file"),
        count(spec.roles.len(), "role"),
        count(services, "service"),
        count(spec.networks.len(), "network"),
        count(spec.hosts.len(), "declared host"),
        count(spec.groups.len(), "group"),
        count(spec.waivers.len(), "waiver"),
    ]
    .join(", ")
        + ": valid"
}

fn of_errors(errors: &SpecErrors) -> Value {
    json!({ "valid": false, "errors": errors.told, "more_errors": errors.more })
}

fn of_spec(spec: &Spec, rows: &[Row], misnamed: &[Misnamed<'_>]) -> Value {
    let mut errors: Vec<Value> = rows
        .iter()
        .map(|row| {
            let at = |p: &Option<Place>| p.as_ref().map(|p| json!(p));
            json!({
                "at": at(&row.place),
                "message": row.to_string(),
                "hint": null,
                "also": row.other.as_ref().map(|p| json!([{ "at": p, "what": "declared here" }])).unwrap_or_else(|| json!([])),
                "gaps": row.gaps,
            })
        })
        .collect();
    errors.extend(misnamed.iter().map(|wrong| {
        json!({
            "at": wrong.waiver.at,
            "message": wrong.message(),
            "hint": wrong.hint,
            "also": [],
            "gaps": [],
        })
    }));
    let not_judged: Vec<Value> =
        spec.unjudged.iter().map(|u| json!({ "what": u.what, "at": u.at })).collect();
    json!({
        "valid": errors.is_empty(),
        "errors": errors,
        "more_errors": 0,
        "not_judged": not_judged,
    })
}

/// Writes to stdout; a closed pipe is nobody's fault.
fn print(text: &str) -> Result<(), CliError> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write to standard output").because(e))
        }
        _ => Ok(()),
    }
}
