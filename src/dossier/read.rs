use super::DossierError;
use super::folder::Folder;
use crate::cleanup::approval::{Paper, Papers};
use crate::cleanup::{Digest, evidence, notice};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Most files of one pile: a quorum is a handful.
const MAX_PAPERS: usize = 200;
/// Most folders beside one that are looked at for newer plans.
pub(super) const MAX_SIBLINGS: usize = 1000;

/// A plan's folder as it was read.
#[derive(Debug)]
pub struct Dossier {
    pub path: PathBuf,
    /// By the folder's own name.
    pub digest: Digest,
    pub papers: Papers,
}

/// Where a plan is, as people name it: its folder, or its digest, which is looked for below `root`.
///
/// # Errors
/// What is neither.
pub fn place(name: &Path, root: &Path) -> Result<PathBuf, DossierError> {
    let last = name.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let text = name.to_str().unwrap_or_default();
    if let Ok(digest) = text.parse::<Digest>() {
        let here = name.to_owned();
        return Ok(if here.is_dir() { here } else { root.join(digest.folder()) });
    }
    if last.parse::<Digest>().is_ok() {
        return Ok(name.to_owned());
    }
    let why = "a plan's folder is named sha256- and 64 hex digits: name that folder, or the digest";
    Err(DossierError::Io {
        path: name.into(),
        why: io::Error::new(io::ErrorKind::InvalidInput, why),
    })
}

/// Reads everything of a plan's folder that is judged, once.
///
/// # Errors
/// [`DossierError::Unsafe`] for links, pipes, folders and files that others may write; what reading
/// answers.
pub fn read(path: &Path) -> Result<Dossier, DossierError> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
    let digest: Digest = name.parse().map_err(|why: String| DossierError::Io {
        path: path.into(),
        why: io::Error::new(io::ErrorKind::InvalidInput, why),
    })?;
    let folder = Folder::open(path)?;
    let plan = folder.read("plan.json")?.ok_or_else(|| DossierError::Io {
        path: path.join("plan.json"),
        why: io::ErrorKind::NotFound.into(),
    })?;
    let papers = Papers {
        folder: name.clone(),
        plan,
        plan_signature: folder.read("plan.json.sig")?,
        evidence: folder.read(evidence::NAME)?,
        notified: folder.read(notice::NAME)?,
        approvals: pile(&folder, "approvals")?,
        denials: pile(&folder, "denials")?,
        siblings: siblings(path, &name)?,
    };
    Ok(Dossier { path: path.into(), digest, papers })
}

/// The files of a folder by name, sorted; none where there is no such folder. Hidden ones are left
/// out.
///
/// # Errors
/// Like [`read`].
pub fn read_folder(path: &Path) -> Result<Vec<(String, Vec<u8>)>, DossierError> {
    let folder = match Folder::open(path) {
        Err(DossierError::Io { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        other => other?,
    };
    let names: Vec<String> = folder.names()?.into_iter().filter(|n| !n.starts_with('.')).collect();
    if names.len() > MAX_PAPERS {
        let why = format!("it holds more than {MAX_PAPERS} files");
        return Err(DossierError::unsafe_path(path, why));
    }
    let mut files = Vec::new();
    for name in names {
        if let Some(bytes) = folder.read(&name)? {
            files.push((name, bytes));
        }
    }
    Ok(files)
}

/// The signed files of a pile. A signature without its file is one too: something was there.
fn pile(folder: &Folder, name: &str) -> Result<Vec<Paper>, DossierError> {
    let Some(folder) = folder.folder(name)? else { return Ok(Vec::new()) };
    let stems: BTreeSet<String> = folder
        .names()?
        .into_iter()
        .filter(|n| !n.starts_with('.'))
        .filter_map(|n| {
            n.strip_suffix(".sig").unwrap_or(&n).strip_suffix(".json").map(str::to_owned)
        })
        .collect();
    if stems.len() > MAX_PAPERS {
        let why = format!("it holds more than {MAX_PAPERS} files");
        return Err(DossierError::unsafe_path(&folder.path, why));
    }
    let mut papers = Vec::new();
    for stem in stems {
        let name = format!("{stem}.json");
        let signature = folder.read(&format!("{name}.sig"))?;
        let bytes = folder.read(&name)?.unwrap_or_default();
        papers.push(Paper { name, bytes, signature });
    }
    Ok(papers)
}

/// The plans beside one. Those that cannot be read safely are nobody's.
fn siblings(path: &Path, own: &str) -> Result<Vec<Paper>, DossierError> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(Vec::new()),
    };
    let parent = Folder::open(parent)?;
    let names: Vec<String> = parent
        .names()?
        .into_iter()
        .filter(|n| n != own && n.starts_with("sha256-") && n.parse::<Digest>().is_ok())
        .collect();
    if names.len() > MAX_SIBLINGS {
        let why = format!("it holds more than {MAX_SIBLINGS} plans: move old ones away");
        return Err(DossierError::unsafe_path(&parent.path, why));
    }
    let mut papers = Vec::new();
    for name in names {
        let Ok(Some(folder)) = parent.folder(&name) else { continue };
        let (Ok(Some(bytes)), Ok(signature)) =
            (folder.read("plan.json"), folder.read("plan.json.sig"))
        else {
            continue;
        };
        papers.push(Paper { name, bytes, signature });
    }
    Ok(papers)
}
