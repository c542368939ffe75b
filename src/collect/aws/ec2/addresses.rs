use crate::collect::aws::parse::{Malformed, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, whole};
use crate::snapshot::Address;
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeAddresses`, which answers everything at once.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<Address> {
    let answer = Box::pin(ec2.describe_addresses().send()).await;
    whole(answer, |page| Page::of(page.addresses(), address, None))
}

fn address(row: &types::Address) -> Result<Address, Malformed> {
    let name = row.allocation_id().or(row.public_ip()).unwrap_or_default();
    let within = |e: Malformed| e.within(name);
    if name.is_empty() {
        return Err(Malformed::new("AllocationId", ""));
    }
    Ok(Address {
        allocation_id: text(row.allocation_id()),
        association_id: text(row.association_id()),
        public_ip: parsed("PublicIp", row.public_ip()).map_err(within)?,
        private_ip_address: parsed("PrivateIpAddress", row.private_ip_address()).map_err(within)?,
        instance_id: text(row.instance_id()),
        network_interface_id: text(row.network_interface_id()),
        tags: tags(row.tags()),
    })
}
