//! The list of trust and the policy: whose keys they name, and how they change.

use crate::stage::{AGENT, BOB, CAROL, DAVE, ONE, STRANGER, Stage, TWO, public, trust};
use portcullis::cleanup::{Digest, Reason};

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

/// The policy is the one that the plan names, and its limits are not what the plan says.
#[test]
fn a10_limits_that_are_not_the_policy_s() {
    let caps = Stage::new(ONE);
    let caps = std::fs::read(caps.world.folder().join("policy.yaml")).expect("the policy");
    let stage = Stage::with(ONE, |plan| {
        plan.pins.policy = Digest::of(&caps);
        plan.limits.ramp = vec![4];
    });
    stage.world.file("policy.yaml", caps);
    stage.yes("bob", BOB);
    let told = stage.refused(11, "policy-changed");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("its limits")), "{told}");
}

#[test]
fn a10_policy_or_signers_changed() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    let caps = std::fs::read(stage.world.folder().join("policy.yaml")).expect("the policy");
    stage.world.file("policy.yaml", "# another policy\n");
    stage.refused(11, "policy-changed");
    stage.world.file("policy.yaml", caps);
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
