//! Journeys as people read them: hosts as rows, profiles as columns.

use crate::audit::AuditReport;
use crate::exposure::{JourneyCell, JourneyOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that are shown whatever is in them; with more hosts those where everything works are counted.
const FEW: usize = 12;

/// One journey of one role, from one vantage.
pub(super) struct Matrix<'a> {
    pub(super) role: &'a str,
    pub(super) journey: &'a str,
    /// `None` where no vantage speaks for any of its clients.
    pub(super) vantage: Option<&'a str>,
    /// Sorted.
    pub(super) profiles: Vec<&'a str>,
    /// Host and a cell for each profile, in their order.
    pub(super) rows: Vec<(&'a str, Vec<Option<&'a JourneyCell>>)>,
    /// Hosts for which everything works, where they are not shown.
    pub(super) hidden: usize,
}

/// Every journey of a report.
pub(super) fn matrices(report: &AuditReport) -> Vec<Matrix<'_>> {
    let mut parts: BTreeMap<(&str, &str, Option<&str>), Vec<&JourneyCell>> = BTreeMap::new();
    for cell in &report.journeys {
        let key = (&*cell.role, &*cell.journey, cell.vantage.as_deref());
        parts.entry(key).or_default().push(cell);
    }
    parts
        .into_iter()
        .map(|((role, journey, vantage), cells)| {
            let profiles: BTreeSet<&str> = cells.iter().map(|c| &*c.profile).collect();
            let profiles: Vec<&str> = profiles.into_iter().collect();
            let mut rows: BTreeMap<&str, Vec<Option<&JourneyCell>>> = BTreeMap::new();
            for cell in cells {
                let row = rows.entry(&cell.host).or_insert_with(|| vec![None; profiles.len()]);
                if let Ok(at) = profiles.binary_search(&&*cell.profile) {
                    row[at] = Some(cell);
                }
            }
            let all = rows.len();
            let works = |c: &Option<&JourneyCell>| c.is_none_or(|c| c.outcome.works());
            rows.retain(|_, row| all <= FEW || !row.iter().all(works));
            let hidden = all - rows.len();
            Matrix { role, journey, vantage, profiles, rows: rows.into_iter().collect(), hidden }
        })
        .collect()
}

impl Matrix<'_> {
    /// What the matrix is about, in words. Not escaped.
    pub(super) fn title(&self) -> String {
        let from = match self.vantage {
            Some(vantage) => format!("from {vantage}"),
            None => "from no vantage".into(),
        };
        format!("journey {} of {}, {from}", self.journey, self.role)
    }

    /// How many hosts are not shown, in words; nothing where all are.
    pub(super) fn rest(&self) -> Option<String> {
        let n = self.hidden;
        let hosts = if n == 1 { "1 more host".into() } else { format!("{n} more hosts") };
        (n > 0).then(|| format!("{hosts}: every profile works"))
    }
}

/// A cell in a word or two: the service by which it works, or what became of it. Not escaped.
pub(super) fn word(cell: Option<&JourneyCell>) -> String {
    match cell.map(|c| &c.outcome) {
        None => "-".into(),
        Some(JourneyOutcome::Works { service }) => format!("ok, {service}"),
        Some(JourneyOutcome::Broken) => "BROKEN".into(),
        Some(other) => other.name().into(),
    }
}
