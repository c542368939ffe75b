use super::{field, text};
use crate::spec::node::Node;
use crate::spec::scalar;
use crate::spec::shape::{Least, Record, Scalar, Shape};
use jiff::SignedDuration;

/// Bounds of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A snapshot older than this may not direct probes: addresses are recycled. One hour.
    pub snapshot_max_age: SignedDuration,
    /// Probe packets per second; 0 is unlimited; `None` is the prober's own default.
    pub rate: Option<u32>,
    /// Probes in flight; `None` is the prober's own default.
    pub in_flight: Option<u32>,
    /// The longest a survey may take; `None` is the prober's own default.
    pub deadline: Option<SignedDuration>,
    /// Ports of a range that are probed; `None` is the survey's own default.
    pub samples: Option<u32>,
    /// API calls per second, account, region and service; `None` is the collector's own default.
    pub collect_rate: Option<u32>,
    /// Accounts and regions read side by side; `None` is the collector's own default.
    pub collect_concurrency: Option<u32>,
    /// A fact gathered longer ago counts for nothing, where the spec does not say otherwise. A day:
    /// what runs nightly is not stale.
    pub fact_max_age: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            snapshot_max_age: SignedDuration::from_hours(1),
            rate: None,
            in_flight: None,
            deadline: None,
            samples: None,
            collect_rate: None,
            collect_concurrency: None,
            fact_max_age: SignedDuration::from_hours(24),
        }
    }
}

pub(super) static LIMITS: Record = Record {
    what: "limits",
    least: Least::Required,
    fields: &[
        field(
            "snapshot_max_age",
            Shape::Scalar(Scalar::Duration),
            "A snapshot older than this may not direct probes; 1h when absent.",
        ),
        field(
            "rate",
            Shape::Scalar(Scalar::Number(0, 10_000_000)),
            "Probe packets a second; 0 is unlimited.",
        ),
        field(
            "in_flight",
            Shape::Scalar(Scalar::Number(1, 1_000_000)),
            "Probes in flight at once.",
        ),
        field("deadline", Shape::Scalar(Scalar::Duration), "The longest a survey may take."),
        field(
            "samples",
            Shape::Scalar(Scalar::Number(1, 65_535)),
            "Ports of a declared range that are probed.",
        ),
        field(
            "collect_rate",
            Shape::Scalar(Scalar::Number(1, 10_000)),
            "API calls a second for each account, region and service.",
        ),
        field(
            "collect_concurrency",
            Shape::Scalar(Scalar::Number(1, 1_000)),
            "Accounts and regions read side by side.",
        ),
        field(
            "fact_max_age",
            Shape::Scalar(Scalar::Duration),
            "A fact gathered longer ago counts for nothing; 24h when absent.",
        ),
    ],
};

pub(super) fn limits(node: Option<&Node>) -> Limits {
    let number =
        |field: &str| node.and_then(|n| text(n, field)).and_then(|t| t.parse::<u32>().ok());
    let duration =
        |field: &str| node.and_then(|n| text(n, field)).and_then(|t| scalar::duration(&t));
    Limits {
        snapshot_max_age: duration("snapshot_max_age")
            .unwrap_or(Limits::default().snapshot_max_age),
        rate: number("rate"),
        in_flight: number("in_flight"),
        deadline: duration("deadline"),
        samples: number("samples"),
        collect_rate: number("collect_rate"),
        collect_concurrency: number("collect_concurrency"),
        fact_max_age: duration("fact_max_age").unwrap_or(Limits::default().fact_max_age),
    }
}
