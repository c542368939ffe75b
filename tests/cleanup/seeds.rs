//! What the fuzzers of `fuzz/` begin with: one of everything that the readers take. A reader that
//! changed would leave them to guess at a whole format, so each seed is read here first.
//!
//! `PORTCULLIS_FUZZ_SEEDS=DIR` keeps them, a folder for each target; `fuzz/run` does so.

use crate::stage::{ALICE, BOB, CAROL, ONE, Stage, TWO, hardware, public, sign, trust};
use jiff::Timestamp;
use portcullis::cleanup::approval::{Decision, Scope, Statement};
use portcullis::cleanup::journal::{self, Event, Found, Record, token};
use portcullis::cleanup::plan::{self, Plan};
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{Digest, ItemRef, Reason, Refusal};
use portcullis::signature::{self, APPROVAL, AllowedSigners};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Keeps one seed of a target, where somebody wants them.
fn keep(target: &str, name: &str, bytes: &[u8]) {
    let Some(folder) = std::env::var_os("PORTCULLIS_FUZZ_SEEDS") else { return };
    let folder = PathBuf::from(folder).join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), bytes).expect("a seed");
}

#[test]
fn seeds_of_plans() {
    let stage = Stage::new(ONE);
    let pretty = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    let dense = serde_json::to_vec(&stage.plan).expect("JSON");
    for (name, bytes) in [("pretty", &pretty), ("dense", &dense)] {
        assert!(plan::read(bytes).is_ok(), "{name}");
        keep("plan", name, bytes);
    }
}

#[test]
fn seeds_of_approvals() {
    let stage = Stage::new(ONE);
    let scope = Scope::Strata(vec![stage.plan.strata[0].key.clone()]);
    let yes = stage.statement(Decision::Approve, "bob", |p| p.scope = scope);
    let no = stage.statement(Decision::Deny, "bob", |p| p.comment = "no \u{e9}".into());
    for (name, bytes) in [("yes", &yes), ("no", &no)] {
        assert!(Statement::read(bytes).is_ok(), "{name}");
        keep("approval", name, bytes);
    }
    let message = b"a statement";
    for (name, made) in [
        ("file.sig", sign(BOB, APPROVAL, message)),
        ("hardware.sig", hardware(APPROVAL, message, 5)),
        ("certificate.sig", certified(message)),
    ] {
        assert_eq!(signature::check(message, &made, APPROVAL), Ok(()), "{name}");
        keep("approval", name, made.as_bytes());
    }
}

#[test]
fn seeds_of_lists() {
    let more = "# nobody else\n";
    for (name, list) in [("one", trust(ONE, "")), ("two", trust(TWO, more))] {
        let read = Trust::parse(list.as_bytes()).expect("trust");
        keep("trust", name, list.as_bytes());
        let signers = read.allowed_signers();
        assert!(AllowedSigners::parse(&signers).is_ok());
        keep("trust", "allowed_signers", signers.as_bytes());
    }
    let bob = crate::stage::key(BOB).fingerprint(ssh_key::HashAlg::Sha256);
    let revoked = format!("# gone\n{}\n{bob}\n{}\n", public(ALICE), public(CAROL));
    assert!(Revoked::parse(revoked.as_bytes()).is_ok());
    keep("trust", "revoked", revoked.as_bytes());
}

/// Bob's signature with a certificate in his key's place, as OpenSSH writes it.
fn certified(message: &[u8]) -> String {
    let bob = crate::stage::key(BOB);
    let (from, to) = (0, 4_000_000_000);
    let public = bob.public_key().key_data().clone();
    let mut builder =
        ssh_key::certificate::Builder::new(vec![7; 32], public, from, to).expect("a certificate");
    builder.serial(7).and_then(|b| b.key_id("bob-1")).expect("its words");
    builder.valid_principal("bob@corp").and_then(|b| b.extension("permit-pty", "")).expect("them");
    let it = builder.sign(&crate::stage::key(CAROL)).expect("signed").to_bytes().expect("bytes");
    let made = bob.sign(APPROVAL, ssh_key::HashAlg::Sha512, message).expect("a signature");
    let made = [string(b"ssh-ed25519"), string(made.signature_bytes())].concat();
    let body = [
        b"SSHSIG\0\0\0\x01".to_vec(),
        string(&it),
        string(APPROVAL.as_bytes()),
        string(b""),
        string(b"sha512"),
        string(&made),
    ];
    let text = <base64ct::Base64 as base64ct::Encoding>::encode_string(&body.concat());
    let lines: Vec<&str> =
        (0..text.len()).step_by(70).map(|n| &text[n..text.len().min(n + 70)]).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

/// Bytes behind their length.
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes()[..], bytes].concat()
}

/// One of each kind of section, and of each kind of its parts.
#[test]
fn seeds_of_binary_lists() {
    let key = crate::stage::key(BOB).public_key().to_bytes().expect("a key");
    let section = |kind: u8, of: &[u8]| [&[kind][..], &string(of)].concat();
    let two = [1u64.to_be_bytes(), 9u64.to_be_bytes()].concat();
    let bits = [&64u64.to_be_bytes()[..], &string(&[0, 0x81])].concat();
    let certificates = [
        string(&key),
        string(b""),
        section(0x20, &two),
        section(0x21, &two),
        section(0x22, &bits),
        section(0x23, &[string(b"bob-1"), string(b"bob-2")].concat()),
    ];
    let head = [&b"SSHKRL\n\0\0\0\0\x01"[..], &[0; 24], &string(b""), &string(b"words")].concat();
    let all = [
        section(1, &certificates.concat()),
        section(2, &string(&key)),
        section(3, &string(&[3; 20])),
        section(5, &string(&[5; 32])),
    ];
    let whole = [head.clone(), all.concat()].concat();
    for (name, bytes) in [("empty", &head), ("whole", &whole)] {
        assert!(Revoked::parse(bytes).is_ok(), "{name}");
        keep("krl", name, bytes);
    }
    for (n, section) in all.iter().enumerate() {
        let bytes = [&head[..], section].concat();
        assert!(Revoked::parse(&bytes).is_ok(), "section {n}");
        keep("krl", &format!("section-{n}"), &bytes);
    }
}

/// The plan that the journals' fuzzer holds lines against.
const PLAN: &[u8] = include_bytes!("../../fuzz/fixtures/plan.json");

#[test]
fn seeds_of_journals() {
    let (plan, digest) = (plan::read(PLAN).expect("a plan"), Digest::of(PLAN));
    let halt = Refusal::new(Reason::Halt, "somebody did");
    let mut ends: BTreeMap<&str, Vec<Event>> = BTreeMap::new();
    let all: Vec<Event> = plan.items.iter().flat_map(|i| acted(&plan, i.n)).collect();
    ends.insert("done", [all, vec![Event::Finished]].concat());
    let stratum = plan.items.iter().find(|i| i.n == 1).expect("an item").stratum;
    let rested = vec![
        Event::Soak { batch: 1, until: vec![(stratum, at(86_400))] },
        Event::Batch { number: 2, items: vec![3, 4] },
    ];
    ends.insert("rested", [acted(&plan, 1), rested].concat());
    let undone = vec![
        Event::UndoIntent { n: 1, action: "start".into(), token: token(&digest, 1, "start") },
        Event::UndoFailed { n: 1, why: "gone".into() },
        Event::UndoIntent { n: 1, action: "start".into(), token: token(&digest, 1, "start") },
        Event::Undone { n: 1, state: BTreeMap::new() },
    ];
    ends.insert("undone", [acted(&plan, 1), undone].concat());
    let again = vec![Event::Throttled { n: 1, tries: 1 }];
    ends.insert("throttled", [intent(&plan, 1), again, acted(&plan, 1)].concat());
    let failed = vec![Event::Failed { n: 1, refusal: halt.clone() }];
    ends.insert("failed", [intent(&plan, 1), failed].concat());
    let outside = |n| Event::Outside {
        n,
        item: ItemRef { kind: "servo".into(), id: "sv-9".into() },
        action: "stop".into(),
    };
    ends.insert("outside", [intent(&plan, 1), vec![outside(1)]].concat());
    let late = vec![
        Event::Throttled { n: 1, tries: 1 },
        Event::Reconciled { n: 1, found: Found::Done, state: BTreeMap::new() },
        Event::Undone { n: 1, state: BTreeMap::new() },
    ];
    ends.insert("late", [intent(&plan, 1), late].concat());
    let unknown = |found| {
        vec![
            Event::Unknown { n: 2, why: "no answer".into() },
            Event::Reconciled { n: 2, found, state: BTreeMap::new() },
        ]
    };
    ends.insert("found-done", [intent(&plan, 2), unknown(Found::Done)].concat());
    ends.insert("found-not", [intent(&plan, 2), unknown(Found::NotDone)].concat());
    let rest = vec![
        Event::Watched { answering: ["web tcp/443".to_owned()].into() },
        Event::Skipped { n: 1, refusal: halt.clone() },
        Event::Permitted { n: 2, by: "a job".into() },
        Event::StratumHeld { stratum: 2, refusal: halt.clone() },
        Event::Soak { batch: 1, until: vec![] },
        Event::Batch { number: 2, items: vec![3, 4] },
        Event::Halted { refusal: halt, halt: Some(digest.clone()) },
    ];
    ends.insert("rest", rest);
    for (name, end) in ends {
        let bytes = written(&digest, &end);
        let read = journal::read(&bytes, &plan, &digest);
        assert!(read.is_ok(), "{name}: {read:?}");
        keep("journal", name, &bytes);
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

/// What leads an item up to its act.
fn intent(plan: &Plan, n: u32) -> Vec<Event> {
    let it = plan.items.iter().find(|i| i.n == n).expect("an item");
    let token = token(&Digest::of(PLAN), n, &it.action);
    vec![
        Event::Rechecked { n, state: it.state.clone(), live_checked: vec!["probe".into()] },
        Event::Intent { n, item: it.item(), action: it.action.clone(), token },
    ]
}

/// An act that goes well.
fn acted(plan: &Plan, n: u32) -> Vec<Event> {
    let handed = BTreeMap::from([("was".to_owned(), "running".to_owned())]);
    let state = BTreeMap::from([("status".to_owned(), "stopped".to_owned())]);
    let done = [Event::Acted { n, handed }, Event::Confirmed { n, state, gap_ms: 1 }];
    [intent(plan, n), done.to_vec()].concat()
}

/// A journal that begins as all do and ends so.
fn written(digest: &Digest, end: &[Event]) -> Vec<u8> {
    let begin = [
        Event::Claimed { nonce: "a".into(), by: "ci".into(), approved_by: vec!["bob".into()] },
        Event::Batch { number: 1, items: vec![1, 2] },
    ];
    let (mut out, mut prev) = (Vec::new(), digest.clone());
    for (seq, what) in (1..).zip(begin.iter().chain(end)) {
        let line = Record { seq, prev, at: at(0), fence: 1, what: what.clone() }.line();
        prev = Digest::of(&line);
        out.extend(line);
        out.push(b'\n');
    }
    out
}
