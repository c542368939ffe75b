//! Opt-outs: lines of whoever wants a thing to stay.
//!
//! They only tighten, so nobody signs them: one JSON object a line, `{"id": "sv-81", "type": "servo",
//! "why": "the demo of Friday", "by": "team-x"}`, of which only `id` is needed. They are read when a
//! plan is made and again right before each act, and are protections there.

use super::{Claim, ItemRef, Reason, Refusal, Resource, strict};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most lines.
const MAX_LINES: usize = 100_000;
/// The kind of the protection, and its source.
const KIND: &str = "opt-out";
const SOURCE: &str = "opt-outs";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    why: String,
    #[serde(default)]
    by: String,
}

/// What somebody wants to stay.
#[derive(Debug, Clone, Default)]
pub struct OptOuts {
    by_id: BTreeMap<String, Vec<Line>>,
}

impl OptOuts {
    /// Takes in the lines of one file; `name` is for messages. Empty lines, and those that begin with
    /// `#`, say nothing.
    ///
    /// # Errors
    /// [`Reason::OptOutsUnreadable`] with the line: one that is not understood may be somebody's no.
    pub fn read(&mut self, name: &str, bytes: &[u8]) -> Result<(), Refusal> {
        for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let wrong = |why: &str| unreadable(format!("{name}, line {number}: {why}"));
            if number > MAX_LINES {
                return Err(wrong("there are too many"));
            }
            let line: Line = strict::read(line).map_err(|e| wrong(&e.says))?;
            if line.id.trim().is_empty() {
                return Err(wrong("it names no id"));
            }
            self.by_id.entry(line.id.clone()).or_default().push(line);
        }
        Ok(())
    }

    /// The protection that somebody asked for this thing.
    #[must_use]
    pub fn of(&self, item: &ItemRef) -> Option<Claim> {
        let lines = self.by_id.get(&item.id)?;
        let line = lines.iter().find(|l| l.kind.as_ref().is_none_or(|k| *k == item.kind))?;
        let words = [line.by.as_str(), line.why.as_str()];
        let detail: Vec<&str> = words.into_iter().filter(|w| !w.is_empty()).collect();
        Some(Claim {
            kind: KIND.into(),
            source: SOURCE.into(),
            at: None,
            record: None,
            detail: detail.join(": "),
        })
    }

    /// Protects a thing that somebody wants to stay.
    pub fn protect(&self, resource: &mut Resource) {
        resource.protected.extend(self.of(&resource.item()));
    }
}

/// Opt-outs that nobody can read.
#[must_use]
pub fn unreadable(why: String) -> Refusal {
    Refusal::new(Reason::OptOutsUnreadable, format!("the opt-outs: {why}"))
}

/// The line that keeps a thing.
#[must_use]
pub fn line(item: &ItemRef) -> String {
    serde_json::json!({"type": item.kind, "id": item.id}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &str, id: &str) -> ItemRef {
        ItemRef { kind: kind.into(), id: id.into() }
    }

    #[test]
    fn a_line_keeps_one_thing_and_a_line_that_is_not_understood_keeps_all() {
        let mut all = OptOuts::default();
        let text = format!(
            "# ours\n\n{}\r\n{{\"id\":\"sv-2\",\"by\":\"team-x\",\"why\":\"demo\"}}\n",
            line(&item("servo", "sv 1"))
        );
        all.read("opt-outs", text.as_bytes()).expect("lines");
        assert!(all.of(&item("servo", "sv 1")).is_some());
        assert_eq!(all.of(&item("disk", "sv 1")), None);
        assert_eq!(all.of(&item("disk", "sv-2")).expect("of any type").detail, "team-x: demo");
        assert_eq!(all.of(&item("servo", "sv-3")), None);
        for wrong in ["sv-1", "{\"id\":\"\"}", "{\"idd\":\"sv-1\"}", "{\"id\":\"a\",\"id\":\"b\"}"]
        {
            let why = OptOuts::default().read("opt-outs", wrong.as_bytes()).expect_err(wrong);
            assert_eq!(why.reason, Reason::OptOutsUnreadable);
            assert!(why.says.contains("opt-outs, line 1: "), "{why}");
        }
    }
}
