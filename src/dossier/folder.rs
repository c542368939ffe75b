use super::DossierError;
use super::open::{FLAGS, owned, read_open};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A folder that is open: what is in it is reached through it, whatever its path means by now.
pub(super) struct Folder {
    file: File,
    /// For messages.
    pub(super) path: PathBuf,
}

impl Folder {
    /// Opens a folder without following a link in its last part.
    pub(super) fn open(path: &Path) -> Result<Self, DossierError> {
        let io = |e| DossierError::io(path, e);
        let file = File::options()
            .read(true)
            .custom_flags(FLAGS | libc::O_DIRECTORY)
            .open(path)
            .map_err(|e| not_a_folder(path, e))?;
        owned(&file.metadata().map_err(io)?, path)?;
        Ok(Self { file, path: path.into() })
    }

    /// Opens what is in it; `None` where there is nothing of that name.
    fn at(&self, name: &str, flags: i32, mode: libc::mode_t) -> io::Result<Option<File>> {
        let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the descriptor is open for as long as `self` is, and the name ends in NUL.
        let fd = unsafe { libc::openat(self.file.as_raw_fd(), name.as_ptr(), flags | FLAGS, mode) };
        if fd < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
        }
        // SAFETY: it was opened just now and is nobody else's.
        Ok(Some(unsafe { File::from_raw_fd(fd) }))
    }

    /// A folder in it; `None` where there is none.
    pub(super) fn folder(&self, name: &str) -> Result<Option<Self>, DossierError> {
        let path = self.path.join(name);
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let Some(file) = self.at(name, flags, 0).map_err(|e| not_a_folder(&path, e))? else {
            return Ok(None);
        };
        owned(&file.metadata().map_err(|e| DossierError::io(&path, e))?, &path)?;
        Ok(Some(Self { file, path }))
    }

    /// The bytes of a file in it; `None` where there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, DossierError> {
        let path = self.path.join(name);
        match self.at(name, libc::O_RDONLY, 0) {
            Ok(Some(file)) => read_open(file, &path).map(Some),
            Ok(None) => Ok(None),
            // A socket, or a device without a driver.
            Err(e) if e.raw_os_error() == Some(libc::ENXIO) => {
                Err(DossierError::unsafe_path(&path, "it is no regular file"))
            }
            Err(e) => Err(DossierError::io(&path, e)),
        }
    }

    /// Makes a file in it that was not there.
    pub(super) fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
        self.at(name, flags, mode)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Makes a folder in it, where there is none.
    pub(super) fn make(&self, name: &str) -> io::Result<()> {
        let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the descriptor is open for as long as `self` is, and the name ends in NUL.
        if unsafe { libc::mkdirat(self.file.as_raw_fd(), name.as_ptr(), 0o755) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
    }

    /// Renames within it.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (CString::new(from), CString::new(to));
        let (Ok(from), Ok(to)) = (from, to) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let fd = self.file.as_raw_fd();
        // SAFETY: the descriptor is open for as long as `self` is, and both names end in NUL.
        if unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) } == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    }

    /// Removes a file of it.
    pub(super) fn remove(&self, name: &str) {
        if let Ok(name) = CString::new(name) {
            // SAFETY: the descriptor is open for as long as `self` is, and the name ends in NUL.
            unsafe { libc::unlinkat(self.file.as_raw_fd(), name.as_ptr(), 0) };
        }
    }

    /// Writes what was made in it to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// The names in it, sorted; those that are no UTF-8 are nobody's of ours.
    pub(super) fn names(&self) -> Result<Vec<String>, DossierError> {
        let io = |e| DossierError::io(&self.path, e);
        // Through the open descriptor: the path may be another folder by now.
        let through = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        let through = if through.exists() { through } else { self.path.clone() };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(through).map_err(io)? {
            let name: OsString = entry.map_err(io)?.file_name();
            if let Ok(name) = std::str::from_utf8(name.as_bytes()) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

fn not_a_folder(path: &Path, error: io::Error) -> DossierError {
    match error.raw_os_error() {
        // A link to a folder, opened as a folder without following it, is no folder either.
        Some(libc::ENOTDIR) => {
            DossierError::unsafe_path(path, "it is no folder, or a link, which is not followed")
        }
        _ => DossierError::io(path, error),
    }
}
