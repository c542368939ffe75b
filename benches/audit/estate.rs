//! A synthetic account: the same for the same numbers, on every machine.

use portcullis::snapshot::*;
use std::net::{IpAddr, Ipv4Addr};

/// A small generator of our own, so that an estate is the same everywhere and for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Interfaces in subnets of 200, each with one to three groups of `permissions` each; one in two has a
/// public address, one permission in forty is open to the internet: a careless estate, with about one
/// undeclared exposure for every public address.
pub(crate) fn snapshot(interfaces: usize, groups: usize, permissions: usize) -> Snapshot {
    let mut dice = Dice(7);
    let mut view = RegionView {
        account: "111122223333".into(),
        region: "eu-west-1".into(),
        ..RegionView::default()
    };
    let vpc = "vpc-00000001".to_owned();
    view.vpcs.push(Vpc {
        vpc_id: vpc.clone(),
        cidr_block: "10.0.0.0/8".parse().ok(),
        ..Vpc::default()
    });
    let attachment =
        GatewayAttachment { vpc_id: Some(vpc.clone()), state: Some("available".into()) };
    view.internet_gateways.push(InternetGateway {
        internet_gateway_id: "igw-00000001".into(),
        attachments: vec![attachment],
        ..InternetGateway::default()
    });
    view.route_tables.push(table(&vpc));
    view.network_acls.push(acl(&vpc));
    for at in 0..interfaces.div_ceil(200) {
        view.subnets.push(Subnet {
            subnet_id: format!("subnet-{at:08x}"),
            vpc_id: vpc.clone(),
            cidr_block: format!("10.{}.{}.0/24", at / 256, at % 256).parse().ok(),
            availability_zone: Some("eu-west-1a".into()),
            ..Subnet::default()
        });
    }
    for at in 0..groups {
        view.security_groups.push(SecurityGroup {
            group_id: group_id(at),
            group_name: format!("group {at}"),
            vpc_id: Some(vpc.clone()),
            ip_permissions: (0..permissions).map(|_| permission(&mut dice, groups)).collect(),
            ip_permissions_egress: vec![IpPermission {
                ip_protocol: "-1".into(),
                ip_ranges: vec![range("0.0.0.0/0")],
                ..IpPermission::default()
            }],
            ..SecurityGroup::default()
        });
    }
    for at in 0..interfaces {
        let instance = format!("i-{at:08x}");
        view.instances.push(Instance {
            instance_id: instance.clone(),
            state: InstanceState { name: "running".into() },
            ..Instance::default()
        });
        view.network_interfaces.push(interface(at, &instance, &vpc, groups, &mut dice));
    }
    let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    for kind in CallKind::ALL {
        snapshot.calls.push(Call {
            account: view.account.clone(),
            region: view.region.clone(),
            kind: *kind,
            outcome: Outcome::Complete,
            items: 0,
        });
    }
    view.bpa_options = Some(BpaOptions {
        internet_gateway_block_mode: Some("off".into()),
        ..BpaOptions::default()
    });
    snapshot.regions.push(view);
    snapshot.sort();
    snapshot
}

fn group_id(at: usize) -> String {
    format!("sg-{at:08x}")
}

fn range(block: &str) -> IpRange {
    IpRange { cidr_ip: block.parse().expect("a block"), description: None }
}

fn permission(dice: &mut Dice, groups: usize) -> IpPermission {
    let low = i32::try_from(1 + dice.below(60_000)).expect("a port");
    let width =
        if dice.below(4) == 0 { i32::try_from(dice.below(100)).expect("a width") } else { 0 };
    let mut permission = IpPermission {
        ip_protocol: if dice.below(5) == 0 { "udp" } else { "tcp" }.into(),
        from_port: Some(low),
        to_port: Some(low + width),
        ..IpPermission::default()
    };
    match dice.below(40) {
        0 => permission.ip_ranges.push(range("0.0.0.0/0")),
        1..=6 => permission.ip_ranges.push(range(&format!("198.51.100.{}/32", dice.below(256)))),
        7..=13 => {
            let group_id = group_id(usize::try_from(dice.below(groups as u64)).expect("an index"));
            permission.user_id_group_pairs.push(GroupPair { group_id, ..GroupPair::default() });
        }
        _ => permission.ip_ranges.push(range(&format!("10.{}.0.0/16", dice.below(256)))),
    }
    permission
}

fn interface(at: usize, instance: &str, vpc: &str, groups: usize, dice: &mut Dice) -> Interface {
    let number = u32::try_from(at).expect("a number");
    let (subnet, host) = (number / 200, number % 200 + 10);
    let private = IpAddr::from(Ipv4Addr::from(0x0a00_0000 | (subnet << 8) | host));
    let association = (dice.below(2) == 0).then(|| Association {
        public_ip: Some(Ipv4Addr::from(0x3400_0000 + number).into()),
        ..Association::default()
    });
    let mut ids: Vec<String> = (0..=dice.below(3))
        .map(|_| group_id(usize::try_from(dice.below(groups as u64)).expect("an index")))
        .collect();
    ids.sort();
    ids.dedup();
    Interface {
        network_interface_id: format!("eni-{at:08x}"),
        interface_type: Some("interface".into()),
        status: Some("in-use".into()),
        subnet_id: Some(format!("subnet-{subnet:08x}")),
        vpc_id: Some(vpc.into()),
        private_ip_address: Some(private),
        association,
        attachment: Some(Attachment {
            instance_id: Some(instance.into()),
            ..Attachment::default()
        }),
        groups: ids.into_iter().map(|group_id| GroupRef { group_id, group_name: None }).collect(),
        ..Interface::default()
    }
}

fn table(vpc: &str) -> RouteTable {
    let route = |block: &str, target: &str| Route {
        destination_cidr_block: block.parse().ok(),
        gateway_id: Some(target.into()),
        state: Some("active".into()),
        ..Route::default()
    };
    RouteTable {
        route_table_id: "rtb-00000001".into(),
        vpc_id: Some(vpc.into()),
        associations: vec![RouteTableAssociation {
            main: true,
            ..RouteTableAssociation::default()
        }],
        routes: vec![route("10.0.0.0/8", "local"), route("0.0.0.0/0", "igw-00000001")],
        ..RouteTable::default()
    }
}

fn acl(vpc: &str) -> Acl {
    let entry = |egress: bool| AclEntry {
        rule_number: 100,
        egress,
        protocol: "-1".into(),
        rule_action: "allow".into(),
        cidr_block: "0.0.0.0/0".parse().ok(),
        ..AclEntry::default()
    };
    Acl {
        network_acl_id: "acl-00000001".into(),
        vpc_id: Some(vpc.into()),
        is_default: true,
        entries: vec![entry(false), entry(true)],
        ..Acl::default()
    }
}
