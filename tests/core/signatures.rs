//! Our signatures and stock OpenSSH's, each checked by the other.

use crate::common::authenticator::Agent;
use crate::common::{World, skip};
use portcullis::sign::sign_file;
use portcullis::signature::{self, ATTESTATION, AllowedSigners, Refusal};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MESSAGE: &[u8] = b"{\"answer\":\"PASS\"}\n";

/// Whether stock OpenSSH is here; says so where it is not.
fn openssh() -> bool {
    let have = Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !have {
        skip("signatures against stock OpenSSH need ssh-keygen (openssh-client)");
    }
    have
}

fn keygen(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ssh-keygen starts");
    child.stdin.take().expect("its input").write_all(input).expect("its input is written");
    child.wait_with_output().expect("ssh-keygen ends")
}

fn key(world: &World, name: &str, kind: &str, passphrase: &str) -> PathBuf {
    let made = keygen(
        world.folder(),
        &["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", name],
        b"",
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    world.folder().join(name)
}

/// The list that names the keys' owner for attestations.
fn allow(world: &World, keys: &[&str]) -> AllowedSigners {
    let mut text = String::from("# who may attest\n");
    for key in keys {
        let public = std::fs::read_to_string(world.folder().join(format!("{key}.pub")))
            .expect("a public key");
        text += &format!("release@example.org namespaces=\"{ATTESTATION}\" {public}");
    }
    world.file("allowed_signers", &text);
    AllowedSigners::parse(&text).expect("a list")
}

fn stock_verifies(world: &World, namespace: &str, message: &[u8], signature: &str) -> bool {
    world.file("it.sig", signature);
    let arguments = [
        "-Y",
        "verify",
        "-n",
        namespace,
        "-f",
        "allowed_signers",
        "-I",
        "release@example.org",
        "-s",
        "it.sig",
    ];
    keygen(world.folder(), &arguments, message).status.success()
}

fn judge(message: &[u8], signature: &str, list: &AllowedSigners) -> Result<(), Refusal> {
    signature::judge(message, signature, ATTESTATION, list, None, jiff::Timestamp::now())
        .map(|_| ())
}

#[test]
fn stock_openssh_takes_our_signatures_and_we_take_its() {
    if !openssh() {
        return;
    }
    let world = World::new();
    let kinds = [("ed25519", "ed25519"), ("p256", "ecdsa")];
    for (name, kind) in kinds {
        key(&world, name, kind, "");
    }
    let list = allow(&world, &["ed25519", "p256"]);
    for (name, _) in kinds {
        let ours = sign_file(&world.folder().join(name), ATTESTATION, MESSAGE).expect(name);
        assert!(stock_verifies(&world, ATTESTATION, MESSAGE, &ours), "{name}: ours, by stock");
        assert!(!stock_verifies(&world, ATTESTATION, b"other", &ours), "{name}: other bytes");
        assert!(!stock_verifies(&world, "git", MESSAGE, &ours), "{name}: other namespace");
        assert_eq!(judge(MESSAGE, &ours, &list), Ok(()));

        let made = keygen(world.folder(), &["-Y", "sign", "-n", ATTESTATION, "-f", name], MESSAGE);
        let theirs = String::from_utf8(made.stdout).expect("PEM");
        assert_eq!(judge(MESSAGE, &theirs, &list), Ok(()), "{name}: stock's, by us");
        assert_eq!(judge(b"other", &theirs, &list), Err(Refusal::Mismatch));
    }
}

/// A key that only an agent holds, named by its public half, and one behind a passphrase.
#[test]
fn an_agent_signs_for_a_public_key_and_an_encrypted_one_is_left_to_openssh() {
    if !openssh() {
        return;
    }
    let world = World::new();
    let held = key(&world, "held", "ed25519", "");
    let list = allow(&world, &["held"]);
    let Some(agent) = Agent::start(&world, "none") else {
        skip("signatures by an agent need ssh-agent (openssh-client)");
        return;
    };
    add(&agent, &held);
    std::fs::remove_file(&held).expect("the private half goes");
    let public = world.folder().join("held.pub");
    let signed = signed_by(&agent, &public);
    assert_eq!(judge(MESSAGE, &signed, &list), Ok(()));
    assert!(stock_verifies(&world, ATTESTATION, MESSAGE, &signed));

    let locked = key(&world, "locked", "ed25519", "a passphrase");
    let error = sign_file(&locked, ATTESTATION, MESSAGE).expect_err("nobody types it");
    assert!(error.to_string().contains("ssh-keygen did not sign with"), "{error}");
}

#[test]
fn a_key_of_a_kind_nobody_accepts_is_told_when_it_signs() {
    if !openssh() {
        return;
    }
    let world = World::new();
    let rsa = key(&world, "rsa", "rsa", "");
    let error = sign_file(&rsa, ATTESTATION, MESSAGE).expect_err("RSA does not count");
    assert!(error.to_string().contains("nobody counts signatures of RSA"), "{error}");
}

fn add(agent: &Agent, key: &Path) {
    let added =
        Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", agent.socket()).status();
    assert!(added.is_ok_and(|s| s.success()), "the agent takes the key");
}

/// Signs in a process of its own, whose environment names the agent.
fn signed_by(agent: &Agent, key: &Path) -> String {
    let ran = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "signatures::signs_with_the_key_it_is_told", "--nocapture"])
        .env("SSH_AUTH_SOCK", agent.socket())
        .env(TOLD, key)
        .output()
        .expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).expect("text");
    let from = text.find("-----BEGIN").expect("a signature");
    let to = text.rfind("SIGNATURE-----").expect("its end") + "SIGNATURE-----".len();
    text[from..to].to_owned() + "\n"
}

/// The key that [`signs_with_the_key_it_is_told`] signs with.
const TOLD: &str = "PORTCULLIS_TEST_SIGNS_WITH";

/// Nothing by itself: the agent's test runs it with a key and an agent in its environment.
#[test]
fn signs_with_the_key_it_is_told() {
    if let Some(key) = std::env::var_os(TOLD) {
        println!("{}", sign_file(Path::new(&key), ATTESTATION, MESSAGE).expect("it signs"));
    }
}
