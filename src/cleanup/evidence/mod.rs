//! What was seen of everything that is called dead, as the file `evidence.jsonl` beside a plan has it.
//!
//! A plan tells what it rests on in a line each; this is the raw of it: a candidate's attributes,
//! state, records and claims, planned or not, and the sources. Its digest stands in the plan. Things
//! that nobody calls dead are left out: strata have their counts, and a fleet would be a large file.

mod redact;

pub use redact::{hidden, looks_secret};

use super::{Digest, Listing, Reason, Refusal, Resource, Source};
use serde::{Deserialize, Serialize};

/// The format tag, on the first line.
pub const SCHEMA: &str = "portcullis/cleanup-evidence/v1";
/// The file's name.
pub const NAME: &str = "evidence.jsonl";

/// One line.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<Resource>,
}

/// The evidence of a listing: the same listing has the same bytes, in whatever order it came.
#[must_use]
pub fn write(listing: &Listing) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = |line: &Line| {
        // Maps are sorted and have text keys: there is nothing that could fail.
        out.extend(serde_json::to_vec(line).unwrap_or_default());
        out.push(b'\n');
    };
    line(&Line { schema: Some(SCHEMA.into()), ..Line::default() });
    let mut sources: Vec<&Source> = listing.sources.iter().collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    for source in sources {
        line(&Line { source: Some(source.clone()), ..Line::default() });
    }
    let mut dead: Vec<&Resource> = listing.resources.iter().filter(|r| r.candidate).collect();
    dead.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    for resource in dead {
        line(&Line { resource: Some(redact::redacted(resource)), ..Line::default() });
    }
    out
}

/// What was seen of everything with this id.
///
/// # Errors
/// [`Reason::EvidenceChanged`] for bytes that are no evidence.
pub fn of(bytes: &[u8], id: &str) -> Result<Vec<Resource>, Refusal> {
    let mut found = Vec::new();
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    for (number, line) in (1..).zip(lines) {
        let wrong = |why: &str| {
            Refusal::new(Reason::EvidenceChanged, format!("{NAME}, line {number}: {why}"))
        };
        let line: Line = serde_json::from_slice(line).map_err(|e| wrong(&e.to_string()))?;
        if number == 1 && line.schema.as_deref() != Some(SCHEMA) {
            return Err(wrong("it is of no schema that this program knows"));
        }
        found.extend(line.resource.filter(|r| r.id == id));
    }
    Ok(found)
}

/// Whether the evidence of a plan is what was sealed with it; `bytes` are those of the file.
///
/// It decides nothing by itself, and is a no all the same where it is missing: who agreed may have
/// rested on it, and what is gone from a sealed folder was taken away by somebody.
///
/// # Errors
/// [`Reason::EvidenceChanged`].
pub fn sealed(digest: Option<&Digest>, bytes: Option<&[u8]>) -> Result<(), Refusal> {
    let no = |says: String| Err(Refusal::new(Reason::EvidenceChanged, says));
    match (digest, bytes) {
        (None, _) => Ok(()),
        (Some(_), None) => no(format!("{NAME} is not there, and the plan was sealed with it")),
        (Some(digest), Some(bytes)) => {
            let is = Digest::of(bytes);
            if is == *digest {
                return Ok(());
            }
            no(format!("{NAME} has the digest {is}, and the plan was sealed with {digest}"))
        }
    }
}
