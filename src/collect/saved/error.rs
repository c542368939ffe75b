use std::fmt;
use std::path::PathBuf;

/// Why saved output cannot be read.
#[derive(Debug)]
pub enum SavedError {
    /// The folder or a file cannot be opened.
    Io { path: PathBuf, source: std::io::Error },
    /// No file holds a call we read.
    Nothing { dir: PathBuf, files: usize, first: Option<(PathBuf, String)> },
    /// A `.json` file is not JSON, or not UTF-8.
    NotJson { path: PathBuf, why: String },
    /// More folders, files or bytes than the bounds allow.
    TooMuch { path: PathBuf, why: String },
}

/// A fragment that fits after "cannot".
impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "read {}: {source}", path.display()),
            Self::Nothing { dir, files: 0, .. } => {
                write!(f, "read {}: it holds no file", dir.display())
            }
            Self::Nothing { dir, files, first } => {
                write!(
                    f,
                    "read {}: none of its {files} files holds output of a describe call that we read",
                    dir.display()
                )?;
                first.iter().try_for_each(|(path, why)| write!(f, "; {}: {why}", path.display()))
            }
            Self::NotJson { path, why } => {
                write!(f, "read {}: it is not JSON: {why}", path.display())
            }
            Self::TooMuch { path, why } => write!(f, "read {}: {why}", path.display()),
        }
    }
}

impl SavedError {
    /// What to do about it, where that is known.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Nothing { .. } | Self::NotJson { .. } => {
                Some("save whole answers: `aws ec2 describe-instances --output json > FILE.json`")
            }
            Self::Io { .. } | Self::TooMuch { .. } => None,
        }
    }
}

impl std::error::Error for SavedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
