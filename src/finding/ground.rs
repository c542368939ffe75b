use crate::snapshot::{Acl, Interface, RouteTable, SecurityGroup, Snapshot};
use std::collections::BTreeMap;

/// The resources that mends speak of, by id, with the account and region they are in.
#[derive(Debug, Default)]
pub struct Ground<'a> {
    groups: BTreeMap<&'a str, (Region<'a>, &'a SecurityGroup)>,
    interfaces: BTreeMap<&'a str, (Region<'a>, &'a Interface)>,
    acls: BTreeMap<&'a str, (Region<'a>, &'a Acl)>,
    tables: BTreeMap<&'a str, (Region<'a>, &'a RouteTable)>,
    /// Internet gateways by the VPC they are attached to.
    gateways: BTreeMap<&'a str, &'a str>,
}

/// Where a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region<'a>(pub(super) &'a str);

impl<'a> Ground<'a> {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut ground = Self::default();
        for view in &snapshot.regions {
            let at = Region(&view.region);
            for group in &view.security_groups {
                ground.groups.insert(&group.group_id, (at, group));
            }
            for interface in &view.network_interfaces {
                ground.interfaces.insert(&interface.network_interface_id, (at, interface));
            }
            for acl in &view.network_acls {
                ground.acls.insert(&acl.network_acl_id, (at, acl));
            }
            for table in &view.route_tables {
                ground.tables.insert(&table.route_table_id, (at, table));
            }
            for gateway in &view.internet_gateways {
                for vpc in gateway.attachments.iter().filter_map(|a| a.vpc_id.as_deref()) {
                    ground.gateways.insert(vpc, &gateway.internet_gateway_id);
                }
            }
        }
        ground
    }

    pub(super) fn group(&self, id: &str) -> Option<(Region<'a>, &'a SecurityGroup)> {
        self.groups.get(id).copied()
    }

    pub(super) fn interface(&self, id: &str) -> Option<(Region<'a>, &'a Interface)> {
        self.interfaces.get(id).copied()
    }

    /// The ids of the groups on an interface.
    pub fn groups_of(&self, interface: &str) -> impl Iterator<Item = &'a str> {
        let found = self.interface(interface);
        found.into_iter().flat_map(|(_, i)| i.groups.iter().map(|g| g.group_id.as_str()))
    }

    pub(super) fn acl(&self, id: &str) -> Option<(Region<'a>, &'a Acl)> {
        self.acls.get(id).copied()
    }

    pub(super) fn table(&self, id: &str) -> Option<(Region<'a>, &'a RouteTable)> {
        self.tables.get(id).copied()
    }

    /// The internet gateway of a VPC.
    pub(super) fn gateway(&self, vpc: &str) -> Option<&'a str> {
        self.gateways.get(vpc).copied()
    }
}
