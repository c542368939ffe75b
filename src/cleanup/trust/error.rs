use crate::cleanup::{Reason, Refusal};
use std::fmt;

/// Why a list of trust is not used. Fits after "cannot use trust.yaml: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustError {
    pub reason: Reason,
    /// From 1; 0 where it is of the whole file.
    pub line: u64,
    pub column: u64,
    /// For people, unescaped.
    pub says: String,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.says)
    }
}

impl std::error::Error for TrustError {}

impl From<TrustError> for Refusal {
    fn from(error: TrustError) -> Self {
        Self::new(error.reason, format!("the list of trust: {error}"))
    }
}
