//! What people declared: spec files, read, merged and validated, all errors at once.

pub mod config;
mod error;
mod format;
mod lower;
mod model;
mod node;
mod pattern;
mod picture;
mod scalar;
mod schema;
mod shape;
mod source;
mod structure;
mod suggest;
mod yaml;

pub use error::{Also, MAX_TOLD, SpecErrors, Told};
pub use model::{
    Control, Count, DeclaredGroup, DeclaredHost, DeclaredPermission, Fact, Journey, Name, Network,
    Pattern, Peer, Permit, Place, Profile, Role, Selector, Service, Spec, Unjudged, Waiver,
};
pub use source::Source;
pub use yaml::{MAX_DEPTH, MAX_FILE_BYTES, MAX_VALUES};

use std::sync::Arc;

/// Reads, merges and validates spec files.
///
/// The order of `sources` does not matter for what is declared, only for which of two equal names
/// is called the second one.
///
/// # Errors
/// Everything wrong with all of the files, in their order, each with its place, a picture of the
/// line and what to do.
pub fn load(sources: &[Source]) -> Result<Spec, SpecErrors> {
    let names = names(sources);
    let mut errors = Vec::new();
    let mut budget = MAX_VALUES;
    let mut documents = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let file = u32::try_from(i).unwrap_or(u32::MAX);
        if let Some(node) = yaml::read(file, &source.bytes, &mut budget, &mut errors) {
            structure::check(&node, &shape::Shape::Record(&format::SPEC), &mut errors);
            documents.push(node);
        }
    }
    let spec = lower::lower(&documents, &names, &mut errors);
    if errors.is_empty() { Ok(spec) } else { Err(SpecErrors::new(errors, sources, &names)) }
}

/// The JSON Schema (draft 2020-12) of a spec file.
///
/// It is made from the tables that the decoder itself reads by, and tells what can be told without
/// looking at two places at once: references, ranges and repeated names are left to [`load`].
#[must_use]
pub fn schema() -> serde_json::Value {
    schema::document(&format::SPEC, "Portcullis spec")
}

fn names(sources: &[Source]) -> Vec<Arc<str>> {
    sources.iter().map(|s| Arc::from(s.name.as_str())).collect()
}

#[cfg(test)]
mod tests;
