use super::{Held, Register, Swapped};
use crate::cleanup::Digest;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A claim's paper is some hundred bytes, a halt switch with many lifts some thousand.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A file, and a lock of the system beside it that ends with the process. It serves one machine.
pub struct FileRegister {
    path: PathBuf,
    lock: File,
    /// Whether this process has the lock for as long as the register is open.
    mine: bool,
    /// Whether the lock is taken for each write alone.
    shared: bool,
}

/// How long a write waits for another's: a file of this size takes no time.
const TRIES: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(10);

impl FileRegister {
    /// Opens it and tries for the lock, without waiting: who has it is the only one for as long as
    /// the register is open.
    ///
    /// # Errors
    /// A folder that cannot be made or a lock file that cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut register = Self::shared(path)?;
        register.shared = false;
        register.mine = match register.lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(e)) => return Err(e),
        };
        Ok(register)
    }

    /// Opens one that anybody may write at any time, as a halt switch is.
    ///
    /// # Errors
    /// As of [`FileRegister::open`].
    pub fn shared(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = File::options().create(true).truncate(false).write(true).open(name)?;
        Ok(Self { path: path.to_owned(), lock, mine: false, shared: true })
    }
}

impl Register for FileRegister {
    fn read(&mut self) -> Result<Option<Held>, String> {
        let cannot = |e: io::Error| format!("read {}: {e}", self.path.display());
        // A pipe would be waited for, for ever.
        let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path);
        let file = match opened {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(cannot(e)),
        };
        if !file.metadata().map_err(cannot)?.is_file() {
            return Err(format!("read {}: it is no regular file", self.path.display()));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(cannot)?;
        let version = Digest::of(&bytes).to_string();
        Ok(Some(Held { bytes, version }))
    }

    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        // Only the holder of the lock writes, so that looking and writing are one step.
        if !self.shared {
            return if self.mine { self.write(over, bytes) } else { Ok(Swapped::No) };
        }
        for _ in 0..TRIES {
            match self.lock.try_lock() {
                Ok(()) => {
                    let written = self.write(over, bytes);
                    let _ = self.lock.unlock();
                    return written;
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
                Err(TryLockError::Error(e)) => return Err(format!("lock its file: {e}")),
            }
        }
        Err("lock its file: somebody else has it".into())
    }

    fn alone(&self) -> bool {
        self.mine
    }
}

impl FileRegister {
    fn write(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        let found = self.read()?.map(|h| h.version);
        if found.as_deref() != over {
            return Ok(Swapped::No);
        }
        replace_file(&self.path, bytes)
            .map_err(|e| format!("write {}: {e}", self.path.display()))?;
        Ok(Swapped::Yes { version: Digest::of(bytes).to_string() })
    }
}

impl Drop for FileRegister {
    fn drop(&mut self) {
        if self.mine {
            let _ = self.lock.unlock();
        }
    }
}

/// Puts a whole file in place of another, on the disk before it is seen.
///
/// # Errors
/// What writing answers; the old file is then still there.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
