//! Every act of the built-in AWS world, and what takes it back, on a moto of its own; and what the
//! world says when the service throttles, fails or does not answer.

use crate::world::{Server, here, python};
use portcullis::apply::aws::{AwsWorld, Session, Settings};
use portcullis::cleanup::{Act, ActRequest, Acted, CONDEMNED, ItemRef, World, WorldError, aws};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// An account with something of each type.
struct Built {
    moto: Server,
    ids: Value,
}

fn script(server: &Server, verb: &str) -> Value {
    let output =
        python().arg(here().join("reclaim.py")).args([&server.url(), verb]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Built {
    fn new() -> Self {
        let moto = Server::moto();
        let ids = script(&moto, "build");
        Self { moto, ids }
    }

    fn show(&self) -> Value {
        script(&self.moto, "show")
    }

    fn id(&self, name: &str) -> String {
        self.ids[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    fn request(&self, kind: &str, action: &str) -> ActRequest {
        let id = |name| self.id(name);
        let (item, more): (String, Vec<(&str, String)>) = match (kind, action) {
            (aws::INSTANCE, _) => {
                (id("instance"), vec![("image", id("image")), ("vpc", id("vpc"))])
            }
            (aws::INTERFACE, "mark" | "delete") => {
                (id("free_eni"), vec![("private-ip", id("free_eni_ip"))])
            }
            (aws::INTERFACE, _) => (id("eni"), vec![("private-ip", id("eni_ip"))]),
            (aws::VOLUME, "snapshot" | "mark" | "delete") => (id("free_volume"), vec![]),
            (aws::VOLUME, _) => (id("volume"), vec![]),
            (aws::GROUP, _) => (id("unused"), vec![("name", "unused".into()), ("vpc", id("vpc"))]),
            (aws::ADDRESS, _) => (id("address"), vec![("public-ip", id("ip"))]),
            (aws::PERMISSION, _) => {
                // One that is there to be revoked, one that is not to be authorized.
                let port = if action == "authorize" { "8443" } else { "22" };
                (
                    format!("{}/ingress/tcp/{port}/{port}/192.0.2.0/24", id("used")),
                    [("direction", "ingress"), ("protocol", "tcp"), ("from", port), ("to", port)]
                        .map(|(k, v)| (k, v.to_owned()))
                        .into_iter()
                        .chain([("group", id("used")), ("peer", "192.0.2.0/24".to_owned())])
                        .collect(),
                )
            }
            (aws::TARGET, _) => (
                format!("{}/{}/80", id("targets"), id("stopped")),
                vec![
                    ("target-group", id("targets")),
                    ("target", id("stopped")),
                    ("port", "80".into()),
                ],
            ),
            _ => panic!("no example of {kind}"),
        };
        let mut immutable: BTreeMap<String, String> =
            more.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        immutable.insert("account".into(), ACCOUNT.into());
        immutable.insert("region".into(), REGION.into());
        let state = BTreeMap::from([
            ("state".to_owned(), "running".to_owned()),
            ("instance".to_owned(), id("web")),
        ]);
        ActRequest {
            plan: format!("sha256:{}", "0".repeat(64)),
            n: 1,
            item: ItemRef { kind: kind.into(), id: item },
            action: action.into(),
            immutable,
            state,
            token: format!("token-{kind}-{action}"),
            fence: 1,
            not_after: "2100-01-01T00:00:00Z".parse().unwrap(),
        }
    }
}

fn world(server: &Server) -> AwsWorld<'static> {
    world_by(server, None)
}

fn world_by(server: &Server, session: Option<Session>) -> AwsWorld<'static> {
    let settings = Settings {
        session,
        regions: [REGION.to_owned()].into(),
        scope: "tests".into(),
        loopback: server.url().rsplit(':').next().and_then(|p| p.parse().ok()),
        ..Settings::default()
    };
    let unasked = |verb: &str| WorldError { verb: verb.into(), why: "nobody asks".into() };
    AwsWorld::new(
        settings,
        Box::new(move |_, _| Err(unasked("list"))),
        Box::new(move |_| Err(unasked("observe"))),
    )
    .unwrap()
}

fn done(acted: Acted, request: &ActRequest) -> BTreeMap<String, String> {
    match acted {
        Acted::Done { item, action, undo } => {
            assert_eq!((&item, &action), (&request.item, &request.action));
            undo
        }
        other => panic!("{} {}: {other:?}", request.action, request.item),
    }
}

#[test]
fn hello_says_whose_account_it_is_and_what_the_clock_of_aws_shows() {
    let moto = Server::moto();
    let hello = world(&moto).hello().unwrap();
    assert_eq!((hello.target.account.as_str(), hello.target.partition.as_str()), (ACCOUNT, "aws"));
    assert_eq!(hello.target.regions, [REGION.to_owned()].into());
    assert_eq!(hello.acts, aws::acts());
    let away = jiff::Timestamp::now().duration_since(hello.clock.expect("a clock"));
    assert!(away.abs().as_secs() < 60, "{away:?}");
}

#[test]
fn every_act_is_done_and_what_takes_it_back_leaves_everything_as_it_was() {
    let built = Built::new();
    let world = world(&built.moto);
    every_act(&built, world);
}

const ROLE: &str = "arn:aws:iam::123456789012:role/cleanup";

/// The role may everything here; what limits it is the policy of each session, which a mock of IAM's
/// part keeps, because moto does not.
#[test]
fn every_act_is_done_by_a_session_that_may_do_nothing_else() {
    let built = Built { moto: Server::moto_with_sessions(), ids: Value::Null };
    let built = Built { ids: script(&built.moto, "build"), ..built };
    let acts = aws::acts()
        .into_iter()
        .map(|act| (built.request(&act.kind, &act.action).item, act.action.clone(), act.undo));
    let session = Session { role: ROLE.parse().unwrap(), external_id: None, acts: acts.collect() };
    let world = world_by(&built.moto, Some(session));
    every_act(&built, world);
}

/// C09: what the plan does not have gets no session; and what somebody does with one beyond its act the
/// provider denies.
#[test]
fn c09_a_wider_act_is_denied_by_the_provider() {
    let built = Built { moto: Server::moto_with_sessions(), ids: Value::Null };
    let built = Built { ids: script(&built.moto, "build"), ..built };
    let before = built.show();
    let stop = built.request(aws::INSTANCE, "stop");
    let planned = (stop.item.clone(), "stop".to_owned(), Some("start".to_owned()));
    let session =
        Session { role: ROLE.parse().unwrap(), external_id: None, acts: [planned].into() };
    let mut world = world_by(&built.moto, Some(session));
    let terminate = ActRequest { action: "terminate".into(), ..stop.clone() };
    let mut other = stop.clone();
    other.item.id = built.id("web");
    for request in [&terminate, &other, &built.request(aws::VOLUME, "mark")] {
        let why = failed(world.act(request).unwrap());
        assert!(why.contains("the plan has no"), "{why}");
    }
    assert_eq!(built.show(), before);
    let abuse = |policy: Option<&Value>| -> Value {
        let policy = policy.map_or("none".to_owned(), ToString::to_string);
        let asked = [&built.id("instance"), &built.id("web")];
        let output = python()
            .arg(here().join("session.py"))
            .args([&built.moto.url(), ROLE, &policy])
            .args(asked)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let policy = aws::session("aws", &stop, None).unwrap();
    let narrow = abuse(Some(&policy));
    assert_eq!(
        narrow,
        json!({"stop its own": true, "stop another": false, "terminate its own": false,
               "terminate another": false, "open its group": false})
    );
    // The same role without a policy does all of it.
    let wide = abuse(None);
    assert!(wide.as_object().unwrap().values().all(|done| *done == true), "{wide}");
}

fn every_act(built: &Built, mut world: AwsWorld<'_>) {
    let start = built.show();
    let volumes = start["volumes"].as_object().unwrap().iter();
    let mut own = volumes.filter(|(_, at)| at[0][0] == *built.id("instance"));
    let root = own.next().expect("it has a volume").0.clone();
    for Act { kind, action, undo, .. } in aws::acts() {
        let before = built.show();
        let request = built.request(&kind, &action);
        let handed = done(world.act(&request).unwrap(), &request);
        let after = built.show();
        assert_ne!(before, after, "{action} on {kind} changed nothing");
        let Some(undo) = undo else {
            continue;
        };
        let back = ActRequest { action: undo.clone(), ..request };
        // Through the journal and back.
        let handed = serde_json::from_str(&serde_json::to_string(&handed).unwrap()).unwrap();
        if kind == aws::TARGET {
            // Nobody takes back a target that does not run: it is there again when it is wanted.
            let refused = world.undo(&back, &handed).unwrap();
            assert!(matches!(refused, Acted::Failed { .. } | Acted::Unsent { .. }), "{refused:?}");
            script(&built.moto, "start");
            done(world.undo(&back, &handed).unwrap(), &back);
            script(&built.moto, "stop");
        } else {
            done(world.undo(&back, &handed).unwrap(), &back);
        }
        assert_eq!(built.show(), before, "{undo} after {action} on {kind}");
    }
    let end = built.show();
    assert_eq!(end["instances"][built.id("instance")], "terminated");
    // Its volume outlives it, which AWS would have deleted with it.
    assert!(end["volumes"].get(&root).is_some(), "{root}: {:#}", end["volumes"]);
    assert_eq!(end["instances"][built.id("web")], "running");
    for (list, gone) in [("groups", "unused"), ("addresses", "address")] {
        let list = end[list].as_array().unwrap();
        assert!(!list.contains(&json!(built.id(gone))), "{gone}");
    }
    assert!(end["volumes"].get(built.id("free_volume")).is_none());
    assert!(end["interfaces"].get(built.id("free_eni")).is_none());
}

#[test]
fn what_is_not_as_planned_is_not_touched() {
    let built = Built::new();
    let mut world = world(&built.moto);
    let before = built.show();
    let mut refuse = |change: &dyn Fn(&mut ActRequest), kind, action, expected: &str| {
        let mut request = built.request(kind, action);
        change(&mut request);
        match world.act(&request).unwrap() {
            Acted::Unsent { why, .. } => assert!(why.contains(expected), "{action}: {why}"),
            other => panic!("{action} on {kind}: {other:?}"),
        }
    };
    let set = |key: &'static str, value: &'static str| {
        move |request: &mut ActRequest| {
            request.immutable.insert(key.into(), value.into());
        }
    };
    refuse(&set("account", "210987654321"), aws::INSTANCE, "stop", "credentials to 123456789012");
    refuse(&set("region", "eu-west-1"), aws::INSTANCE, "stop", "no region of this run");
    refuse(&set("image", "ami-1"), aws::INSTANCE, "stop", "its image is");
    refuse(&set("private-ip", "10.9.0.250"), aws::INTERFACE, "delete", "its private-ip is");
    refuse(&set("name", "other"), aws::GROUP, "delete", "its name is");
    refuse(&set("public-ip", "192.0.2.1"), aws::ADDRESS, "release", "its public-ip is");
    refuse(&set("peer", "0.0.0.0/0"), aws::PERMISSION, "revoke", "name different rules");
    let kept = |request: &mut ActRequest| {
        let second = built.id("second");
        request.item.id = format!("{second}/ingress/tcp/23/23/192.0.2.0/24");
        for (key, value) in [("group", second.as_str()), ("from", "23"), ("to", "23")] {
            request.immutable.insert(key.into(), value.into());
        }
    };
    refuse(&kept, aws::PERMISSION, "revoke", "the tag keep=for the audit, which protects it");
    refuse(&set("port", "81"), aws::TARGET, "deregister", "name different targets");
    let attached = |request: &mut ActRequest| request.item.id = built.id("volume");
    refuse(&attached, aws::VOLUME, "delete", "its state is");
    // An undo is no act, and what nobody knows is nothing.
    for action in ["start", "delete-everything", ""] {
        refuse(&|_| {}, aws::INSTANCE, action, "there is no act");
    }
    let serving = |request: &mut ActRequest| {
        request.item.id = format!("{}/{}/80", built.id("targets"), built.id("web"));
        request.immutable.insert("target".into(), built.id("web"));
    };
    refuse(&serving, aws::TARGET, "deregister", "it is healthy");
    // A group that is in use: AWS refuses this itself, which moto does not.
    let used = |request: &mut ActRequest| {
        request.item.id = built.id("used");
        request.immutable.insert("name".into(), "used".into());
    };
    refuse(&used, aws::GROUP, "delete", "carries it");
    assert_eq!(built.show(), before);
}

#[test]
fn a_throttled_act_is_asked_once_and_is_nothing_done() {
    let built = Built::new();
    let rules = json!([
        {"service": "ec2", "operation": "StopInstances",
         "error": {"code": "RequestLimitExceeded", "status": 503}},
        {"service": "ec2", "operation": "RevokeSecurityGroupIngress",
         "error": {"code": "InternalError", "status": 500}},
    ]);
    let proxy = Server::microburst(&built.moto, &rules);
    let before = built.show();
    let mut world = world(&proxy);
    let stop = built.request(aws::INSTANCE, "stop");
    assert_eq!(world.act(&stop).unwrap(), Acted::Throttled { retry_after_ms: None });
    // The SDK tried once: whether it is tried again is for the engine to say.
    assert_eq!(proxy.fired().len(), 1, "{:?}", proxy.fired());
    // An error of the service's own says nothing of what was done before it.
    let revoke = built.request(aws::PERMISSION, "revoke");
    let acted = world.act(&revoke).unwrap();
    assert!(matches!(acted, Acted::Unknown { .. }), "{acted:?}");
    assert_eq!(proxy.fired().len(), 2);
    assert_eq!(built.show(), before);
}

#[test]
fn an_act_whose_answer_was_lost_is_unknown_and_a_snapshot_is_made_once() {
    let built = Built::new();
    let rules = json!([
        {"service": "ec2", "operation": "CreateSnapshot", "response": {"abort_frac": 0.5}},
    ]);
    let proxy = Server::microburst(&built.moto, &rules);
    let request = built.request(aws::VOLUME, "snapshot");
    let acted = world(&proxy).act(&request).unwrap();
    assert!(matches!(acted, Acted::Unknown { .. }), "{acted:?}");
    assert_eq!(built.show()["snapshots"], json!([built.id("free_volume")]));
    // Asked again under the same token, it finds what the first try made.
    let handed = done(world(&built.moto).act(&request).unwrap(), &request);
    assert!(handed["snapshot"].starts_with("snap-"));
    assert_eq!(built.show()["snapshots"], json!([built.id("free_volume")]));
}

#[test]
fn an_isolation_needs_a_group_that_lets_nothing_through() {
    let built = Built::new();
    let open = python()
        .args([
            "-c",
            "import boto3,sys; boto3.client('ec2', region_name='us-east-1', \
            endpoint_url=sys.argv[1]).authorize_security_group_ingress(GroupId=sys.argv[2], \
            IpProtocol='tcp', FromPort=22, ToPort=22, CidrIp='192.0.2.0/24')",
        ])
        .args([built.moto.url(), built.id("quarantine")])
        .status()
        .unwrap();
    assert!(open.success());
    let before = built.show();
    match world(&built.moto).act(&built.request(aws::INSTANCE, "isolate")).unwrap() {
        Acted::Unsent { why, .. } => assert!(why.contains("has permissions"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(built.show(), before);
}

/// Sets or takes off a tag by other hands than ours; without a value it is taken off.
fn tag(built: &Built, id: &str, key: &str, value: Option<&str>) {
    let call = match value {
        Some(value) => format!(
            "create_tags(Resources=[sys.argv[2]], Tags=[{{'Key': sys.argv[3], 'Value': '{value}'}}])"
        ),
        None => "delete_tags(Resources=[sys.argv[2]], Tags=[{'Key': sys.argv[3]}])".to_owned(),
    };
    let script = format!(
        "import boto3,sys; boto3.client('ec2', region_name='us-east-1', endpoint_url=sys.argv[1]).{call}"
    );
    let status = python().args(["-c", &script, &built.moto.url(), id, key]).status().unwrap();
    assert!(status.success());
}

/// The request of what comes after a quarantine, as it is made when the mark was seen.
fn condemned(built: &Built, kind: &str, action: &str, mark: &str) -> ActRequest {
    let mut request = built.request(kind, action);
    request.state.insert(CONDEMNED.into(), mark.into());
    request
}

fn failed(acted: Acted) -> String {
    match acted {
        Acted::Unsent { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

const MARKED: [(&str, &str); 4] = [
    (aws::ADDRESS, "release"),
    (aws::INTERFACE, "delete"),
    (aws::GROUP, "delete"),
    (aws::VOLUME, "delete"),
];

#[test]
fn whoever_takes_the_mark_off_keeps_the_thing() {
    let built = Built::new();
    let mut world = world(&built.moto);
    for (kind, after) in MARKED {
        let request = built.request(kind, "mark");
        let mark = done(world.act(&request).unwrap(), &request)["mark"].clone();
        assert!(mark.starts_with(&request.plan), "{mark}");
        // Its owner objects, between the look and the act.
        tag(&built, &request.item.id, aws::CONDEMNED_TAG, None);
        let before = built.show();
        let end = condemned(&built, kind, after, &mark);
        assert!(failed(world.act(&end).unwrap()).contains("somebody objects"));
        tag(&built, &request.item.id, aws::CONDEMNED_TAG, Some("later"));
        assert!(failed(world.act(&end).unwrap()).contains("something else now"));
        tag(&built, &request.item.id, aws::CONDEMNED_TAG, None);
        assert_eq!(built.show(), before);
        // With its mark it goes.
        done(world.act(&request).unwrap(), &request);
        done(world.act(&end).unwrap(), &end);
        assert_ne!(built.show(), before, "{after} {kind}");
    }
}

#[test]
fn a_mark_is_put_on_once_and_belongs_to_its_plan() {
    let built = Built::new();
    let mut world = world(&built.moto);
    let request = built.request(aws::ADDRESS, "mark");
    let first = done(world.act(&request).unwrap(), &request);
    // A second try under the same token finds its own.
    assert_eq!(done(world.act(&request).unwrap(), &request), first);
    let before = built.show();
    let other = ActRequest { plan: format!("sha256:{}", "1".repeat(64)), ..request.clone() };
    assert!(failed(world.act(&other).unwrap()).contains("condemned already"));
    let back = ActRequest { action: "unmark".into(), ..other };
    assert!(failed(world.undo(&back, &first).unwrap()).contains("another plan"));
    assert_eq!(built.show(), before);
    // What is in use is never marked.
    let mut used = built.request(aws::VOLUME, "mark");
    used.item.id = built.id("volume");
    assert!(failed(world.act(&used).unwrap()).contains("its state is"));
}

#[test]
fn a_volume_goes_only_with_the_snapshot_that_brings_it_back() {
    let built = Built::new();
    let mut world = world(&built.moto);
    let request = built.request(aws::VOLUME, "snapshot");
    let handed = done(world.act(&request).unwrap(), &request);
    assert!(handed["mark"].ends_with(&handed["snapshot"]), "{handed:?}");
    let end = condemned(&built, aws::VOLUME, "delete", &handed["mark"]);
    let script = "import boto3,sys; boto3.client('ec2', region_name='us-east-1', \
        endpoint_url=sys.argv[1]).delete_snapshot(SnapshotId=sys.argv[2])";
    let status =
        python().args(["-c", script, &built.moto.url(), &handed["snapshot"]]).status().unwrap();
    assert!(status.success());
    let why = failed(world.act(&end).unwrap());
    assert!(why.contains("napshot"), "{why}");
    assert!(built.show()["volumes"].get(built.id("free_volume")).is_some());
}
