//! A: the integrity of approvals. Through `cleanup verify` and `cleanup approve`, as people and CI
//! run them.

use crate::common::{Ran, skip};
use crate::stage::{
    AGENT, ALICE, ALICE_2, BOB, BOB_2, CAROL, DAVE, ERIN, ONE, STRANGER, Stage, TWO, hardware,
    public, refused, seal, seal_bytes, sign, trust,
};
use jiff::SignedDuration;
use portcullis::cleanup::approval::{Decision, Scope, Statement};
use portcullis::cleanup::{Digest, Reason, Risk};
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, PLAN};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn a00_enough_people_are_enough() {
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    let missing = stage.refused(12, "quorum");
    assert!(missing["says"].as_str().is_some_and(|s| s.contains("quorum 1/2 people")), "{missing}");
    stage.yes("carol", CAROL);
    let told = stage.approved();
    assert_eq!(told["items"], json!([1, 2, 3, 4]));
    assert_eq!(told["counted"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a01_tampered_plan() {
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    stage.approved();
    let file = stage.place.join("plan.json");
    let sealed = std::fs::read(&file).expect("the plan");
    let mut flipped = sealed.clone();
    let at = sealed.windows(4).position(|w| w == b"sv-1").expect("an item") + 3;
    flipped[at] ^= 2;
    let value: Value = serde_json::from_slice(&sealed).expect("JSON");
    let indented = serde_json::to_vec(&value).expect("JSON");
    let sorted: BTreeMap<String, Value> =
        value.as_object().expect("a plan").clone().into_iter().collect();
    let reordered = serde_json::to_vec_pretty(&sorted).expect("JSON");
    let mut longer = sealed.clone();
    longer.push(b' ');
    for changed in [flipped, indented, reordered, longer] {
        assert_ne!(changed, sealed);
        stage.write(&file, &changed);
        stage.refused(11, "plan-digest-mismatch");
    }
    stage.write(&file, &sealed);
    stage.approved();
    // The folder of another digest, with the same bytes.
    let other = stage.place.with_file_name(Digest::of(b"other").folder());
    std::fs::rename(&stage.place, &other).expect("renamed");
    let (ran, told) = stage.verify_in(&other);
    refused(&ran, &told, 11, "plan-digest-mismatch");
}

#[test]
fn a01_the_seal_is_the_authors() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let file = stage.place.join("plan.json.sig");
    let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    // Of no author, of nobody, and of an author who is not the one that it names: alice would then
    // be free to agree to what the agent made.
    for seed in [BOB, STRANGER, AGENT] {
        stage.write(&file, sign(seed, PLAN, &bytes).as_bytes());
        stage.refused(11, "signature-invalid");
    }
    stage.write(&file, sign(ALICE, "file", &bytes).as_bytes());
    stage.refused(11, "namespace");
    std::fs::remove_file(&file).expect("removed");
    stage.refused(11, "signature-invalid");
    // Dave is somebody, but no author.
    let stage = Stage::with(ONE, |plan| plan.author.name = "dave".into());
    let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    stage.write(&stage.place.join("plan.json.sig"), sign(DAVE, PLAN, &bytes).as_bytes());
    stage.yes("bob", BOB);
    stage.refused(11, "signature-invalid");
}

#[test]
fn a02_replay_on_another_plan() {
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    stage.approved();
    // As many items, in the same account, of the same people.
    let mut other = stage.plan.clone();
    other.items[3].id = "sv-5".into();
    other.created_at += SignedDuration::from_mins(1);
    let (_, place) = seal(&stage.world, &other, ALICE);
    std::fs::create_dir(place.join("approvals")).expect("a folder");
    for end in ["", ".sig"] {
        let from = format!("{}{end}", yes.display());
        std::fs::copy(from, place.join(format!("approvals/bob.json{end}"))).expect("copied");
    }
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "approval-subject-mismatch");
}

/// The subject is right, and another place of the statement is not.
#[test]
fn a02_every_word_is_of_this_plan() {
    let changes: [fn(&mut portcullis::cleanup::approval::Predicate); 4] = [
        |said| said.plan = Digest::of(b"another"),
        |said| said.target.account = "222".into(),
        |said| said.phase = portcullis::cleanup::plan::Phase::Delete,
        |said| said.totals.items = 3,
    ];
    for change in changes {
        let stage = Stage::new(ONE);
        stage.yes_but("bob", BOB, change);
        stage.refused(11, "approval-subject-mismatch");
    }
}

#[test]
fn a03_approver_is_author() {
    for seed in [ALICE, ALICE_2] {
        let stage = Stage::new(ONE);
        stage.yes("alice", seed);
        stage.refused(12, "self-approval");
        // Whoever else she calls herself.
        let stage = Stage::new(ONE);
        stage.yes("bob", seed);
        stage.refused(12, "self-approval");
    }
}

/// CI planned, because of somebody's change: that somebody is no second pair of eyes.
#[test]
fn a03_approver_is_requester() {
    let made = |requester: &str| {
        let stage = Stage::with(ONE, |plan| {
            plan.author.name = "agent".into();
            plan.author.requested_by = Some(requester.into());
        });
        let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
        stage.write(&stage.place.join("plan.json.sig"), sign(AGENT, PLAN, &bytes).as_bytes());
        stage.yes("bob", BOB_2);
        stage
    };
    made("carol").approved();
    made("bob").refused(12, "self-approval");
    // Somebody unknown could be anybody of those who approve.
    made("bob-on-the-forge").refused(12, "self-approval");
}

#[test]
fn a04_workload_approves() {
    let stage = Stage::new(ONE);
    stage.yes("agent", AGENT);
    stage.refused(12, "not-an-approver");
}

#[test]
fn a04_who_has_no_role_or_is_nobody() {
    for (name, seed) in [("dave", DAVE), ("bob", STRANGER)] {
        let stage = Stage::new(ONE);
        stage.yes(name, seed);
        stage.refused(12, "not-an-approver");
    }
}

#[test]
fn a05_one_key_counts_once() {
    let stage = Stage::new(TWO);
    for _ in 0..3 {
        stage.yes("bob", BOB);
    }
    let told = stage.refused(12, "quorum");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("1/2")), "{told}");
    // Another key of the same person.
    stage.yes("bob", BOB_2);
    let told = stage.refused(12, "quorum");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("1/2")), "{told}");
    // The same key under another name: whoever says so, it is Bob's.
    stage.yes("carol", BOB);
    stage.refused(11, "signature-invalid");
    stage.yes("carol", CAROL);
    stage.approved();
}

#[test]
fn a05_one_key_of_two_people_is_refused_with_its_place() {
    // The same key with another comment, under another name.
    let again = format!("{} frank@laptop", public(BOB).trim());
    let frank =
        format!("  frank: {{ team: ops, roles: [approver], keys: [{{ key: \"{again}\" }}] }}\n");
    let stage = Stage::new(TWO);
    stage.world.file("trust.yaml", trust(TWO, &frank));
    let (ran, _) = stage.verify();
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("quorum: the list of trust: line 8, column"), "{ran}");
    assert!(ran.stderr.contains("is that of bob and of frank"), "{ran}");
    assert_eq!(Reason::QuorumMissing.class() as u8, 12);
}

#[test]
fn a06_expired_or_not_yet() {
    // The plan.
    let plan = |change: fn(&mut portcullis::cleanup::plan::Plan)| {
        let stage = Stage::with(ONE, change);
        stage.yes("bob", BOB);
        stage
    };
    plan(|p| p.not_after = p.created_at + SignedDuration::from_mins(59)).refused(11, "expired");
    plan(|p| p.not_before = p.created_at + HOUR * 2).refused(11, "not-yet-valid");
    // The approval.
    let stage = Stage::new(ONE);
    let now = stage.now;
    stage.yes_but("bob", BOB, |said| said.not_after = now - SignedDuration::from_secs(1));
    stage.refused(11, "expired");
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.at = now + HOUR);
    stage.refused(11, "not-yet-valid");
    // It says a year; the list of trust lets it be a day.
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| {
        said.at = now - HOUR * 25;
        said.not_after = now + HOUR * 24 * 365;
    });
    stage.refused(11, "expired");
}

#[test]
fn a06_the_key_has_its_own_time() {
    let now = Stage::new(ONE).now;
    let stage = |window: String| {
        let changed = trust(ONE, "").replace(
            &format!("{{ key: \"{} carol\" }}", public(CAROL).trim()),
            &format!("{{ key: \"{} carol\", {window} }}", public(CAROL).trim()),
        );
        let stage = Stage::with(ONE, |plan| plan.pins.trust = Digest::of(changed.as_bytes()));
        stage.world.file("trust.yaml", changed);
        stage.yes("carol", CAROL);
        stage
    };
    stage(format!("valid_before: {}", now - HOUR)).refused(11, "expired");
    stage(format!("valid_after: {}", now + HOUR)).refused(11, "not-yet-valid");
    // The window is that of whatever ends first: here the key, then the approval.
    let told = stage(format!("valid_before: {}", now + HOUR)).approved();
    assert_eq!(told["not_after"], json!(now + HOUR));
    let later = stage(format!("valid_before: {}", now + HOUR * 9));
    assert_eq!(later.approved()["not_after"], json!(later.now + HOUR * 2));
}

#[test]
fn a09_key_revoked_after_signing() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    let fingerprint = crate::stage::key(BOB).fingerprint(ssh_key::HashAlg::Sha256).to_string();
    for line in [format!("{} lost\n", public(BOB).trim()), format!("# lost\n{fingerprint}\n")] {
        stage.world.file("revoked", line);
        stage.refused(12, "key-revoked");
    }
    // Of somebody else: it still counts.
    stage.world.file("revoked", public(CAROL));
    stage.approved();
}

#[test]
fn a09_an_unreadable_list_is_a_no() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let list = stage.world.folder().join("revoked");
    let no = |why: &str| {
        let (ran, _) = stage.verify();
        assert_eq!(ran.code, Some(4), "{why}: {ran}");
        assert!(ran.stderr.contains("revocation-unreadable"), "{why}: {ran}");
        assert!(ran.stderr.contains(why), "{why}: {ran}");
    };
    for (bytes, why) in [
        (&b"ssh-ed25519 AAAA\n"[..], "line 1"),
        (b"\nSHA256:short\n", "line 2"),
        (b"bob\n", "line 1"),
        (b"SSHKRL\n\0\0\0\0\x01", "the binary KRL: it ends early"),
        (b"\xff\xfe", "no text"),
    ] {
        stage.write(&list, bytes);
        no(why);
    }
    std::fs::remove_file(&list).expect("removed");
    no("No such file");
    symlink("/dev/null", &list).expect("a link");
    no("link");
}

#[test]
fn a10_policy_or_signers_changed() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    stage.world.file("policy.yaml", "# another policy\n");
    stage.refused(11, "policy-changed");
    stage.world.file("policy.yaml", "# a policy\n");
    stage.approved();
    // A list of the proposer's own, with the same people and one row loosened.
    let pinned = Digest::of(trust(ONE, "").as_bytes());
    stage.world.file("trust.yaml", trust(ONE, "") + "# mine\n");
    stage.refused(11, "trust-changed");
    let ran = stage.world.run(&[
        "cleanup",
        "verify",
        &stage.place.display().to_string(),
        "--trust=trust.yaml",
        &format!("--trust-digest={pinned}"),
    ]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("trust-changed: the list of trust has the digest"), "{ran}");
    // Approvals of what was under another policy.
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.policy = Digest::of(b"looser"));
    stage.refused(11, "policy-changed");
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.trust = Digest::of(b"looser"));
    stage.refused(11, "trust-changed");
    let stage = Stage::with(ONE, |plan| plan.pins.tool = "0.0.1".into());
    stage.yes("bob", BOB);
    stage.refused(11, "tool-changed");
}

/// A new list of trust is led to from the old one by its people, through the commands.
#[test]
fn a10_a_list_of_trust_is_changed_by_its_own_people() {
    let stage = Stage::new(ONE);
    let frank = format!(
        "  frank: {{ team: ops, roles: [approver], keys: [{{ key: \"{}\" }}] }}\n",
        public(STRANGER).trim()
    );
    let old = Digest::of(trust(ONE, "").as_bytes());
    stage.world.file("new.yaml", trust(ONE, &frank) + &format!("follows: {old}\n"));
    let check = || stage.world.run(&["cleanup", "trust", "check", "new.yaml", "--from=trust.yaml"]);
    let sign = |seed: u8, name: &str| {
        let key = stage.key_file(seed).display().to_string();
        stage.world.run(&[
            "cleanup",
            "trust",
            "sign",
            "new.yaml",
            "--from=trust.yaml",
            "--key",
            &key,
            "--as",
            name,
        ])
    };
    let few = |says: &str| {
        let ran = check();
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("quorum: ") && ran.stderr.contains(says), "{ran}");
    };
    few("nobody signed");
    // Whom the new list brings in does not count for it, nor does who has no say.
    for (seed, name) in [(STRANGER, "frank"), (DAVE, "dave"), (AGENT, "agent"), (BOB, "carol")] {
        let ran = sign(seed, name);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("is not that of an approver"), "{ran}");
    }
    assert_eq!(sign(BOB, "bob").code, Some(0));
    few("bob signed");
    let ran = sign(CAROL, "carol");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = check();
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains(&format!("follows {old}, signed by bob, carol")), "{ran}");
    let new = std::fs::read(stage.world.folder().join("new.yaml")).expect("the list");
    assert!(ran.stdout.starts_with(&Digest::of(&new).to_string()), "{ran}");
    // Another byte, and nobody signed it.
    stage.world.file("new.yaml", [new, b"# more\n".to_vec()].concat());
    few("nobody signed");
}

#[test]
fn a11_wrong_namespace() {
    for namespace in ["git", "file", "portcullis-deny.v1", "portcullis-plan.v1"] {
        let stage = Stage::new(ONE);
        let bytes = stage.statement(Decision::Approve, "bob", |_| {});
        let signed = sign(BOB, namespace, &bytes);
        dossier::add(&stage.place, Pile::Approvals, "bob", &bytes, &signed).expect("added");
        stage.refused(11, "namespace");
    }
}

#[test]
fn a12_no_touch_hardware_signature() {
    let stage = |flags: u8, pin: bool| {
        let list = trust(ONE, "").replace("pin: false", &format!("pin: {pin}"));
        let stage = Stage::with(ONE, |plan| plan.pins.trust = Digest::of(list.as_bytes()));
        stage.world.file("trust.yaml", list);
        let bytes = stage.statement(Decision::Approve, "erin", |_| {});
        let signed = hardware(APPROVAL, &bytes, flags);
        dossier::add(&stage.place, Pile::Approvals, "erin", &bytes, &signed).expect("added");
        stage
    };
    stage(0, false).refused(12, "user-presence-missing");
    stage(4, false).refused(12, "user-presence-missing");
    stage(1, true).refused(12, "user-presence-missing");
    stage(5, true).approved();
    let told = stage(1, false).approved();
    assert_eq!(told["counted"][0]["hardware"], true);
}

/// What cannot be taken back needs two teams and a hardware key, whatever the plan calls it.
#[test]
fn a12_the_quorum_is_that_of_the_worst_item() {
    for change in [
        |plan: &mut portcullis::cleanup::plan::Plan| plan.items[2].risk = Risk::Irreversible,
        |plan: &mut portcullis::cleanup::plan::Plan| plan.items[2].undo = None,
        |plan: &mut portcullis::cleanup::plan::Plan| {
            plan.phase = portcullis::cleanup::plan::Phase::Delete;
        },
    ] {
        let stage = Stage::with(ONE, change);
        stage.yes("bob", BOB);
        stage.yes("carol", CAROL);
        let told = stage.refused(12, "quorum");
        let says = told["says"].as_str().unwrap_or_default();
        assert!(says.contains("1/2 teams") && says.contains("0/1 with a hardware key"), "{says}");
        stage.yes("erin", ERIN);
        assert_eq!(stage.approved()["rule"], "irreversible");
    }
    let stage = Stage::with("{ people: 1, teams: 1, hardware: 0, up_to: 3 }", |_| {});
    stage.yes("bob", BOB);
    assert_eq!(stage.refused(12, "quorum")["rule"], "reversible_large");
    let stage = Stage::with(ONE, |plan| plan.items[0].risk = Risk::Exposing);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    assert_eq!(stage.refused(12, "quorum")["rule"], "exposing");
}

#[test]
fn a13_deny_beats_approve() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    stage.yes("erin", ERIN);
    stage.approved();
    let no = stage.no("dave", DAVE);
    let told = stage.refused(12, "denied-by");
    assert_eq!(told["says"], "dave says no: not today");
    // One that cannot be verified is still no reason to go on.
    stage.write(&no, b"{}");
    let told = stage.refused(12, "denied-by");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("cannot be verified")), "{told}");
    std::fs::remove_file(&no).expect("removed");
    stage.refused(12, "denied-by");
}

#[test]
fn a13_a_no_is_given_by_the_command() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let place = stage.place.display().to_string();
    let deny = |seed: u8, name: &str| {
        let key = stage.key_file(seed).display().to_string();
        stage.world.run(&[
            "cleanup",
            "deny",
            &place,
            "--key",
            &key,
            "--as",
            name,
            "--comment",
            "sv-3 is ours",
            "--trust=trust.yaml",
        ])
    };
    let ran = deny(BOB, "dave");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("is that of bob in the list of trust"), "{ran}");
    stage.approved();
    let ran = deny(DAVE, "dave");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(stage.refused(12, "denied-by")["says"], "dave says no: sv-3 is ours");
}

#[test]
fn a14_partial_approval() {
    let generation = |n: &str| BTreeMap::from([("host_gen".to_owned(), n.to_owned())]);
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    stage.yes_but("carol", CAROL, |said| said.scope = Scope::Strata(vec![generation("2")]));
    let told = stage.approved();
    assert_eq!(told["items"], json!([3, 4]));
    assert_eq!(told["lacking"], json!({"1": ["quorum 1/2 people"], "2": ["quorum 1/2 people"]}));
    // Two people who agree to different parts agree to nothing.
    let stage = Stage::new(TWO);
    stage.yes_but("bob", BOB, |said| said.scope = Scope::Strata(vec![generation("1")]));
    stage.yes_but("carol", CAROL, |said| said.scope = Scope::Strata(vec![generation("2")]));
    stage.refused(12, "quorum");
    // A stratum that is not there.
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.scope = Scope::Strata(vec![generation("3")]));
    stage.refused(11, "approval-subject-mismatch");
}

#[test]
fn a15_links_pipes_and_swapped_files() {
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    stage.approved();
    let unsafe_path = |what: &str| {
        let (ran, _) = stage.verify();
        assert_eq!(ran.code, Some(4), "{what}: {ran}");
        assert!(ran.stderr.contains("unsafe-path"), "{what}: {ran}");
    };
    let folder = stage.world.folder().to_owned();
    let away = folder.join("away");
    for path in [
        stage.place.join("plan.json"),
        yes.clone(),
        stage.place.join("approvals"),
        stage.place.clone(),
        folder.join("trust.yaml"),
        folder.join("policy.yaml"),
    ] {
        let what = path.display().to_string();
        std::fs::rename(&path, &away).expect("moved");
        symlink(&away, &path).expect("a link");
        unsafe_path(&what);
        std::fs::remove_file(&path).expect("removed");
        fifo(&path);
        unsafe_path(&what);
        std::fs::remove_file(&path).expect("removed");
        std::fs::rename(&away, &path).expect("moved back");
        let mode = std::fs::metadata(&path).expect("there").permissions();
        let open = std::fs::Permissions::from_mode(mode.mode() | 0o002);
        std::fs::set_permissions(&path, open).expect("its mode");
        unsafe_path(&what);
        std::fs::set_permissions(&path, mode).expect("its mode");
    }
    stage.approved();
}

/// What is judged is what was read: a swap between reading and judging changes nothing.
#[test]
fn a15_the_bytes_that_were_hashed_are_those_that_are_parsed() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let found = dossier::read(&stage.place).expect("read");
    let mut other = stage.plan.clone();
    other.items[0].id = "sv-live".into();
    stage.write(&stage.place.join("plan.json"), &serde_json::to_vec_pretty(&other).expect("JSON"));
    let list = std::fs::read(stage.world.folder().join("trust.yaml")).expect("the list");
    let trust = portcullis::cleanup::trust::Trust::parse(&list).expect("trust");
    let policy = Digest::of(b"# a policy\n");
    let ask = portcullis::cleanup::approval::Ask {
        digest: &found.digest,
        trust: &trust,
        revoked: &portcullis::cleanup::trust::Revoked::default(),
        running: Some(portcullis::cleanup::approval::Running {
            tool: env!("CARGO_PKG_VERSION"),
            policy: &policy,
            adapter: None,
        }),
        now: stage.now,
        claimed_at: None,
    };
    let approved = portcullis::cleanup::approval::verify(&found.papers, &ask).expect("approved");
    assert_eq!(approved.plan().items[0].id, "sv-1");
    let mut elsewhere = found.papers.clone();
    elsewhere.folder = Digest::of(b"another").folder();
    let refused = portcullis::cleanup::approval::verify(&elsewhere, &ask).expect_err("elsewhere");
    assert_eq!(refused.reason, Reason::PlanDigestMismatch);
    assert!(approved.approved(&approved.plan().items[0]));
    assert!(!approved.approved(&other.items[0]), "an item of its number, and not it");
    stage.refused(11, "plan-digest-mismatch");
}

pub(crate) fn fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    // SAFETY: the path ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}

#[test]
fn a16_two_readers() {
    let stage = Stage::new(ONE);
    let sealed =
        String::from_utf8(std::fs::read(stage.place.join("plan.json")).expect("it")).expect("text");
    for (from, to, why) in [
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"id\": \"sv-9\",", "stands twice"),
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"note\": 1,", "unknown field `note`"),
        ("\"n\": 1,", "\"n\": 1.0,", "fraction"),
        ("\"n\": 1,", "\"n\": NaN,", "no JSON value"),
        ("\"population\": 400", "\"population\": 9007199254740993", "2^53"),
        ("\"id\": \"sv-1\"", "\"id\": \"sv\u{202e}-1\"", "U+202E"),
        ("\"id\": \"sv-1\"", "\"id\": \"sv-1\\u001b[2J\"", "U+001B"),
    ] {
        let changed = sealed.replacen(from, to, 1);
        assert_ne!(changed, sealed, "{from}");
        let (_, place) = seal_bytes(&stage.world, changed.as_bytes(), ALICE);
        let (ran, told) = stage.verify_in(&place);
        refused(&ran, &told, 11, "non-strict-json");
        assert!(told["says"].as_str().is_some_and(|s| s.contains(why)), "{told}");
        // Nor shown as something to agree to.
        let ran = approve(&stage, &place, "4 items in 111");
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("non-strict-json"), "{ran}");
        assert!(ran.stdout.is_empty(), "{ran}");
        assert!(!ran.stderr.contains(['\u{202e}', '\u{1b}']), "{ran:?}", ran = ran.stderr);
    }
    // Of an approval.
    let bytes = stage.statement(Decision::Approve, "bob", |_| {});
    let twice = String::from_utf8(bytes).expect("text").replacen(
        "\"decision\": \"approve\"",
        "\"decision\": \"deny\", \"decision\": \"approve\"",
        1,
    );
    let signed = sign(BOB, APPROVAL, twice.as_bytes());
    dossier::add(&stage.place, Pile::Approvals, "bob", twice.as_bytes(), &signed).expect("added");
    stage.refused(11, "non-strict-json");
}

#[test]
fn a17_old_plan_after_a_newer_one() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    let other = |change: fn(&mut portcullis::cleanup::plan::Plan), author: u8| {
        let mut other = stage.plan.clone();
        other.created_at += SignedDuration::from_mins(1);
        change(&mut other);
        seal(&stage.world, &other, author).1
    };
    // Elsewhere, or of something else, or of nobody: it stays.
    for place in [
        other(|p| p.target.account = "222".into(), ALICE),
        other(|p| p.target.scope = "volumes".into(), ALICE),
        other(|p| p.created_at -= HOUR, ALICE),
        other(|p| p.items[0].owner = None, STRANGER),
    ] {
        stage.approved();
        std::fs::remove_dir_all(place).expect("removed");
    }
    let newer = other(|p| p.items[0].id = "sv-8".into(), ALICE);
    let told = stage.refused(11, "superseded");
    let name = newer.file_name().and_then(|n| n.to_str()).unwrap_or_default().replace('-', ":");
    assert!(told["says"].as_str().is_some_and(|s| s.contains(&name)), "{told}");
    // Nor approved any more.
    let ran = approve(&stage, &stage.place, "4 items in 111");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("superseded"), "{ran}");
}

fn approve(stage: &Stage, place: &Path, confirm: &str) -> Ran {
    approve_as(stage, place, confirm, CAROL, "carol", &[])
}

fn approve_as(
    stage: &Stage,
    place: &Path,
    confirm: &str,
    seed: u8,
    name: &str,
    more: &[&str],
) -> Ran {
    let (key, place) = (stage.key_file(seed).display().to_string(), place.display().to_string());
    let mut arguments = vec!["cleanup", "approve", &place, "--key", &key, "--as", name];
    arguments.extend(["--trust=trust.yaml", "--confirm", confirm]);
    arguments.extend(more);
    stage.world.run(&arguments)
}

#[test]
fn a19_what_was_shown_is_what_was_agreed_to() {
    let stage = Stage::new(ONE);
    for wrong in ["3 items in 111", "4 items in 222", "4 items", "yes", ""] {
        let ran = approve(&stage, &stage.place, wrong);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("that is not what the plan acts on"), "{ran}");
    }
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
    // No terminal, no count.
    let key = stage.key_file(CAROL).display().to_string();
    let place = stage.place.display().to_string();
    let ran = stage.world.run(&[
        "cleanup",
        "approve",
        &place,
        "--key",
        &key,
        "--as",
        "carol",
        "--trust=trust.yaml",
    ]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("this is no terminal"), "{ran}");
    for flag in ["--yes", "-y", "--force"] {
        let ran = approve_as(&stage, &stage.place, "4 items in 111", CAROL, "carol", &[flag]);
        assert_eq!(ran.code, Some(2), "{ran}");
    }

    let ran = approve(&stage, &stage.place, "4 items in 111");
    assert_eq!(ran.code, Some(0), "{ran}");
    for n in 1..=4 {
        assert!(ran.stdout.contains(&format!("sv-{n}")), "{ran}");
    }
    let told = stage.approved();
    assert_eq!(told["counted"][0]["person"], "carol");
    // The digest of exactly what stood there.
    let made = std::fs::read(stage.place.join("approvals/carol.json")).expect("an approval");
    let made = Statement::read(&made).expect("strict");
    let shown = ran.stdout.split("\napproved by").next().expect("the plan");
    assert_eq!(made.predicate.rendered_sha256, Digest::of(shown.as_bytes()));
    assert_eq!(made.predicate.totals, stage.plan.totals);
}

#[test]
fn a19_an_unknown_schema_cannot_be_approved() {
    let stage = Stage::new(ONE);
    let sealed =
        String::from_utf8(std::fs::read(stage.place.join("plan.json")).expect("it")).expect("text");
    let later = sealed.replacen("cleanup-plan/v1", "cleanup-plan/v2", 1);
    let (_, place) = seal_bytes(&stage.world, later.as_bytes(), ALICE);
    let ran = approve(&stage, &place, "4 items in 111");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("unknown-schema"), "{ran}");
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "unknown-schema");
    // Nor a plan whose totals are not those of its items: the count would be of something else.
    let (_, place) = seal_bytes(
        &stage.world,
        sealed.replacen("\"items\": 4", "\"items\": 3", 1).as_bytes(),
        ALICE,
    );
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "plan-invalid");
}

/// What nobody reads any more was not shown.
#[test]
fn a19_a_closed_pipe_is_no_screen() {
    let stage = Stage::new(ONE);
    let key = stage.key_file(CAROL).display().to_string();
    let place = stage.place.display().to_string();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ran = stage
        .world
        .command(&[
            "cleanup",
            "approve",
            &place,
            "--key",
            &key,
            "--as",
            "carol",
            "--trust=trust.yaml",
            "--confirm",
            "4 items in 111",
        ])
        .stdout(writer)
        .output()
        .expect("it runs");
    assert_eq!(ran.status.code(), Some(2));
    let words = String::from_utf8(ran.stderr).expect("text");
    assert!(words.contains("what was not shown cannot be approved"), "{words}");
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
}

#[test]
fn a19_what_would_not_count_is_not_written() {
    let stage = Stage::new(ONE);
    let all = "4 items in 111";
    for (seed, name, why) in [
        (ALICE, "alice", "self-approval"),
        (AGENT, "agent", "not-an-approver"),
        (DAVE, "dave", "not-an-approver"),
        (STRANGER, "bob", "not-an-approver"),
        (BOB, "carol", "signature-invalid"),
    ] {
        let ran = approve_as(&stage, &stage.place, all, seed, name, &[]);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains(why), "{ran}");
    }
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
    // Scoped: its own count.
    let scoped = ["--strata=host_gen=2"];
    let ran = approve_as(&stage, &stage.place, all, BOB, "bob", &scoped);
    assert_eq!(ran.code, Some(4), "{ran}");
    let ran = approve_as(&stage, &stage.place, "2 items in 111", BOB, "bob", &scoped);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(stage.approved()["items"], json!([3, 4]));
    let ran =
        approve_as(&stage, &stage.place, "2 items in 111", BOB, "bob", &["--strata=host_gen=7"]);
    assert!(ran.stderr.contains("it has no stratum host_gen=7"), "{ran}");
}

/// The line that `verify` prints works with the stock tool, and fails where bytes changed.
#[test]
fn a00_stock_openssh_checks_an_approval() {
    let have = std::process::Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !have {
        return skip("the stock check of an approval needs ssh-keygen (openssh-client)");
    }
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    let place = stage.place.display().to_string();
    let ran = stage.world.run(&["cleanup", "verify", &place, "--trust=trust.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let lines: Vec<&str> = ran
        .stdout
        .lines()
        .skip_while(|l| !l.starts_with("anyone can check"))
        .skip(1)
        .map(str::trim)
        .collect();
    assert_eq!(lines.len(), 2, "{ran}");
    let script = lines.join("\n").replacen("portcullis", env!("CARGO_BIN_EXE_portcullis"), 1);
    let shell = || {
        std::process::Command::new("sh")
            .args(["-ec", &script])
            .current_dir(stage.world.folder())
            .output()
            .expect("sh runs")
    };
    let good = shell();
    let words =
        String::from_utf8_lossy(&good.stdout).into_owned() + &String::from_utf8_lossy(&good.stderr);
    assert!(good.status.success(), "{script}\n{words}");
    assert!(words.contains("Good \"portcullis-approval.v1\" signature for bob"), "{words}");
    let mut bytes = std::fs::read(&yes).expect("the approval");
    bytes.push(b' ');
    stage.write(&yes, &bytes);
    assert!(!shell().status.success(), "other bytes");
}
