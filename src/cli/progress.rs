//! Progress on stderr, where a person watches; nowhere else.

use super::Global;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Redrawn this often even while nothing ends, so that time is seen to pass.
const TICK: Duration = Duration::from_millis(250);

/// A bar of `of` steps as `template` draws it; one that never draws with `-q`, `--no-progress` or
/// where stderr is no terminal. It is gone once finished and cleared, whatever came before.
pub(super) fn bar(global: &Global, of: usize, template: &str) -> ProgressBar {
    if global.quiet || global.no_progress || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(of as u64).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}
