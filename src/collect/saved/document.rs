use super::SavedError;
use super::files::File;
use serde_json::Value;

/// The JSON documents of one file: pages saved one after the other are several.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) values: Vec<Value>,
    /// Why reading stopped before the file's end, after at least one whole document.
    pub(super) cut: Option<String>,
    /// Why the file is of no use: not JSON and not called so.
    pub(super) foreign: Option<String>,
}

/// Reads a file's documents.
///
/// # Errors
/// A `.json` file that is not JSON from its beginning.
pub(super) fn read(file: &File) -> Result<Documents, SavedError> {
    let bytes = std::fs::read(&file.path)
        .map_err(|source| SavedError::Io { path: file.path.clone(), source })?;
    let named = file.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let bad = |why: String| {
        if named {
            return Err(SavedError::NotJson { path: file.path.clone(), why });
        }
        Ok(Documents { foreign: Some(format!("not JSON: {why}")), ..Documents::default() })
    };
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(e) => return bad(format!("byte {} is not UTF-8", e.valid_up_to() + 1)),
    };
    if text.trim().is_empty() {
        // `aws` prints nothing where a call failed: it is no answer, and no error either.
        return Ok(Documents { foreign: Some("empty".into()), ..Documents::default() });
    }
    let mut documents = Documents::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => documents.values.push(value),
            Err(e) if documents.values.is_empty() => return bad(e.to_string()),
            Err(e) => {
                documents.cut = Some(format!("{}: {e}", file.path.display()));
                break;
            }
        }
    }
    Ok(documents)
}
