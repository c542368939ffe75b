use super::DossierError;
use super::folder::Folder;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a signed word about a plan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pile {
    Approvals,
    Denials,
}

impl Pile {
    /// The folder's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approvals => "approvals",
            Self::Denials => "denials",
        }
    }
}

/// Adds a signed statement of somebody to a plan's folder, as `NAME.json` with `NAME.json.sig`, and
/// says where it is. What is there already stays: a second one of the same name gets a number.
///
/// # Errors
/// Folders that are not safe, and what writing answers; then nothing was added.
pub fn add(
    plan: &Path,
    pile: Pile,
    name: &str,
    bytes: &[u8],
    signature: &str,
) -> Result<PathBuf, DossierError> {
    let folder = Folder::open(plan)?;
    folder.make(pile.name()).map_err(|e| DossierError::io(&plan.join(pile.name()), e))?;
    let folder = folder.folder(pile.name())?.ok_or_else(|| {
        DossierError::io(&plan.join(pile.name()), std::io::ErrorKind::NotFound.into())
    })?;
    for n in 1..=100 {
        let file = if n == 1 { format!("{name}.json") } else { format!("{name}-{n}.json") };
        let path = folder.path.join(&file);
        let io = |e| DossierError::io(&path, e);
        // The signature first: a statement is never there without it.
        let sig = format!("{file}.sig");
        match put(&folder, &sig, signature.as_bytes()) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
            other => other.map_err(io)?,
        }
        if let Err(e) = put(&folder, &file, bytes) {
            folder.remove(&sig);
            if e.kind() == std::io::ErrorKind::AlreadyExists {
                continue;
            }
            return Err(io(e));
        }
        folder.sync().map_err(io)?;
        return Ok(path);
    }
    Err(DossierError::unsafe_path(&folder.path, format!("it holds 100 statements of {name}")))
}

/// Writes a file that was not there, whole or not at all.
fn put(folder: &Folder, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = folder.create(name, 0o444)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        folder.remove(name);
    }
    written
}

/// Adds a file to a folder, which is made where there is none, and says where it is.
///
/// # Errors
/// Folders that are not safe, a file that is there already, and what writing answers.
pub fn add_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, DossierError> {
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(DossierError::io(folder, e));
        }
        _ => {}
    }
    let folder = Folder::open(folder)?;
    let path = folder.path.join(name);
    put(&folder, name, bytes)
        .and_then(|()| folder.sync())
        .map_err(|e| DossierError::io(&path, e))?;
    Ok(path)
}
