use super::SavedError;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders deeper than this are a mistake: the deepest known layout has six.
const MAX_DEPTH: usize = 16;
/// Files in one collection; the largest seen in the wild had under ten thousand.
const MAX_FILES: usize = 200_000;
/// One file's size in bytes; a page of describe output is a few megabytes, a concatenation tens.
const MAX_BYTES: u64 = 512 << 20;

/// A file of the collection.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Components below the folder that was asked for, the file's name last.
    pub(super) parts: Vec<String>,
    /// When it was last written, in whole seconds; 1970 where the file system does not tell: what has no
    /// age is old.
    pub(super) modified: Timestamp,
}

impl File {
    /// Its path below the folder that was asked for.
    pub(super) fn name(&self) -> String {
        self.parts.join("/")
    }
}

/// Lists every regular file under `dir`, sorted, following each link once.
pub(super) fn list(dir: &Path) -> Result<Vec<File>, SavedError> {
    let meta = std::fs::metadata(dir).map_err(|source| io(dir, source))?;
    if !meta.is_dir() {
        // One file may hold a whole collection: keys side by side, or pages one after the other.
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![File { path: dir.into(), parts: vec![name], modified: modified(&meta) }]);
    }
    let mut found = Vec::new();
    walk(dir, &mut Vec::new(), &mut BTreeSet::new(), &mut found)?;
    found.sort_by(|a: &File, b: &File| a.parts.cmp(&b.parts));
    Ok(found)
}

fn walk(
    dir: &Path,
    parts: &mut Vec<String>,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<File>,
) -> Result<(), SavedError> {
    if parts.len() > MAX_DEPTH {
        let why = format!("folders are nested deeper than {MAX_DEPTH}");
        return Err(SavedError::TooMuch { path: dir.into(), why });
    }
    // The real folder is visited once, so that a link back up ends here.
    if !seen.insert(dir.canonicalize().map_err(|e| io(dir, e))?) {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(dir)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| io(dir, e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        // A link that leads nowhere or round in circles is an error: what it meant is not read.
        let meta = std::fs::metadata(&path).map_err(|e| io(&path, e))?;
        parts.push(name);
        if meta.is_dir() {
            walk(&path, parts, seen, found)?;
        } else if meta.is_file() {
            if meta.len() > MAX_BYTES {
                let why = format!("it is larger than {} MiB", MAX_BYTES >> 20);
                return Err(SavedError::TooMuch { path, why });
            }
            if found.len() == MAX_FILES {
                let why = format!("there are more than {MAX_FILES} files");
                return Err(SavedError::TooMuch { path: dir.into(), why });
            }
            found.push(File { path, parts: parts.clone(), modified: modified(&meta) });
        }
        parts.pop();
    }
    Ok(())
}

fn modified(meta: &std::fs::Metadata) -> Timestamp {
    let at = meta.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
    at.and_then(|at| Timestamp::from_second(at.as_second()).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn io(path: &Path, source: std::io::Error) -> SavedError {
    SavedError::Io { path: path.into(), source }
}
