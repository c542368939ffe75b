//! Files that are there whole or not at all.

use super::interrupt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is known to be writable and that [`WholeFile::write`] puts in its place, whole.
///
/// Until then nothing is beside its place that an interrupt could leave behind, and what was there
/// before is untouched. What is no regular file (a pipe, a device) is written in place.
#[must_use = "a file that is not written is not there"]
pub(super) struct WholeFile {
    /// Where it ends up, links resolved.
    path: PathBuf,
    /// Beside it until it is whole; `None` where `path` is no regular file and is written in place.
    part: Option<PathBuf>,
    /// Open from the start where it is written in place. A part is made anew when all is there to
    /// write, so that an interrupt during the long work leaves nothing behind.
    in_place: Option<File>,
}

impl WholeFile {
    /// Makes sure that `path`, as [`place`] gives it, can be written: before the long work, and
    /// before the caller holds [`interrupt::writing`].
    ///
    /// # Errors
    /// A folder that is not there or may not be written, and a folder in its place.
    pub(super) fn create(path: PathBuf) -> io::Result<Self> {
        let there = fs::metadata(&path).ok();
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if there.as_ref().is_some_and(|m| !m.is_file()) {
            let file = File::options().write(true).open(&path)?;
            return Ok(Self { path, part: None, in_place: Some(file) });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        // Only to know that it can be done; an interrupt in between waits.
        let _writing = interrupt::writing();
        File::options().write(true).create_new(true).open(&part)?;
        fs::remove_file(&part)?;
        Ok(Self { path, part: Some(part), in_place: None })
    }

    /// Where it ends up.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what `content` writes, then puts it in its place. The caller holds
    /// [`interrupt::writing`].
    ///
    /// # Errors
    /// What writing, flushing to disk or renaming answers; the place is then as it was before.
    pub(super) fn write(
        mut self,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = match (&self.in_place, &self.part) {
            (Some(file), _) => file,
            (None, None) => return Ok(()),
            (None, Some(part)) => &File::options().write(true).create_new(true).open(part)?,
        };
        // A file that was there keeps the permissions its owner gave it.
        if let (Some(_), Ok(there)) = (&self.part, fs::metadata(&self.path)) {
            file.set_permissions(there.permissions())?;
        }
        let mut out = BufWriter::new(file);
        content(&mut out)?;
        out.flush()?;
        if let Some(part) = &self.part {
            file.sync_all()?;
            fs::rename(part, &self.path)?;
            self.part = None;
        }
        Ok(())
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

/// The absolute path that a name means, through a link to what it names: renaming over the link
/// would replace the link. The file itself need not be there yet.
///
/// # Errors
/// A folder that is not there, and a path that names no file.
pub(super) fn place(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        Ok(fs::canonicalize(folder)?.join(name))
    })
}
