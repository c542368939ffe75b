use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag by which whoever started a long work asks it to end early: what is under way looks at it
/// a few times a second, keeps what it has, and starts nothing new.
///
/// Clones are the same flag; two flags are equal when they are the same. A default one is never
/// raised by anybody else.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for the end. It cannot be taken back.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl PartialEq for Stop {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
