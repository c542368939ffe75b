use crate::collect::aws::parse::{Malformed, id, parsed, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{PrefixList, PrefixListEntry};
use aws_sdk_ec2::Client;

/// The largest page of both operations.
const PAGE: i32 = 100;

/// Reads `DescribeManagedPrefixLists`, without the entries.
pub(in crate::collect::aws) async fn lists(ec2: &Client) -> Read<PrefixList> {
    let pages = ec2.describe_managed_prefix_lists().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.prefix_lists(),
            |row| {
                Ok(PrefixList {
                    prefix_list_id: id("PrefixListId", row.prefix_list_id())?,
                    prefix_list_name: text(row.prefix_list_name()),
                    owner_id: text(row.owner_id()),
                    address_family: text(row.address_family()),
                    entries: None,
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `GetManagedPrefixListEntries` of one list.
pub(in crate::collect::aws) async fn entries(ec2: Client, list: String) -> Read<PrefixListEntry> {
    let pages = ec2
        .get_managed_prefix_list_entries()
        .prefix_list_id(&list)
        .into_paginator()
        .page_size(PAGE)
        .send();
    drain(pages, |page| {
        Page::of(
            page.entries(),
            |row| {
                let cidr = parsed("Cidr", row.cidr()).map_err(|e| e.within(&list))?;
                let cidr = cidr.ok_or_else(|| Malformed::new("Cidr", "").within(&list))?;
                Ok(PrefixListEntry { cidr, description: text(row.description()) })
            },
            page.next_token(),
        )
    })
    .await
}
