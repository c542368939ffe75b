use super::{Event, Found};

/// Where one item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemState {
    Planned,
    /// Looked at again; the act has not been asked for.
    Rechecked,
    /// The act was about to be asked for. Where a journal ends here, nobody knows.
    Intent,
    /// The world says that it was done; nobody has seen it.
    Acted,
    Confirmed,
    Failed,
    /// Only a fresh look leads on.
    Unknown,
    Skipped,
    /// Handed to an existing job.
    Permitted,
    /// About to be taken back.
    Undoing,
    Undone,
}

impl ItemState {
    /// Where an event about this item leads; `None` where it may not happen now.
    #[must_use]
    pub fn after(self, event: &Event) -> Option<Self> {
        use ItemState as S;
        Some(match (self, event) {
            (S::Planned | S::Rechecked, Event::Rechecked { .. }) => S::Rechecked,
            (S::Planned | S::Rechecked, Event::Skipped { .. }) => S::Skipped,
            // Of one that was about to be asked for, nothing was asked of the provider.
            (S::Planned | S::Rechecked | S::Intent, Event::Unseen { .. }) => S::Planned,
            (S::Planned, Event::Permitted { .. }) => S::Permitted,
            (S::Rechecked, Event::Intent { .. }) => S::Intent,
            (S::Intent, Event::Throttled { .. }) => S::Planned,
            (S::Intent, Event::Acted { .. }) => S::Acted,
            (S::Intent, Event::Failed { .. }) => S::Failed,
            (S::Intent | S::Acted, Event::Unknown { .. }) => S::Unknown,
            (S::Intent, Event::Outside { .. }) => S::Unknown,
            (S::Confirmed | S::Undoing, Event::Outside { .. }) => self,
            // What was asked for before, and was said not to be done.
            (S::Planned | S::Rechecked, Event::Reconciled { found: Found::Done, .. }) => {
                S::Confirmed
            }
            (S::Acted, Event::Confirmed { .. }) => S::Confirmed,
            (S::Intent | S::Acted | S::Unknown, Event::Reconciled { found, .. }) => match found {
                Found::NotDone => S::Planned,
                Found::Done => S::Confirmed,
            },
            (S::Confirmed | S::Undoing, Event::UndoIntent { .. }) => S::Undoing,
            // Somebody else may have taken it back before.
            (S::Confirmed | S::Undoing, Event::Undone { .. }) => S::Undone,
            (S::Undoing, Event::UndoFailed { .. }) => S::Confirmed,
            _ => return None,
        })
    }

    /// Whether the world may have been changed, and only a fresh look tells.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Intent | Self::Acted | Self::Unknown | Self::Undoing)
    }
}

impl Event {
    /// The item that it is about.
    #[must_use]
    pub fn item(&self) -> Option<u32> {
        match self {
            Self::Rechecked { n, .. }
            | Self::Intent { n, .. }
            | Self::Throttled { n, .. }
            | Self::Acted { n, .. }
            | Self::Confirmed { n, .. }
            | Self::Failed { n, .. }
            | Self::Unknown { n, .. }
            | Self::Outside { n, .. }
            | Self::Reconciled { n, .. }
            | Self::Skipped { n, .. }
            | Self::Unseen { n, .. }
            | Self::Permitted { n, .. }
            | Self::UndoIntent { n, .. }
            | Self::Undone { n, .. }
            | Self::UndoFailed { n, .. } => Some(*n),
            Self::Claimed { .. }
            | Self::Watched { .. }
            | Self::Batch { .. }
            | Self::Denied { .. }
            | Self::StratumHeld { .. }
            | Self::Soak { .. }
            | Self::Halted { .. }
            | Self::Finished => None,
        }
    }
}
