//! The `portcullis` command.

use clap::Parser;
use mimalloc::MiMalloc;
use portcullis::cli::{self, Cli, Color};
use std::process::ExitCode;

/// An audit makes millions of small values and keeps most until it has printed them.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// `mi_option_purge_delay`, which the crate has no name for: the same in versions 2 and 3.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps freed pages until the end. Giving them back to the system and taking them again costs a
/// run that lives for a second more time than it spends on its own work.
fn keep_freed_pages() {
    // SAFETY: the option exists, takes any number, and may be set at any time.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
}

fn main() -> ExitCode {
    keep_freed_pages();
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
