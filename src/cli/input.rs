//! Reads the files that commands are given: specs, the configuration, snapshots.

use super::{CliError, Global};
use crate::attestation;
use crate::cleanup::Digest;
use crate::pathproof::Auditor;
use crate::sign;
use crate::snapshot::{FORMAT, Snapshot};
use crate::spec::config::{self, Config};
use crate::spec::{self, MAX_FILE_BYTES, Source, Spec, SpecErrors};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where specs are looked for when no path is given.
pub const DEFAULT_SPECS: [&str; 3] = ["spec.yaml", "spec", "specs"];

/// The configuration's file when none is named.
pub const DEFAULT_CONFIG: &str = "portcullis.yaml";

/// Most files of one load: a wrong folder is told before it is read to its end.
const MAX_FILES: usize = 10_000;

/// Reads spec files; of a folder every `.yaml` and `.yml` at any depth, in the order of their
/// names, but for hidden ones and `portcullis.yaml`. `-` is standard input. A file that is named
/// twice is read once. Without paths, the first of [`DEFAULT_SPECS`] that exists.
///
/// # Errors
/// Paths that cannot be read, and folders without specs.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    let default;
    let paths = if paths.is_empty() {
        default = [default_specs().ok_or_else(|| {
            CliError::new("find a spec: neither spec.yaml nor a folder spec or specs is here")
                .hint("name the spec's files or folder; `portcullis init` writes a first one")
        })?];
        &default[..]
    } else {
        paths
    };
    let mut out = Vec::new();
    let mut read = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            out.push(source(path)?);
            continue;
        }
        let is_folder = fs::metadata(path).map_err(|e| cannot_read(path, &e))?.is_dir();
        if !is_folder {
            if read.insert(same(path)) {
                out.push(source(path)?);
            }
            continue;
        }
        if folder(path, 0, &mut read, &mut out)? == 0 {
            return Err(CliError::new(format!(
                "find a spec in {}: it holds no .yaml file",
                path.display()
            )));
        }
    }
    Ok(out)
}

/// The first of [`DEFAULT_SPECS`] that exists.
pub(super) fn default_specs() -> Option<PathBuf> {
    DEFAULT_SPECS.iter().map(PathBuf::from).find(|p| p.exists())
}

/// What tells one file from another, however it is named.
fn same(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}

/// Reads a folder's specs and tells how many it has, those read before among them.
fn folder(
    path: &Path,
    depth: usize,
    read: &mut BTreeSet<PathBuf>,
    out: &mut Vec<Source>,
) -> Result<usize, CliError> {
    let mut found = 0;
    if depth > 16 {
        return Err(CliError::new(format!("read {}: folders nest too deep", path.display())));
    }
    let entries = fs::read_dir(path).map_err(|e| cannot_read(path, &e))?;
    let mut entries: Vec<PathBuf> = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<io::Result<_>>()
        .map_err(|e| cannot_read(path, &e))?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let hidden = name.starts_with('.');
        let config = matches!(&*name, "portcullis.yaml" | "portcullis.yml");
        let kind = fs::metadata(&entry).map_err(|e| cannot_read(&entry, &e))?;
        let yaml = entry.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if kind.is_dir() && !hidden {
            found += folder(&entry, depth + 1, read, out)?;
        } else if kind.is_file() && yaml && !hidden && !config {
            found += 1;
            if read.insert(same(&entry)) {
                out.push(source(&entry)?);
            }
        }
        if out.len() > MAX_FILES {
            return Err(CliError::new(format!("read more than {MAX_FILES} spec files")));
        }
    }
    Ok(found)
}

/// Reads one file; `-` is standard input. One byte past the limit is read, so that the reader can
/// tell that it is passed.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn source(path: &Path) -> Result<Source, CliError> {
    if path.as_os_str() == "-" {
        let bytes = read_bounded(io::stdin().lock()).map_err(|e| cannot_read(path, &e))?;
        return Ok(Source::new("<stdin>", bytes));
    }
    let file = File::open(path).map_err(|e| cannot_read(path, &e))?;
    let bytes = read_bounded(file).map_err(|e| cannot_read(path, &e))?;
    Ok(Source::new(path.display().to_string(), bytes))
}

/// One byte more than the limit is enough to know that it is passed.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cannot_read(path: &Path, why: &io::Error) -> CliError {
    CliError::new(format!("read {}", path.display())).because(why)
}

/// Reads and validates specs as [`sources`] finds them.
///
/// # Errors
/// As [`sources`], and everything wrong with the specs, with pictures.
pub fn spec(paths: &[PathBuf]) -> Result<Spec, CliError> {
    spec::load(&sources(paths)?).map_err(rendered)
}

/// The digest of a spec, whatever its files are called.
///
/// # Errors
/// Files that cannot be read.
pub fn spec_digest(paths: &[PathBuf]) -> Result<Digest, CliError> {
    let hex = attestation::of_spec(&sources(paths)?);
    format!("sha256:{hex}").parse().map_err(|e| CliError::new("tell a spec's digest").because(e))
}

/// The configuration's file: the one that `--config` names, else `portcullis.yaml` where it is.
pub(super) fn config_path(global: &Global) -> Option<PathBuf> {
    let default = || Path::new(DEFAULT_CONFIG).exists().then(|| PathBuf::from(DEFAULT_CONFIG));
    global.config.clone().or_else(default)
}

/// Reads the configuration: the file that `--config` names, else `portcullis.yaml` where it is,
/// else nothing but defaults.
///
/// # Errors
/// A named file that cannot be read, and everything wrong with it, with pictures.
pub fn config(global: &Global) -> Result<Config, CliError> {
    let Some(path) = config_path(global) else { return Ok(Config::default()) };
    let source = source(&path)?;
    config::load(&source.name, &source.bytes).map_err(rendered)
}

/// A path of the configuration: relative to the file that names it.
pub(super) fn beside(global: &Global, path: &str) -> PathBuf {
    let folder = global.config.as_ref().and_then(|c| c.parent());
    folder.map_or_else(|| PathBuf::from(path), |f| f.join(path))
}

/// Names the file of the auditor's key, before the configuration does.
pub const AUDITOR_KEY: &str = "PORTCULLIS_AUDITOR_KEY";

/// Reads the key that asks `portcullis listen`, where one is configured or [`AUDITOR_KEY`] names one.
///
/// # Errors
/// A key that cannot be read, that others may read, or of another kind.
pub fn auditor(config: &Config, global: &Global) -> Result<Option<Auditor>, CliError> {
    let path = match (std::env::var_os(AUDITOR_KEY), &config.auditor_key) {
        (Some(path), _) if !path.is_empty() => PathBuf::from(path),
        (_, Some(path)) => beside(global, path),
        _ => return Ok(None),
    };
    sign::auditor(&path).map(Some).map_err(|e| CliError::new("use the auditor's key").because(e))
}

/// Reads a snapshot that `portcullis collect` wrote; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, is no snapshot, or is of another format.
pub fn snapshot(path: &Path) -> Result<Snapshot, CliError> {
    const HINT: &str =
        "`portcullis collect -o FILE` writes one; saved aws output is read with --aws-json DIR";
    let cannot = || CliError::new(format!("read the snapshot {}", path.display()));
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let bytes = bytes.map_err(|e| cannot().because(e))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(cannot().because("it is empty").hint(HINT));
    }
    // What it is comes before what it lacks: another format's fields are no errors of its own.
    let head: Head = serde_json::from_slice(&bytes).map_err(|e| cannot().because(e).hint(HINT))?;
    match head.format.as_deref() {
        Some(FORMAT) => {}
        None => {
            return Err(cannot().because("it is JSON, and no snapshot of portcullis").hint(HINT));
        }
        Some(other) => {
            let other = super::saved::escape(other);
            let why = format!("its format is `{other}`, this reads `{FORMAT}`");
            return Err(cannot().because(why).hint("collect again with this portcullis"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|e| cannot().because(e).hint(HINT))
}

/// What a snapshot says of itself.
#[derive(Debug, serde::Deserialize)]
struct Head {
    format: Option<String>,
}

/// Errors of a spec as an error of the command line.
#[must_use]
pub fn rendered(errors: SpecErrors) -> CliError {
    let mut error = CliError::new("use the spec");
    error.rendered = Some(errors.to_string());
    error
}
