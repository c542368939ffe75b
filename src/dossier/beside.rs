use super::DossierError;
use super::folder::Folder;
use super::read::MAX_SIBLINGS;
use crate::cleanup::Digest;
use crate::cleanup::day::Beside;
use std::io;
use std::path::Path;

/// The plans' folders below `root` with their journals, all but `own`; none where there is no such
/// folder yet.
///
/// # Errors
/// What of it cannot be read safely: it could hide what was done.
pub fn beside(root: &Path, own: Option<&Digest>) -> Result<Vec<Beside>, DossierError> {
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let parent = match Folder::open(root) {
        Err(DossierError::Io { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        other => other?,
    };
    let named = |n: &String| n.starts_with("sha256-").then(|| n.parse::<Digest>().ok()).flatten();
    let names: Vec<(String, Digest)> = parent
        .names()?
        .into_iter()
        .filter_map(|n| named(&n).map(|digest| (n, digest)))
        .filter(|(_, digest)| Some(digest) != own)
        .collect();
    if names.len() > MAX_SIBLINGS {
        let why = format!("it holds more than {MAX_SIBLINGS} plans: move those of last month away");
        return Err(DossierError::unsafe_path(&parent.path, why));
    }
    let mut found = Vec::new();
    for (name, digest) in names {
        let Some(folder) = parent.folder(&name)? else { continue };
        let denials = folder.folder("denials")?.map(|f| f.names()).transpose()?;
        found.push(Beside {
            digest,
            plan: folder.read("plan.json")?,
            signature: folder.read("plan.json.sig")?,
            denied: denials.is_some_and(|names| names.iter().any(|n| !n.starts_with('.'))),
            journal: folder.read("journal.jsonl")?,
        });
    }
    Ok(found)
}
