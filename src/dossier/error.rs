use crate::cleanup::{Reason, Refusal};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a plan's folder is not used. Fits after "cannot use ".
#[derive(Debug)]
pub enum DossierError {
    /// It is not what it must be: a link, a pipe, open to others.
    Unsafe { path: PathBuf, why: String },
    /// What the system answers.
    Io { path: PathBuf, why: io::Error },
}

impl DossierError {
    pub(super) fn unsafe_path(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsafe { path: path.into(), why: why.into() }
    }

    pub(super) fn io(path: &Path, why: io::Error) -> Self {
        // What opening without following answers for a link.
        match why.raw_os_error() {
            Some(libc::ELOOP) => {
                Self::unsafe_path(path, "it is a symbolic link, and links are not followed")
            }
            _ => Self::Io { path: path.into(), why },
        }
    }

    /// The same as a refusal; `None` for files that are missing or cannot be read.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Unsafe { .. } => Some(Refusal::new(Reason::UnsafePath, self.to_string())),
            Self::Io { .. } => None,
        }
    }
}

impl fmt::Display for DossierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Io { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for DossierError {}
