//! SSH's wire format, read to its last byte.

/// Bytes that are read from their beginning; what is left unread is an error of whoever ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wire<'a> {
    rest: &'a [u8],
}

impl<'a> Wire<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it ends early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| "it ends early".to_owned())
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    pub(super) fn word(&mut self) -> Result<u32, String> {
        self.fixed().map(u32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Result<u64, String> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// Bytes behind their length.
    pub(super) fn string(&mut self) -> Result<&'a [u8], String> {
        let length = usize::try_from(self.word()?).map_err(|_| "a length is beyond memory")?;
        self.take(length)
    }

    /// Text behind its length.
    pub(super) fn text(&mut self) -> Result<&'a str, String> {
        std::str::from_utf8(self.string()?).map_err(|_| "it holds what is no text".to_owned())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), String> {
        if self.is_empty() { Ok(()) } else { Err("something follows its end".into()) }
    }
}
