use super::{CliError, ExitStatus, Global};
use crate::rule::{
    self, CASE_FACTS, EXPOSURE_FACTS, Kind, Outcome, Rule, RuleErrors, RuleSet, Tested, Yields,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Most bytes read of one rule file: the loader refuses far less.
const MAX_BYTES: u64 = 1 << 20;

/// Arguments of `portcullis rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    #[command(subcommand)]
    action: Action,
    /// Add the rules of a folder (every .yaml and .yml in it; repeatable)
    #[arg(long, global = true, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// How to print
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    format: Format,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
enum Action {
    /// Name every rule, in the order they are tried
    List,
    /// Say what a rule looks for, why it matters and what to do
    Explain {
        /// Id of the rule; without it, the facts that rules may name
        id: Option<String>,
    },
    /// Run every rule's own examples and counter-examples
    Test,
}

/// Output formats of `rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs `portcullis rules`.
///
/// # Errors
/// Rules that do not load, an id that no rule has, an output that cannot be written.
pub fn run(args: &RulesArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    let set = load(&args.rules)?;
    let (text, status) = match &args.action {
        Action::List => (list(&set, args.format), ExitStatus::Clean),
        Action::Explain { id: None } => (facts(args.format), ExitStatus::Clean),
        Action::Explain { id: Some(id) } => {
            let rule = set.get(id).ok_or_else(|| unknown(&set, id))?;
            (explain(rule, args.format), ExitStatus::Clean)
        }
        Action::Test => {
            let tested = rule::test(&set);
            let failed = tested.iter().any(|t| t.outcome != Outcome::Passed);
            let status = if failed { ExitStatus::Findings } else { ExitStatus::Clean };
            (report(&set, &tested, args.format), status)
        }
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(status),
        Err(error) => Err(CliError::new("write to standard output").because(error)),
        Ok(()) => Ok(status),
    }
}

/// Loads the built-in rules and those of further folders; any command that judges calls it.
///
/// # Errors
/// Folders that cannot be read or hold no rule, and every error of every rule file.
pub fn load(folders: &[PathBuf]) -> Result<RuleSet, CliError> {
    let mut files = Vec::new();
    for folder in folders {
        let before = files.len();
        read_folder(folder, &mut files)?;
        if files.len() == before {
            return Err(CliError::new(format!(
                "find a rule in {}: it holds no .yaml file",
                folder.display()
            )));
        }
    }
    rule::load(&files).map_err(|RuleErrors(errors)| {
        let n = errors.len();
        let error = CliError::new(format!(
            "load the rules: {n} {}",
            if n == 1 { "error" } else { "errors" }
        ));
        errors.iter().fold(error, CliError::because)
    })
}

fn read_folder(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), CliError> {
    let cannot = |path: &Path, error: &io::Error| {
        CliError::new(format!("read {}", path.display())).because(error)
    };
    let entries = fs::read_dir(folder).map_err(|e| cannot(folder, &e))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<_>>()
        .map_err(|e| cannot(folder, &e))?;
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml")) {
        let file = fs::File::open(path).map_err(|e| cannot(path, &e))?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|e| cannot(path, &e))?;
        files.push((path.display().to_string(), bytes));
    }
    Ok(())
}

fn unknown(set: &RuleSet, id: &str) -> CliError {
    let error = CliError::new(format!("explain `{id}`: no rule has this id"));
    let near = set.rules().iter().find(|r| {
        let words = |text: &str| text.split('-').map(str::to_owned).collect::<Vec<_>>();
        words(id).iter().any(|w| words(&r.id).contains(w))
    });
    match near {
        Some(rule) => error.hint(format!("did you mean `{}`?", rule.id)),
        None => error.hint("`portcullis rules list` names every rule"),
    }
}

/// What a match of the rule is: a severity, a gap or that all is well.
fn weight(rule: &Rule) -> String {
    match (rule.yields, rule.gap) {
        (Yields::Finding, _) => rule.severity.to_string(),
        (Yields::Gap, Some(kind)) => format!("gap {kind}"),
        (Yields::Gap, None) => "gap".into(),
        (Yields::Ok, _) => "ok".into(),
    }
}

fn list(set: &RuleSet, format: Format) -> String {
    if format == Format::Json {
        return pretty(&Value::Array(set.rules().iter().map(value).collect()));
    }
    let id = set.rules().iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut kind: Option<Kind> = None;
    for rule in set.rules() {
        if kind != Some(rule.kind) {
            if kind.is_some() {
                out.push('\n');
            }
            out.push_str(&format!("{}, the first that matches:\n", rule.kind.name()));
            kind = Some(rule.kind);
        }
        let weight = weight(rule);
        out.push_str(&format!("  {:id$}  {weight:17}  {}\n", rule.id, rule.title));
    }
    out
}

fn explain(rule: &Rule, format: Format) -> String {
    if format == Format::Json {
        return pretty(&value(rule));
    }
    let mut out = format!("{}: {}\n", rule.id, rule.title);
    let mut section = |heading: &str, text: &str| {
        if !text.is_empty() {
            out.push_str(&format!("\n{heading}\n"));
            for line in wrap(text, 76) {
                out.push_str(&format!("  {line}\n"));
            }
        }
    };
    let confidence = match rule.yields {
        Yields::Finding => format!(", confidence {}", rule.confidence),
        Yields::Gap | Yields::Ok => String::new(),
    };
    section("What it yields", &format!("{}{confidence}", weight(rule)));
    section("Why it matters", &rule.why);
    section("What to do", &rule.fix);
    section("When", &rule.when.to_string());
    section("And only if", rule.refine.as_ref().map_or("", |r| r.source()));
    for adjust in &rule.adjust {
        let mut text = String::new();
        text.extend(adjust.severity.map(|s| format!("severity {s} ")));
        text.extend(adjust.confidence.map(|c| format!("confidence {c} ")));
        text.push_str("where ");
        text.extend(adjust.when.as_ref().map(ToString::to_string).filter(|w| w != "any row"));
        text.extend(adjust.refine.as_ref().map(|r| format!("`{}`", r.source())));
        text.push_str(&format!(": {}", adjust.because));
        section("But", &text);
    }
    section("Where it is written", &format!("{} (order {})", rule.file, rule.order));
    out
}

fn facts(format: Format) -> String {
    let kinds = [("exposure", EXPOSURE_FACTS), ("every other kind", CASE_FACTS)];
    if format == Format::Json {
        let of = |list: &[rule::FactDoc]| {
            list.iter()
                .map(|f| json!({ "name": f.name, "type": f.sample.name(), "doc": f.doc }))
                .collect::<Vec<_>>()
        };
        return pretty(&json!({ "exposure": of(EXPOSURE_FACTS), "case": of(CASE_FACTS) }));
    }
    let mut out = String::from("Facts that `if:` and `message:` of a rule may name.\n");
    for (kind, list) in kinds {
        out.push_str(&format!("\nrules of kind {kind}\n"));
        for fact in list {
            out.push_str(&format!("  {:12} {:15} {}\n", fact.name, fact.sample.name(), fact.doc));
        }
    }
    out
}

fn report(set: &RuleSet, tested: &[Tested], format: Format) -> String {
    let failed: Vec<&Tested> = tested.iter().filter(|t| t.outcome != Outcome::Passed).collect();
    if format == Format::Json {
        let rows: Vec<Value> = tested
            .iter()
            .map(|t| {
                let why = match &t.outcome {
                    Outcome::Passed => Value::Null,
                    Outcome::Failed(why) => why.as_str().into(),
                };
                let passed = t.outcome == Outcome::Passed;
                json!({
                    "rule": t.rule, "file": t.file, "line": t.line, "counter": t.counter,
                    "passed": passed, "why": why,
                })
            })
            .collect();
        return pretty(&json!({
            "rules": set.rules().len(), "examples": rows, "failed": failed.len(),
        }));
    }
    let mut out = String::new();
    for t in &failed {
        let kind = if t.counter { "counter-example" } else { "example" };
        if let Outcome::Failed(why) = &t.outcome {
            out.push_str(&format!("{}:{}: {kind} of {}: {why}\n", t.file, t.line, t.rule));
        }
    }
    out.push_str(&format!(
        "{} rules, {} examples, {} failed\n",
        set.rules().len(),
        tested.len(),
        failed.len()
    ));
    out
}

fn value(rule: &Rule) -> Value {
    let yields = match rule.yields {
        Yields::Finding => "finding",
        Yields::Gap => "gap",
        Yields::Ok => "ok",
    };
    let finding = rule.yields == Yields::Finding;
    json!({
        "id": rule.id,
        "kind": rule.kind.name(),
        "order": rule.order,
        "title": rule.title,
        "yields": yields,
        "severity": finding.then(|| rule.severity.name()),
        "confidence": finding.then(|| rule.confidence.name()),
        "gap": rule.gap.map(|g| g.name()),
        "when": rule.when.to_string(),
        "if": rule.refine.as_ref().map(|r| r.source()),
        "why": rule.why,
        "fix": rule.fix,
        "file": rule.file,
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Breaks a paragraph into lines of at most `width` characters where words allow.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}
