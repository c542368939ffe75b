use crate::collect::aws::parse::{Malformed, id, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{
    LaunchTemplate, LaunchTemplateData, LaunchTemplateInterface, LaunchTemplateVersion,
};
use aws_sdk_ec2::{Client, types};

/// The largest page of both operations.
const PAGE: i32 = 200;

/// Reads `DescribeLaunchTemplates`; versions are another call's.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<LaunchTemplate> {
    let pages = ec2.describe_launch_templates().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.launch_templates(), template, page.next_token())).await
}

fn template(row: &types::LaunchTemplate) -> Result<LaunchTemplate, Malformed> {
    Ok(LaunchTemplate {
        launch_template_id: id("LaunchTemplateId", row.launch_template_id())?,
        launch_template_name: text(row.launch_template_name()),
        default_version_number: row.default_version_number(),
        latest_version_number: row.latest_version_number(),
        versions: None,
        tags: tags(row.tags()),
    })
}

/// Reads `DescribeLaunchTemplateVersions` of one template: without a number it gives every version,
/// and whoever launches may name any.
pub(in crate::collect::aws) async fn versions(
    ec2: Client,
    template: String,
) -> Read<LaunchTemplateVersion> {
    let pages = ec2
        .describe_launch_template_versions()
        .launch_template_id(template)
        .into_paginator()
        .page_size(PAGE)
        .send();
    drain(pages, |page| Page::of(page.launch_template_versions(), version, page.next_token())).await
}

fn version(row: &types::LaunchTemplateVersion) -> Result<LaunchTemplateVersion, Malformed> {
    let number = row.version_number().ok_or_else(|| Malformed::new("VersionNumber", ""))?;
    // A version whose content did not come would look like one that names nothing.
    let data =
        row.launch_template_data().ok_or_else(|| Malformed::new("LaunchTemplateData", ""))?;
    let interface =
        |i: &types::LaunchTemplateInstanceNetworkInterfaceSpecification| LaunchTemplateInterface {
            network_interface_id: text(i.network_interface_id()),
            groups: i.groups().to_vec(),
        };
    Ok(LaunchTemplateVersion {
        version_number: number,
        default_version: row.default_version().unwrap_or_default(),
        launch_template_data: LaunchTemplateData {
            image_id: text(data.image_id()),
            security_group_ids: data.security_group_ids().to_vec(),
            security_groups: data.security_groups().to_vec(),
            network_interfaces: data.network_interfaces().iter().map(interface).collect(),
        },
    })
}
