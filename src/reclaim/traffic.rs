//! What CloudWatch's traffic of an instance says. An idle instance is not silent (time, updates, agents,
//! scanners), so between proof of use and proof of idleness lies what says nothing.

use super::place::Place;
use crate::cleanup::Claim;
use crate::snapshot::{CallKind, Traffic};
use jiff::Timestamp;

/// Bytes of a day, both ways, below which AWS's own Compute Optimizer calls an instance idle; it too
/// asks for each of fourteen days.
const IDLE_DAY: u64 = 5_000_000;
const DAYS: usize = 14;

/// Bytes of an hour that agents and updates reach now and then, and how many such hours of one day they
/// do not: a quarter of it.
const BUSY_HOUR: u64 = 1_000_000;
const BUSY_HOURS: usize = 6;

/// That it is in use: busy in many hours of the newest day.
pub(super) fn alive(place: &Place<'_>, id: &str) -> Option<Claim> {
    let row = place.uses.traffic.get(id)?;
    let busy = row.latest_hours.iter().filter(|bytes| **bytes >= BUSY_HOUR).count();
    let said = format!("1 MB or more in {busy} hours of the last day");
    (busy >= BUSY_HOURS).then(|| place.says(CallKind::MetricData, "traffic", said))
}

/// That it ran after it was stopped, in words: what is stopped has no datapoint. No sign of life, because it is
/// stopped now, but a state that its quarantine did not leave.
pub(super) fn since(place: &Place<'_>, id: &str, quarantine: Timestamp) -> Option<String> {
    let newest = place.uses.traffic.get(id)?.newest?;
    // The hour that it was stopped in has datapoints of before.
    (newest >= quarantine).then(|| format!("in the hour of {newest}, after it was stopped"))
}

/// That it is idle: under the line on each of fourteen days, every hour of which was told.
pub(super) fn silent(place: &Place<'_>, id: &str) -> Option<Claim> {
    let row: &Traffic = place.uses.traffic.get(id)?;
    let told = row.days.len() >= DAYS && row.days.iter().all(|day| day.hours == 24);
    let most = row.days.iter().map(|day| day.bytes).max()?;
    let said = format!(
        "at most {:.1} MB on any of {DAYS} days, below the 5 MB that an idle instance moves",
        most as f64 / 1e6
    );
    (told && most < IDLE_DAY).then(|| place.says(CallKind::MetricData, "no-traffic", said))
}
