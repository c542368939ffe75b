use super::SavedError;
use super::files::File;
use serde_json::Value;
use std::borrow::Cow;

/// The JSON documents of one file: pages saved one after the other are several.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) values: Vec<Value>,
    /// Why reading stopped before the file's end, after at least one whole document.
    pub(super) cut: Option<String>,
    /// Why the file is of no use: not JSON and not called so.
    pub(super) foreign: Option<String>,
    /// Whether nothing is in the file: what `aws … > FILE` leaves where the call failed.
    pub(super) empty: bool,
}

/// How a gzip file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a file's documents.
///
/// # Errors
/// A `.json` file that is not JSON from its beginning.
pub(super) fn read(file: &File) -> Result<Documents, SavedError> {
    let bytes = std::fs::read(&file.path)
        .map_err(|source| SavedError::Io { path: file.path.clone(), source })?;
    let name = file.parts.last().map(|n| n.to_ascii_lowercase()).unwrap_or_default();
    let packed = bytes.starts_with(&GZIP);
    let named = name.ends_with(".json") || (packed && name.contains(".json."));
    let bad = |why: String| {
        if named {
            return Err(SavedError::NotJson { path: file.path.clone(), why });
        }
        Ok(Documents { foreign: Some(format!("not JSON: {why}")), ..Documents::default() })
    };
    if packed {
        return bad("it is packed by gzip, unpack it first".into());
    }
    let text = match decode(&bytes) {
        Ok(text) => text,
        Err(why) => return bad(why),
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Documents {
            foreign: Some("empty".into()),
            empty: true,
            ..Documents::default()
        });
    }
    let mut documents = Documents::default();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(value) => documents.values.push(value),
            Err(e) if documents.values.is_empty() => return bad(e.to_string()),
            Err(e) => {
                documents.cut = Some(e.to_string());
                break;
            }
        }
    }
    Ok(documents)
}

/// The text of a file: UTF-8, or the UTF-16 that a redirection writes in PowerShell.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let text = String::from_utf16(&pairs.iter().map(|p| unit(*p)).collect::<Vec<u16>>());
        text.ok().filter(|_| odd.is_empty()).map(Cow::Owned).ok_or("it is cut or broken UTF-16")
    };
    Ok(match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        _ => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|e| format!("byte {} is not UTF-8", e.valid_up_to() + 1))?,
    })
}
