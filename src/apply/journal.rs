use crate::cleanup::journal::{Chain, Event, Ledger, Record, read};
use crate::cleanup::plan::Plan;
use crate::cleanup::{Digest, Reason, Refusal};
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Where a journal's bytes lie.
pub trait JournalStore {
    /// All of it.
    ///
    /// # Errors
    /// What reading answers.
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Cuts it to its first `length` bytes, for good.
    ///
    /// # Errors
    /// What writing answers.
    fn cut(&mut self, length: usize) -> io::Result<()>;

    /// Adds bytes behind the first `length`, and returns when they outlive a power cut.
    ///
    /// # Errors
    /// Another length than `length`: somebody else has written. What writing answers.
    fn append(&mut self, length: usize, bytes: &[u8]) -> io::Result<()>;
}

/// A plan's journal, open for one run.
pub struct Journal<'a> {
    store: &'a mut dyn JournalStore,
    chain: Chain,
    /// The ledger of the plan before its first line.
    blank: Ledger,
    fence: u64,
    /// Whether a write failed: what is on the disk is then not known, and nothing is added.
    broken: bool,
}

impl<'a> Journal<'a> {
    /// Reads and verifies it, and cuts a line that was torn off while it was written.
    ///
    /// # Errors
    /// [`Reason::LogBroken`], [`Reason::JournalUnwritable`].
    pub fn open(
        store: &'a mut dyn JournalStore,
        plan: &Plan,
        digest: &Digest,
        fence: u64,
    ) -> Result<Self, Refusal> {
        let bytes = store.read().map_err(|e| unwritable("read", &e))?;
        let chain = read(&bytes, plan, digest)?;
        if chain.whole < bytes.len() {
            store.cut(chain.whole).map_err(|e| unwritable("cut the torn line of", &e))?;
        }
        Ok(Self { store, chain, blank: Ledger::new(plan), fence, broken: false })
    }

    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.chain.ledger
    }

    /// Adds what happened. When it returns, it is on the disk.
    ///
    /// # Errors
    /// [`Reason::JournalUnwritable`]: nothing may be done then. [`Reason::Fenced`]: another run
    /// writes. [`Reason::LogBroken`]: it may not happen now.
    pub fn add(&mut self, at: Timestamp, what: Event) -> Result<(), Refusal> {
        self.add_all(at, vec![what])
    }

    /// Adds several at once: all of them are on the disk, or none counts.
    ///
    /// # Errors
    /// As of [`Journal::add`].
    pub fn add_all(&mut self, at: Timestamp, events: Vec<Event>) -> Result<(), Refusal> {
        if self.broken {
            let says = "the journal could not be written before";
            return Err(Refusal::new(Reason::JournalUnwritable, says));
        }
        let (bytes, head, records) = match self.lines(at, events) {
            Ok(lines) => lines,
            Err(why) => {
                self.take_back();
                return Err(why);
            }
        };
        if let Err(e) = self.store.append(self.chain.whole, &bytes) {
            self.broken = true;
            self.take_back();
            if e.kind() == io::ErrorKind::AlreadyExists {
                let says = "the journal has lines of another run";
                return Err(Refusal::new(Reason::Fenced, says));
            }
            // What of it got there is a torn line, or lines that nothing followed.
            let _ = self.store.cut(self.chain.whole);
            return Err(unwritable("write", &e));
        }
        self.chain.whole += bytes.len();
        self.chain.head = head;
        self.chain.records.extend(records);
        Ok(())
    }

    /// The lines of these events, their new head and records, each taken into the ledger.
    fn lines(
        &mut self,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<(Vec<u8>, Digest, Vec<Record>), Refusal> {
        let (mut bytes, mut head, mut records) = (Vec::new(), self.chain.head.clone(), Vec::new());
        for what in events {
            let seq = (self.chain.records.len() + records.len()) as u64 + 1;
            let record = Record { seq, prev: head, at, fence: self.fence, what };
            self.chain.ledger.take(&record).map_err(|why| Refusal::new(Reason::LogBroken, why))?;
            let line = record.line();
            // What could not be read back would lock the plan for good.
            if serde_json::from_slice::<Record>(&line).ok().as_ref() != Some(&record) {
                let says = "the journal's own line does not read back";
                return Err(Refusal::new(Reason::LogBroken, says));
            }
            head = Digest::of(&line);
            bytes.extend(line);
            bytes.push(b'\n');
            records.push(record);
        }
        Ok((bytes, head, records))
    }

    /// Makes the ledger that of the lines that count: a copy of it before every write would cost
    /// more than the write.
    fn take_back(&mut self) {
        self.chain.ledger = self.blank.clone();
        for record in &self.chain.records {
            // They were taken before.
            let _ = self.chain.ledger.take(record);
        }
    }
}

fn unwritable(verb: &str, e: &io::Error) -> Refusal {
    Refusal::new(Reason::JournalUnwritable, format!("cannot {verb} the journal: {e}"))
}

/// A journal in a file.
pub struct JournalFile {
    file: File,
}

impl JournalFile {
    /// Opens or makes it. A link, a pipe or a device is none.
    ///
    /// # Errors
    /// What opening answers.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        // A new file is in its folder only when the folder is on the disk.
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file })
    }
}

impl JournalStore for JournalFile {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(io::SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn cut(&mut self, length: usize) -> io::Result<()> {
        self.file.set_len(length as u64)?;
        self.file.sync_all()
    }

    fn append(&mut self, length: usize, bytes: &[u8]) -> io::Result<()> {
        if self.file.metadata()?.len() != length as u64 {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}
