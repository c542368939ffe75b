//! Progress on stderr, where a person watches; nowhere else.

use super::Global;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Redrawn this often even while nothing ends, so that time is seen to pass.
const TICK: Duration = Duration::from_millis(250);
/// Redraws a second at most.
const MOST: u8 = 10;

/// A bar of `of` steps as `template` draws it; one that never draws with `-q`, `--no-progress` or
/// where stderr is no terminal. It is gone once finished and cleared, whatever came before.
pub(super) fn bar(global: &Global, of: usize, template: &str) -> ProgressBar {
    if global.quiet || global.no_progress || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let target = ProgressDrawTarget::term_like_with_hz(Box::new(Stderr::default()), MOST);
    let bar = ProgressBar::with_draw_target(Some(of as u64), target).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}

/// The terminal at stderr, a little narrower than it is: a bar leaves the cursor at its right end,
/// and the `^C` that a terminal echoes there must not open a new line, or the bar would be erased
/// on the wrong one.
#[derive(Debug, Default)]
struct Stderr {
    /// Written in one go, so that nothing of others comes between.
    drawn: Mutex<String>,
}

/// Room for the echo of two impatient interrupts.
const ECHO: u16 = 4;

impl Stderr {
    fn draw(&self, text: &str) -> io::Result<()> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    /// Moves the cursor, which zero would move too.
    fn shift(&self, cells: usize, way: char) -> io::Result<()> {
        if cells == 0 { Ok(()) } else { self.draw(&format!("\x1b[{cells}{way}")) }
    }
}

impl TermLike for Stderr {
    fn width(&self) -> u16 {
        // SAFETY: all plain values, for which zero is valid, and a place for the answer.
        let size = unsafe {
            let mut size: libc::winsize = std::mem::zeroed();
            libc::ioctl(io::stderr().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size);
            size
        };
        let width = if size.ws_col == 0 { 80 } else { size.ws_col };
        width.saturating_sub(ECHO).max(1)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.shift(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.shift(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.shift(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.shift(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.draw(s)?;
        self.draw("\n")
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.draw(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        io::stderr().lock().write_all(drawn.as_bytes())
    }
}
