use super::facts::{FactDoc, Facts};

/// A text with `{fact}` in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fact(String),
}

impl Template {
    /// Reads a template over documented facts. The error fits after "cannot".
    pub(super) fn read(text: &str, known: &[FactDoc]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').map(|i| open + i);
            let Some(close) = close else {
                return Err(format!("read `{}`: the `{{` is never closed", &rest[open..]));
            };
            let name = &rest[open + 1..close];
            if !known.iter().any(|f| f.name == name) {
                return Err(unknown(name, known));
            }
            parts.push(Part::Text(rest[..open].into()));
            parts.push(Part::Fact(name.into()));
            rest = &rest[close + 1..];
        }
        parts.push(Part::Text(rest.into()));
        Ok(Self(parts))
    }

    /// Writes the text with the facts of one row or case.
    #[must_use]
    pub fn fill(&self, facts: &dyn Facts) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Fact(name) => {
                    out.extend(facts.fact(name).map(|f| f.to_string()));
                }
            }
        }
        out
    }
}

/// Says that a name is not a documented fact, and which are.
pub(super) fn unknown(name: &str, known: &[FactDoc]) -> String {
    let names: Vec<&str> = known.iter().map(|f| f.name).collect();
    format!("use `{name}`: it is not a fact of this kind of rule; known are {}", names.join(", "))
}
