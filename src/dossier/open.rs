use super::DossierError;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Most bytes that are read of one file of a folder: a plan of 1,000 items is about 1 MB.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// No link is followed, no pipe is waited for.
pub(super) const FLAGS: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;

/// Reads a regular file once, without following a link, and only where nobody else could have put
/// other bytes there: it belongs to the caller or to root, and not everybody may write it.
///
/// # Errors
/// Links, folders, pipes and devices; files of others or open to all; files above [`MAX_BYTES`];
/// what reading answers.
pub fn read_file(path: &Path) -> Result<Vec<u8>, DossierError> {
    let file = File::options()
        .read(true)
        .custom_flags(FLAGS)
        .open(path)
        .map_err(|e| DossierError::io(path, e))?;
    read_open(file, path)
}

/// The same of a file that is open; `path` is for messages.
pub(super) fn read_open(file: File, path: &Path) -> Result<Vec<u8>, DossierError> {
    let io = |e| DossierError::io(path, e);
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(DossierError::unsafe_path(path, "it is no regular file"));
    }
    owned(&meta, path)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(DossierError::unsafe_path(path, "it is longer than 64 MiB"));
    }
    Ok(bytes)
}

/// Whether nobody but its owner's group may change it, and its owner is the caller or root.
pub(super) fn owned(meta: &Metadata, path: &Path) -> Result<(), DossierError> {
    let mode = meta.mode() & 0o7777;
    // A folder where all may write but only remove their own: still a place for others' files.
    if mode & 0o002 != 0 {
        return Err(DossierError::unsafe_path(
            path,
            format!("everybody may write it (mode {mode:04o}): chmod o-w it"),
        ));
    }
    // SAFETY: it takes nothing and cannot fail.
    let own = unsafe { libc::geteuid() };
    if meta.uid() != own && meta.uid() != 0 {
        return Err(DossierError::unsafe_path(
            path,
            format!(
                "it belongs to the user {}, and this is the user {own}: chown it, or read a \
                 checkout of your own",
                meta.uid()
            ),
        ));
    }
    Ok(())
}
