use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an instance sent and received, by CloudWatch's `NetworkIn` and `NetworkOut`. The one row that is
/// no answer of AWS as it came: hours of two metrics are added up, or it would be a thousand numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Traffic {
    pub instance_id: String,
    /// The end of the newest day, a full hour.
    pub until: Option<Timestamp>,
    /// Days of twenty-four hours back from there, the newest first.
    pub days: Vec<TrafficDay>,
    /// Bytes of each hour of the newest day that has any datapoint, the newest first.
    pub latest_hours: Vec<u64>,
    /// When the newest hour that has any datapoint began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
}

/// One day of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TrafficDay {
    /// Hours of which both metrics have a datapoint.
    pub hours: u32,
    /// Bytes, both ways together.
    pub bytes: u64,
}
