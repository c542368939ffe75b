use crate::snapshot::{Acl, Interface, RouteTable, SecurityGroup, Snapshot};
use std::collections::BTreeMap;

/// The resources that mends speak of, by id, with the account and region they are in.
#[derive(Debug, Default)]
pub struct Ground<'a> {
    groups: BTreeMap<&'a str, (Region<'a>, &'a SecurityGroup)>,
    interfaces: BTreeMap<&'a str, (Region<'a>, &'a Interface)>,
    acls: BTreeMap<&'a str, (Region<'a>, &'a Acl)>,
    tables: BTreeMap<&'a str, (Region<'a>, &'a RouteTable)>,
    /// How many interfaces carry each group.
    carried: BTreeMap<&'a str, usize>,
    /// The account of each interface, and how many accounts there are.
    accounts: BTreeMap<&'a str, &'a str>,
    several: bool,
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
        let several = snapshot.regions.windows(2).any(|two| two[0].account != two[1].account);
        let mut ground = Self { several, ..Self::default() };
        for view in &snapshot.regions {
            let at = Region(&view.region);
            for group in &view.security_groups {
                ground.groups.insert(&group.group_id, (at, group));
            }
            for interface in &view.network_interfaces {
                ground.interfaces.insert(&interface.network_interface_id, (at, interface));
                ground.accounts.insert(&interface.network_interface_id, &view.account);
                for group in &interface.groups {
                    *ground.carried.entry(&group.group_id).or_default() += 1;
                }
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

    /// How many interfaces carry a group.
    pub(super) fn carriers(&self, group: &str) -> usize {
        self.carried.get(group).copied().unwrap_or_default()
    }

    /// The account of an interface, where there are several to mistake it for.
    #[must_use]
    pub fn account(&self, interface: &str) -> Option<&'a str> {
        self.accounts.get(interface).copied().filter(|_| self.several)
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
