use std::fmt;

/// One thing wrong with a rule file. Lines and columns start at 1; 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleError {
    pub file: String,
    pub line: u64,
    pub column: u64,
    /// A lower-case fragment that fits after "cannot".
    pub cannot: String,
}

/// Everything wrong with the rule files, sorted; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: cannot {}", self.file, self.cannot);
        }
        write!(f, "{}:{}:{}: cannot {}", self.file, self.line, self.column, self.cannot)
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}
