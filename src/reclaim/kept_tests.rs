//! What a quarantine would lose, and what few signs keep.

use super::tests::{kinds, listed, snapshot, thing};
use crate::cleanup::Listing;
use crate::observation::Observations;
use crate::snapshot::RegionView;
use serde_json::json;

/// How the fixture judges with a change.
fn changed(change: impl FnOnce(&mut RegionView)) -> Listing {
    let mut snapshot = snapshot();
    change(&mut snapshot.regions[0]);
    listed(&snapshot, &Observations::default())
}

#[test]
fn what_a_stop_would_lose_is_cut_off_instead() {
    for (kind, action) in [
        (Some("m5.large"), "stop"),
        (Some("t4g.nano"), "stop"),
        (Some("m5d.large"), "isolate"),
        (Some("i4i.large"), "isolate"),
        (Some("m1.small"), "isolate"),
        // Nobody knows what disks a family has that is new, nor one that nobody told.
        (Some("q9z.large"), "isolate"),
        (None, "isolate"),
    ] {
        let listing = changed(|view| {
            let mut all = view.instances.iter_mut();
            let orphan = all.find(|i| i.instance_id == "i-orphan").expect("the orphan");
            orphan.instance_type = kind.map(Into::into);
        });
        assert_eq!(thing(&listing, "i-orphan").action.as_deref(), Some(action), "{kind:?}");
    }
}

#[test]
fn an_address_is_kept_by_a_narrow_block_that_lets_it_in() {
    for (block, kept) in [
        ("203.0.113.8/32", true),
        ("203.0.113.8/30", true),
        ("203.0.113.9/31", true),
        ("203.0.0.0/16", true),
        ("203.0.113.10/32", false),
        ("203.0.0.0/15", false),
        ("0.0.0.0/0", false),
    ] {
        let listing = changed(|view| {
            let mut all = view.security_groups.iter_mut();
            let named = all.find(|g| g.group_id == "sg-named").expect("the group");
            named.ip_permissions[0].ip_ranges[0].cidr_ip = block.parse().expect("a block");
        });
        let protected = !thing(&listing, "eipalloc-trusted").protected.is_empty();
        assert_eq!(protected, kept, "{block}");
    }
}

#[test]
fn an_address_of_a_delegated_block_is_there() {
    let target = |block: Option<&str>| {
        let listing = changed(|view| {
            view.vpcs =
                serde_json::from_value(json!([{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16" }]))
                    .expect("a VPC");
            let group = json!({ "TargetGroupArn": "arn:ip", "TargetType": "ip", "VpcId": "vpc-1",
                "Targets": [{ "Target": { "Id": "10.0.7.33", "Port": 80 }, "State": "unhealthy" }] });
            view.target_groups.push(serde_json::from_value(group).expect("a group"));
            let blocks = block.into_iter().map(|b| b.parse().expect("a block"));
            view.network_interfaces[0].ipv4_prefixes = blocks.collect();
        });
        thing(&listing, "arn:ip/10.0.7.33/80").clone()
    };
    assert!(target(None).candidate, "nothing has it");
    let held = target(Some("10.0.7.32/28"));
    assert!(!held.candidate && kinds(&held.live) == ["interface-there"], "{held:?}");
}

#[test]
fn who_holds_a_delegated_block_gets_the_clients_of_its_addresses() {
    let live = |target: &str, id: &str| {
        let listing = changed(|view| {
            let group = json!({ "TargetGroupArn": "arn:ip", "TargetType": "ip", "VpcId": "vpc-1",
                "Targets": [{ "Target": { "Id": target, "Port": 80 }, "State": "healthy" }] });
            view.target_groups.push(serde_json::from_value(group).expect("a group"));
            let mut all = view.network_interfaces.iter_mut();
            let own = all.find(|i| i.network_interface_id == "eni-orphan").expect("the interface");
            own.ipv4_prefixes = vec!["10.0.7.32/28".parse().expect("a block")];
            own.ipv6_prefixes = vec!["2001:db8:7::/80".parse().expect("a block")];
        });
        kinds(&thing(&listing, id).live).contains(&"in-target-group")
    };
    for id in ["i-orphan", "eni-orphan"] {
        assert!(live("10.0.7.33", id) && live("2001:db8:7::5", id), "{id}");
        assert!(!live("10.0.7.48", id) && !live("2001:db8:8::5", id), "{id}: beside it");
    }
}

#[test]
fn where_nothing_is_healthy_a_balancer_sends_clients_to_all() {
    let live = |states: &[&str]| {
        let listing = changed(|view| {
            let targets: Vec<_> = states
                .iter()
                .zip(["i-orphan", "i-other"])
                .map(|(state, id)| json!({ "Target": { "Id": id, "Port": 80 }, "State": state }))
                .collect();
            let group = json!({ "TargetGroupArn": "arn:own", "TargetType": "instance", "Targets": targets });
            view.target_groups.push(serde_json::from_value(group).expect("a group"));
        });
        kinds(&thing(&listing, "i-orphan").live).contains(&"in-target-group")
    };
    assert!(live(&["unhealthy"]) && live(&["unhealthy", "unhealthy"]));
    assert!(live(&["unhealthy", "draining"]));
    assert!(!live(&["unhealthy", "healthy"]), "the healthy one gets them");
    assert!(!live(&["unused", "unhealthy"]));
}

#[test]
fn what_a_quarantine_cut_off_is_terminated_after_it() {
    let action = |group: &str, tagged: bool| {
        let listing = changed(|view| {
            let mut all = view.instances.iter_mut();
            let it = all.find(|i| i.instance_id == "i-quarantined").expect("the instance");
            it.state.name = "running".into();
            if tagged {
                let groups = view.security_groups.iter_mut();
                let tag = json!({ "Key": "portcullis:quarantine", "Value": "true" });
                let tag: crate::snapshot::Tag = serde_json::from_value(tag).expect("a tag");
                groups.filter(|g| g.group_id == "sg-unused").for_each(|g| g.tags.push(tag.clone()));
            }
            let mut all = view.network_interfaces.iter();
            let orphans = all.find(|i| i.network_interface_id == "eni-orphan");
            let mut own = orphans.expect("an interface").clone();
            own.network_interface_id = "eni-quarantined".into();
            own.private_ip_address = "10.0.0.99".parse().ok();
            own.groups[0].group_id = group.into();
            if let Some(attachment) = &mut own.attachment {
                attachment.instance_id = Some("i-quarantined".into());
            }
            view.network_interfaces.push(own);
        });
        thing(&listing, "i-quarantined").action.clone()
    };
    assert_eq!(action("sg-unused", true).as_deref(), Some("terminate"));
    // Somebody gave it a group again, or it is no group of quarantine.
    assert_eq!(action("sg-used", true).as_deref(), Some("stop"));
    assert_eq!(action("sg-unused", false).as_deref(), Some("stop"));
}

/// What hangs at an instance that is stopped is no candidate by itself, and a job may ask to detach it.
#[test]
fn what_hangs_at_a_stopped_instance_serves_nobody() {
    let volume = |instance: &str, device: &str| {
        let listing = changed(|view| {
            let row = json!({ "VolumeId": "vol-hung", "State": "in-use",
                "Attachments": [{ "InstanceId": instance, "Device": device }] });
            view.volumes.push(serde_json::from_value(row).expect("a volume"));
        });
        thing(&listing, "vol-hung").clone()
    };
    let interface = |instance: &str, index: i32| {
        let listing = changed(|view| {
            let row = json!({ "NetworkInterfaceId": "eni-hung", "PrivateIpAddress": "10.0.0.77",
                "VpcId": "vpc-1", "Status": "in-use", "Groups": [{ "GroupId": "sg-used" }],
                "Attachment": { "AttachmentId": "eni-attach-7", "DeviceIndex": index,
                    "InstanceId": instance, "Status": "attached" } });
            view.network_interfaces.push(serde_json::from_value(row).expect("an interface"));
        });
        thing(&listing, "eni-hung").clone()
    };
    for hung in [volume("i-off", "/dev/sdf"), interface("i-off", 1)] {
        assert!(!hung.candidate && hung.live.is_empty(), "{hung:?}");
        assert_eq!(kinds(&hung.dead), ["instance-stopped"]);
    }
    for used in [
        volume("i-web", "/dev/sdf"),
        volume("i-off", "/dev/xvda"),
        volume("i-nobody-read", "/dev/sdf"),
        interface("i-web", 1),
        interface("i-off", 0),
    ] {
        assert!(used.dead.is_empty() && kinds(&used.live).contains(&"attached"), "{used:?}");
    }
}
