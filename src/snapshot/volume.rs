use super::Tag;
use serde::{Deserialize, Serialize};

/// An EBS volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Volume {
    pub volume_id: String,
    /// `creating`, `available`, `in-use`, `deleting`, `deleted`, `error`.
    pub state: Option<String>,
    /// Size in GiB.
    pub size: Option<i32>,
    pub volume_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iops: Option<i32>,
    /// In MiB a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<i32>,
    pub availability_zone: Option<String>,
    /// What it was made from; absent or empty where it was made blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    pub create_time: Option<String>,
    pub attachments: Vec<VolumeAttachment>,
    pub tags: Vec<Tag>,
}

/// Where a volume is attached.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VolumeAttachment {
    pub instance_id: Option<String>,
    pub device: Option<String>,
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach_time: Option<String>,
}

/// A device of an instance, as the instance itself tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BlockDevice {
    pub device_name: Option<String>,
    pub ebs: Option<EbsDevice>,
}

/// The volume behind a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EbsDevice {
    pub volume_id: Option<String>,
    pub status: Option<String>,
}
