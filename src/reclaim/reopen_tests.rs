use super::*;
use crate::snapshot::{CallKind, Outcome, RegionView};
use crate::spec::{self, Source};
use serde_json::Value;

/// Five media servers with public addresses, of two generations with a group each.
fn account() -> Snapshot {
    let text = include_str!("../../fixtures/incidents/tokbox-2019/snapshot.json");
    serde_json::from_str(text).expect("a snapshot")
}

fn declared(more: &str) -> Spec {
    let text = include_str!("../../fixtures/incidents/tokbox-2019/spec.yaml");
    let text = text.replace("    allow:\n", &format!("{more}    allow:\n"));
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

fn receipted(kind: &str, id: &str, undo: &str, immutable: Value, handed: Value) -> Receipted {
    serde_json::from_value(json!({
        "n": 1, "item": {"type": kind, "id": id}, "action": "act", "undo": undo,
        "risk": "reversible", "immutable": immutable, "before": {}, "after": {},
        "handed": handed, "at": "2026-11-22T12:00:00Z", "undone": false,
    }))
    .expect("a receipted act")
}

fn rule(group: &str, protocol: &str, port: &str, peer: &str) -> Receipted {
    let id = format!("{group}/ingress/{protocol}/{port}/{port}/{peer}");
    let fields = json!({"group": group, "direction": "ingress", "protocol": protocol,
                        "from": port, "to": port, "peer": peer});
    receipted(aws::PERMISSION, &id, "authorize", fields, json!({}))
}

#[track_caller]
fn refused(spec: &Spec, now: &Snapshot, it: &Receipted, says: &str) {
    let no = reopens(spec, now, it).expect_err("refused");
    assert_eq!(no.reason, Reason::Exposes);
    assert!(no.says.contains(says), "{no}");
}

#[test]
fn a_permission_goes_back_where_it_opens_what_is_declared_and_nothing_else() {
    let (spec, now) = (declared(""), account());
    let group = "sg-0videoedge2";
    let then = reopens(&spec, &now, &rule(group, "tcp", "443", "0.0.0.0/0"));
    let then = then.unwrap_or_else(|no| panic!("{no}"));
    assert_ne!(then, now, "what follows is judged with it");
    for (port, peer) in [("8080", "0.0.0.0/0"), ("8080", "198.51.100.0/24"), ("22", "0.0.0.0/0")] {
        let it = rule(group, "tcp", port, peer);
        refused(&spec, &now, &it, &format!("tcp/{port} of i-0video"));
        refused(&spec, &now, &it, "which nobody declared");
    }
    // Inside it is reachable anyway, and a group that nothing carries opens nothing.
    let inside = rule(group, "tcp", "9", "10.20.0.0/16");
    assert!(reopens(&spec, &now, &inside).is_ok());
    let mut bare = now.clone();
    for interface in &mut bare.regions[0].network_interfaces {
        interface.groups.retain(|g| g.group_id != group);
    }
    assert!(reopens(&spec, &bare, &rule(group, "tcp", "8080", "0.0.0.0/0")).is_ok());
}

#[test]
fn what_the_spec_forbids_is_named_as_that() {
    let forbid = "    forbid:\n      - { port: tcp/8080, from: office }\n";
    let it = rule("sg-0videoedge2", "tcp", "8080", "198.51.100.0/24");
    refused(&declared(forbid), &account(), &it, "which the spec forbids");
}

#[test]
fn what_is_open_already_is_not_opened_by_it() {
    let (spec, now) = (declared(""), account());
    let wide = rule("sg-0videoedge2", "tcp", "8080", "0.0.0.0/0");
    let mut open = now;
    take_back(&mut open, &wide).expect("all of it is there");
    assert!(reopens(&spec, &open, &wide).is_ok(), "it is there twice now");
    // For some is not for all.
    let mut some = account();
    let office = rule("sg-0videoedge2", "tcp", "8080", "198.51.100.0/24");
    take_back(&mut some, &office).expect("all of it is there");
    refused(&spec, &some, &wide, "tcp/8080");
}

#[test]
fn instances_and_interfaces_come_back_with_what_their_groups_let_in() {
    let spec = declared("");
    let open = |now: &mut Snapshot| {
        let wide = rule("sg-0videoedge1", "tcp", "8080", "0.0.0.0/0");
        take_back(now, &wide).expect("all of it is there");
    };
    let isolate: fn(&mut RegionView) = |view| view.network_interfaces[0].groups.clear();
    let stop: fn(&mut RegionView) = |view| view.instances[0].state.name = "stopped".into();
    let groups = json!({"eni-0video01": "sg-0videoedge1"});
    for (undo, quarantine, handed) in [("rejoin", isolate, groups), ("start", stop, json!({}))] {
        let it = receipted(aws::INSTANCE, "i-0video01", undo, json!({}), handed);
        let mut now = account();
        quarantine(&mut now.regions[0]);
        assert!(reopens(&spec, &now, &it).is_ok(), "{undo} opens what is declared");
        open(&mut now);
        refused(&spec, &now, &it, "tcp/8080 of i-0video01");
    }
}

#[test]
fn what_cannot_be_told_is_a_no() {
    let spec = declared("");
    let gone = rule("sg-gone", "tcp", "443", "0.0.0.0/0");
    refused(&spec, &account(), &gone, "not all of it is there");
    let odd = receipted(aws::INSTANCE, "i-0video01", "rejoin", json!({}), json!({}));
    refused(&spec, &account(), &odd, "not all of it is there");
    // A layer that was not read: whatever it lets through.
    let mut dark = account();
    for call in dark.calls.iter_mut().filter(|c| c.kind == CallKind::NetworkAcls) {
        call.outcome = Outcome::Denied("UnauthorizedOperation".into());
    }
    dark.regions[0].network_acls.clear();
    let it = rule("sg-0videoedge2", "tcp", "8080", "0.0.0.0/0");
    refused(&spec, &dark, &it, "nobody can say");
}

#[test]
fn only_what_may_open_something_is_judged() {
    let of = |kind, undo| receipted(kind, "x", undo, json!({"direction": "egress"}), json!({}));
    for (kind, undo, opens) in [
        (aws::PERMISSION, "authorize", false),
        (aws::INSTANCE, "start", true),
        (aws::INSTANCE, "rejoin", true),
        (aws::INTERFACE, "attach", true),
        (aws::VOLUME, "attach", false),
        (aws::VOLUME, "drop-snapshot", false),
        (aws::TARGET, "register", false),
        ("servo", "start", false),
    ] {
        assert_eq!(may_open(&of(kind, undo)), opens, "{undo} of {kind}");
    }
    assert!(may_open(&rule("sg-1", "tcp", "1", "0.0.0.0/0")), "ingress is");
}
