use super::ExitStatus;
use std::fmt;

/// What went wrong, in the words of the command line: Error, Caused by, Hint.
#[derive(Debug)]
pub struct CliError {
    /// A lower-case fragment that fits after "cannot": `read spec.yaml`.
    pub cannot: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
    pub status: ExitStatus,
    /// Text already rendered for people (pictures of spec lines), printed as it is in place of the rest.
    pub rendered: Option<String>,
}

impl CliError {
    /// "cannot {cannot}", with exit code 2.
    pub fn new(cannot: impl Into<String>) -> Self {
        Self {
            cannot: cannot.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            status: ExitStatus::Error,
            rendered: None,
        }
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets the exit status.
    #[must_use]
    pub fn with_status(mut self, status: ExitStatus) -> Self {
        self.status = status;
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rendered) = &self.rendered {
            return f.write_str(rendered);
        }
        write!(f, "error: cannot {}", self.cannot)?;
        for cause in &self.causes {
            write!(f, "\n  caused by: {cause}")?;
        }
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CliError {}
