use std::time::Duration;

/// How long an adapter may take and how much it may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdapterLimits {
    /// For `hello`, `observe` and `health`.
    pub look: Duration,
    /// For `list`.
    pub list: Duration,
    /// For `act` and `undo`: longer than providers take, because an act that was given up on is
    /// unknown and stops the run.
    pub act: Duration,
    /// Bytes of one line.
    pub line: usize,
    /// Lines of one answer.
    pub lines: usize,
    /// For ending by itself after its input was closed.
    pub end: Duration,
}

impl Default for AdapterLimits {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(60),
            list: Duration::from_secs(900),
            act: Duration::from_secs(300),
            line: 1024 * 1024,
            lines: 1_000_000,
            end: Duration::from_secs(2),
        }
    }
}

impl AdapterLimits {
    pub(super) fn deadline(&self, verb: &str) -> Duration {
        match verb {
            "list" => self.list,
            "act" | "undo" => self.act,
            _ => self.look,
        }
    }
}
