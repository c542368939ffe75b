/// What the caller takes for granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Take VPC block public access to be off where it could not be read (denied, throttled,
    /// failed), as a named assumption. Saved output without that call is always taken so.
    pub assume_bpa_off: bool,
}
