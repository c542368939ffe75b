// Over 300 lines: every list of the snapshot is named once to append, sort and share it.

use super::fold::CLASSIC;
use super::unit::{Pending, Tally, Unit, Units};
use crate::snapshot::*;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What an account or region is called when nothing tells.
const UNKNOWN: &str = UNKNOWN_ACCOUNT;

/// A file with something that fits nothing, and why.
pub(super) type Stray = (String, String);

/// Names every unit's place, folds what belongs together, and sorts; with what fitted nothing.
pub(super) fn snapshot(units: Units, taken_at: Timestamp) -> (Snapshot, Vec<Stray>) {
    let mut views: BTreeMap<(String, String), (RegionView, BTreeMap<CallKind, Tally>)> =
        BTreeMap::new();
    let mut rest = Vec::new();
    for (place, unit) in place(units) {
        let (view, calls) = views.entry(place.clone()).or_default();
        let Unit { view: rows, calls: tallies, embedded, pending, .. } = unit;
        if let (Some(one), Some(other)) = (&rows.bpa_options, &view.bpa_options)
            && one != other
        {
            let tally = calls.entry(CallKind::VpcBpaOptions).or_default();
            tally.spoil("two answers differ".into());
        }
        append(view, rows);
        for (kind, tally) in tallies {
            let sum = calls.entry(kind).or_default();
            sum.items += tally.items;
            sum.bad += tally.bad;
            sum.why = sum.why.take().or(tally.why);
            sum.pages.join(tally.pages);
        }
        rest.push((place, pending, embedded));
    }
    // What belongs to a row may stand in another folder than the row.
    let (mut asked, mut strays) = (BTreeSet::new(), Vec::new());
    for (place, mut pending, embedded) in rest {
        asked.append(&mut pending.asked_listeners);
        pending.drop_halves();
        let (view, calls) = views.entry(place).or_default();
        strays.extend(apply(view, pending));
        let listing = calls.get(&CallKind::NetworkInterfaces);
        let listed = listing.is_some_and(Tally::is_whole);
        for why in embed(view, embedded, listed) {
            calls.entry(CallKind::NetworkInterfaces).or_default().spoil(why);
        }
    }
    let mut snapshot = Snapshot::empty(taken_at);
    for ((account, region), (mut view, mut calls)) in views {
        name_classic(&mut view, &account, &region);
        if calls.contains_key(&CallKind::Listeners) {
            unread_listeners(&mut view, &asked);
        }
        for (kind, id) in sort(&mut view) {
            calls.entry(kind).or_default().spoil(format!("{id}: two rows of it differ"));
        }
        if let Some(tally) = calls.get_mut(&CallKind::LaunchTemplateVersions)
            && let Some(why) = some_version_absent(&view.launch_templates)
        {
            tally.spoil(why);
        }
        for (kind, mut tally) in calls {
            if tally.pages.lack_one() {
                tally.spoil("its last page names a next one".into());
            }
            let Tally { items, bad, why, pages } = tally;
            let outcome = match why {
                None => Outcome::Complete,
                // No page of it was there.
                Some(why) if items == 0 && pages.are_none() => Outcome::Failed(why),
                Some(why) if bad > 1 => Outcome::Truncated(format!("{why} (and {} more)", bad - 1)),
                Some(why) => Outcome::Truncated(why),
            };
            let (account, region) = (account.clone(), region.clone());
            snapshot.calls.push(Call { account, region, kind, outcome, items });
        }
        (view.account, view.region) = (account, region);
        snapshot.regions.push(view);
    }
    snapshot.calls.sort();
    share(&mut snapshot.regions);
    (snapshot, strays)
}

/// Marks the balancers that no saved answer gives the listeners of.
fn unread_listeners(view: &mut RegionView, asked: &BTreeSet<String>) {
    let have: BTreeSet<&str> =
        view.listeners.iter().filter_map(|l| l.load_balancer_arn.as_deref()).collect();
    for balancer in &mut view.load_balancers {
        let arn = &balancer.load_balancer_arn;
        let classic = balancer.balancer_type.as_deref() == Some("classic");
        balancer.listeners_unread =
            !classic && !have.contains(arn.as_str()) && !asked.contains(arn);
    }
}

/// Puts the account and the region into the ARNs that classic balancers are given.
fn name_classic(view: &mut RegionView, account: &str, region: &str) {
    let stem = format!("arn:aws:elasticloadbalancing:{region}:{account}");
    let name = |arn: &mut String| {
        if let Some(rest) = arn.strip_prefix(CLASSIC) {
            *arn = format!("{stem}{rest}");
        }
    };
    view.load_balancers.iter_mut().for_each(|b| name(&mut b.load_balancer_arn));
    for listener in &mut view.listeners {
        name(&mut listener.listener_arn);
        listener.load_balancer_arn.as_mut().map(name);
        let actions = listener.default_actions.iter_mut();
        actions.filter_map(|a| a.target_group_arn.as_mut()).for_each(name);
    }
    for group in &mut view.target_groups {
        name(&mut group.target_group_arn);
        group.load_balancer_arns.iter_mut().for_each(name);
    }
}

/// Account and region of each unit: from its path, else from its rows, else from the only other
/// place in the collection, else unknown.
fn place(units: Units) -> Vec<((String, String), Unit)> {
    let named: Vec<_> = units
        .into_iter()
        .map(|((account, region, _), unit)| {
            let account = account.or_else(|| unit.votes.best_account());
            let region = region.or_else(|| unit.votes.best_region());
            (account, region, unit)
        })
        .collect();
    let only = |all: BTreeSet<&String>| -> Option<String> {
        let first = all.first().map(|s| (*s).clone());
        first.filter(|_| all.len() == 1)
    };
    let account = only(named.iter().filter_map(|(a, _, _)| a.as_ref()).collect());
    let region = only(named.iter().filter_map(|(_, r, _)| r.as_ref()).collect());
    let or = |own: Option<String>, all: &Option<String>| {
        own.or_else(|| all.clone()).unwrap_or_else(|| UNKNOWN.into())
    };
    named.into_iter().map(|(a, r, unit)| ((or(a, &account), or(r, &region)), unit)).collect()
}

fn append(view: &mut RegionView, more: RegionView) {
    let RegionView {
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
        bpa_options,
        bpa_exclusions,
    } = more;
    view.instances.extend(instances);
    view.network_interfaces.extend(network_interfaces);
    view.security_groups.extend(security_groups);
    view.network_acls.extend(network_acls);
    view.route_tables.extend(route_tables);
    view.subnets.extend(subnets);
    view.vpcs.extend(vpcs);
    view.internet_gateways.extend(internet_gateways);
    view.egress_only_internet_gateways.extend(egress_only_internet_gateways);
    view.nat_gateways.extend(nat_gateways);
    view.addresses.extend(addresses);
    view.prefix_lists.extend(prefix_lists);
    view.vpc_peering_connections.extend(vpc_peering_connections);
    view.vpc_endpoints.extend(vpc_endpoints);
    view.transit_gateways.extend(transit_gateways);
    view.transit_gateway_attachments.extend(transit_gateway_attachments);
    view.transit_gateway_route_tables.extend(transit_gateway_route_tables);
    view.vpn_connections.extend(vpn_connections);
    view.load_balancers.extend(load_balancers);
    view.listeners.extend(listeners);
    view.target_groups.extend(target_groups);
    view.auto_scaling_groups.extend(auto_scaling_groups);
    view.db_instances.extend(db_instances);
    view.volumes.extend(volumes);
    view.launch_templates.extend(launch_templates);
    view.launch_configurations.extend(launch_configurations);
    view.traffic.extend(traffic);
    view.bpa_options = view.bpa_options.take().or(bpa_options);
    view.bpa_exclusions.extend(bpa_exclusions);
}

/// Puts answers about single resources into their rows; those of resources that nothing describes are told.
fn apply(view: &mut RegionView, pending: Pending) -> Vec<Stray> {
    let Pending {
        mut balancer_attributes,
        mut target_group_attributes,
        mut health,
        asked_listeners: _,
        files,
        mut rules,
        mut prefix_entries,
        mut transit_routes,
        mut propagations,
        mut template_versions,
        lists: _,
    } = pending;
    for b in &mut view.load_balancers {
        b.attributes = balancer_attributes.remove(&b.load_balancer_arn).or(b.attributes.take());
    }
    for l in &mut view.listeners {
        l.rule_actions = rules.remove(&l.listener_arn).or(l.rule_actions.take());
    }
    for t in &mut view.target_groups {
        let arn = &t.target_group_arn;
        t.attributes = target_group_attributes.remove(arn).or(t.attributes.take());
        t.targets = health.remove(arn).or(t.targets.take());
    }
    let left =
        health.keys().chain(target_group_attributes.keys()).chain(balancer_attributes.keys());
    let left: BTreeSet<&String> = left.collect();
    let stray = |arn: &&String| {
        let why = format!("it is of {arn}, which no saved answer describes");
        Some((files.get(*arn)?.clone(), why))
    };
    let strays = left.iter().filter_map(stray).collect();
    for p in &mut view.prefix_lists {
        p.entries = prefix_entries.remove(&p.prefix_list_id).or(p.entries.take());
    }
    // Entries of a list that is not described itself are still its entries.
    for (id, entries) in prefix_entries {
        view.prefix_lists.push(PrefixList {
            prefix_list_id: id,
            entries: Some(entries),
            ..PrefixList::default()
        });
    }
    for t in &mut view.transit_gateway_route_tables {
        let id = &t.transit_gateway_route_table_id;
        t.routes = transit_routes.remove(id).or(t.routes.take());
        t.propagations = propagations.remove(id).or(t.propagations.take());
    }
    for t in &mut view.launch_templates {
        if let Some(more) = template_versions.remove(&t.launch_template_id) {
            t.versions.get_or_insert_default().extend(more);
        }
    }
    // Versions of a template that is not described itself name groups all the same.
    for (id, versions) in template_versions {
        view.launch_templates.push(LaunchTemplate {
            launch_template_id: id,
            versions: Some(versions),
            ..LaunchTemplate::default()
        });
    }
    strays
}

/// Adds interfaces that only the instances show. Hand-made data repeats ids: a second interface of
/// the same id and another address is told apart by its instance.
///
/// Where the listing is whole (`listed`) and has not what an instance shows, or names other groups,
/// neither is believed: what contradicts it.
fn embed(view: &mut RegionView, embedded: Vec<Interface>, listed: bool) -> Vec<String> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (at, row) in view.network_interfaces.iter().enumerate() {
        known.entry(row.network_interface_id.clone()).or_insert(at);
    }
    let mut wrong = Vec::new();
    for mut interface in embedded {
        let id = interface.network_interface_id.clone();
        match known.get(&id).map(|at| &mut view.network_interfaces[*at]) {
            Some(row) if row.private_ip_address == interface.private_ip_address => {
                if !row.groups.is_empty() && differ(&row.groups, &interface.groups) {
                    row.groups.clear();
                    wrong.push(format!("{id}: its instance shows other groups than the listing"));
                }
                continue;
            }
            Some(_) => {
                let instance = interface.attachment.as_ref().and_then(|a| a.instance_id.clone());
                interface.network_interface_id +=
                    &format!("@{}", instance.as_deref().unwrap_or("unknown"));
            }
            None if listed => {
                wrong.push(format!("{id}: an instance shows it and the listing lacks it"));
                continue;
            }
            None => {}
        }
        known
            .entry(interface.network_interface_id.clone())
            .or_insert(view.network_interfaces.len());
        view.network_interfaces.push(interface);
    }
    wrong
}

/// Whether two readings of an interface name different groups; one that names none says nothing.
fn differ(a: &[GroupRef], b: &[GroupRef]) -> bool {
    let ids = |list: &[GroupRef]| -> BTreeSet<String> {
        list.iter().map(|g| g.group_id.clone()).collect()
    };
    !b.is_empty() && ids(a) != ids(b)
}

/// Sorts every list by id and drops repeated rows: pages and files overlap. Of what decides and is
/// there twice in two forms none is kept, for nothing tells which is right; those are told.
fn sort(view: &mut RegionView) -> Vec<(CallKind, String)> {
    fn by<T>(list: &mut Vec<T>, id: impl Fn(&T) -> &str) {
        list.sort_by(|a, b| id(a).cmp(id(b)));
        list.dedup_by(|b, a| id(a) == id(b));
    }
    merge_attachments(&mut view.transit_gateway_attachments);
    for acl in &mut view.network_acls {
        acl.associations.sort();
        acl.entries.sort_by_key(|e| (e.egress, e.ipv6_cidr_block.is_some(), e.rule_number));
    }
    for list in &mut view.prefix_lists {
        list.entries.iter_mut().for_each(|e| e.sort());
    }
    let mut twice = Vec::new();
    macro_rules! one {
        ($list:ident, $id:ident, $kind:ident) => {
            for id in differing(&mut view.$list, |r| &r.$id) {
                twice.push((CallKind::$kind, id));
            }
        };
    }
    one!(instances, instance_id, Instances);
    one!(network_interfaces, network_interface_id, NetworkInterfaces);
    one!(security_groups, group_id, SecurityGroups);
    one!(network_acls, network_acl_id, NetworkAcls);
    one!(route_tables, route_table_id, RouteTables);
    one!(subnets, subnet_id, Subnets);
    one!(internet_gateways, internet_gateway_id, InternetGateways);
    one!(nat_gateways, nat_gateway_id, NatGateways);
    one!(volumes, volume_id, Volumes);
    view.addresses.sort_by_key(|a| (a.public_ip, a.allocation_id.clone()));
    view.addresses.dedup_by(|b, a| a.public_ip == b.public_ip);
    by(&mut view.vpcs, |r| &r.vpc_id);
    by(&mut view.egress_only_internet_gateways, |r| &r.egress_only_internet_gateway_id);
    merge_prefix_lists(&mut view.prefix_lists);
    by(&mut view.vpc_peering_connections, |r| &r.vpc_peering_connection_id);
    by(&mut view.vpc_endpoints, |r| &r.vpc_endpoint_id);
    by(&mut view.transit_gateways, |r| &r.transit_gateway_id);
    by(&mut view.transit_gateway_route_tables, |r| &r.transit_gateway_route_table_id);
    by(&mut view.vpn_connections, |r| &r.vpn_connection_id);
    by(&mut view.load_balancers, |r| &r.load_balancer_arn);
    by(&mut view.listeners, |r| &r.listener_arn);
    by(&mut view.target_groups, |r| &r.target_group_arn);
    by(&mut view.auto_scaling_groups, |r| &r.auto_scaling_group_name);
    by(&mut view.db_instances, |r| &r.db_instance_identifier);
    merge_templates(&mut view.launch_templates);
    by(&mut view.launch_configurations, |r| &r.launch_configuration_name);
    by(&mut view.bpa_exclusions, |r| &r.exclusion_id);
    view.sort();
    twice
}

/// Sorts by id, drops equal rows, and takes out rows that share an id and differ: their ids.
fn differing<T: PartialEq>(list: &mut Vec<T>, id: impl Fn(&T) -> &str) -> Vec<String> {
    list.sort_by(|a, b| id(a).cmp(id(b)));
    list.dedup();
    let pairs = list.windows(2).filter(|w| id(&w[0]) == id(&w[1]));
    let twice: BTreeSet<String> = pairs.map(|w| id(&w[0]).to_owned()).collect();
    list.retain(|r| !twice.contains(id(r)));
    twice.into_iter().collect()
}

/// A managed list is described by one call and its blocks by another.
fn merge_prefix_lists(list: &mut Vec<PrefixList>) {
    list.sort_by(|a, b| a.prefix_list_id.cmp(&b.prefix_list_id));
    list.dedup_by(|b, a| {
        let same = a.prefix_list_id == b.prefix_list_id;
        if same {
            a.entries = a.entries.take().or(b.entries.take());
            a.prefix_list_name = a.prefix_list_name.take().or(b.prefix_list_name.take());
            a.owner_id = a.owner_id.take().or(b.owner_id.take());
            a.address_family = a.address_family.take().or(b.address_family.take());
        }
        same
    });
}

/// A template is described by one call and its versions by another; two descriptions of one name
/// everything that either names.
fn merge_templates(list: &mut Vec<LaunchTemplate>) {
    list.sort_by(|a, b| a.launch_template_id.cmp(&b.launch_template_id));
    list.dedup_by(|b, a| {
        if a.launch_template_id != b.launch_template_id {
            return false;
        }
        if let Some(more) = b.versions.take() {
            a.versions.get_or_insert_default().extend(more);
        }
        a.launch_template_name = a.launch_template_name.take().or(b.launch_template_name.take());
        a.default_version_number = a.default_version_number.max(b.default_version_number);
        a.latest_version_number = a.latest_version_number.max(b.latest_version_number);
        true
    });
}

/// The first template of which saved versions do not run from 1 to the latest: the others were
/// deleted, or not asked for, and nothing tells which.
fn some_version_absent(list: &[LaunchTemplate]) -> Option<String> {
    list.iter().find_map(|t| {
        if t.versions.is_none() {
            return Some(format!("{}: no version of it is saved", t.launch_template_id));
        }
        let there: BTreeSet<i64> = t.versions.iter().flatten().map(|v| v.version_number).collect();
        let latest = t.latest_version_number.or(there.last().copied())?;
        let absent = (1..=latest).find(|n| !there.contains(n))?;
        Some(format!("{}: version {absent} is not saved", t.launch_template_id))
    })
}

/// The association and the subnets of an attachment come from two calls.
fn merge_attachments(list: &mut Vec<TransitGatewayAttachment>) {
    list.sort_by_key(side);
    list.dedup_by(|b, a| {
        if side(a) != side(b) {
            return false;
        }
        fill(a, b);
        true
    });
}

/// What tells attachments apart: the two sides of a peering have one id.
fn side(row: &TransitGatewayAttachment) -> (String, Option<String>) {
    (row.transit_gateway_attachment_id.clone(), row.transit_gateway_id.clone())
}

fn fill(a: &mut TransitGatewayAttachment, b: &mut TransitGatewayAttachment) {
    macro_rules! or {
        ($($field:ident),*) => { $( a.$field = a.$field.take().or(b.$field.take()); )* };
    }
    or!(transit_gateway_id, resource_type, resource_id, resource_owner_id, state);
    or!(association_route_table_id, subnet_ids, options);
}

/// Peerings and transit gateways are seen from several accounts: each stays where it is seen first.
fn share(views: &mut [RegionView]) {
    let (mut peerings, mut gateways, mut tables) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut attachments: BTreeMap<(String, Option<String>), usize> = BTreeMap::new();
    for index in 0..views.len() {
        let (before, rest) = views.split_at_mut(index);
        let view = &mut rest[0];
        view.vpc_peering_connections
            .retain(|p| peerings.insert(p.vpc_peering_connection_id.clone()));
        view.transit_gateways.retain(|g| gateways.insert(g.transit_gateway_id.clone()));
        view.transit_gateway_route_tables
            .retain(|t| tables.insert(t.transit_gateway_route_table_id.clone()));
        view.transit_gateway_attachments.retain_mut(|b| {
            let key = side(b);
            let Some(&owner) = attachments.get(&key) else {
                attachments.insert(key, index);
                return true;
            };
            let first =
                before[owner].transit_gateway_attachments.iter_mut().find(|a| side(a) == key);
            if let Some(a) = first {
                fill(a, b);
            }
            false
        });
    }
}
