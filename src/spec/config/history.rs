use super::{field, text};
use crate::spec::node::Node;
use crate::spec::scalar;
use crate::spec::shape::{Least, Record, Scalar, Shape};
use jiff::SignedDuration;

/// What is kept of each run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Relative to the file; `None` is `.portcullis/history.db` in the working folder.
    pub file: Option<String>,
    /// Runs older than this are forgotten. 400 days.
    pub keep: SignedDuration,
    /// More runs than this are forgotten, the oldest first.
    pub max_runs: Option<u32>,
    /// Keep nothing.
    pub off: bool,
}

impl Default for History {
    fn default() -> Self {
        Self { file: None, keep: SignedDuration::from_hours(400 * 24), max_runs: None, off: false }
    }
}

pub(super) static HISTORY: Record = Record {
    what: "the history",
    least: Least::Required,
    fields: &[
        field(
            "file",
            Shape::Scalar(Scalar::Text),
            "The SQLite file, relative to this one; .portcullis/history.db of the working folder when absent.",
        ),
        field(
            "keep",
            Shape::Scalar(Scalar::Duration),
            "Runs older than this are forgotten; 400d when absent.",
        ),
        field(
            "max_runs",
            Shape::Scalar(Scalar::Number(1, 10_000_000)),
            "More runs than this are forgotten, the oldest first.",
        ),
        field("off", Shape::Scalar(Scalar::Bool), "Whether nothing is kept."),
    ],
};

pub(super) fn history(node: Option<&Node>) -> History {
    let said = |field: &str| node.and_then(|n| text(n, field));
    History {
        file: said("file"),
        keep: said("keep").and_then(|t| scalar::duration(&t)).unwrap_or(History::default().keep),
        max_runs: said("max_runs").and_then(|t| t.parse().ok()),
        off: said("off").as_deref() == Some("true"),
    }
}
