//! Readers of what others wrote, fed with what nobody would write: thousands of changed plans,
//! statements, signatures and lists. None may panic, and nothing changed may count.
//!
//! `PORTCULLIS_MUTANTS_SECONDS=60` runs each reader for a minute instead of a fixed number.

use crate::stage::{ALICE, BOB, CAROL, ONE, Stage, key, public};
use portcullis::cleanup::approval::{Ask, Papers, Running, Statement, assess, verify};
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{Digest, plan, strict};
use portcullis::dossier;
use portcullis::signature::{self, APPROVAL};
use std::time::{Duration, Instant};

/// Tries without a time: some seconds in a build for tests.
const TRIES: usize = 2000;

/// Xorshift: the same tries in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % below.max(1)
    }
}

/// What readers stumble over.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\u0000",
    "null",
    "true",
    "-",
    "-0",
    "1e999",
    "0.1",
    "9007199254740993",
    "18446744073709551616",
    "\u{202e}",
    "\u{0}",
    "\u{feff}",
    "sha256:",
    "\"schema\":",
    "&a ",
    "*a",
    "<<: ",
    "---\n",
    "!!binary ",
    "\n",
    "  ",
    "- ",
    "? ",
    "ssh-ed25519 ",
    "SHA256:",
    "AAAA",
    "2026-11-22T18:00:00Z",
    "-9999-01-01T00:00:00Z",
    "99999h",
];

/// Some changes of some bytes.
fn mutant(dice: &mut Dice, of: &[u8]) -> Vec<u8> {
    let mut out = of.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(out.len());
        let to = (at + dice.roll(64)).min(out.len());
        match dice.roll(7) {
            0 if !out.is_empty() => out[at] ^= 1 << dice.roll(8),
            1 => {
                out.drain(at..to);
            }
            2 => {
                let again = out[at..to].to_vec();
                let place = dice.roll(out.len() + 1);
                out.splice(place..place, again);
            }
            3 => out.truncate(at),
            4 if !out.is_empty() => out[at] = u8::try_from(dice.roll(256)).unwrap_or(0),
            5 => {
                // A deep nest.
                let token = TOKENS[dice.roll(4)].as_bytes().repeat(dice.roll(200));
                out.splice(at..at, token);
            }
            _ => {
                let token = TOKENS[dice.roll(TOKENS.len())];
                out.splice(at..to.min(at + dice.roll(8)), token.bytes());
            }
        }
    }
    out
}

/// Feeds mutants to a reader; says how many it took for good.
fn feed(seed: u64, corpus: &[Vec<u8>], mut reader: impl FnMut(&[u8]) -> bool) -> (usize, usize) {
    let long = std::env::var("PORTCULLIS_MUTANTS_SECONDS").ok().and_then(|s| s.parse().ok());
    let until = long.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut dice = Dice(seed);
    let (mut tried, mut taken) = (0, 0);
    while until.map_or(tried < TRIES, |until| Instant::now() < until) {
        let of = &corpus[dice.roll(corpus.len())];
        let it = mutant(&mut dice, of);
        taken += usize::from(reader(&it));
        tried += 1;
    }
    (tried, taken)
}

#[test]
fn mutants_of_plans() {
    let stage = Stage::new(ONE);
    let pretty = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    let dense = serde_json::to_vec(&stage.plan).expect("JSON");
    assert!(plan::read(&dense).is_ok());
    let (tried, taken) = feed(0x9e37_79b9_7f4a_7c15, &[pretty, dense], |bytes| {
        let read = plan::read(bytes);
        if let Ok(plan) = &read {
            // What it takes, everybody reads alike: written again, it is the same plan.
            let again = serde_json::to_vec(plan).expect("JSON");
            assert_eq!(plan::read(&again).as_ref(), Ok(plan));
            assert!(strict::check(bytes).is_ok());
        }
        read.is_ok()
    });
    println!("{tried} changed plans, {taken} of them still plans");
    assert!(taken < tried / 2, "{taken} of {tried}");
}

#[test]
fn mutants_of_approvals() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let found = dossier::read(&stage.place).expect("read");
    let list = std::fs::read(stage.world.folder().join("trust.yaml")).expect("the list");
    let trust = Trust::parse(&list).expect("trust");
    let policy = stage.plan.pins.policy.clone();
    let revoked = Revoked::default();
    let ask = Ask {
        digest: &found.digest,
        trust: &trust,
        revoked: &revoked,
        running: Some(Running { tool: env!("CARGO_PKG_VERSION"), policy: &policy, adapter: None }),
        now: stage.now,
        claimed_at: None,
    };
    let with = |change: &dyn Fn(&mut Papers)| {
        let mut papers = found.papers.clone();
        change(&mut papers);
        verify(&papers, &ask).is_ok()
    };
    assert!(with(&|_| {}), "unchanged it counts");
    let good = &found.papers.approvals[0];
    let statement = good.bytes.clone();
    let signed = good.signature.clone().expect("a signature");
    let (tried, _) = feed(0xd1b5_4a32_d192_ed03, std::slice::from_ref(&statement), |bytes| {
        let _ = Statement::read(bytes);
        let counts = with(&|papers| papers.approvals[0].bytes = bytes.to_vec());
        assert!(!counts || bytes == statement, "a changed statement counts");
        counts
    });
    println!("{tried} changed statements");
    let end = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (tried, _) = feed(0x2545_f491_4f6c_dd1d, std::slice::from_ref(&signed), |bytes| {
        let counts = with(&|papers| papers.approvals[0].signature = Some(bytes.to_vec()));
        assert!(!counts || end(bytes) == end(&signed), "a changed signature counts");
        let _ = std::str::from_utf8(bytes).map(|s| signature::check(&statement, s, APPROVAL));
        counts
    });
    println!("{tried} changed signatures");
    let sealed = found.papers.plan_signature.clone().expect("a signature");
    feed(0xa076_1d64_78bd_642f, std::slice::from_ref(&sealed), |bytes| {
        let counts = with(&|papers| papers.plan_signature = Some(bytes.to_vec()));
        assert!(!counts || end(bytes) == end(&sealed), "a changed seal counts");
        counts
    });
    // Whatever lies among the denials stops it.
    feed(0xe703_7ed1_a0b4_28db, &[statement, signed], |bytes| {
        let mut papers = found.papers.clone();
        papers.denials = papers.approvals.clone();
        papers.denials[0].bytes = bytes.to_vec();
        let refused = assess(&papers, &ask).expect("a plan").refusal;
        assert!(refused.is_some(), "a no that cannot be read is passed over");
        false
    });
}

#[test]
fn mutants_of_lists() {
    let stage = Stage::new(ONE);
    let list = std::fs::read(stage.world.folder().join("trust.yaml")).expect("the list");
    let (tried, taken) = feed(0x8ebc_6af0_9c88_c6e3, &[list], |bytes| {
        let read = Trust::parse(bytes);
        if let Ok(trust) = &read {
            assert_eq!(*trust.digest(), Digest::of(bytes));
            let signers = trust.allowed_signers();
            assert!(signature::AllowedSigners::parse(&signers).is_ok(), "{signers}");
            // Nobody new, and no key of two.
            for party in trust.parties() {
                for key in &party.keys {
                    assert_eq!(trust.holder_of_key(&key.key).map(|h| &h.0.name), Some(&party.name));
                }
            }
        }
        read.is_ok()
    });
    println!("{tried} changed lists of trust, {taken} of them still lists");
    let fingerprint = key(CAROL).fingerprint(ssh_key::HashAlg::Sha256).to_string();
    let list = format!("# gone\n{}\n{fingerprint}\n", public(ALICE));
    let (tried, taken) =
        feed(0x5896_5c3c_8a9f_3d21, &[list.into_bytes()], |bytes| Revoked::parse(bytes).is_ok());
    println!("{tried} changed lists of revoked keys, {taken} of them still lists");
}
