use crate::audit::AuditReport;
use crate::finding::FindingStatus;
use crate::model::Severity;
use crate::observation::VantageSeen;
use crate::report::escape::line;
use crate::report::{Style, compared, counted};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Width};

#[derive(Default)]
struct Counts {
    fails: usize,
    open: usize,
    waived: usize,
    baselined: usize,
    unchanged: usize,
}

/// Writes the table of rules, then how much was looked at and from where.
pub(super) fn write(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if !report.findings.is_empty() {
        table(report, style, out)?;
    }
    let strong = style.strong();
    let failing = report.failing().count();
    let gaps = report.gaps.len();
    writeln!(
        out,
        "{strong}{}{strong:#}, {failing} that {} (at or above {}); {}, {} not accepted",
        counted(report.findings.len(), "finding"),
        if failing == 1 { "counts" } else { "count" },
        report.fail_on,
        counted(gaps, "gap"),
        report.open_gaps().count(),
    )?;
    for text in compared::summary(report).into_iter().chain(compared::baseline(report)) {
        writeln!(out, "{}", line(&text))?;
    }
    let coverage = &report.coverage;
    writeln!(
        out,
        "looked at {} in {}, {}, {}: {} of {} {}, {} probed",
        counted(coverage.hosts, "host"),
        counted(coverage.roles, "role"),
        counted(coverage.interfaces, "interface"),
        counted(coverage.groups, "group"),
        coverage.ok,
        counted(coverage.exposures, "exposure"),
        if coverage.exposures == 1 { "holds" } else { "hold" },
        counted(coverage.probed, "endpoint"),
    )?;
    for vantage in &report.vantages {
        writeln!(out, "vantage {}", line(&seen_from(vantage)))?;
    }
    for source in &report.facts {
        let read = match source.read_at {
            Some(at) => format!("{}, read at {at}", counted(source.hosts, "host")),
            None => "not read".into(),
        };
        writeln!(out, "facts {}: {read}", line(&source.name))?;
    }
    match report.snapshot_at {
        Some(taken) => writeln!(out, "at {}, snapshot of {taken}", report.at),
        None => writeln!(out, "at {}, without a snapshot", report.at),
    }
}

fn table(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: BTreeMap<(Reverse<Severity>, &str), Counts> = BTreeMap::new();
    for finding in &report.findings {
        let counts = rows.entry((Reverse(finding.severity), &finding.rule)).or_default();
        match finding.status {
            FindingStatus::Waived { .. } => counts.waived += 1,
            FindingStatus::Baselined => counts.baselined += 1,
            FindingStatus::Open if report.fails(finding) => counts.fails += 1,
            FindingStatus::Open if finding.severity >= report.fail_on => counts.unchanged += 1,
            FindingStatus::Open => counts.open += 1,
        }
    }
    let mut builder = Builder::default();
    let known = report.baseline.is_some().then_some("baselined");
    let before = report.compared.is_some().then_some("unchanged");
    let head = ["severity", "rule", "fails", "below", "waived"];
    builder.push_record(head.into_iter().chain(known).chain(before));
    for ((Reverse(severity), rule), counts) in rows {
        let Counts { fails, open, waived, baselined, unchanged } = counts;
        let mut record = vec![severity.to_string(), line(rule).into_owned()];
        record.extend([fails, open, waived].map(|n| n.to_string()));
        record.extend(known.map(|_| baselined.to_string()));
        record.extend(before.map(|_| unchanged.to_string()));
        builder.push_record(record);
    }
    let mut table = builder.build();
    table
        .with(tabled::settings::Style::sharp())
        .modify(Columns::new(2..), Alignment::right())
        .with(Width::wrap(style.width.max(40)));
    writeln!(out, "{table}")
}

fn seen_from(vantage: &VantageSeen) -> String {
    let family = |name, outside: Option<std::net::IpAddr>, controls| {
        let outside = outside.map_or_else(|| "no outside address".into(), |a| a.to_string());
        let controls = match controls {
            Some(true) => "controls answer",
            Some(false) => "controls silent",
            None => "no controls",
        };
        format!("{name} {outside}, {controls}")
    };
    format!(
        "{}: {}; {}",
        vantage.name,
        family("IPv4", vantage.outside_v4, vantage.controls_v4),
        family("IPv6", vantage.outside_v6, vantage.controls_v6),
    )
}
