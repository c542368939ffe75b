//! `cleanup apply`, `undo` and `permit` of the built-in AWS world, by the real binary on a moto.

use crate::account;
use crate::world::{Server, collect, here, python};
use jiff::{SignedDuration, Timestamp};
use portcullis::attestation::of_spec;
use portcullis::cleanup::plan::{Plan, SCHEMA};
use portcullis::cleanup::{Digest, ItemRef, aws};
use portcullis::observation::Observations;
use portcullis::signature::PLAN;
use portcullis::spec::{Source, Spec};
use portcullis::{dossier, drift, reclaim, resolve};
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const ACCOUNT: &str = "123456789012";
/// An account with something of each type, a plan over some of it, and people who agreed to it.
struct Job {
    moto: Server,
    ids: Value,
    folder: PathBuf,
    place: String,
}

const PEOPLE: [(&str, u8); 3] = [("alice", 31), ("bob", 32), ("robot", 33)];

fn key(seed: u8) -> PrivateKey {
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32])), "test").unwrap()
}

fn script(moto: &Server, verb: &str) -> Value {
    let output =
        python().arg(here().join("reclaim.py")).args([&moto.url(), verb]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Job {
    /// Plans these acts on things of the account, named as the script names them.
    fn new(name: &str, acts: &[(&str, &str)], change: impl FnOnce(&mut Plan)) -> Self {
        let moto = Server::moto();
        let ids = script(&moto, "build");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("apply-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut it = Self { moto, ids, folder, place: String::new() };
        let line = |seed| key(seed).public_key().to_openssh().unwrap();
        let who = |name: &str, roles: &str, seed| {
            format!(
                "  {name}: {{ team: {name}s, roles: [{roles}], keys: [{{ key: \"{}\" }}] }}\n",
                line(seed)
            )
        };
        let one = "{ people: 1, teams: 1, hardware: 0 }";
        let robot =
            format!("  robot: {{ roles: [applier], keys: [{{ key: \"{}\" }}] }}\n", line(33));
        let trust = format!(
            "version: 1\npeople:\n{}{}{}workloads:\n{}quorum:\n  \
             reversible: {{ people: 1, teams: 1, hardware: 0, up_to: 50 }}\n  reversible_large: {one}\n  \
             exposing: {one}\n  irreversible: {{ people: 2, teams: 2, hardware: 0 }}\n  trust_change: {one}\n\
             hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n",
            who("alice", "author", 31),
            who("bob", "approver", 32),
            who("carol", "approver", 34),
            robot,
        );
        it.file("trust.yaml", &trust);
        it.file("revoked", "");
        it.file("policy.yaml", POLICY);
        for (name, seed) in PEOPLE {
            it.file(name, &key(seed).to_openssh(LineEnding::LF).unwrap());
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(it.folder.join(name), mode).unwrap();
        }
        let (code, said) = it.cleanup(&["halt", "--init", "--key=bob"]);
        assert_eq!(code, Some(0), "{said}");
        it.seal(acts, change);
        let plan: Value =
            serde_json::from_slice(&std::fs::read(Path::new(&it.place).join("plan.json")).unwrap())
                .unwrap();
        let (n, account) = (acts.len(), plan["target"]["account"].as_str().unwrap().to_owned());
        let words = format!("{n} {} in {account}", if n == 1 { "item" } else { "items" });
        let place = it.place.clone();
        let (code, said) =
            it.cleanup(&["approve", &place, "--key=bob", "--as=bob", "--confirm", &words]);
        assert_eq!(code, Some(0), "{said}");
        it
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    fn item(&self, name: &str) -> ItemRef {
        let id = |name: &str| self.ids[name].as_str().unwrap().to_owned();
        let (kind, id) = match name {
            "rule" => (aws::PERMISSION, format!("{}/ingress/tcp/22/22/192.0.2.0/24", id("used"))),
            "target" => (aws::TARGET, format!("{}/{}/80", id("targets"), id("stopped"))),
            instance => (aws::INSTANCE, id(instance)),
        };
        ItemRef { kind: kind.into(), id }
    }

    /// Each thing as the account has it now, through the collector and the listing, as planning does.
    fn seal(&mut self, acts: &[(&str, &str)], change: impl FnOnce(&mut Plan)) {
        let snapshot = collect(&self.moto.url(), &["--regions", "us-east-1", "--api-rate", "0"]);
        let snapshot = snapshot.snapshot();
        let spec = Spec::default();
        let listing = reclaim::list(&reclaim::Input {
            spec: &spec,
            snapshot: &snapshot,
            resolution: &resolve::resolve(&spec, &snapshot),
            drifted: &drift::Drifted::default(),
            quarantined: &Default::default(),
            observations: &Observations::default(),
            named: None,
        });
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let rows = aws::acts();
        let items: Vec<Value> = (1..)
            .zip(acts)
            .map(|(n, (name, action))| {
                let item = self.item(name);
                let it = listing.resources.iter().find(|r| r.item() == item).expect("listed");
                let row = rows.iter().find(|a| a.kind == item.kind && a.action == *action).unwrap();
                let state = serde_json::to_vec(&it.state).unwrap();
                json!({
                    "n": n, "type": item.kind, "id": item.id, "immutable": it.immutable,
                    "state_sha256": Digest::of(&state), "state": it.state,
                    "stratum": 1, "strata": [1], "action": action, "undo": row.undo,
                    "risk": row.risk,
                    "dead": [{"kind": "a", "source": "a", "at": now},
                             {"kind": "b", "source": "b", "at": now}],
                    "live_checked": [],
                })
            })
            .collect();
        let count = items.len();
        let tally = |field: &str| {
            let mut out = serde_json::Map::new();
            for item in &items {
                let n = out.entry(item[field].as_str().unwrap()).or_insert(json!(0));
                *n = json!(n.as_u64().unwrap() + 1);
            }
            out
        };
        let (by_action, by_type) = (tally("action"), tally("type"));
        let hours = |n| now + SignedDuration::from_hours(n);
        let digest_of = |name: &str| Digest::of(&std::fs::read(self.folder.join(name)).unwrap());
        let mut plan: Plan = serde_json::from_value(json!({
            "schema": SCHEMA, "phase": "quarantine",
            "created_at": hours(-1), "not_before": hours(-1), "not_after": hours(23),
            "author": {"name": "alice"},
            "target": {"provider": "aws", "partition": "aws", "account": ACCOUNT,
                       "regions": ["us-east-1"], "scope": "tests"},
            "pins": {"tool": env!("CARGO_PKG_VERSION"), "policy": digest_of("policy.yaml"),
                     "trust": digest_of("trust.yaml"), "adapter_command": ["aws"],
                     "spec": format!("sha256:{}", of_spec(&[Source::new("spec.yaml", SPEC)]))},
            "sources": [],
            "strata": [{"n": 1, "key": {"region": "us-east-1"}, "population": 400,
                        "candidates": count, "unknown": 0, "live": [10, 10], "dead": [1, 1],
                        "held": []}],
            "items": items, "refused": [],
            "limits": {"max_items": 50, "max_items_per_day": 50, "max_percent_stratum": 25, "max_percent_total": 25,
                       "ramp": [1, 5, 25], "soak_s": [0], "max_retries": 1, "quarantine_s": 0,
                       "deadline_s": 86400},
            "totals": {"items": count, "by_action": by_action, "by_type": by_type},
        }))
        .unwrap();
        change(&mut plan);
        let mut bytes = serde_json::to_vec_pretty(&plan).unwrap();
        bytes.push(b'\n');
        let signed = key(31).sign(PLAN, HashAlg::Sha512, &bytes).unwrap();
        let signed = signed.to_pem(LineEnding::LF).unwrap();
        let files: [(&str, &[u8]); 2] =
            [("plan.json", &bytes), ("plan.json.sig", signed.as_bytes())];
        let root = self.folder.join("cleanup");
        let place = dossier::seal(&root, &Digest::of(&bytes), &files).unwrap();
        self.place = place.display().to_string();
    }

    fn cleanup(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.cleanup_at(&self.moto, arguments)
    }

    /// `portcullis cleanup …` against a server on loopback, with the code and everything it says.
    fn cleanup_at(&self, server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
        account::cleanup(&self.folder, server, &[], arguments)
    }

    fn apply(&self, more: &[&str]) -> (Option<i32>, Value) {
        self.apply_at(&self.moto, more)
    }

    fn apply_at(&self, server: &Server, more: &[&str]) -> (Option<i32>, Value) {
        let mut arguments = vec!["apply", &self.place, "--key=robot", "--format=json"];
        arguments.extend(more);
        let (code, said) = self.cleanup_at(server, &arguments);
        let told = said.lines().find_map(|l| serde_json::from_str(l).ok());
        (code, told.unwrap_or_else(|| panic!("no JSON: {said}")))
    }

    fn undo(&self, more: &[&str]) -> (Option<i32>, Value) {
        let receipt = format!("{}/receipt.json", self.place);
        let mut arguments = vec!["undo", &receipt, "--format=json"];
        arguments.extend(more);
        let (code, said) = self.cleanup(&arguments);
        let told = said.lines().find_map(|l| serde_json::from_str(l).ok());
        (code, told.unwrap_or_else(|| panic!("no JSON: {said}")))
    }

    fn show(&self) -> Value {
        script(&self.moto, "show")
    }
}

/// The limits of the plans here.
const POLICY: &str = "version: 1\nlimits:\n  max_items: 50\n  max_items_per_day: 50\n  \
    max_percent_stratum: 25\n  max_percent_total: 25\n  ramp: [1, 5, 25]\n  soak: [\"0s\"]\n  \
    max_retries: 1\n  quarantine: 0s\n  deadline: 86400s\n  valid: 24h\n\
    sources: {floor: 1, delta: 90%, max_age: 1h, max_ahead: 120s}\nminimum: {any: 1}\n";

const SPEC: &str = "version: 1\nroles:\n  web: { select: { tags: { role: web } } }\n";

/// A permission that was taken out of its group is nothing that is gone: it is seen absent, and goes
/// back where it was.
#[test]
fn steps_end_in_a_receipt_and_the_receipt_takes_everything_back() {
    let acts = [("instance", "stop"), ("rule", "revoke")];
    let job = Job::new("whole", &acts, |_| {});
    let before = job.show();
    let mut afters = Vec::new();
    for _ in 0..4 {
        let (code, told) = job.apply(&["--step"]);
        assert_eq!(code, Some(0), "{told}");
        afters.push(told["after"].as_str().unwrap().to_owned());
        if told["after"] == "finished" {
            assert!(told["items"].as_array().unwrap().iter().all(|i| i["state"] == "confirmed"));
            break;
        }
    }
    assert_eq!(afters, ["more", "finished"], "one, then the rest");
    assert_ne!(job.show(), before);
    let (code, told) = job.apply(&[]);
    assert_eq!((code, &told["reason"]), (Some(4), &json!("already-consumed")));

    // What may open something wants a spec.
    let (code, told) = job.undo(&[]);
    let reasons: Vec<&str> =
        told["left"].as_array().unwrap().iter().map(|l| l["reason"].as_str().unwrap()).collect();
    assert_eq!((code, reasons), (Some(4), vec!["exposes", "exposes"]), "{told}");
    job.file("spec.yaml", SPEC);
    let (code, told) = job.undo(&["--spec=spec.yaml"]);
    assert_eq!((code, &told["undone"]), (Some(0), &json!([2, 1])), "{told}");
    assert_eq!(job.show(), before, "everything is as it was");
}

#[test]
fn a_throttled_apply_stops_and_goes_on_later() {
    let job = Job::new("throttled", &[("instance", "stop"), ("rule", "revoke")], |_| {});
    let rules = json!([{"service": "ec2", "operation": "StopInstances",
                        "error": {"code": "RequestLimitExceeded", "status": 503}}]);
    let proxy = Server::microburst(&job.moto, &rules);
    let (code, told) = job.apply_at(&proxy, &["--attached"]);
    assert_eq!((code, &told["class"]), (Some(4), &json!(14)), "{told}");
    assert_eq!(told["reason"], "throttled");
    // Each try once, as often as the plan's limits say: the SDK tries nothing by itself.
    assert_eq!(proxy.fired().len(), 2, "{:?}", proxy.fired());
    assert_eq!(job.show()["instances"][job.item("instance").id], "running");
    let (code, told) = job.apply(&["--attached"]);
    assert_eq!((code, &told["after"]), (Some(0), &json!("finished")), "{told}");
    assert_eq!(job.show()["instances"][job.item("instance").id], "stopped");
}

/// A front end that gives up answers as too often, or as refused, what was carried out behind it.
#[test]
fn what_was_carried_out_and_answered_otherwise_is_in_the_receipt() {
    for (name, code, status) in [("busy", "RequestLimitExceeded", 503), ("no", "Refused", 400)] {
        let job = Job::new(name, &[("instance", "stop")], |_| {});
        let before = job.show();
        let proxy = Server::afterwards(&job.moto, "StopInstances", code, status);
        let (exit, told) = job.apply_at(&proxy, &["--attached"]);
        let expected = if status == 503 { (Some(0), "finished") } else { (Some(5), "stopped") };
        assert_eq!((exit, told["after"].as_str().unwrap()), expected, "{told}");
        assert_eq!(told["items"][0]["state"], "confirmed", "{told}");
        job.file("spec.yaml", SPEC);
        let (exit, told) = job.undo(&["--spec=spec.yaml"]);
        assert_eq!((exit, &told["undone"]), (Some(0), &json!([1])), "{told}");
        assert_eq!(job.show(), before, "it runs again");
    }
}

/// What has to be read first and cannot be is no failed act: nothing was asked for.
#[test]
fn what_cannot_be_read_before_its_act_is_unknown() {
    let job = Job::new("unread", &[("rule", "revoke")], |_| {});
    let rules = json!([{"service": "ec2", "operation": "DescribeSecurityGroupRules",
                        "error": {"code": "UnauthorizedOperation", "status": 403}}]);
    let proxy = Server::microburst(&job.moto, &rules);
    let before = job.show();
    let (code, told) = job.apply_at(&proxy, &["--attached"]);
    assert_eq!((code, &told["items"][0]["reason"]), (Some(4), &json!("unknown")), "{told}");
    assert_eq!(job.show(), before);
}

/// The plan calls them dead; the account says a moment before the act that they serve.
#[test]
fn what_a_balancer_sends_clients_to_is_alive_right_before_its_act() {
    for (name, action) in [("web", "stop"), ("target", "deregister")] {
        let job = Job::new(name, &[(name, action)], |_| {});
        let before = job.show();
        let (code, told) = job.apply(&["--attached"]);
        assert_eq!(code, Some(4), "{told}");
        assert_eq!(told["items"][0]["reason"], "came-alive", "{told}");
        assert_eq!(job.show(), before, "{name}");
    }
}

/// That a permission changes nothing is read again right before it is revoked, with all of the way.
#[test]
fn a_permission_that_came_into_use_or_whose_way_cannot_be_read_is_not_revoked() {
    let evidence = |plan: &mut Plan| {
        let claim = &mut plan.items[0].dead[1];
        claim.kind = "changes-nothing".into();
        claim.source = format!("DescribeSecurityGroups {ACCOUNT}/us-east-1");
    };
    let left = |job: &Job, server: &Server, says: &str| {
        let before = job.show();
        let (code, told) = job.apply_at(server, &["--attached"]);
        let item = &told["items"][0];
        assert_eq!((code, &item["reason"]), (Some(4), &json!("unknown")), "{told}");
        assert!(item["says"].as_str().unwrap().contains(says), "{told}");
        assert_eq!(job.show()["rules"], before["rules"]);
    };
    for call in ["DescribeInstances", "DescribeRouteTables"] {
        let job = Job::new(&format!("blind-{call}"), &[("rule", "revoke")], evidence);
        let rules = json!([{"service": "ec2", "operation": call,
                            "error": {"code": "UnauthorizedOperation", "status": 403}}]);
        left(&job, &Server::microburst(&job.moto, &rules), "rests on changes-nothing, and now");
    }
    let job = Job::new("reached", &[("rule", "revoke")], evidence);
    let opened =
        python().args(["-c", OPENED, &job.moto.url(), &job.item("web").id]).status().unwrap();
    assert!(opened.success());
    left(&job, &job.moto, "which holds no more");
    // And with its evidence it goes.
    let job = Job::new("needless", &[("rule", "revoke")], evidence);
    let (code, told) = job.apply(&["--attached"]);
    assert_eq!((code, &told["after"]), (Some(0), &json!("finished")), "{told}");
    assert_eq!(told["items"][0]["state"], "confirmed", "{told}");
}

/// Gives an instance a way to the internet.
const OPENED: &str = "import boto3,sys
ec2 = boto3.client('ec2', region_name='us-east-1', endpoint_url=sys.argv[1])
it = ec2.describe_instances(InstanceIds=[sys.argv[2]])['Reservations'][0]['Instances'][0]
gateway = ec2.create_internet_gateway()['InternetGateway']['InternetGatewayId']
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=it['VpcId'])
of = [{'Name': 'vpc-id', 'Values': [it['VpcId']]}]
table = ec2.describe_route_tables(Filters=of)['RouteTables'][0]['RouteTableId']
ec2.create_route(RouteTableId=table, DestinationCidrBlock='0.0.0.0/0', GatewayId=gateway)
held = ec2.allocate_address(Domain='vpc')['AllocationId']
ec2.associate_address(AllocationId=held, InstanceId=sys.argv[2])
";

#[test]
fn credentials_of_another_account_do_nothing() {
    let other = |plan: &mut Plan| plan.target.account = "210987654321".into();
    let job = Job::new("other", &[("instance", "stop")], other);
    let (code, told) = job.apply(&[]);
    assert_eq!((code, &told["class"]), (Some(4), &json!(11)), "{told}");
    assert_eq!(told["reason"], "target-mismatch");
    assert_eq!(job.show()["instances"][job.item("instance").id], "running");
}

/// A job that keeps its rights asks before each act.
#[test]
fn a_permit_is_good_for_one_act_once() {
    let job = Job::new("permit", &[("instance", "stop")], |_| {});
    let id = job.item("instance").id;
    let place = job.place.clone();
    let ask =
        |id: &str, action: &str| job.cleanup(&["permit", &place, "--id", id, "--action", action]);
    let (code, said) = ask(&id, "terminate");
    assert!(code == Some(4) && said.contains("act-outside-plan"), "{said}");
    assert_eq!(ask(&id, "stop").0, Some(0));
    let (code, said) = ask(&id, "stop");
    assert!(code == Some(4) && said.contains("already-consumed"), "{said}");
}
