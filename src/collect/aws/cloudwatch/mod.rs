//! Traffic of instances. `GetMetricData` is billed by the metric, so it is asked of running instances, and of
//! those that a quarantine stopped, for a cleanup alone.

mod wire;

pub(super) use wire::Client;

use super::read::Read;
use crate::snapshot::{Outcome, Traffic, TrafficDay};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Most queries of one call, and so half as many instances.
const QUERIES: usize = 500;
/// The metrics that are added up.
const METRICS: [&str; 2] = ["NetworkIn", "NetworkOut"];
/// Seconds of a datapoint.
const HOUR: i64 = 3600;
/// Hours of a day, and days that are asked for.
const HOURS: usize = 24;
const DAYS: usize = 14;

/// Reads what these instances moved in the two weeks before `now`. One of which nothing is known is
/// not among the rows.
pub(super) async fn traffic(
    cloudwatch: &Client,
    instances: Vec<String>,
    now: Timestamp,
) -> Read<Traffic> {
    let ask = |asked: Value| async move { cloudwatch.get_metric_data(&asked).await };
    read(instances, now, ask).await
}

async fn read<F: Future<Output = Result<Value, Outcome>>>(
    instances: Vec<String>,
    now: Timestamp,
    ask: impl Fn(Value) -> F,
) -> Read<Traffic> {
    let until = now.as_second().div_euclid(HOUR) * HOUR;
    let mut rows = Vec::new();
    let mut lost: Option<Outcome> = None;
    let chunks: Vec<&[String]> = instances.chunks(QUERIES / METRICS.len()).collect();
    for chunk in &chunks {
        match part(chunk, until, &ask).await {
            Ok(some) => rows.extend(some),
            Err(why) => lost = lost.or(Some(why)),
        }
    }
    let outcome = match lost {
        None => Outcome::Complete,
        Some(why) if rows.is_empty() => why,
        Some(why) => Outcome::Truncated(format!("of some of {} parts: {why}", chunks.len())),
    };
    Read { rows, outcome }
}

/// A page of the answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    metric_data_results: Vec<Told>,
    next_token: Option<String>,
}

/// What a page says to one query.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    id: String,
    #[serde(default)]
    status_code: Option<String>,
    /// Seconds, with parts of them where the service likes to.
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

/// All pages for a few instances: of a part of the answer nothing is kept, or hours would be missing
/// that the metric has.
async fn part<F: Future<Output = Result<Value, Outcome>>>(
    instances: &[String],
    until: i64,
    ask: &impl Fn(Value) -> F,
) -> Result<Vec<Traffic>, Outcome> {
    let mut hours: BTreeMap<usize, Hours> = BTreeMap::new();
    let mut status: BTreeMap<String, String> = BTreeMap::new();
    let mut tokens: BTreeSet<String> = BTreeSet::new();
    let mut token: Option<String> = None;
    loop {
        let answer = ask(question(instances, until, token.as_deref())).await?;
        let page: Page = serde_json::from_value(answer)
            .map_err(|e| Outcome::Failed(format!("unreadable answer: {e}")))?;
        for told in page.metric_data_results {
            if let Some((n, metric)) = place(&told.id) {
                hours.entry(n).or_default().add(metric, &told, until);
            }
            status.insert(told.id, told.status_code.unwrap_or_else(|| "Complete".into()));
        }
        match page.next_token.filter(|t| !t.is_empty()) {
            None => break,
            Some(next) if !tokens.insert(next.clone()) => {
                let why = "a page says that there is more, and gives no way on";
                return Err(Outcome::Truncated(why.into()));
            }
            next => token = next,
        }
    }
    // A metric that is not told whole would look like hours of silence.
    match status.values().find(|code| *code != "Complete").map(String::as_str) {
        Some("Forbidden") => Err(Outcome::Denied("Forbidden".into())),
        Some(code) => Err(Outcome::Failed(code.chars().take(40).collect())),
        None => Ok(hours
            .into_iter()
            .filter(|(_, hours)| !hours.0.is_empty())
            .filter_map(|(n, hours)| Some(hours.told(instances.get(n)?, until)))
            .collect()),
    }
}

/// The question for some instances, by full hours.
fn question(instances: &[String], until: i64, token: Option<&str>) -> Value {
    let all = instances.iter().enumerate();
    let queries: Vec<Value> = all.flat_map(|(n, instance)| queries(n, instance)).collect();
    let from = until - HOUR * i64::try_from(HOURS * DAYS).unwrap_or_default();
    let mut asked = json!({
        "MetricDataQueries": queries, "StartTime": from, "EndTime": until,
    });
    if let Some(token) = token {
        asked["NextToken"] = json!(token);
    }
    asked
}

/// The queries of one instance.
fn queries(n: usize, instance: &str) -> Vec<Value> {
    let query = |(m, name): (usize, &str)| {
        json!({
            "Id": format!("m{m}_{n}"),
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": name,
                    "Dimensions": [{ "Name": "InstanceId", "Value": instance }],
                },
                "Period": HOUR,
                "Stat": "Sum",
            },
        })
    };
    METRICS.into_iter().enumerate().map(query).collect()
}

/// The instance and the metric that a query's id stands for.
fn place(id: &str) -> Option<(usize, usize)> {
    let (metric, n) = id.strip_prefix('m')?.split_once('_')?;
    Some((n.parse().ok()?, metric.parse().ok().filter(|m| *m < METRICS.len())?))
}

/// Bytes of each metric by hours back from the end.
#[derive(Default)]
struct Hours(BTreeMap<usize, [Option<u64>; METRICS.len()]>);

impl Hours {
    fn add(&mut self, metric: usize, told: &Told, until: i64) {
        for (at, value) in told.timestamps.iter().zip(&told.values) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "they saturate, and neither seconds nor bytes reach that far"
            )]
            let (at, bytes) = (*at as i64, *value as u64);
            // A datapoint's time is its hour's beginning.
            let back = (until - 1 - at).div_euclid(HOUR);
            let Some(back) = usize::try_from(back).ok().filter(|b| *b < HOURS * DAYS) else {
                continue;
            };
            let hour = self.0.entry(back).or_default();
            hour[metric] = Some(hour[metric].unwrap_or_default().saturating_add(bytes));
        }
    }

    fn told(self, instance: &str, until: i64) -> Traffic {
        let mut row = Traffic {
            instance_id: instance.to_owned(),
            until: Timestamp::from_second(until).ok(),
            days: vec![TrafficDay::default(); DAYS],
            latest_hours: Vec::new(),
            newest: self.0.keys().next().and_then(|back| {
                let begins = until - HOUR * (i64::try_from(*back).ok()? + 1);
                Timestamp::from_second(begins).ok()
            }),
        };
        for (back, metrics) in self.0 {
            let bytes = metrics.iter().flatten().fold(0_u64, |sum, b| sum.saturating_add(*b));
            let day = &mut row.days[back / HOURS];
            day.hours += u32::from(metrics.iter().all(Option::is_some));
            day.bytes = day.bytes.saturating_add(bytes);
            if back < HOURS {
                row.latest_hours.push(bytes);
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full hour, 2026-01-15T00:00:00Z.
    const MIDNIGHT: i64 = 1_768_435_200;

    /// Reads by what `answer` says to each question.
    fn told(instances: usize, answer: impl Fn(&Value) -> Result<Value, Outcome>) -> Read<Traffic> {
        let ids = (0..instances).map(|n| format!("i-{n}")).collect();
        // Half an hour after the full hour: the hour that runs is no hour yet.
        let now = Timestamp::from_second(MIDNIGHT + HOUR / 2).expect("a time");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let ask = |asked: Value| std::future::ready(answer(&asked));
        runtime.expect("a runtime").block_on(read(ids, now, ask))
    }

    fn result(id: &str, code: &str, hours: &[(i64, f64)]) -> Value {
        let times: Vec<i64> = hours.iter().map(|(back, _)| MIDNIGHT - back * HOUR).collect();
        let values: Vec<f64> = hours.iter().map(|(_, v)| *v).collect();
        json!({ "Id": id, "StatusCode": code, "Timestamps": times, "Values": values })
    }

    #[test]
    fn hours_of_both_metrics_on_all_pages_become_days() {
        let read = told(2, |asked| {
            assert_eq!(asked["StartTime"], MIDNIGHT - 14 * 24 * HOUR);
            assert_eq!(asked["EndTime"], MIDNIGHT);
            Ok(match asked.get("NextToken") {
                None => json!({ "NextToken": "more", "MetricDataResults": [
                    result("m0_0", "PartialData", &[(1, 10.0)]),
                    result("m1_0", "Complete", &[(1, 5.0), (24, 7.0)]),
                    result("m0_1", "Complete", &[]),
                ] }),
                Some(_) => json!({ "MetricDataResults": [
                    result("m0_0", "Complete", &[(2, 1.0), (25, 3.0)]),
                ] }),
            })
        });
        assert_eq!(read.outcome, Outcome::Complete);
        let [row] = read.rows.as_slice() else { panic!("{:?}", read.rows) };
        assert_eq!(row.instance_id, "i-0", "of the other nothing is known");
        assert_eq!(row.until, Timestamp::from_second(MIDNIGHT).ok());
        assert_eq!(row.latest_hours, [15, 1, 7]);
        assert_eq!(row.newest, Timestamp::from_second(MIDNIGHT - HOUR).ok());
        // An hour of one metric alone is no hour.
        assert_eq!(row.days[0], TrafficDay { hours: 1, bytes: 23 });
        assert_eq!(row.days[1], TrafficDay { hours: 0, bytes: 3 });
        assert_eq!(row.days.len(), 14);
    }

    #[test]
    fn five_hundred_queries_a_call_and_what_one_lacks_the_others_keep() {
        let some = told(251, |asked| {
            let queries = asked["MetricDataQueries"].as_array().map_or(0, Vec::len);
            assert!(queries <= 500, "{queries}");
            let code = if queries < 500 { "Forbidden" } else { "Complete" };
            Ok(json!({ "MetricDataResults": [result("m0_249", code, &[(1, 1.0)])] }))
        });
        assert_eq!(some.rows.len(), 1);
        assert_eq!(some.rows[0].instance_id, "i-249");
        let why = "of some of 2 parts: denied: Forbidden";
        assert_eq!(some.outcome, Outcome::Truncated(why.into()));
    }

    #[test]
    fn what_is_denied_or_told_in_part_is_never_silence() {
        let denied = Outcome::Denied("AccessDenied".into());
        let read = told(1, |_| Err(denied.clone()));
        assert_eq!((read.rows.len(), read.outcome), (0, denied));
        let read = told(1, |_| {
            Ok(json!({ "MetricDataResults": [result("m0_0", "InternalError", &[(1, 0.0)])] }))
        });
        assert_eq!((read.rows.len(), read.outcome), (0, Outcome::Failed("InternalError".into())));
        // A token that repeats is not the end of the list.
        let read = told(1, |_| Ok(json!({ "NextToken": "x", "MetricDataResults": [] })));
        assert!(matches!(read.outcome, Outcome::Truncated(_)), "{}", read.outcome);
    }
}
