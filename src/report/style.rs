use crate::model::Severity;
use anstyle::{AnsiColor, Style as Ansi};

/// How the text report looks; no other format asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Width of tables, in columns.
    pub width: usize,
}

impl Default for Style {
    /// No colour, 100 columns.
    fn default() -> Self {
        Self { color: false, width: 100 }
    }
}

impl Style {
    /// The colour of a severity.
    pub(super) const fn severity(self, severity: Severity) -> Ansi {
        self.pick(match severity {
            Severity::Critical => AnsiColor::Red.on_default().bold().underline(),
            Severity::High => AnsiColor::Red.on_default().bold(),
            Severity::Medium => AnsiColor::Yellow.on_default().bold(),
            Severity::Low => AnsiColor::Cyan.on_default().bold(),
            Severity::Info => AnsiColor::Green.on_default().bold(),
        })
    }

    /// What people should see first.
    pub(super) const fn strong(self) -> Ansi {
        self.pick(Ansi::new().bold())
    }

    /// Frames and arrows.
    pub(super) const fn frame(self) -> Ansi {
        self.pick(AnsiColor::Blue.on_default().bold())
    }

    /// What does not count: waived findings, accepted gaps.
    pub(super) const fn faint(self) -> Ansi {
        self.pick(Ansi::new().dimmed())
    }

    /// A removed line of a diff.
    pub(super) const fn removed(self) -> Ansi {
        self.pick(AnsiColor::Red.on_default())
    }

    /// An added line of a diff.
    pub(super) const fn added(self) -> Ansi {
        self.pick(AnsiColor::Green.on_default())
    }

    const fn pick(self, ansi: Ansi) -> Ansi {
        if self.color { ansi } else { Ansi::new() }
    }
}
