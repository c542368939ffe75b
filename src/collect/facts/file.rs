use super::parse::{Reader, Text};
use super::{MAX_BYTES, MAX_FILES, now, second};
use crate::fact::Gathered;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads a file, or every file of a folder but hidden ones; each of these is named for its host, as
/// `ansible -m setup --tree` and Ansible's fact cache name them.
pub(super) fn read(reader: &Reader<'_>, path: &Path) -> Gathered {
    let kind = match fs::metadata(path) {
        Ok(kind) => kind,
        Err(why) => return reader.unread(cannot(&why)),
    };
    let mut out = reader.gathered(now());
    if !kind.is_dir() {
        one(reader, path, "", &mut out);
        return out;
    }
    let files = match files(path) {
        Ok(files) => files,
        Err(why) => return reader.unread(cannot(&why)),
    };
    if files.is_empty() {
        out.gaps.push(reader.gap("", "the folder holds no file"));
    }
    if files.len() > MAX_FILES {
        let why =
            format!("it holds {} files, of which the first {MAX_FILES} were read", files.len());
        out.gaps.push(reader.gap("", why));
    }
    for file in files.iter().take(MAX_FILES) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        one(reader, file, &name, &mut out);
    }
    out
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && !fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Reads one file; `name` is empty where it is the source itself.
fn one(reader: &Reader<'_>, path: &Path, name: &str, out: &mut Gathered) {
    let read = File::open(path).and_then(|file| {
        let changed = file.metadata()?.modified().ok();
        let mut bytes = Vec::new();
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok((bytes, changed))
    });
    let (bytes, changed) = match read {
        Ok(read) => read,
        Err(why) => {
            if name.is_empty() {
                *out = reader.unread(cannot(&why));
            } else {
                out.gaps.push(reader.gap(name, cannot(&why)));
            }
            return;
        }
    };
    let read_at = now();
    let whole = bytes.len() <= MAX_BYTES;
    if !whole {
        let why = format!("it is larger than {} MiB, and was read so far", MAX_BYTES >> 20);
        out.gaps.push(reader.gap(name, why));
    }
    let host = ["json", "ndjson", "jsonl"]
        .iter()
        .find_map(|e| name.strip_suffix(e)?.strip_suffix('.'))
        .unwrap_or(name);
    let text = Text {
        at: name,
        bytes: &bytes[..bytes.len().min(MAX_BYTES)],
        host: Some(host).filter(|h| !h.is_empty()),
        read_at,
        // Nothing in it can be younger than its last change.
        gathered_at: changed.and_then(|t| Timestamp::try_from(t).ok().map(second)),
    };
    reader.parse(&text, out);
}

fn cannot(why: &io::Error) -> String {
    format!("it cannot be read: {why}")
}
