#![expect(unsafe_code, reason = "what a folder is on only statfs says")]

use crate::cleanup::Digest;
use crate::cleanup::disk::Disk;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a folder is on; of one that is to be made, what it will be on.
///
/// # Errors
/// What the system answers.
pub fn disk(folder: &Path) -> io::Result<Disk> {
    let whole = std::path::absolute(Path::new(".").join(folder))?;
    let there = whole.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    Ok(Disk::of(number(there)?))
}

/// The number of the file system that something is on.
fn number(path: &Path) -> io::Result<u32> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: an all-zero statfs is a valid value of it.
    let mut told: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the name ends in a zero, and the kernel writes one statfs at most.
    if unsafe { libc::statfs(name.as_ptr(), &raw mut told) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Some machines widen the number with its sign.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it has 32 bits")]
    Ok(told.f_type as u32)
}

/// A name of this machine that lasts, so that a folder that came from another is known: a digest,
/// because the system asks for its id to be kept in confidence. `None` where it has none.
#[must_use]
pub fn machine() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(PathBuf::from(path)).ok();
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .into_iter()
        .filter_map(read)
        .find(|id| id.trim().len() == 32)
        .map(|id| Digest::of(format!("portcullis {}", id.trim()).as_bytes()).to_string())
}
