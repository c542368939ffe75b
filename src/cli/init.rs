use super::{CliError, ExitStatus, Global, input, starter};
use crate::reach::{Options, Reach};
use clap::Args;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

/// Arguments of `portcullis init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The snapshot to start from, as `portcullis collect` writes it
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
    let mut out: Box<dyn Write> = match &args.output {
        None => Box::new(io::stdout().lock()),
        // Made before the work, so that a place that cannot be written is known first.
        Some(path) => Box::new(
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(args.force)
                .create_new(!args.force)
                .open(path)
                .map_err(|e| {
                    let error = CliError::new(format!("write {}", path.display()));
                    match e.kind() {
                        ErrorKind::AlreadyExists => error.because("it exists").hint("--force"),
                        _ => error.because(e),
                    }
                })?,
        ),
    };
    let snapshot = input::snapshot(&args.from)?;
    let reach = Reach::new(&snapshot, &Options::default());
    let text = starter::starter(&snapshot, &|from| reach.exposed(from), &reach.gaps())
        .map_err(input::rendered)?;
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            return Err(CliError::new("write the spec").because(e));
        }
        _ => {}
    }
    if let (Some(path), false) = (&args.output, global.quiet) {
        anstream::eprintln!(
            "wrote {}: what is configured today, not what is right; read every line",
            path.display()
        );
    }
    Ok(ExitStatus::Clean)
}
