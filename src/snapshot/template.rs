use super::Tag;
use serde::{Deserialize, Serialize};

/// A launch template, with every version of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LaunchTemplate {
    pub launch_template_id: String,
    pub launch_template_name: Option<String>,
    pub default_version_number: Option<i64>,
    pub latest_version_number: Option<i64>,
    /// Any of them can be launched, by number; `None` where they were not read.
    pub versions: Option<Vec<LaunchTemplateVersion>>,
    pub tags: Vec<Tag>,
}

/// One version of a launch template.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LaunchTemplateVersion {
    pub version_number: i64,
    pub default_version: bool,
    pub launch_template_data: LaunchTemplateData,
}

/// What of a version names other things.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LaunchTemplateData {
    pub image_id: Option<String>,
    pub security_group_ids: Vec<String>,
    /// Groups by their names.
    pub security_groups: Vec<String>,
    pub network_interfaces: Vec<LaunchTemplateInterface>,
}

/// An interface that a version gives to what it launches: a new one, or one that there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LaunchTemplateInterface {
    pub network_interface_id: Option<String>,
    pub groups: Vec<String>,
}

/// A launch configuration of Auto Scaling, which came before launch templates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LaunchConfiguration {
    pub launch_configuration_name: String,
    #[serde(rename = "LaunchConfigurationARN")]
    pub launch_configuration_arn: Option<String>,
    pub image_id: Option<String>,
    /// Groups by their ids, or by their names as EC2-Classic had them.
    pub security_groups: Vec<String>,
    #[serde(rename = "ClassicLinkVPCSecurityGroups")]
    pub classic_link_vpc_security_groups: Vec<String>,
}
