use crate::cleanup::{Acted, Health, Hello, Observed, Resource, Source};
use serde::Deserialize;

/// One line of an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    id: u64,
    /// Whether it is the last one.
    #[serde(default)]
    pub(super) done: bool,
    /// Why there is no answer.
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) hello: Option<Hello>,
    #[serde(default)]
    pub(super) source: Option<Source>,
    #[serde(default)]
    pub(super) resource: Option<Box<Resource>>,
    #[serde(default)]
    pub(super) observed: Option<Observed>,
    #[serde(default)]
    pub(super) acted: Option<Acted>,
    #[serde(default)]
    pub(super) health: Option<Health>,
}

/// Of a line that is quoted in an error.
const QUOTED: usize = 120;

impl Answer {
    /// Reads a line that has to belong to the question `id`.
    pub(super) fn read(line: &[u8], id: u64) -> Result<Self, String> {
        let quoted = || {
            let text = String::from_utf8_lossy(line);
            let cut: String = text.chars().take(QUOTED).collect();
            if cut.len() < text.len() { format!("{cut}…") } else { cut }
        };
        let answer: Self = serde_json::from_slice(line)
            .map_err(|e| format!("it wrote what is no answer: {e}: {:?}", quoted()))?;
        if answer.id == id {
            Ok(answer)
        } else {
            Err(format!("it answered question {} where {id} was asked", answer.id))
        }
    }
}
