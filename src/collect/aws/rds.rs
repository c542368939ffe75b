use super::parse::{Malformed, id, port, tag, text};
use super::read::{Page, Read, drain};
use crate::snapshot::{DbEndpoint, DbInstance, DbSecurityGroup, DbSubnet, DbSubnetGroup};
use aws_sdk_rds::{Client, types};

/// The largest page of `DescribeDBInstances`.
const PAGE: i32 = 100;

/// Reads `DescribeDBInstances`.
pub(super) async fn read(rds: &Client) -> Read<DbInstance> {
    let pages = rds.describe_db_instances().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.db_instances(), instance, page.marker())).await
}

fn instance(row: &types::DbInstance) -> Result<DbInstance, Malformed> {
    let name = id("DBInstanceIdentifier", row.db_instance_identifier())?;
    let endpoint = |e: &types::Endpoint| {
        Ok(DbEndpoint { address: text(e.address()), port: port("Port", e.port())? })
    };
    Ok(DbInstance {
        db_instance_arn: text(row.db_instance_arn()),
        engine: text(row.engine()),
        db_instance_status: text(row.db_instance_status()),
        publicly_accessible: row.publicly_accessible().unwrap_or_default(),
        endpoint: row
            .endpoint()
            .map(endpoint)
            .transpose()
            .map_err(|e: Malformed| e.within(&name))?,
        vpc_security_groups: row
            .vpc_security_groups()
            .iter()
            .map(|g| {
                Ok(DbSecurityGroup {
                    vpc_security_group_id: id("VpcSecurityGroupId", g.vpc_security_group_id())?,
                    status: text(g.status()),
                })
            })
            .collect::<Result<_, Malformed>>()
            .map_err(|e| e.within(&name))?,
        db_subnet_group: row.db_subnet_group().map(|g| DbSubnetGroup {
            db_subnet_group_name: text(g.db_subnet_group_name()),
            vpc_id: text(g.vpc_id()),
            subnets: g
                .subnets()
                .iter()
                .map(|s| DbSubnet { subnet_identifier: text(s.subnet_identifier()) })
                .collect(),
        }),
        tags: row.tag_list().iter().map(|t| tag(t.key(), t.value())).collect(),
        db_instance_identifier: name,
    })
}
