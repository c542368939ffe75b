use super::*;
use crate::model::{Endpoint, Gap, GapKind};
use crate::observation::{Observation, Observations, State};
use crate::resolve::{Blind, Resolution, resolve};
use crate::snapshot::{Call, CallKind, Outcome, Snapshot, TargetHealth};
use crate::spec::{self, Source};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Four instances of role `a`, of which the Auto Scaling group has three and the target group two.
fn world(asg: &[(&str, &str)], targets: Option<&[(&str, &str)]>) -> (Snapshot, Resolution) {
    let instance = |n: u8| {
        json!({
            "InstanceId": format!("i-{n}"), "State": { "Name": "running" },
            "PrivateIpAddress": format!("10.0.0.{n}"),
            "Tags": [{ "Key": "role", "Value": "a" }, { "Key": "Name", "Value": if n < 3 { "one".into() } else { format!("n{n}") } }],
        })
    };
    let asg: Vec<Json> = asg
        .iter()
        .map(|(id, state)| json!({ "InstanceId": id, "LifecycleState": state, "HealthStatus": "Healthy" }))
        .collect();
    let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    let view = json!({
        "Account": "111122223333", "Region": "r1",
        "Instances": (1..=4).map(instance).collect::<Vec<_>>(),
        "AutoScalingGroups": [{ "AutoScalingGroupName": "pool", "Instances": asg }],
        "TargetGroups": [{ "TargetGroupArn": "arn:tg", "TargetGroupName": "web" }],
    });
    let mut view: crate::snapshot::RegionView = serde_json::from_value(view).expect("a view");
    view.target_groups[0].targets = targets.map(|t| {
        t.iter()
            .map(|(id, state)| TargetHealth {
                target: crate::snapshot::Target { id: (*id).into(), ..Default::default() },
                state: Some((*state).into()),
            })
            .collect()
    });
    snapshot.regions.push(view);
    for kind in CallKind::ALL {
        snapshot.calls.push(Call {
            account: "111122223333".into(),
            region: "r1".into(),
            kind: *kind,
            outcome: Outcome::Complete,
            items: 0,
        });
    }
    let text = "version: 1\nroles:\n  a: { select: { tags: { role: a } } }\n";
    let spec = spec::load(&[Source::new("s.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let resolution = resolve(&spec, &snapshot);
    (snapshot, resolution)
}

fn ids(chosen: &Result<Vec<Chosen>, Refusal>) -> Vec<String> {
    let chosen = chosen.as_ref().expect("hosts");
    chosen.iter().map(|c| c.host.clone().unwrap_or_else(|r| format!("no: {r}"))).collect()
}

#[test]
fn hosts_are_named_by_id_address_or_a_name_of_one() {
    let (snapshot, resolution) = world(&[], None);
    let ask = |names: &[&str]| {
        let wanted = Wanted::Hosts(names.iter().map(|n| (*n).to_owned()).collect());
        choose(&wanted, &BTreeSet::new(), &snapshot, &resolution)
    };
    assert_eq!(ids(&ask(&["i-1", "10.0.0.1", "n3"])), ["i-1", "i-3"]);
    let found = ask(&["one", "i-9"]).expect("an answer for each");
    let why = |asked: &str| {
        let chosen = found.iter().find(|c| c.asked == asked).expect("what was asked");
        chosen.host.clone().expect_err("nobody")
    };
    assert!(why("one").why.contains("2 hosts"), "{}", why("one"));
    assert_eq!((why("one").unseen, why("i-9").unseen), (false, false));
    // Where not everything was read, nobody knows that it is not there.
    let mut blind = resolution.clone();
    blind.blind.push(Blind {
        account: "111122223333".into(),
        region: "r2".into(),
        gap: Gap::new(GapKind::Instances, "111122223333/r2", "denied"),
    });
    let found = choose(&Wanted::Hosts(vec!["i-9".into()]), &BTreeSet::new(), &snapshot, &blind)
        .expect("an answer");
    assert!(found[0].host.as_ref().is_err_and(|r| r.unseen && r.why.contains("r2")));
}

#[test]
fn a_group_gives_those_that_do_not_serve_yet() {
    let waiting = [("i-1", "InService"), ("i-2", "Pending:Wait"), ("i-3", "Standby")];
    let (snapshot, resolution) = world(&waiting, Some(&[("i-4", "initial"), ("i-1", "healthy")]));
    let asg = Wanted::AutoScalingGroup("pool".into());
    assert_eq!(ids(&choose(&asg, &BTreeSet::new(), &snapshot, &resolution)), ["i-2", "i-3"]);
    let targets = Wanted::TargetGroup("arn:tg".into());
    assert_eq!(ids(&choose(&targets, &BTreeSet::new(), &snapshot, &resolution)), ["i-4"]);

    // A group without such a host is no pass of nobody, and one that was not read is not empty.
    let (snapshot, resolution) = world(&[("i-1", "InService"), ("i-2", "Terminating")], None);
    let none = choose(&asg, &BTreeSet::new(), &snapshot, &resolution).expect_err("nobody waits");
    assert!(!none.unseen && none.why.contains("none of the 2"), "{none}");
    let unread = choose(&targets, &BTreeSet::new(), &snapshot, &resolution).expect_err("not read");
    assert!(unread.unseen, "{unread}");
    let other = Wanted::TargetGroup("arn:other".into());
    assert!(choose(&other, &BTreeSet::new(), &snapshot, &resolution).is_err_and(|r| !r.unseen));
    // What was never asked for may be there.
    let mut unasked = snapshot.clone();
    unasked.calls.retain(|c| c.kind != CallKind::LoadBalancers && c.kind != CallKind::TargetGroups);
    let unread = choose(&other, &BTreeSet::new(), &unasked, &resolution).expect_err("not read");
    assert!(unread.unseen, "{unread}");
}

#[test]
fn one_that_was_gated_stays_in_the_answer_when_it_enters_service() {
    let before = BTreeSet::from(["i-1".to_owned(), "i-2".to_owned(), "i-3".to_owned()]);
    let say = |wanted: &Wanted, world: &(Snapshot, Resolution)| -> Vec<(String, bool)> {
        let chosen = choose(wanted, &before, &world.0, &world.1).expect("hosts");
        chosen.into_iter().map(|c| (c.asked, c.entered)).collect()
    };
    let said = |of: &[(&str, bool)]| -> Vec<(String, bool)> {
        of.iter().map(|(id, entered)| ((*id).to_owned(), *entered)).collect()
    };
    // i-4 serves and nobody gated it; i-3 leaves.
    let asg = [
        ("i-1", "InService"),
        ("i-2", "Pending:Wait"),
        ("i-3", "Terminating:Wait"),
        ("i-4", "InService"),
    ];
    let targets = [("i-1", "healthy"), ("i-2", "initial"), ("i-3", "draining"), ("i-4", "healthy")];
    let pool = world(&asg, Some(&targets));
    for wanted in [Wanted::AutoScalingGroup("pool".into()), Wanted::TargetGroup("arn:tg".into())] {
        assert_eq!(say(&wanted, &pool), said(&[("i-1", true), ("i-2", false)]));
    }
    // With two ports it waits with either.
    let two = world(&[], Some(&[("i-1", "healthy"), ("i-1", "unhealthy.draining")]));
    assert_eq!(say(&Wanted::TargetGroup("arn:tg".into()), &two), said(&[("i-1", false)]));
    // Of a warm pool too, what leaves waits for nothing.
    let warm = world(&[("i-1", "Warmed:Terminating:Wait"), ("i-2", "Warmed:Pending")], None);
    let asg = Wanted::AutoScalingGroup("pool".into());
    assert_eq!(say(&asg, &warm), said(&[("i-2", false)]));
}

#[test]
fn a_balancer_that_holds_a_host_back_makes_it_no_peer_of_its_group() {
    let asg = [("i-1", "InService"), ("i-2", "InService"), ("i-3", "InService")];
    let targets = [("i-1", "draining"), ("i-2", "unused"), ("i-3", "unhealthy")];
    let (snapshot, resolution) = world(&asg, Some(&targets));
    let asked = BTreeSet::from(["i-4".to_owned()]);
    let peers = serving("a", &asked, &resolution, &snapshot, 9);
    let hosts: Vec<&str> = peers.iter().map(|p| p.host.as_str()).collect();
    assert_eq!(hosts, ["i-2"]);
}

#[test]
fn peers_are_those_that_serve_best_proof_first() {
    let asg = [("i-1", "InService"), ("i-2", "Pending:Wait"), ("i-3", "InService")];
    let (snapshot, resolution) =
        world(&asg, Some(&[("10.0.0.3", "healthy"), ("i-4", "unhealthy")]));
    let asked = BTreeSet::from(["i-2".to_owned()]);
    let peers = serving("a", &asked, &resolution, &snapshot, 9);
    let said: Vec<String> = peers.iter().map(|p| format!("{} {}", p.host, p.why)).collect();
    // i-4 runs, and a balancer keeps traffic from it: it serves nothing.
    assert_eq!(
        said,
        ["i-3 healthy in target group web", "i-1 in service in Auto Scaling group pool"]
    );
    assert_eq!(serving("a", &asked, &resolution, &snapshot, 1).len(), 1);
}

#[test]
fn peers_that_answer_less_than_another_are_no_measure() {
    let (_, resolution) = world(&[], None);
    let text = "version: 1\nroles:\n  a:\n    select: { names: [\"*\"] }\n    services:\n      \
                web: { port: tcp/443, from: internet }\n      turn: { port: udp/3478, from: internet }\n";
    let spec = spec::load(&[Source::new("s.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let peers = |ids: &[&str]| -> Vec<Peer> {
        ids.iter().map(|id| Peer { host: (*id).into(), why: "running".into() }).collect()
    };
    let saw = |host: &str, port: u16, protocol, state| {
        let address = resolution.hosts[host].addresses[0].address;
        Observation::new(Endpoint { address, protocol, port }, state, "out")
    };
    use crate::model::Protocol::{Tcp, Udp};
    let rows = vec![
        saw("i-1", 443, Tcp, State::Open),
        saw("i-1", 3478, Udp, State::Open),
        saw("i-2", 443, Tcp, State::Silent),
        saw("i-2", 3478, Udp, State::Open),
        saw("i-3", 443, Tcp, State::Refused),
    ];
    let observations = Observations { rows, ..Observations::default() };
    let left = |ids: &[&str]| -> Vec<String> {
        let left = answering(peers(ids), &spec.roles["a"], &resolution, &observations);
        left.into_iter().map(|p| p.host).collect()
    };
    assert_eq!(left(&["i-1", "i-2", "i-3"]), ["i-1"]);
    assert_eq!(left(&["i-2", "i-3"]), ["i-2"], "of those that are left the best");
    assert_eq!(left(&["i-3"]), Vec::<String>::new(), "a refusal serves nobody");
    assert_eq!(left(&["i-3", "i-4"]), ["i-4"], "of i-4 nothing was seen not to answer");

    // Nobody to be like because nobody answers, or because not everything was read, is told.
    let told = |serving: usize, left: &[&str], resolution: &Resolution| {
        unmeasured("a", serving, serving, &peers(left), resolution)
    };
    // Whoever asked one of two knows nothing of the other.
    let one = unmeasured("a", 1, 2, &[], &resolution).unwrap_or_default();
    assert!(one.starts_with("the one that was asked of 2 hosts that serve already"), "{one}");
    assert_eq!(told(2, &["i-1"], &resolution), None);
    assert_eq!(told(0, &[], &resolution), None, "no host serves yet, and all were read");
    assert!(told(2, &[], &resolution).is_some_and(|w| w.contains("none of the 2 hosts")));
    let mut blind = resolution.clone();
    blind.blind.push(Blind {
        account: "111122223333".into(),
        region: "r2".into(),
        gap: Gap::new(GapKind::Instances, "111122223333/r2", "denied"),
    });
    assert!(told(0, &[], &blind).is_some_and(|w| w.contains("111122223333/r2")));
    assert_eq!(told(1, &["i-1"], &blind), None, "somebody serves, and is a measure");
}

fn lines(lines: &[&str]) -> Value {
    Value::Lines(lines.iter().map(|l| (*l).to_owned()).collect())
}

fn compared(own: Value, peers: &[Value]) -> Vec<Difference> {
    let peer = Peer { host: "p".into(), why: "running".into() };
    let traits = |v: &Value| BTreeMap::from([(Trait::Permissions, v.clone())]);
    let with: Vec<(&Peer, Traits)> = peers.iter().map(|v| (&peer, traits(v))).collect();
    compare(&traits(&own), &with, &BTreeSet::from(["permissions"]))
}

#[test]
fn the_odd_one_is_told_with_what_it_lacks_and_what_it_has_more() {
    let found =
        compared(lines(&["a", "x"]), &[lines(&["a", "b"]), lines(&["a", "b"]), lines(&["a"])]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].missing.as_slice(), found[0].extra.as_slice()),
        (&["b".into()][..], &["x".into()][..])
    );
    assert_eq!((found[0].peers, found[0].of, found[0].holds), (2, 3, true));
    // Of two that differ nobody knows which is right: neither vouches.
    let found = compared(lines(&["a"]), &[lines(&["b"]), lines(&["a"])]);
    assert_eq!((found[0].alike, found[0].of, found[0].holds), (1, 2, true));
    assert!(found[0].to_string().contains("permissions differ from 1 of 2 peers"), "{}", found[0]);
    // Like most of them is like them.
    assert_eq!(compared(lines(&["a"]), &[lines(&["b"]), lines(&["a"]), lines(&["a"])]), []);
    // One that is wrong does not vouch for another that is wrong in the same way.
    let found = compared(lines(&["a"]), &[lines(&["b"]), lines(&["a"]), lines(&["b"])]);
    let [odd] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((odd.missing.as_slice(), odd.alike, odd.of), (&["b".to_owned()][..], 1, 3));
    assert!(odd.to_string().contains("differ from 2 of 3 peers"), "{odd}");
    // Nobody to compare with is no difference, and what cannot be read is no likeness.
    assert_eq!(compared(lines(&["a"]), &[]), []);
    let unknown = compared(Value::Unknown("denied".into()), &[lines(&["a"])]);
    assert!(unknown[0].unknown.is_some() && unknown[0].holds);
    assert_eq!(compared(lines(&["a"]), &[Value::Unknown("denied".into())]), []);
}

/// What rests on a call that was denied or never made is the same as nothing, and nothing is like it.
#[test]
fn a_trait_that_was_not_read_is_unknown_whether_it_was_denied_or_never_asked() {
    let (snapshot, resolution) = world(&[], None);
    let host = &resolution.hosts["i-1"];
    let all = traits(host, &snapshot);
    assert!(all.values().all(|v| matches!(v, Value::Lines(_))), "{all:?}");
    let unread = |kind: CallKind, denied: bool| {
        let mut snapshot = snapshot.clone();
        if denied {
            let call = snapshot.calls.iter_mut().find(|c| c.kind == kind).expect("the call");
            call.outcome = Outcome::Denied("UnauthorizedOperation".into());
        } else {
            snapshot.calls.retain(|c| c.kind != kind);
        }
        let traits = traits(host, &snapshot);
        let unknown = traits.iter().filter(|(_, v)| matches!(v, Value::Unknown(_)));
        unknown.map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    for denied in [true, false] {
        assert_eq!(unread(CallKind::SecurityGroups, denied), ["permissions"]);
        assert_eq!(unread(CallKind::NetworkAcls, denied), ["network-acl"]);
        assert_eq!(unread(CallKind::RouteTables, denied), ["routes"]);
        assert_eq!(unread(CallKind::Instances, denied), ["image", "instance-type"]);
        let interfaces = [
            "permissions",
            "groups",
            "network-acl",
            "routes",
            "addresses",
            "source-dest-check",
            "subnet",
            "zone",
        ];
        assert_eq!(unread(CallKind::NetworkInterfaces, denied), interfaces);
    }
}

#[test]
fn a_gate_without_hosts_holds() {
    let nobody = Verdicts {
        at: jiff::Timestamp::UNIX_EPOCH,
        snapshot_at: None,
        role: "a".into(),
        hosts: Vec::new(),
        journeys: Vec::new(),
        peers: Vec::new(),
        vantages: Vec::new(),
        unheard: BTreeSet::new(),
        swept: None,
        gaps: Vec::new(),
        not_judged: Vec::new(),
    };
    assert_eq!(nobody.answer(), Answer::Hold);
}
