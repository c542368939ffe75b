use super::collect::{AllowedGap, gap_kind};
use super::{CliError, ExitStatus, Global, input};
use crate::collect::{self, saved::Saved};
use crate::model::{Gap, GapKind};
use crate::report::escape::visible;
use crate::snapshot::{Call, Outcome, Snapshot};
use clap::Args;
use jiff::Timestamp;
use std::io::Write;
use std::path::{Path, PathBuf};

/// When saved answers were taken.
#[derive(Debug, Clone, Default, Args)]
pub struct TakenArgs {
    /// When the answers of --aws-json were taken [default: when the oldest of their files was written,
    /// which copying may have made newer]
    #[arg(long, value_name = "TIME", requires = "aws_json", value_parser = super::time::instant)]
    pub taken_at: Option<Timestamp>,
}

impl TakenArgs {
    /// Refuses a time of answers that are not read: clap asks for no flag that another one excludes.
    pub(super) fn check(&self, aws_json: bool) -> Result<(), CliError> {
        match self.taken_at {
            Some(_) if !aws_json => Err(CliError::new("use --taken-at without --aws-json")
                .because("every other source tells by itself when it was taken")),
            _ => Ok(()),
        }
    }
}

/// Where the configuration is read from, and which gaps are accepted.
#[derive(Debug, Args)]
pub struct SavedArgs {
    /// A snapshot that `portcullis collect` wrote
    #[arg(long, value_name = "FILE", required_unless_present = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// A folder of saved `aws ... describe-*` answers
    #[arg(long, value_name = "DIR", conflicts_with = "snapshot")]
    pub aws_json: Option<PathBuf>,
    #[command(flatten)]
    pub taken: TakenArgs,
    /// Kinds of gap to accept, so that they do not end in exit code 3; without a value, all
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = gap_kind)]
    pub allow_gaps: Vec<AllowedGap>,
}

impl SavedArgs {
    /// Reads the snapshot.
    pub(super) fn read(&self, global: &Global) -> Result<Snapshot, CliError> {
        self.taken.check(self.aws_json.is_some())?;
        if let Some(path) = &self.snapshot {
            return input::snapshot(path);
        }
        let Some(dir) = &self.aws_json else {
            return Err(
                CliError::new("choose a snapshot").hint("add --snapshot FILE or --aws-json DIR")
            );
        };
        answers(dir, &self.taken, global).map(|saved| saved.snapshot)
    }

    /// Whether a kind of gap is accepted.
    pub(super) fn accepts(&self, kind: GapKind) -> bool {
        self.allow_gaps.iter().any(|a| a.accepts(kind))
    }

    /// 3 where a gap is not accepted.
    pub(super) fn status<'g>(&self, gaps: impl IntoIterator<Item = &'g Gap>) -> ExitStatus {
        if gaps.into_iter().all(|g| self.accepts(g.kind)) {
            ExitStatus::Clean
        } else {
            ExitStatus::Incomplete
        }
    }
}

/// Reads a folder of saved answers, and says which of its files were not used: what is thought to be
/// read and is not must not show in nothing but a gap. With `-v` every one, with the reason.
///
/// # Errors
/// A folder that cannot be read, or holds nothing we know.
pub(super) fn answers(dir: &Path, taken: &TakenArgs, global: &Global) -> Result<Saved, CliError> {
    let saved = collect::saved::read_all(dir, taken.taken_at).map_err(|e| {
        let said = CliError::new(escape(&e.to_string()));
        match e.hint() {
            Some(hint) => said.hint(hint),
            None => said,
        }
    })?;
    let below = |path: &Path| escape(&path.strip_prefix(dir).unwrap_or(path).to_string_lossy());
    if global.verbose > 0 {
        for (path, why) in &saved.ignored {
            anstream::eprintln!("not used: {}: {}", below(path), escape(why));
        }
    } else if !saved.ignored.is_empty() && !global.quiet {
        let name = |path: &PathBuf| path.file_name().map(Path::new).map(below);
        let mut names: Vec<String> =
            saved.ignored.iter().take(FEW).filter_map(|(path, _)| name(path)).collect();
        if saved.ignored.len() > FEW {
            names.push("…".into());
        }
        let (count, all, names) = (saved.ignored.len(), saved.files, names.join(", "));
        anstream::eprintln!("not used: {count} of {all} files ({names}); -v says why");
    }
    if !global.quiet {
        tell_cut(&saved.snapshot);
    }
    Ok(saved)
}

/// Says which answers were not whole: where every row that a question needs is there, no gap of
/// its answer would.
fn tell_cut(snapshot: &Snapshot) {
    let cut = |call: &Call| match &call.outcome {
        Outcome::Truncated(why) => Some((call.kind.name(), why.clone())),
        _ => None,
    };
    let all: Vec<_> = snapshot.calls.iter().filter_map(cut).collect();
    for (operation, why) in all.iter().take(FEW) {
        anstream::eprintln!("not whole: {operation}: {}", escape(why));
    }
    if all.len() > FEW {
        let more = all.len() - FEW;
        let s = if more == 1 { "" } else { "s" };
        anstream::eprintln!("not whole: {more} more call{s}");
    }
}

/// How many files or calls are named.
const FEW: usize = 4;

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AnswerFormat {
    Text,
    Json,
}

/// Prints to stdout; a pipe that nobody reads any more is success.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write to stdout").because(error))
        }
        _ => Ok(()),
    }
}

/// Text from outside as the reports show it: nothing hidden, nothing that moves the cursor.
pub(super) fn escape(text: &str) -> String {
    visible(text).into_owned()
}
