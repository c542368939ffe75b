/// One spec file, already read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name as people know it; it stands in every place and error.
    pub name: String,
    /// What it holds: UTF-8, at most [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES).
    pub bytes: Vec<u8>,
}

impl Source {
    /// A source of a name and its bytes.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}
