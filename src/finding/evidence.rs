use super::{Evidence, Side};
use crate::spec::Place;

impl Evidence {
    /// What the spec says, and where.
    #[must_use]
    pub fn declared(text: impl Into<String>, at: Option<&Place>) -> Self {
        Self {
            side: Side::Declared,
            text: text.into(),
            file: at.map(|p| p.file.to_string()),
            line: at.map(|p| p.line),
            column: at.map(|p| p.column),
            resource: None,
        }
    }

    /// What the cloud, a probe or the inventory says, and of which resource.
    #[must_use]
    pub fn seen(side: Side, text: impl Into<String>, resource: Option<String>) -> Self {
        Self { side, text: text.into(), file: None, line: None, column: None, resource }
    }
}
