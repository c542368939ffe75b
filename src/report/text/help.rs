use crate::audit::AuditReport;
use crate::model::{Gap, GapKind};
use crate::report::Style;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Says once what would let each kind of open gap be seen, and how to accept what cannot be.
pub(super) fn write(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let kinds: BTreeSet<GapKind> = report.open_gaps().map(|Gap { kind, .. }| *kind).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    let (frame, strong) = (style.frame(), style.strong());
    let mut help =
        |text: &str| writeln!(out, "   {frame}={frame:#} {strong}help{strong:#}: {text}");
    let told: BTreeSet<&str> =
        kinds.iter().filter_map(|k| advice(*k, report.vantages.is_empty())).collect();
    for advice in told {
        help(advice)?;
    }
    let names: Vec<&str> = kinds.iter().map(|k| k.name()).collect();
    help(&format!("what cannot be seen is accepted with --allow-gaps={}", names.join(",")))
}

/// What would close a gap of this kind; nothing where its own words say all there is.
const fn advice(kind: GapKind, unprobed: bool) -> Option<&'static str> {
    match kind {
        GapKind::Vantage if unprobed => Some(
            "nothing was probed: without --offline and --no-probe this machine probes what it may",
        ),
        GapKind::Vantage => Some(
            "probe from where the clients are, and say where that is: `address:` or `reflect:` under `vantages:` of portcullis.yaml",
        ),
        GapKind::Control => Some(
            "silence counts where `controls:` of the spec, which `scope:` must name, answer in the same run",
        ),
        GapKind::StaleSnapshot => Some(
            "collect again, say when saved answers were taken with --taken-at, or raise `snapshot_max_age` under `limits:` of portcullis.yaml",
        ),
        GapKind::Facts => Some(
            "have each source give each fact of each host, under the name that the role asks for (`rename:` of the source), and afresh: `fact_max_age` under `limits:` of portcullis.yaml",
        ),
        GapKind::Account
        | GapKind::NotModelled
        | GapKind::Probe
        | GapKind::Inventory
        | GapKind::NotJudged => None,
        _ => Some(
            "let the calls be made (`portcullis collect --print-policy` prints the permissions), or save their answers beside the others",
        ),
    }
}
