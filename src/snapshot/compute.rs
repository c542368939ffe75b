use super::{BlockDevice, Tag};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// An EC2 instance. Its interfaces and groups are read from the interfaces, never from here (R2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Instance {
    pub instance_id: String,
    pub image_id: Option<String>,
    pub instance_type: Option<String>,
    pub state: InstanceState,
    pub subnet_id: Option<String>,
    pub vpc_id: Option<String>,
    pub private_ip_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_dns_name: Option<String>,
    pub public_ip_address: Option<IpAddr>,
    /// When it was started last.
    pub launch_time: Option<String>,
    /// Who stopped it, and when: `User initiated (2026-01-15 08:00:00 GMT)`. Empty while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_transition_reason: Option<String>,
    /// Its devices; `None` in snapshots of before they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_device_mappings: Option<Vec<BlockDevice>>,
    pub tags: Vec<Tag>,
}

/// `Name` is one of pending, running, shutting-down, terminated, stopping, stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct InstanceState {
    pub name: String,
}

/// An Auto Scaling group, for membership.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AutoScalingGroup {
    pub auto_scaling_group_name: String,
    #[serde(rename = "AutoScalingGroupARN")]
    pub auto_scaling_group_arn: Option<String>,
    pub min_size: i32,
    pub max_size: i32,
    pub desired_capacity: i32,
    pub instances: Vec<AutoScalingInstance>,
    #[serde(rename = "TargetGroupARNs")]
    pub target_group_arns: Vec<String>,
    pub tags: Vec<Tag>,
}

/// One member of an Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AutoScalingInstance {
    pub instance_id: String,
    pub lifecycle_state: String,
    pub health_status: String,
}

/// An RDS instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DbInstance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub db_instance_identifier: String,
    #[serde(rename = "DBInstanceArn")]
    pub db_instance_arn: Option<String>,
    pub engine: Option<String>,
    #[serde(rename = "DBInstanceStatus")]
    pub db_instance_status: Option<String>,
    pub publicly_accessible: bool,
    pub endpoint: Option<DbEndpoint>,
    pub vpc_security_groups: Vec<DbSecurityGroup>,
    #[serde(rename = "DBSubnetGroup")]
    pub db_subnet_group: Option<DbSubnetGroup>,
    #[serde(alias = "TagList")]
    pub tags: Vec<Tag>,
}

/// Where an RDS instance listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DbEndpoint {
    pub address: Option<String>,
    pub port: Option<u16>,
}

/// A group of an RDS instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DbSecurityGroup {
    pub vpc_security_group_id: String,
    pub status: Option<String>,
}

/// The subnets of an RDS instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DbSubnetGroup {
    #[serde(rename = "DBSubnetGroupName")]
    pub db_subnet_group_name: Option<String>,
    pub vpc_id: Option<String>,
    pub subnets: Vec<DbSubnet>,
}

/// One subnet of an RDS subnet group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DbSubnet {
    pub subnet_identifier: Option<String>,
}
