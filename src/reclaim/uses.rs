use crate::snapshot::{
    AutoScalingGroup, Instance, Interface, RegionView, Snapshot, TargetGroup, TargetHealth, Traffic,
};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Who uses what in one region. Groups may be named from other regions and accounts (peering), so
/// those references are of the whole snapshot.
pub(super) struct Uses<'a> {
    /// Interfaces by the groups they carry.
    pub(super) carriers: BTreeMap<&'a str, Vec<&'a Interface>>,
    /// What else names a group, in words.
    pub(super) named: BTreeMap<&'a str, BTreeSet<String>>,
    /// Interfaces by the instance they are attached to.
    pub(super) attached: BTreeMap<&'a str, Vec<&'a Interface>>,
    pub(super) instances: BTreeMap<&'a str, &'a Instance>,
    pub(super) scaling: BTreeMap<&'a str, &'a AutoScalingGroup>,
    /// Targets by id or address.
    pub(super) targets: BTreeMap<String, Vec<(&'a TargetGroup, &'a TargetHealth)>>,
    /// Interfaces and instances that routes lead to, with the table.
    pub(super) routed: BTreeMap<&'a str, &'a str>,
    /// Instances by the volumes that they name among their devices.
    pub(super) devices: BTreeMap<&'a str, &'a str>,
    /// Whether every instance came with its devices.
    pub(super) devices_told: bool,
    /// Templates by the interfaces that they give to what they launch.
    pub(super) launched: BTreeMap<&'a str, &'a str>,
    /// Narrow blocks that permissions or prefix lists name, with what names each.
    let_in: BTreeMap<IpNetwork, String>,
    /// What instances moved, where that was read.
    pub(super) traffic: BTreeMap<&'a str, &'a Traffic>,
    /// Every private and public address of an interface.
    addresses: BTreeMap<IpAddr, &'a Interface>,
    /// Blocks that are delegated to one.
    delegated: BTreeMap<IpNetwork, &'a Interface>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, view: &'a RegionView) -> Self {
        let mut out = Self {
            carriers: BTreeMap::new(),
            named: BTreeMap::new(),
            attached: BTreeMap::new(),
            instances: view.instances.iter().map(|i| (i.instance_id.as_str(), i)).collect(),
            scaling: BTreeMap::new(),
            targets: BTreeMap::new(),
            routed: BTreeMap::new(),
            devices: BTreeMap::new(),
            devices_told: view.instances.iter().all(|i| i.block_device_mappings.is_some()),
            launched: BTreeMap::new(),
            let_in: BTreeMap::new(),
            traffic: view.traffic.iter().map(|t| (t.instance_id.as_str(), t)).collect(),
            addresses: BTreeMap::new(),
            delegated: BTreeMap::new(),
        };
        for other in &snapshot.regions {
            out.names_of(other);
        }
        for interface in &view.network_interfaces {
            for group in &interface.groups {
                out.carriers.entry(&group.group_id).or_default().push(interface);
            }
            for address in addresses(interface) {
                out.addresses.insert(address, interface);
            }
            for block in interface.ipv4_prefixes.iter().chain(&interface.ipv6_prefixes) {
                out.delegated.insert(whole(*block), interface);
            }
            let instance = interface.attachment.as_ref().and_then(|a| a.instance_id.as_deref());
            if let Some(instance) = instance {
                out.attached.entry(instance).or_default().push(interface);
            }
        }
        for instance in &view.instances {
            for device in instance.block_device_mappings.iter().flatten() {
                if let Some(volume) = device.ebs.as_ref().and_then(|e| e.volume_id.as_deref()) {
                    out.devices.insert(volume, &instance.instance_id);
                }
            }
        }
        for template in &view.launch_templates {
            for version in template.versions.iter().flatten() {
                let given = version.launch_template_data.network_interfaces.iter();
                for interface in given.filter_map(|i| i.network_interface_id.as_deref()) {
                    out.launched.insert(interface, &template.launch_template_id);
                }
            }
        }
        for group in &view.auto_scaling_groups {
            for member in &group.instances {
                out.scaling.insert(&member.instance_id, group);
            }
        }
        for group in &view.target_groups {
            for target in group.targets.iter().flatten() {
                out.targets.entry(target.target.id.clone()).or_default().push((group, target));
            }
        }
        for table in &view.route_tables {
            for route in &table.routes {
                for via in [&route.instance_id, &route.network_interface_id].into_iter().flatten() {
                    out.routed.insert(via, &table.route_table_id);
                }
            }
        }
        out
    }

    /// What names a group beside interfaces: permissions of other groups, balancers, databases,
    /// templates and configurations that launch instances, in any version of theirs.
    fn names_of(&mut self, view: &'a RegionView) {
        for group in &view.security_groups {
            let all = group.ip_permissions.iter().chain(&group.ip_permissions_egress);
            let blocks = all.clone().flat_map(|p| {
                let v4 = p.ip_ranges.iter().map(|r| r.cidr_ip);
                v4.chain(p.ipv6_ranges.iter().map(|r| r.cidr_ipv6))
            });
            self.lets_in(blocks, &format!("permission of {}", group.group_id));
            for pair in all.flat_map(|p| &p.user_id_group_pairs) {
                if pair.group_id != group.group_id {
                    let by = format!("permission of {}", group.group_id);
                    self.named.entry(&pair.group_id).or_default().insert(by);
                }
            }
        }
        for list in &view.prefix_lists {
            let blocks = list.entries.iter().flatten().map(|e| e.cidr);
            self.lets_in(blocks, &format!("prefix list {}", list.prefix_list_id));
        }
        for balancer in &view.load_balancers {
            for id in &balancer.security_groups {
                let by = format!("balancer {}", balancer.load_balancer_arn);
                self.named.entry(id).or_default().insert(by);
            }
        }
        for template in &view.launch_templates {
            for version in template.versions.iter().flatten() {
                let data = &version.launch_template_data;
                let given = data.network_interfaces.iter().flat_map(|i| &i.groups);
                let names = data.security_group_ids.iter().chain(given);
                let (id, number) = (&template.launch_template_id, version.version_number);
                let by = format!("launch template {id} version {number}");
                self.launches(view, names.chain(&data.security_groups), &by);
            }
        }
        for configuration in &view.launch_configurations {
            let classic = &configuration.classic_link_vpc_security_groups;
            let by = format!("launch configuration {}", configuration.launch_configuration_name);
            self.launches(view, configuration.security_groups.iter().chain(classic), &by);
        }
        for database in &view.db_instances {
            for group in &database.vpc_security_groups {
                let by = format!("database {}", database.db_instance_identifier);
                self.named.entry(&group.vpc_security_group_id).or_default().insert(by);
            }
        }
    }

    fn lets_in(&mut self, blocks: impl Iterator<Item = IpNetwork>, by: &str) {
        let narrow = |b: &IpNetwork| b.prefix() >= if b.is_ipv4() { NARROW_V4 } else { NARROW_V6 };
        for block in blocks.filter(narrow) {
            self.let_in.entry(whole(block)).or_insert_with(|| by.to_owned());
        }
    }

    /// What lets an address in by a block that few share.
    pub(super) fn let_in(&self, address: IpAddr) -> Option<&str> {
        around(address).find_map(|block| self.let_in.get(&block)).map(String::as_str)
    }

    /// The interface that has an address, as its own or in a block that is delegated to it.
    pub(super) fn holder(&self, address: IpAddr) -> Option<&'a Interface> {
        let own = self.addresses.get(&address);
        own.or_else(|| around(address).find_map(|block| self.delegated.get(&block))).copied()
    }

    /// Groups by their ids, or by names that may mean any group of the region.
    fn launches(
        &mut self,
        view: &'a RegionView,
        groups: impl Iterator<Item = &'a String>,
        by: &str,
    ) {
        for group in groups {
            let ids = view.security_groups.iter().filter(|g| g.group_name == *group);
            for id in ids.map(|g| &g.group_id).chain([group]) {
                self.named.entry(id).or_default().insert(by.to_owned());
            }
        }
    }
}

/// The widest blocks that are taken to be meant for whoever is in them: through a wider one strangers come
/// in anyway.
const NARROW_V4: u8 = 16;
const NARROW_V6: u8 = 48;

/// A block by its first address.
fn whole(block: IpNetwork) -> IpNetwork {
    IpNetwork::new(block.network(), block.prefix()).unwrap_or(block)
}

/// Every block that holds an address, the narrowest first.
fn around(address: IpAddr) -> impl Iterator<Item = IpNetwork> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    (0..=most).rev().filter_map(move |bits| IpNetwork::new(address, bits).ok()).map(whole)
}

/// Every address of an interface, private and public; of what is delegated to it see [`Uses::holder`].
pub(super) fn addresses(interface: &Interface) -> impl Iterator<Item = IpAddr> + '_ {
    let public = interface.association.iter().filter_map(|a| a.public_ip);
    let v4 = interface.private_ip_addresses.iter().flat_map(|a| {
        a.private_ip_address.into_iter().chain(a.association.iter().filter_map(|a| a.public_ip))
    });
    let v6 = interface.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.map(IpAddr::V6));
    interface.private_ip_address.into_iter().chain(public).chain(v4).chain(v6)
}
