use super::gap::Gap;

/// An answer that may be missing, never confused with *no*.
///
/// An `Option` would let `None` mean both "it is not so" and "we could not see".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// Seen, and this is it.
    Yes(T),
    /// Seen, and there is none.
    No,
    /// Could not be seen, and why.
    Unknown(Gap),
}

impl<T> Known<T> {
    /// The value where it was seen.
    #[must_use]
    pub fn yes(&self) -> Option<&T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No | Self::Unknown(_) => None,
        }
    }

    /// The gap where it could not be seen.
    #[must_use]
    pub fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Unknown(gap) => Some(gap),
            Self::Yes(_) | Self::No => None,
        }
    }
}
