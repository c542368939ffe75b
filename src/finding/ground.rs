use super::acl::Numbers;
use crate::model::AddressSet;
use crate::snapshot::{Acl, Interface, PrefixList, RouteTable, SecurityGroup, Snapshot};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The resources that mends speak of, by id, with the account and region they are in.
#[derive(Debug, Default)]
pub struct Ground<'a> {
    groups: BTreeMap<&'a str, (Region<'a>, &'a SecurityGroup)>,
    interfaces: BTreeMap<&'a str, (Region<'a>, &'a Interface)>,
    acls: BTreeMap<&'a str, (Region<'a>, &'a Acl)>,
    tables: BTreeMap<&'a str, (Region<'a>, &'a RouteTable)>,
    /// The state of each peering.
    peerings: BTreeMap<&'a str, &'a str>,
    /// How many interfaces carry each group.
    carried: BTreeMap<&'a str, usize>,
    /// The account of each interface, and how many accounts there are.
    accounts: BTreeMap<&'a str, &'a str>,
    several: bool,
    /// Internet gateways by the VPC they are attached to.
    gateways: BTreeMap<&'a str, &'a str>,
    /// Internet gateways that are attached to nothing.
    loose: BTreeSet<&'a str>,
    lists: BTreeMap<&'a str, &'a PrefixList>,
    /// Subnets, each with its VPC, and the table of those that have one of their own.
    subnets: BTreeMap<&'a str, &'a str>,
    own_tables: BTreeMap<&'a str, &'a str>,
    /// The subnets that name a network ACL.
    listed: BTreeSet<&'a str>,
    /// The instance, or the interface where it has none, and its interfaces, by subnet.
    in_subnet: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// The private addresses of each group's interfaces.
    in_group: BTreeMap<&'a str, Vec<IpAddr>>,
    /// Numbers that mends of one report take in network ACLs.
    pub(super) numbers: RefCell<Numbers>,
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
                let id = interface.network_interface_id.as_str();
                let instance = interface.attachment.as_ref().and_then(|a| a.instance_id.as_deref());
                if let Some(subnet) = interface.subnet_id.as_deref() {
                    let host = instance.unwrap_or(id);
                    ground.in_subnet.entry(subnet).or_default().push((host, id));
                }
                for group in &interface.groups {
                    let own = interface.private_ip_addresses.iter().map(|p| p.private_ip_address);
                    let all = own.chain([interface.private_ip_address]).flatten();
                    ground.in_group.entry(&group.group_id).or_default().extend(all);
                    *ground.carried.entry(&group.group_id).or_default() += 1;
                }
            }
            let peerings = view.vpc_peering_connections.iter();
            let peerings =
                peerings.map(|p| (p.vpc_peering_connection_id.as_str(), p.status.code.as_str()));
            ground.peerings.extend(peerings);
            for acl in &view.network_acls {
                ground.acls.insert(&acl.network_acl_id, (at, acl));
                ground
                    .listed
                    .extend(acl.associations.iter().filter_map(|a| a.subnet_id.as_deref()));
            }
            for table in &view.route_tables {
                ground.tables.insert(&table.route_table_id, (at, table));
                for subnet in table.associations.iter().filter_map(|a| a.subnet_id.as_deref()) {
                    ground.own_tables.insert(subnet, &table.route_table_id);
                }
            }
            for gateway in &view.internet_gateways {
                let attached =
                    gateway.attachments.iter().filter(|a| a.state.as_deref() != Some("detached"));
                let vpcs: Vec<&str> = attached.filter_map(|a| a.vpc_id.as_deref()).collect();
                if vpcs.is_empty() {
                    ground.loose.insert(&gateway.internet_gateway_id);
                }
                for vpc in vpcs {
                    ground.gateways.insert(vpc, &gateway.internet_gateway_id);
                }
            }
            for list in &view.prefix_lists {
                ground.lists.insert(&list.prefix_list_id, list);
            }
            for subnet in &view.subnets {
                ground.subnets.insert(&subnet.subnet_id, &subnet.vpc_id);
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
    #[must_use]
    pub fn carriers(&self, group: &str) -> usize {
        self.carried.get(group).copied().unwrap_or_default()
    }

    /// Whether any of these addresses is a private one of an interface that carries a group.
    pub(super) fn is_carried(&self, group: &str, by: &AddressSet) -> bool {
        self.in_group.get(group).is_some_and(|all| all.iter().any(|a| by.contains(*a)))
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

    pub(super) fn peering_state(&self, id: &str) -> Option<&'a str> {
        self.peerings.get(id).copied()
    }

    /// The addresses of a prefix list; `None` where nobody could read them.
    pub(super) fn list(&self, id: &str) -> Option<AddressSet> {
        Some(AddressSet::from_networks(self.lists.get(id)?.networks()?))
    }

    /// The subnets that take a route table, as their own or for want of one.
    pub(super) fn subnets_of(&self, table: &RouteTable) -> Vec<&'a str> {
        let is_main = table.associations.iter().any(|a| a.main);
        let takes = |subnet: &str, vpc: &str| match self.own_tables.get(subnet) {
            Some(own) => *own == table.route_table_id,
            None => is_main && table.vpc_id.as_deref() == Some(vpc),
        };
        self.subnets.iter().filter(|(s, v)| takes(s, v)).map(|(s, _)| *s).collect()
    }

    /// The subnets that a network ACL is for: those that name it, and of its VPC's those without another
    /// where it is the default.
    pub(super) fn subnets_of_acl(&self, acl: &'a Acl) -> Vec<&'a str> {
        let named = acl.associations.iter().filter_map(|a| a.subnet_id.as_deref());
        let rest = self.subnets.iter().filter(|(subnet, vpc)| {
            acl.is_default
                && acl.vpc_id.as_deref() == Some(**vpc)
                && !self.listed.contains(**subnet)
        });
        let all: BTreeSet<&str> = named.chain(rest.map(|(subnet, _)| *subnet)).collect();
        all.into_iter().collect()
    }

    /// The hosts in these subnets, but for the one that has this interface.
    pub(super) fn hosts_in(&self, subnets: &[&str], but: Option<&str>) -> Vec<&'a str> {
        let all = || subnets.iter().filter_map(|s| self.in_subnet.get(s)).flatten();
        let own = all().find(|(_, interface)| Some(*interface) == but).map(|(host, _)| *host);
        let hosts: BTreeSet<&str> = all().map(|(h, _)| *h).filter(|h| Some(*h) != own).collect();
        hosts.into_iter().collect()
    }

    /// The gateway that a subnet's way to the internet names, where it is attached to nothing.
    pub(super) fn loose_gateway(
        &self,
        named: &str,
        subnet: Option<&str>,
        vpc: &str,
    ) -> Option<&'a str> {
        if let Some(gateway) = self.loose.get(named) {
            return Some(gateway);
        }
        let own = subnet.and_then(|s| self.own_tables.get(s)).and_then(|id| self.tables.get(id));
        let is_main = |t: &&RouteTable| {
            t.vpc_id.as_deref() == Some(vpc) && t.associations.iter().any(|a| a.main)
        };
        let table = match own {
            Some((_, table)) => *table,
            None => self.tables.values().map(|(_, t)| *t).find(is_main)?,
        };
        let to = table.routes.iter().filter_map(|r| r.gateway_id.as_deref());
        to.filter_map(|id| self.loose.get(id)).next().copied()
    }

    /// The internet gateway of a VPC.
    pub(super) fn gateway(&self, vpc: &str) -> Option<&'a str> {
        self.gateways.get(vpc).copied()
    }
}
