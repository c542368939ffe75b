use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Most bytes that are read of one file of a folder: a plan of 1,000 items is about 1 MB.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a regular file once, without following a link.
///
/// # Errors
/// Links, folders, pipes and devices; files above [`MAX_BYTES`]; what reading answers.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let other = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
    if !file.metadata()?.is_file() {
        return Err(other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(other("it is longer than 64 MiB"));
    }
    Ok(bytes)
}
