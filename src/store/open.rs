use super::schema::{self, APPLICATION_ID, STEPS};
use super::trouble::{io_trouble, trouble};
use super::{Options, Sqlite};
use crate::history::{StoreError, StoreTrouble};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The history's folder is nobody's to commit.
const GITIGNORE: &str = "# What portcullis keeps between runs.\n*\n";

impl Sqlite {
    /// Opens a history to write to it, and makes it where there is none, with its folder.
    ///
    /// # Errors
    /// A file that cannot be had, is damaged, is something else, or is of a newer version; such a
    /// file is left exactly as it is.
    pub fn create(path: &Path, options: Options) -> Result<Self, StoreError> {
        let cannot = |trouble| StoreError::new(path.display().to_string(), trouble);
        limits_answer();
        folder(path).map_err(|e| cannot(io_trouble(&e)))?;
        // First as a plain file: the system's words for what is wrong are better than SQLite's.
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // What an estate exposes is nobody else's to read.
            open.mode(0o600);
        }
        let mut file = open.open(path).map_err(|e| cannot(io_trouble(&e)))?;
        refuse(&mut file).map_err(cannot)?;
        drop(file);
        Self::connect(path, options).map_err(cannot)
    }

    /// Opens a history that is there, to prune it.
    ///
    /// # Errors
    /// As [`Sqlite::create`]; and where there is none.
    pub fn existing(path: &Path, options: Options) -> Result<Self, StoreError> {
        let cannot = |trouble| StoreError::new(path.display().to_string(), trouble);
        there(path).map_err(cannot)?;
        Self::connect(path, options).map_err(cannot)
    }

    /// Opens a history that is there, to read it; that takes no right to write, and one of an older
    /// version stays of it. Whatever is written to it then is an error.
    ///
    /// # Errors
    /// As [`Sqlite::create`]; where there is none; and one that may not be written, while what its
    /// last run wrote stands in the log beside it.
    pub fn reading(path: &Path, options: Options) -> Result<Self, StoreError> {
        let cannot = |trouble| StoreError::new(path.display().to_string(), trouble);
        there(path).map_err(cannot)?;
        let log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
        // SQLite would leave notes beside a file that is another user's, which he could not write then.
        let ours = OpenOptions::new().write(true).open(path).is_ok();
        match Self::look(path, !ours && !log, options) {
            // Nobody writes where nobody may, nor where no room is left: reading needs no log then, if none
            // was left behind.
            Err(StoreTrouble::ReadOnly(_) | StoreTrouble::Full(_)) if !log => {
                Self::look(path, true, options)
            }
            Err(StoreTrouble::ReadOnly(why)) => Err(StoreTrouble::ReadOnly(format!(
                "{why}; its last run stands in the log beside it, and to bring it in takes writing"
            ))),
            done => done,
        }
        .map_err(cannot)
    }

    fn connect(path: &Path, options: Options) -> Result<Self, StoreTrouble> {
        let bad = |error: rusqlite::Error| trouble(&error, options.wait);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(bad)?;
        connection.busy_timeout(options.wait).map_err(bad)?;
        // Again, because what the header says may have been overtaken by the log beside it.
        let version = schema::version(&connection).map_err(bad)?;
        let known = STEPS.len() as i64;
        if version > known {
            return Err(StoreTrouble::Newer { found: version, known });
        }
        if version == 0 {
            begin(&connection, options.wait).map_err(bad)?;
        }
        // A run that has ended is on the disk, whatever becomes of the machine.
        connection.pragma_update(None, "synchronous", "FULL").map_err(bad)?;
        connection.pragma_update(None, "cache_size", -16_000).map_err(bad)?;
        schema::migrate(&mut connection, STEPS).map_err(bad)?;
        Ok(Self::new(connection, path.display().to_string(), options))
    }

    /// Opens to read. SQLite takes notes beside the file, for writers to see; `frozen` takes none, and
    /// reads what the file holds without its log.
    fn look(path: &Path, frozen: bool, options: Options) -> Result<Self, StoreTrouble> {
        let bad = |error: rusqlite::Error| trouble(&error, options.wait);
        let name = fs::canonicalize(path).map_err(|e| io_trouble(&e))?;
        let mut uri = String::from("file:");
        for byte in name.display().to_string().bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    uri.push(byte.into());
                }
                _ => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        if frozen {
            uri.push_str("?immutable=1");
        }
        // Where it may be written, SQLite clears its notes away at the end; else it opens to read only.
        let write = if frozen {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let flags = write | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(uri, flags).map_err(bad)?;
        connection.busy_timeout(options.wait).map_err(bad)?;
        let (found, known) = (schema::version(&connection).map_err(bad)?, STEPS.len() as i64);
        if found > known {
            return Err(StoreTrouble::Newer { found, known });
        }
        if found == 0 {
            // A first run that was ended before it had made anything: as good as no run.
            connection = Connection::open_in_memory().map_err(bad)?;
            schema::migrate(&mut connection, STEPS).map_err(bad)?;
        }
        schema::as_if_new(&connection).map_err(bad)?;
        connection.pragma_update(None, "query_only", true).map_err(bad)?;
        Ok(Self::new(connection, path.display().to_string(), options))
    }
}

/// Past a limit on the size of files the system ends the process, and the audit's report with it,
/// unless it is told to answer with an error instead.
fn limits_answer() {
    // SAFETY: changes what one signal does, to nothing.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Sets what has to stand before the first table.
fn begin(connection: &Connection, wait: Duration) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    // The one call that does not wait for others by itself: another process may be doing the same.
    let from = Instant::now();
    loop {
        let set = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match set {
            Err(rusqlite::Error::SqliteFailure(code, _))
                if code.code == ErrorCode::DatabaseBusy && from.elapsed() < wait =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done.map(|_| ()),
        }
    }
}

/// Refuses a file that is not there, or is none of ours.
fn there(path: &Path) -> Result<(), StoreTrouble> {
    refuse(&mut File::open(path).map_err(|e| io_trouble(&e))?)
}

/// Refuses, from its first bytes alone, a file that is not ours or that a newer version wrote: not
/// even a lock is taken on it.
fn refuse(file: &mut File) -> Result<(), StoreTrouble> {
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(|e| io_trouble(&e))?;
    if head.is_empty() {
        return Ok(());
    }
    if head.len() < 100 || &head[..16] != MAGIC {
        return Err(StoreTrouble::NotAHistory("it is no SQLite file".into()));
    }
    let word = |at: usize| i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (version, application) = (word(60), word(68));
    let known = STEPS.len() as i64;
    match application {
        APPLICATION_ID if i64::from(version) > known => {
            Err(StoreTrouble::Newer { found: version.into(), known })
        }
        APPLICATION_ID => Ok(()),
        // A first run that was ended before it had made anything, its tables may be in the log.
        0 if version == 0 && word(28) <= 1 => Ok(()),
        _ => Err(StoreTrouble::NotAHistory("another program made it".into())),
    }
}

/// Makes the folder, with a `.gitignore` of its own.
fn folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    match File::create_new(folder.join(".gitignore")) {
        Ok(mut file) => file.write_all(GITIGNORE.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file that SQLite keeps beside its own.
fn beside(path: &Path, end: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
