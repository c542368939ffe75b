use crate::finding::Side;
use crate::reach::{Hop, HopVerdict};

/// One hop of a path as people read it. Not escaped.
pub(in crate::report) fn hop(hop: &Hop) -> String {
    let verdict = match hop.verdict {
        HopVerdict::Passes => "passes",
        HopVerdict::PartlyPasses => "passes partly",
        HopVerdict::Blocks => "blocks",
        HopVerdict::Unknown => "unknown",
    };
    match &hop.entry {
        Some(entry) => format!("{} {}: {verdict} ({entry})", hop.layer, hop.id),
        None => format!("{} {}: {verdict}", hop.layer, hop.id),
    }
}

/// The word for a side of the evidence.
pub(in crate::report) const fn side(side: Side) -> &'static str {
    match side {
        Side::Declared => "declared",
        Side::Configured => "configured",
        Side::Observed => "observed",
        Side::Inventory => "inventory",
    }
}
