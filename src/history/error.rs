use std::fmt;

/// Why the history cannot be used. Nothing of it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The file, or whatever names the store.
    pub store: String,
    pub trouble: StoreTrouble,
}

/// What is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreTrouble {
    /// Another process held it for longer than we wait.
    Locked { waited_ms: u64 },
    /// It may not be written.
    ReadOnly(String),
    /// No room is left where it is.
    Full(String),
    /// It is damaged.
    Corrupt(String),
    /// It is something else.
    NotAHistory(String),
    /// A newer version wrote it.
    Newer { found: i64, known: i64 },
    /// Nothing is there.
    Missing,
    /// Anything else, in the system's words.
    Other(String),
}

impl StoreError {
    /// An error of one store.
    #[must_use]
    pub fn new(store: impl Into<String>, trouble: StoreTrouble) -> Self {
        Self { store: store.into(), trouble }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let Self { store, trouble } = self;
        match trouble {
            StoreTrouble::Locked { .. } => {
                "wait for the other run to end, or give this one a history of its own: --history FILE".into()
            }
            StoreTrouble::ReadOnly(_) => {
                "let this user write the file and its folder, name another with --history FILE, or keep none: --no-history".into()
            }
            StoreTrouble::Full(_) => {
                "make room, and then keep less: `portcullis history prune`, `history: { keep: … }` in portcullis.yaml".into()
            }
            StoreTrouble::Corrupt(_) => {
                format!("move {store} away, with its -wal and -shm; the next run begins a new history")
            }
            StoreTrouble::NotAHistory(_) => {
                "name a file of its own with --history FILE; nothing was written to this one".into()
            }
            StoreTrouble::Newer { .. } => {
                "use the portcullis that wrote it, or a newer one; nothing was changed".into()
            }
            StoreTrouble::Missing => {
                "`portcullis audit` keeps its runs there, unless --no-history or `history: { off: true }` say otherwise".into()
            }
            StoreTrouble::Other(_) => "name another file with --history FILE, or keep none: --no-history".into(),
        }
    }
}

impl fmt::Display for StoreTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { waited_ms } => {
                write!(f, "another process has it locked, after {waited_ms} ms of waiting")
            }
            Self::ReadOnly(why) => write!(f, "it cannot be written: {why}"),
            Self::Full(why) => write!(f, "no room is left: {why}"),
            Self::Corrupt(why) => write!(f, "it is damaged: {why}"),
            Self::NotAHistory(why) => write!(f, "it is no history of portcullis: {why}"),
            Self::Newer { found, known } => write!(
                f,
                "it is of version {found}, from a newer portcullis; this one knows up to version {known}"
            ),
            Self::Missing => f.write_str("there is no such file"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for StoreError {
    /// Fits after "cannot": `use the history .portcullis/history.db: it is damaged: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "use the history {}: {}", self.store, self.trouble)
    }
}

impl std::error::Error for StoreError {}
