use super::{Held, Register, Swapped};

/// A register that could not be opened: whatever is asked of it, it says why. A claim is then
/// somebody else's, and a halt switch unreadable.
pub struct DownRegister(String);

impl DownRegister {
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Register for DownRegister {
    fn read(&mut self) -> Result<Option<Held>, String> {
        Err(self.0.clone())
    }

    fn swap(&mut self, _: Option<&str>, _: &[u8]) -> Result<Swapped, String> {
        Err(self.0.clone())
    }
}
