//! Journeys as people read them: hosts as rows, profiles as columns.

use crate::exposure::{JourneyCell, JourneyOutcome};
use crate::observation::VantageSeen;
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
    /// Why the vantage speaks for none of the journey's clients; it has no rows then.
    pub(super) mute: Option<String>,
}

/// Every journey of a report, from every vantage.
pub(super) fn matrices<'a>(
    cells: &'a [JourneyCell],
    vantages: &'a [VantageSeen],
) -> Vec<Matrix<'a>> {
    let mut parts: BTreeMap<(&str, &str, Option<&str>), Vec<&JourneyCell>> = BTreeMap::new();
    for cell in cells {
        let key = (&*cell.role, &*cell.journey, cell.vantage.as_deref());
        parts.entry(key).or_default().push(cell);
        for vantage in vantages {
            parts.entry((&cell.role, &cell.journey, Some(&vantage.name))).or_default();
        }
    }
    parts
        .into_iter()
        .map(|((role, journey, vantage), cells)| {
            let mute = vantages
                .iter()
                .find(|v| cells.is_empty() && Some(&*v.name) == vantage)
                .map(speaks_for_none);
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
            let rows = rows.into_iter().collect();
            Matrix { role, journey, vantage, profiles, rows, hidden, mute }
        })
        .collect()
}

/// Why a vantage has no row, in words.
fn speaks_for_none(vantage: &VantageSeen) -> String {
    let at = [vantage.outside_v4, vantage.outside_v6].into_iter().flatten();
    let at: Vec<String> = at.map(|a| a.to_string()).collect();
    if at.is_empty() {
        "nothing told where it is, so it speaks for nobody".into()
    } else {
        format!("seen from outside as {}, it speaks for none of its clients", at.join(" and "))
    }
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
