// Over 500 lines: every map of the snapshot, built in one pass.

use super::attached::Attached;
use super::group::{Direction, Group};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use crate::snapshot::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything of a snapshot by id, across accounts and regions (R37: ids are identity, names are not).
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) nics: Vec<Nic<'a>>,
    nic_ids: BTreeMap<&'a str, usize>,
    spots: BTreeMap<IpAddr, Vec<Spot>>,
    /// Public addresses that the interface's own row does not show, by interface and private one.
    lent: BTreeMap<(usize, IpAddr), IpAddr>,
    /// Addresses of instances of which no interface is in the snapshot.
    pub(super) orphans: BTreeMap<IpAddr, &'a str>,
    vpc_nics: BTreeMap<&'a str, Vec<usize>>,
    pub(super) instance_nics: BTreeMap<&'a str, Vec<usize>>,
    pub(super) groups: BTreeMap<&'a str, Group<'a>>,
    pub(super) subnets: BTreeMap<&'a str, Place<'a>>,
    /// With the view each was read in.
    pub(super) instances: BTreeMap<&'a str, (&'a Instance, usize)>,
    pub(super) vpcs: BTreeMap<&'a str, &'a Vpc>,
    vpc_views: BTreeMap<&'a str, usize>,
    pub(super) gateways: BTreeMap<&'a str, &'a InternetGateway>,
    pub(super) egress_only: BTreeMap<&'a str, &'a EgressOnlyInternetGateway>,
    pub(super) nats: BTreeMap<&'a str, (&'a NatGateway, usize)>,
    pub(super) nat_addresses: BTreeMap<IpAddr, &'a str>,
    pub(super) nat_nics: BTreeMap<&'a str, &'a str>,
    pub(super) endpoints: BTreeMap<&'a str, &'a VpcEndpoint>,
    pub(super) endpoint_nics: BTreeMap<&'a str, &'a str>,
    pub(super) peerings: BTreeMap<&'a str, &'a VpcPeering>,
    pub(super) elastic: BTreeMap<IpAddr, &'a Address>,
    /// The ends of VPN tunnels at Amazon.
    pub(super) tunnels: BTreeMap<IpAddr, &'a VpnConnection>,
    /// The sides of each: a peering has two.
    pub(super) attachments: BTreeMap<&'a str, Vec<Attached<'a>>>,
    pub(super) transit_tables: BTreeMap<&'a str, &'a TransitGatewayRouteTable>,
    pub(super) edge_tables: BTreeMap<&'a str, &'a RouteTable>,
    prefix_lists: BTreeMap<&'a str, (&'a PrefixList, Option<AddressSet>)>,
    pub(super) balancers: BTreeMap<&'a str, (&'a Balancer, usize)>,
    pub(super) listeners: BTreeMap<&'a str, Vec<&'a Listener>>,
    pub(super) target_groups: BTreeMap<&'a str, &'a TargetGroup>,
    pub(super) exclusions: Vec<&'a BpaExclusion>,
    pub(super) bpa: Vec<Option<&'a BpaOptions>>,
    /// Interfaces of which two parts of the snapshot say different things.
    pub(super) doubtful: BTreeMap<usize, Gap>,
    /// Protocols without ports that a network ACL or a way out of some group names: what they let
    /// through may differ from all others.
    pub(super) named: BTreeSet<Protocol>,
    outcomes: BTreeMap<(usize, CallKind), &'a Call>,
}

/// A network interface and what it belongs to.
#[derive(Debug)]
pub(super) struct Nic<'a> {
    pub(super) row: &'a Interface,
    pub(super) view: usize,
    pub(super) subnet: &'a str,
    pub(super) vpc: &'a str,
    /// Sorted group ids.
    pub(super) groups: Vec<&'a str>,
    pub(super) instance: Option<&'a str>,
    /// Its id, to be shared by every path that ends at it.
    pub(super) id_text: Arc<str>,
    /// The id of its host, likewise.
    pub(super) host_text: Arc<str>,
    /// What it belongs to, where it has no instance.
    pub(super) owner: Option<Arc<str>>,
}

/// An address of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) nic: usize,
    pub(super) role: Role,
}

/// What an address is to its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// A public IPv4 address, translated to this private one by the internet gateway.
    Public(IpAddr),
    /// A private IPv4 address.
    Private,
    /// An IPv6 address: nothing translates it.
    V6,
}

/// A subnet with the ACL and the route table in force (R18, R20).
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) id: &'a str,
    pub(super) row: Option<&'a Subnet>,
    pub(super) vpc: &'a str,
    pub(super) view: usize,
    pub(super) acl: Result<&'a Acl, Gap>,
    pub(super) routes: Result<&'a RouteTable, Gap>,
}

impl<'a> Index<'a> {
    /// Indexes a snapshot.
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut index = Self {
            snapshot,
            nics: Vec::new(),
            nic_ids: BTreeMap::new(),
            spots: BTreeMap::new(),
            lent: BTreeMap::new(),
            orphans: BTreeMap::new(),
            vpc_nics: BTreeMap::new(),
            instance_nics: BTreeMap::new(),
            groups: BTreeMap::new(),
            subnets: BTreeMap::new(),
            instances: BTreeMap::new(),
            vpcs: BTreeMap::new(),
            vpc_views: BTreeMap::new(),
            gateways: BTreeMap::new(),
            egress_only: BTreeMap::new(),
            nats: BTreeMap::new(),
            nat_addresses: BTreeMap::new(),
            nat_nics: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            endpoint_nics: BTreeMap::new(),
            peerings: BTreeMap::new(),
            elastic: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            attachments: BTreeMap::new(),
            transit_tables: BTreeMap::new(),
            edge_tables: BTreeMap::new(),
            prefix_lists: BTreeMap::new(),
            balancers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            exclusions: Vec::new(),
            bpa: Vec::new(),
            doubtful: BTreeMap::new(),
            named: BTreeSet::new(),
            outcomes: BTreeMap::new(),
        };
        let places: BTreeMap<(&str, &str), usize> = snapshot
            .regions
            .iter()
            .enumerate()
            .map(|(i, v)| ((v.account.as_str(), v.region.as_str()), i))
            .collect();
        for call in &snapshot.calls {
            if let Some(view) = places.get(&(call.account.as_str(), call.region.as_str())) {
                index.outcomes.insert((*view, call.kind), call);
            }
        }
        for (view, rows) in snapshot.regions.iter().enumerate() {
            index.rows(view, rows);
        }
        // Addresses may be described in another account than their interfaces.
        for rows in &snapshot.regions {
            rows.addresses.iter().for_each(|row| index.address(row));
        }
        for rows in &snapshot.regions {
            rows.instances.iter().for_each(|row| index.instance_address(row));
        }
        index.place_subnets();
        let entries = snapshot.regions.iter().flat_map(|v| &v.network_acls);
        let entries = entries.flat_map(|a| &a.entries).filter_map(|e| e.protocol.parse().ok());
        let groups = index.groups.values();
        let egress = groups.flat_map(|g| g.protocols(Direction::Egress)).flatten();
        index.named = entries.chain(egress).filter(|p| matches!(p, Protocol::Other(_))).collect();
        let owners = owners(snapshot);
        for nic in index.nics.iter_mut().filter(|n| n.instance.is_none()) {
            nic.owner = owners.get(nic.id()).map(|owner| owner.as_str().into());
        }
        index.doubtful = index.hidden_databases();
        for spots in index.spots.values_mut() {
            spots.sort_unstable();
            spots.dedup();
        }
        index
    }

    fn rows(&mut self, view: usize, rows: &'a RegionView) {
        self.instances.extend(rows.instances.iter().map(|r| (r.instance_id.as_str(), (r, view))));
        for row in &rows.vpcs {
            self.vpcs.insert(&row.vpc_id, row);
            self.vpc_views.entry(&row.vpc_id).or_insert(view);
        }
        self.groups
            .extend(rows.security_groups.iter().map(|r| (r.group_id.as_str(), Group::new(r))));
        self.gateways
            .extend(rows.internet_gateways.iter().map(|r| (r.internet_gateway_id.as_str(), r)));
        self.egress_only.extend(
            rows.egress_only_internet_gateways
                .iter()
                .map(|r| (r.egress_only_internet_gateway_id.as_str(), r)),
        );
        for row in &rows.nat_gateways {
            let id = row.nat_gateway_id.as_str();
            self.nats.insert(id, (row, view));
            let nics = row.nat_gateway_addresses.iter();
            let nics = nics.filter_map(|a| Some((a.network_interface_id.as_deref()?, id)));
            self.nat_nics.extend(nics);
            if row.state.as_deref().is_none_or(|s| s == "available") {
                for address in row.nat_gateway_addresses.iter().filter_map(|a| a.public_ip) {
                    self.nat_addresses.insert(address, &row.nat_gateway_id);
                }
            }
        }
        for row in &rows.vpc_endpoints {
            self.endpoints.insert(&row.vpc_endpoint_id, row);
            for nic in &row.network_interface_ids {
                self.endpoint_nics.insert(nic, &row.vpc_endpoint_id);
            }
        }
        self.peerings.extend(
            rows.vpc_peering_connections.iter().map(|r| (r.vpc_peering_connection_id.as_str(), r)),
        );
        self.transit_rows(rows);
        for row in rows.vpn_connections.iter().filter(|r| r.state.as_deref() != Some("deleted")) {
            let ends = row.vgw_telemetry.iter().filter_map(|t| t.outside_ip_address);
            self.tunnels.extend(ends.map(|end| (end, row)));
        }
        for row in &rows.prefix_lists {
            let set = row.networks().map(|n| n.into_iter().collect());
            let (best, have) = self.prefix_lists.entry(&row.prefix_list_id).or_insert((row, None));
            if best.address_family.is_none() {
                *best = row;
            }
            *have = have.take().or(set);
        }
        for row in &rows.load_balancers {
            self.balancers.insert(&row.load_balancer_arn, (row, view));
        }
        for row in &rows.listeners {
            if let Some(arn) = row.load_balancer_arn.as_deref() {
                self.listeners.entry(arn).or_default().push(row);
            }
        }
        self.target_groups
            .extend(rows.target_groups.iter().map(|r| (r.target_group_arn.as_str(), r)));
        self.exclusions.extend(&rows.bpa_exclusions);
        self.bpa.push(rows.bpa_options.as_ref());
        self.nics.reserve(rows.network_interfaces.len());
        for row in &rows.network_interfaces {
            self.nic(view, row);
        }
    }

    fn nic(&mut self, view: usize, row: &'a Interface) {
        let at = self.nics.len();
        if self.nic_ids.contains_key(row.network_interface_id.as_str()) {
            return;
        }
        let mut groups: Vec<&str> = row.groups.iter().map(|g| g.group_id.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        let vpc = row.vpc_id.as_deref().unwrap_or_default();
        let instance = row.attachment.as_ref().and_then(|a| a.instance_id.as_deref());
        let nic = Nic {
            row,
            view,
            subnet: row.subnet_id.as_deref().unwrap_or_default(),
            vpc,
            groups,
            instance,
            id_text: row.network_interface_id.as_str().into(),
            host_text: instance.unwrap_or(&row.network_interface_id).into(),
            owner: None,
        };
        let main = row.private_ip_address.map(|p| (p, row.association.as_ref()));
        let all = row
            .private_ip_addresses
            .iter()
            .filter_map(|p| p.private_ip_address.map(|a| (a, p.association.as_ref())));
        for (private, association) in main.into_iter().chain(all) {
            self.spots.entry(private).or_default().push(Spot { nic: at, role: Role::Private });
            if let Some(public) = association.and_then(|a| a.public_ip) {
                let spot = Spot { nic: at, role: Role::Public(private) };
                self.spots.entry(public).or_default().push(spot);
            }
        }
        for address in row.ipv6_addresses.iter().filter_map(|a| a.ipv6_address) {
            let spot = Spot { nic: at, role: Role::V6 };
            self.spots.entry(address.into()).or_default().push(spot);
        }
        self.nic_ids.insert(&row.network_interface_id, at);
        self.vpc_nics.entry(vpc).or_default().push(at);
        if let Some(instance) = instance {
            self.instance_nics.entry(instance).or_default().push(at);
        }
        self.nics.push(nic);
    }

    /// An elastic address belongs to the private address it is associated with, even where the
    /// interface's own row does not say so yet (R24).
    fn address(&mut self, row: &'a Address) {
        let Some(public) = row.public_ip else { return };
        self.elastic.insert(public, row);
        let Some(nic) = self.nic_of_elastic(row) else { return };
        let private = row.private_ip_address.or(self.nics[nic].row.private_ip_address);
        if let Some(private) = private {
            self.lend(nic, private, public);
        }
    }

    fn lend(&mut self, nic: usize, private: IpAddr, public: IpAddr) {
        let spot = Spot { nic, role: Role::Public(private) };
        self.spots.entry(public).or_default().push(spot);
        self.lent.entry((nic, private)).or_insert(public);
    }

    /// The interface of an elastic address; old rows name the instance only, and mean its first.
    fn nic_of_elastic(&self, row: &Address) -> Option<usize> {
        match (row.network_interface_id.as_deref(), row.instance_id.as_deref()) {
            (Some(id), _) => self.nic_of(id),
            (None, Some(instance)) => {
                let nics = self.nics_of_instance(instance);
                let has = |n: &&usize| {
                    let own = self.nics[**n].row;
                    let mut all = own.private_ip_addresses.iter().map(|p| p.private_ip_address);
                    row.private_ip_address.is_some_and(|a| {
                        own.private_ip_address == Some(a) || all.any(|p| p == Some(a))
                    })
                };
                nics.iter().find(has).or(nics.first()).copied()
            }
            (None, None) => None,
        }
    }

    /// The public address of an instance, where no interface's row and no elastic address says it.
    fn instance_address(&mut self, row: &'a Instance) {
        if self.is_orphan(row) {
            let own = row.private_ip_address.into_iter().chain(row.public_ip_address);
            self.orphans.extend(own.map(|a| (a, row.instance_id.as_str())));
        }
        let Some(public) = row.public_ip_address.filter(|a| !self.spots.contains_key(a)) else {
            return;
        };
        let nics = self.nics_of_instance(&row.instance_id);
        let own = |n: &&usize| self.nics[**n].row.private_ip_address == row.private_ip_address;
        let Some(&nic) = nics.iter().find(own).or(nics.first()) else { return };
        if let Some(private) = self.nics[nic].row.private_ip_address {
            self.lend(nic, private, public);
        }
    }

    fn place_subnets(&mut self) {
        let mut acls: BTreeMap<&str, &Acl> = BTreeMap::new();
        let mut default_acls: BTreeMap<&str, &Acl> = BTreeMap::new();
        let mut tables: BTreeMap<&str, &RouteTable> = BTreeMap::new();
        let mut main_tables: BTreeMap<&str, &RouteTable> = BTreeMap::new();
        let mut subnets: BTreeMap<&'a str, (Option<&'a Subnet>, &'a str, usize)> = BTreeMap::new();
        for (view, rows) in self.snapshot.regions.iter().enumerate() {
            for acl in &rows.network_acls {
                for subnet in acl.associations.iter().filter_map(|a| a.subnet_id.as_deref()) {
                    acls.insert(subnet, acl);
                }
                if acl.is_default
                    && let Some(vpc) = acl.vpc_id.as_deref()
                {
                    default_acls.insert(vpc, acl);
                }
            }
            for table in &rows.route_tables {
                for association in &table.associations {
                    if let Some(subnet) = association.subnet_id.as_deref() {
                        tables.insert(subnet, table);
                    }
                    if let Some(gateway) = association.gateway_id.as_deref() {
                        self.edge_tables.insert(gateway, table);
                    }
                    if association.main
                        && let Some(vpc) = table.vpc_id.as_deref()
                    {
                        main_tables.insert(vpc, table);
                    }
                }
            }
            for row in &rows.subnets {
                subnets.insert(&row.subnet_id, (Some(row), &row.vpc_id, view));
            }
        }
        // An interface that names no subnet or no VPC lies in none that we know.
        for nic in self.nics.iter().filter(|n| !n.subnet.is_empty() && !n.vpc.is_empty()) {
            subnets.entry(nic.subnet).or_insert((None, nic.vpc, nic.view));
        }
        for (id, (row, vpc, view)) in subnets {
            // An explicit association is read as it is; the default counts only where every row
            // was read, for a row that is missing may hold the association.
            let acl = acls.get(id).copied().or_else(|| {
                let complete = self.complete(view, CallKind::NetworkAcls);
                default_acls.get(vpc).copied().filter(|_| complete)
            });
            let acl = acl.ok_or_else(|| {
                let why = format!("no network ACL of {id} or default of {vpc} is in the snapshot");
                self.gap(view, CallKind::NetworkAcls, id, &why)
            });
            let routes = tables.get(id).copied().or_else(|| {
                let complete = self.complete(view, CallKind::RouteTables);
                main_tables.get(vpc).copied().filter(|_| complete)
            });
            let routes = routes.ok_or_else(|| {
                let why =
                    format!("no route table of {id} or main table of {vpc} is in the snapshot");
                self.gap(view, CallKind::RouteTables, id, &why)
            });
            self.subnets.insert(id, Place { id, row, vpc, view, acl, routes });
        }
    }

    /// What came of a call in a view; `None` when it was never made.
    pub(super) fn call(&self, view: usize, kind: CallKind) -> Option<&'a Call> {
        self.outcomes.get(&(view, kind)).copied()
    }

    /// Whether every row of a call is there.
    pub(super) fn complete(&self, view: usize, kind: CallKind) -> bool {
        self.call(view, kind).is_some_and(|c| c.outcome.is_complete())
    }

    /// The gap that an incomplete call leaves; `otherwise` says what is amiss where it is complete.
    pub(super) fn gap(&self, view: usize, kind: CallKind, id: &str, otherwise: &str) -> Gap {
        let rows = &self.snapshot.regions[view];
        let scope = format!("{}/{}", rows.account, rows.region);
        match self.call(view, kind) {
            Some(call) => call.gap().unwrap_or_else(|| Gap::new(kind.gap(), id, otherwise)),
            None => Gap::new(kind.gap(), scope, kind.unsaved()),
        }
    }

    /// A gap for a part of the configuration that no rule models.
    pub(super) fn not_modelled(scope: &str, what: impl Into<String>) -> Gap {
        Gap::new(GapKind::NotModelled, scope, what)
    }

    /// The blocks of a prefix list; `None` where they could not be read.
    pub(super) fn prefix_list(&self, id: &str) -> Option<&AddressSet> {
        self.prefix_lists.get(id)?.1.as_ref()
    }

    /// Whether a prefix list may hold blocks of a family: one that nobody described may.
    pub(super) fn list_may_hold(&self, id: &str, family: Family) -> bool {
        self.prefix_lists.get(id).is_none_or(|(row, _)| row.may_hold(family))
    }

    /// The gap of an unresolved prefix list.
    pub(super) fn prefix_gap(&self, id: &str) -> Gap {
        let why = match self.prefix_lists.get(id) {
            Some(_) => "its entries could not be read, or not all of them",
            None => "it is not in the snapshot",
        };
        Gap::new(GapKind::PrefixLists, id, why)
    }

    /// The interfaces that have an address, and as what.
    pub(super) fn spots(&self, address: IpAddr) -> &[Spot] {
        self.spots.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The addresses of a block that interfaces have.
    pub(super) fn range(
        &self,
        network: ipnetwork::IpNetwork,
    ) -> impl Iterator<Item = (IpAddr, &[Spot])> {
        let (low, high) = (network.network(), network.broadcast());
        self.spots.range(low..=high).map(|(a, s)| (*a, s.as_slice()))
    }

    /// Every address with its interfaces, sorted.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&IpAddr, &Vec<Spot>)> {
        self.spots.iter()
    }

    /// Every address of one interface.
    pub(super) fn addresses_of(&self, nic: usize) -> Vec<(IpAddr, Spot)> {
        let row = self.nics[nic].row;
        let v4 = row.private_ip_address.into_iter();
        let v4 = v4.chain(row.private_ip_addresses.iter().filter_map(|p| p.private_ip_address));
        let v6 = row.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.map(IpAddr::from));
        let mut out: Vec<(IpAddr, Spot)> = Vec::new();
        for private in v4 {
            out.push((private, Spot { nic, role: Role::Private }));
            if let Some(public) = self.public_of(nic, private) {
                out.push((public, Spot { nic, role: Role::Public(private) }));
            }
        }
        out.extend(v6.map(|a| (a, Spot { nic, role: Role::V6 })));
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The public address associated with a private one of an interface.
    pub(super) fn public_of(&self, nic: usize, private: IpAddr) -> Option<IpAddr> {
        let row = self.nics[nic].row;
        let main = row.private_ip_address.map(|p| (p, row.association.as_ref()));
        let all = row
            .private_ip_addresses
            .iter()
            .filter_map(|p| p.private_ip_address.map(|a| (a, p.association.as_ref())));
        let own = main
            .into_iter()
            .chain(all)
            .find_map(|(p, a)| a.filter(|_| p == private).and_then(|a| a.public_ip));
        own.or_else(|| self.lent.get(&(nic, private)).copied())
    }

    /// The interface of an id.
    pub(super) fn nic_of(&self, id: &str) -> Option<usize> {
        self.nic_ids.get(id).copied()
    }

    /// The interfaces of an instance, in the order of their device index.
    pub(super) fn nics_of_instance(&self, id: &str) -> Vec<usize> {
        let mut nics = self.instance_nics.get(id).cloned().unwrap_or_default();
        nics.sort_by_key(|n| {
            let row = self.nics[*n].row;
            (row.attachment.as_ref().and_then(|a| a.device_index), &row.network_interface_id)
        });
        nics
    }

    /// Interfaces with a public address of which every database that may have them is said not to
    /// be publicly accessible (R32).
    fn hidden_databases(&self) -> BTreeMap<usize, Gap> {
        let mut out = BTreeMap::new();
        let views = self.snapshot.regions.iter().enumerate();
        for (view, rows) in views.filter(|(v, _)| self.complete(*v, CallKind::DbInstances)) {
            let own = |(_, nic): &(usize, &Nic<'_>)| {
                nic.view == view && nic.row.description.as_deref() == Some("RDSNetworkInterface")
            };
            for (at, nic) in self.nics.iter().enumerate().filter(own) {
                let public = self.addresses_of(at).into_iter();
                let public = public.filter(|(_, s)| matches!(s.role, Role::Public(_))).count();
                let of = rows.db_instances.iter().filter(|db| db.may_have(nic.row));
                let of: Vec<&DbInstance> = of.collect();
                if let ([first, ..], true) = (&of[..], public > 0)
                    && of.iter().all(|db| !db.publicly_accessible)
                {
                    let name = &first.db_instance_identifier;
                    let why =
                        format!("it has a public address, and {name} is not publicly accessible");
                    out.insert(at, Gap::new(GapKind::DbInstances, nic.id(), why));
                }
            }
        }
        out
    }

    /// The interfaces that may be a database's.
    pub(super) fn nics_of_database(&self, db: &DbInstance) -> Vec<usize> {
        (0..self.nics.len()).filter(|n| db.may_have(self.nics[*n].row)).collect()
    }

    /// The VPCs that a virtual private gateway or a transit gateway leads to, as far as route tables
    /// and attachments show.
    pub(super) fn vpcs_behind(&self, gateway: &str) -> Vec<&'a str> {
        let attached =
            self.attachments.values().flatten().filter(|a| {
                a.gateway == gateway && a.resource_type == Some("vpc") && a.available()
            });
        let mut vpcs: Vec<&str> = attached.filter_map(|a| a.resource_id).collect();
        for table in self.snapshot.regions.iter().flat_map(|v| &v.route_tables) {
            let routed = table.routes.iter().any(|r| {
                r.gateway_id.as_deref() == Some(gateway) && r.state.as_deref() != Some("blackhole")
            });
            if routed || table.propagating_vgws.iter().any(|g| g == gateway) {
                vpcs.extend(table.vpc_id.as_deref());
            }
        }
        vpcs.sort_unstable();
        vpcs.dedup();
        vpcs
    }

    /// The view that a VPC was read in.
    pub(super) fn view_of_vpc(&self, vpc: &str) -> Option<usize> {
        let of_nic = || self.vpc_nics.get(vpc).and_then(|n| n.first()).map(|n| self.nics[*n].view);
        self.vpc_views.get(vpc).copied().or_else(of_nic)
    }

    /// The blocks of a VPC that are in force; empty where the VPC is not in the snapshot.
    pub(super) fn vpc_blocks(&self, vpc: &str) -> AddressSet {
        self.vpcs.get(vpc).map(|row| row.blocks().collect()).unwrap_or_default()
    }

    /// The blocks of every VPC: who has an address of them comes from no internet, though it be global.
    pub(super) fn blocks(&self) -> AddressSet {
        self.vpcs.values().flat_map(|row| row.blocks()).collect()
    }

    /// The subnet of a VPC that holds an address.
    pub(super) fn subnet_holding(&self, vpc: &str, address: IpAddr) -> Option<&Place<'a>> {
        self.subnets.values().find(|p| {
            p.vpc == vpc
                && p.row.is_some_and(|r| {
                    let v6 = r.ipv6_cidr_block_association_set.iter();
                    match address {
                        IpAddr::V4(a) => r.cidr_block.is_some_and(|b| b.contains(a)),
                        IpAddr::V6(a) => {
                            v6.filter_map(|b| b.ipv6_cidr_block).any(|b| b.contains(a))
                        }
                    }
                })
        })
    }

    /// Elastic addresses that lead to an interface nobody described.
    pub(super) fn unseen_elastic(&self) -> impl Iterator<Item = Gap> {
        let unseen = |(public, row): &(&IpAddr, &&Address)| {
            let used = row.association_id.is_some()
                || row.network_interface_id.is_some()
                || row.instance_id.is_some();
            let seen = self.spots.contains_key(public) || self.nat_addresses.contains_key(public);
            used && !seen
        };
        self.elastic.iter().filter(unseen).map(|(public, row)| {
            let id = row.allocation_id.clone().unwrap_or_else(|| public.to_string());
            let why = "the interface of the elastic address is not in the snapshot";
            Gap::new(GapKind::NetworkInterfaces, id, why)
        })
    }

    /// Interfaces with delegated IPv6 blocks, whose addresses are not listed one by one.
    pub(super) fn delegated(&self) -> impl Iterator<Item = Gap> {
        self.nics.iter().flat_map(|nic| {
            nic.row.ipv6_prefixes.iter().map(|block| {
                Self::not_modelled(
                    nic.id(),
                    format!("the addresses of its delegated block {block}"),
                )
            })
        })
    }

    /// The interface that a block with this address is delegated to.
    pub(super) fn delegate(&self, address: IpAddr) -> Option<Spot> {
        let has = |nic: &Nic<'_>| {
            let mut blocks = nic.row.ipv4_prefixes.iter().chain(&nic.row.ipv6_prefixes);
            blocks.any(|b| b.contains(address))
        };
        let role = if address.is_ipv6() { Role::V6 } else { Role::Private };
        self.nics.iter().position(has).map(|nic| Spot { nic, role })
    }

    /// The internet gateway attached to a VPC.
    pub(super) fn attached_gateway(&self, vpc: &str) -> Option<&'a str> {
        self.gateways.iter().find(|(_, g)| is_attached(&g.attachments, vpc)).map(|(id, _)| *id)
    }
}

/// Whether an instance in this state answers, or soon does (R34).
pub(super) fn may_answer(state: &str) -> bool {
    matches!(state, "running" | "pending" | "")
}

/// Whether a gateway's attachment to `vpc` is in force.
pub(super) fn is_attached(attachments: &[GatewayAttachment], vpc: &str) -> bool {
    attachments.iter().any(|a| {
        a.vpc_id.as_deref() == Some(vpc)
            && a.state.as_deref().is_none_or(|s| s == "available" || s == "attached")
    })
}

impl Nic<'_> {
    /// The id.
    pub(super) fn id(&self) -> &str {
        &self.row.network_interface_id
    }

    /// The host that has it: its instance, else itself.
    pub(super) fn host(&self) -> &str {
        self.instance.unwrap_or(self.id())
    }
}
