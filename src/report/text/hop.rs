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
        Some(entry) => format!("{}: {verdict} ({entry})", hop.layer.component(&hop.id)),
        None => format!("{}: {verdict}", hop.layer.component(&hop.id)),
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

#[cfg(test)]
mod tests {
    use super::hop;
    use crate::reach::{Hop, HopVerdict, Layer};

    #[test]
    fn the_one_internet_is_named_once() {
        let at = |layer, id: &str, entry: Option<&str>| Hop {
            layer,
            id: id.into(),
            verdict: HopVerdict::Passes,
            entry: entry.map(Into::into),
        };
        assert_eq!(hop(&at(Layer::Internet, "internet", None)), "internet: passes");
        let vpc = at(Layer::Vpc, "vpc-1", Some("local"));
        assert_eq!(hop(&vpc), "vpc vpc-1: passes (local)");
    }
}
