use super::DossierError;
use super::folder::Folder;
use crate::cleanup::Digest;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Puts a sealed plan in a folder of its own below `root`, whole or not at all, and says where: its
/// files (`plan.json` first of them) with mode 0444. A folder that is there with the same plan is
/// left as it is.
///
/// # Errors
/// A root that others may write, and what writing answers.
pub fn seal(
    root: &Path,
    digest: &Digest,
    files: &[(&str, &[u8])],
) -> Result<PathBuf, DossierError> {
    std::fs::create_dir_all(root).map_err(|e| DossierError::io(root, e))?;
    let parent = Folder::open(root)?;
    let name = digest.folder();
    let place = root.join(&name);
    let io = |e| DossierError::io(&place, e);
    if parent.folder(&name)?.is_some() {
        return Ok(place);
    }
    let part = format!(".{name}.{}.part", std::process::id());
    parent.make(&part).map_err(io)?;
    let folder = parent.folder(&part)?.ok_or_else(|| io(std::io::ErrorKind::NotFound.into()))?;
    let written = files.iter().try_for_each(|(name, bytes)| {
        let mut file = folder.create(name, 0o444)?;
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written
        .and_then(|()| folder.sync())
        .and_then(|()| parent.rename(&part, &name))
        .and_then(|()| parent.sync());
    if let Err(e) = placed {
        for (name, _) in files {
            folder.remove(name);
        }
        let _ = std::fs::remove_dir(root.join(&part));
        return Err(io(e));
    }
    Ok(place)
}
