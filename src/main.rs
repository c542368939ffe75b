//! The `portcullis` command.

use clap::Parser;
use portcullis::cli::{self, Cli, Color};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are success; a closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match cli::run(&cli) {
        Ok(status) => status.into(),
        Err(error) => {
            anstream::eprintln!("{error}");
            error.status.into()
        }
    }
}
