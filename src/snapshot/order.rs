use super::{
    Acl, Interface, IpPermission, LaunchTemplate, RegionView, Route, RouteTable, SecurityGroup,
    Snapshot,
};

impl Snapshot {
    /// Puts every list into its one order, so that two readings of an unchanged account are equal
    /// whatever order the answers came in. A row that came twice (pages shift while they are read)
    /// is kept once.
    pub fn sort(&mut self) {
        self.calls.sort();
        for view in &mut self.regions {
            view.sort();
        }
        self.regions.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    }
}

/// Sorts rows by a key and drops the equal ones that follow each other.
macro_rules! by {
    ($rows:expr, $row:ident => $key:expr) => {{
        $rows.sort_by(|a, b| {
            let left = {
                let $row = a;
                $key
            };
            let right = {
                let $row = b;
                $key
            };
            left.cmp(&right)
        });
        $rows.dedup();
    }};
}

impl RegionView {
    /// Sorts every list of the view, rows by id and the lists inside them by what names their items.
    pub fn sort(&mut self) {
        // Named one by one, so that a new list cannot be forgotten.
        let Self {
            account: _,
            region: _,
            instances,
            network_interfaces,
            security_groups,
            network_acls,
            route_tables,
            subnets,
            vpcs,
            internet_gateways,
            egress_only_internet_gateways,
            nat_gateways,
            addresses,
            prefix_lists,
            vpc_peering_connections,
            vpc_endpoints,
            transit_gateways,
            transit_gateway_attachments,
            transit_gateway_route_tables,
            vpn_connections,
            load_balancers,
            listeners,
            target_groups,
            auto_scaling_groups,
            db_instances,
            volumes,
            launch_templates,
            launch_configurations,
            traffic,
            bpa_options: _,
            bpa_exclusions,
        } = self;

        for instance in &mut *instances {
            instance.block_device_mappings.iter_mut().for_each(|d| d.sort());
            instance.tags.sort();
        }
        by!(instances, i => &i.instance_id);
        network_interfaces.iter_mut().for_each(interface);
        by!(network_interfaces, i => &i.network_interface_id);
        security_groups.iter_mut().for_each(group);
        by!(security_groups, g => &g.group_id);
        network_acls.iter_mut().for_each(acl);
        by!(network_acls, a => &a.network_acl_id);
        route_tables.iter_mut().for_each(route_table);
        by!(route_tables, t => &t.route_table_id);
        for subnet in &mut *subnets {
            by!(subnet.ipv6_cidr_block_association_set, c => c.ipv6_cidr_block);
            subnet.tags.sort();
        }
        by!(subnets, s => &s.subnet_id);
        for vpc in &mut *vpcs {
            by!(vpc.cidr_block_association_set, c => c.cidr_block);
            by!(vpc.ipv6_cidr_block_association_set, c => c.ipv6_cidr_block);
            vpc.tags.sort();
        }
        by!(vpcs, v => &v.vpc_id);
        for gateway in &mut *internet_gateways {
            by!(gateway.attachments, a => (&a.vpc_id, &a.state));
            gateway.tags.sort();
        }
        by!(internet_gateways, g => &g.internet_gateway_id);
        for gateway in &mut *egress_only_internet_gateways {
            by!(gateway.attachments, a => (&a.vpc_id, &a.state));
            gateway.tags.sort();
        }
        by!(egress_only_internet_gateways, g => &g.egress_only_internet_gateway_id);
        for gateway in &mut *nat_gateways {
            by!(gateway.nat_gateway_addresses, a => (&a.allocation_id, a.public_ip, a.private_ip));
            gateway.tags.sort();
        }
        by!(nat_gateways, g => &g.nat_gateway_id);
        addresses.iter_mut().for_each(|a| a.tags.sort());
        by!(addresses, a => (&a.allocation_id, a.public_ip));
        for list in &mut *prefix_lists {
            if let Some(entries) = &mut list.entries {
                entries.sort();
                entries.dedup();
            }
        }
        by!(prefix_lists, l => &l.prefix_list_id);
        vpc_peering_connections.iter_mut().for_each(|p| p.tags.sort());
        by!(vpc_peering_connections, p => &p.vpc_peering_connection_id);
        for endpoint in &mut *vpc_endpoints {
            endpoint.network_interface_ids.sort();
            endpoint.route_table_ids.sort();
            endpoint.subnet_ids.sort();
            endpoint.tags.sort();
        }
        by!(vpc_endpoints, e => &e.vpc_endpoint_id);

        transit_gateways.iter_mut().for_each(|g| g.tags.sort());
        by!(transit_gateways, g => &g.transit_gateway_id);
        for attachment in &mut *transit_gateway_attachments {
            if let Some(subnets) = &mut attachment.subnet_ids {
                subnets.sort();
            }
            attachment.tags.sort();
        }
        by!(transit_gateway_attachments, a => (&a.transit_gateway_attachment_id, &a.transit_gateway_id));
        for table in &mut *transit_gateway_route_tables {
            for route in table.routes.iter_mut().flatten() {
                route.transit_gateway_attachments.sort();
            }
            if let Some(routes) = &mut table.routes {
                by!(routes, r => (r.destination_cidr_block, &r.route_type, &r.state));
            }
            if let Some(propagations) = &mut table.propagations {
                propagations.sort();
                propagations.dedup();
            }
            table.tags.sort();
        }
        by!(transit_gateway_route_tables, t => &t.transit_gateway_route_table_id);

        for connection in &mut *vpn_connections {
            by!(connection.vgw_telemetry, t => t.outside_ip_address);
        }
        by!(vpn_connections, c => &c.vpn_connection_id);

        for balancer in &mut *load_balancers {
            balancer.security_groups.sort();
            for zone in &mut balancer.availability_zones {
                by!(zone.load_balancer_addresses, a => (&a.allocation_id, a.ip_address, a.private_ipv4_address));
            }
            by!(balancer.availability_zones, z => (&z.zone_name, &z.subnet_id));
            balancer.tags.sort();
        }
        by!(load_balancers, b => &b.load_balancer_arn);
        for listener in &mut *listeners {
            // The actions of one listener keep their order: it is the order they run in.
            for action in listener
                .default_actions
                .iter_mut()
                .chain(listener.rule_actions.iter_mut().flatten())
            {
                action.forward_target_group_arns.sort();
            }
            if let Some(actions) = &mut listener.rule_actions {
                actions.sort();
                actions.dedup();
            }
        }
        by!(listeners, l => &l.listener_arn);
        for group in &mut *target_groups {
            group.load_balancer_arns.sort();
            if let Some(targets) = &mut group.targets {
                targets.sort();
                targets.dedup();
            }
        }
        by!(target_groups, g => &g.target_group_arn);
        for group in &mut *auto_scaling_groups {
            by!(group.instances, i => &i.instance_id);
            group.target_group_arns.sort();
            group.tags.sort();
        }
        by!(auto_scaling_groups, g => &g.auto_scaling_group_name);
        for instance in &mut *db_instances {
            by!(instance.vpc_security_groups, g => &g.vpc_security_group_id);
            if let Some(subnets) = &mut instance.db_subnet_group {
                by!(subnets.subnets, s => &s.subnet_identifier);
            }
            instance.tags.sort();
        }
        by!(db_instances, i => &i.db_instance_identifier);
        for volume in &mut *volumes {
            volume.attachments.sort();
            volume.tags.sort();
        }
        by!(volumes, v => &v.volume_id);
        launch_templates.iter_mut().for_each(template);
        by!(launch_templates, t => &t.launch_template_id);
        for configuration in &mut *launch_configurations {
            configuration.security_groups.sort();
            configuration.classic_link_vpc_security_groups.sort();
        }
        by!(launch_configurations, c => &c.launch_configuration_name);
        by!(traffic, t => &t.instance_id);
        by!(bpa_exclusions, e => &e.exclusion_id);
    }
}

fn template(row: &mut LaunchTemplate) {
    for version in row.versions.iter_mut().flatten() {
        let data = &mut version.launch_template_data;
        data.security_group_ids.sort();
        data.security_groups.sort();
        data.network_interfaces.iter_mut().for_each(|i| i.groups.sort());
    }
    if let Some(versions) = &mut row.versions {
        versions.sort();
        versions.dedup();
    }
    row.tags.sort();
}

fn interface(row: &mut Interface) {
    // The primary address stays first: it is the one people look for.
    by!(row.private_ip_addresses, a => (!a.primary, a.private_ip_address));
    by!(row.ipv6_addresses, a => a.ipv6_address);
    row.ipv4_prefixes.sort();
    row.ipv6_prefixes.sort();
    by!(row.groups, g => &g.group_id);
    row.tags.sort();
}

fn group(row: &mut SecurityGroup) {
    for permission in row.ip_permissions.iter_mut().chain(&mut row.ip_permissions_egress) {
        permission.ip_ranges.sort();
        permission.ipv6_ranges.sort();
        permission.prefix_list_ids.sort();
        permission.user_id_group_pairs.sort();
    }
    let key = |p: &IpPermission| (p.ip_protocol.clone(), p.from_port, p.to_port);
    for list in [&mut row.ip_permissions, &mut row.ip_permissions_egress] {
        // Equal protocol and ports are merged by the service; the peers only break a tie.
        list.sort_by(|a, b| {
            key(a).cmp(&key(b)).then_with(|| {
                (&a.ip_ranges, &a.ipv6_ranges, &a.prefix_list_ids, &a.user_id_group_pairs).cmp(&(
                    &b.ip_ranges,
                    &b.ipv6_ranges,
                    &b.prefix_list_ids,
                    &b.user_id_group_pairs,
                ))
            })
        });
        list.dedup();
    }
    row.tags.sort();
}

fn acl(row: &mut Acl) {
    row.associations.sort();
    by!(row.entries, e => (e.egress, e.ipv6_cidr_block.is_some(), e.rule_number));
    row.tags.sort();
}

fn route_table(row: &mut RouteTable) {
    let key = |r: &Route| {
        (
            r.destination_cidr_block,
            r.destination_ipv6_cidr_block,
            r.destination_prefix_list_id.clone(),
            r.origin.clone(),
            r.gateway_id.clone(),
        )
    };
    row.associations.sort();
    row.propagating_vgws.sort();
    row.routes.sort_by_key(key);
    row.routes.dedup();
    row.tags.sort();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{AclEntry, Instance, Tag};

    fn tag(key: &str) -> Tag {
        Tag { key: key.into(), value: String::new() }
    }

    #[test]
    fn the_order_of_the_answers_does_not_matter_and_a_row_twice_counts_once() {
        let row = |id: &str, tags| Instance { instance_id: id.into(), tags, ..Instance::default() };
        let mut one = RegionView {
            instances: vec![
                row("i-2", vec![tag("b"), tag("a")]),
                row("i-1", vec![]),
                row("i-2", vec![tag("a"), tag("b")]),
            ],
            ..RegionView::default()
        };
        let mut other = RegionView {
            instances: vec![row("i-1", vec![]), row("i-2", vec![tag("a"), tag("b")])],
            ..RegionView::default()
        };
        one.sort();
        other.sort();
        assert_eq!(one, other);
        assert_eq!(one.instances.len(), 2);
    }

    #[test]
    fn entries_of_an_acl_stand_by_direction_family_and_number() {
        let entry = |egress, v6: bool, rule_number| AclEntry {
            egress,
            rule_number,
            ipv6_cidr_block: v6.then(|| "::/0".parse().unwrap()),
            ..AclEntry::default()
        };
        let mut row = Acl {
            entries: vec![
                entry(true, false, 1),
                entry(false, true, 2),
                entry(false, false, 100),
                entry(false, false, 9),
            ],
            ..Acl::default()
        };
        acl(&mut row);
        let order: Vec<_> = row.entries.iter().map(|e| (e.egress, e.rule_number)).collect();
        assert_eq!(order, [(false, 9), (false, 100), (false, 2), (true, 1)]);
    }
}
