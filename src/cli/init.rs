use super::{CliError, ExitStatus, Global, input, starter};
use crate::reach::{Options, Reach};
use clap::Args;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// Arguments of `portcullis init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The snapshot to start from, as `portcullis collect` writes it; `-` is standard input
    #[arg(long, value_name = "SNAPSHOT")]
    from: PathBuf,
    /// Where to write the spec; a file that exists is left alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, requires = "output")]
    force: bool,
}

/// Runs `portcullis init`: writes a spec that says what the snapshot has.
///
/// # Errors
/// Usage and tool errors.
pub fn run(args: &InitArgs, global: &Global) -> Result<ExitStatus, CliError> {
    // A place that holds a file is told before the work; what is there stays until there is a spec.
    let taken = |path: &PathBuf| {
        CliError::new(format!("write {}", path.display())).because("it exists").hint("--force")
    };
    if let Some(path) = args.output.as_ref().filter(|p| !args.force && p.exists()) {
        return Err(taken(path));
    }
    let snapshot = input::snapshot(&args.from)?;
    let reach = Reach::new(&snapshot, &Options::default());
    let text = starter::starter(&snapshot, &reach).map_err(input::rendered)?;
    let Some(path) = &args.output else {
        super::saved::print(&text)?;
        return Ok(ExitStatus::Clean);
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(args.force).create_new(!args.force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => taken(path),
        _ => CliError::new(format!("write {}", path.display())).because(e),
    })?;
    if !global.quiet {
        anstream::eprintln!(
            "wrote {}: what is configured today, not what is right; read every line",
            path.display()
        );
    }
    Ok(ExitStatus::Clean)
}
