use super::*;
use ed25519_dalek::Signer as _;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{KeyData, SkEd25519};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, Signature, SshSig};

const NAMESPACE: &str = ATTESTATION;
const MESSAGE: &[u8] = b"{\"answer\":\"PASS\"}\n";

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn now() -> Timestamp {
    at("2026-11-22T18:00:00Z")
}

fn line(options: &str, key: &PrivateKey) -> String {
    format!("release@example.org {options} {}", key.public_key().to_openssh().expect("a line"))
}

fn list(options: &str, key: &PrivateKey) -> AllowedSigners {
    AllowedSigners::parse(&line(options, key)).expect("a list")
}

fn signature(key: &PrivateKey, namespace: &str) -> String {
    let signed = key.sign(namespace, HashAlg::Sha512, MESSAGE).expect("a signature");
    signed.to_pem(LineEnding::LF).expect("PEM")
}

fn ours() -> String {
    format!("namespaces=\"git,{NAMESPACE}\"")
}

#[test]
fn a_signature_counts_for_whom_the_list_names() {
    let signed = judge(
        MESSAGE,
        &signature(&key(1), NAMESPACE),
        NAMESPACE,
        &list(&ours(), &key(1)),
        None,
        now(),
    )
    .expect("it counts");
    assert_eq!(signed.principals, ["release@example.org"]);
    assert_eq!(signed.fingerprint, key(1).fingerprint(HashAlg::Sha256).to_string());
}

#[test]
fn what_does_not_count_says_why() {
    let good = signature(&key(1), NAMESPACE);
    let judged = |message: &[u8], signature: &str, list: &AllowedSigners, who: Option<&str>| {
        judge(message, signature, NAMESPACE, list, who, now()).expect_err("it must not count")
    };
    let us = list(&ours(), &key(1));
    let mut other = MESSAGE.to_vec();
    other[12] ^= 1;
    assert_eq!(judged(&other, &good, &us, None), Refusal::Mismatch);
    assert!(matches!(
        judged(MESSAGE, &signature(&key(1), "git"), &us, None),
        Refusal::Namespace { got, .. } if got == "git"
    ));
    assert!(matches!(
        judged(MESSAGE, &signature(&key(2), NAMESPACE), &us, None),
        Refusal::Unknown { .. }
    ));
    assert!(matches!(
        judged(MESSAGE, &good, &us, Some("somebody@example.org")),
        Refusal::Principal { .. }
    ));
    // A key for everything is a key for commits too.
    for options in ["", "namespaces=\"git\""] {
        assert!(matches!(
            judged(MESSAGE, &good, &list(options, &key(1)), None),
            Refusal::NotForNamespace { line: 1, .. }
        ));
    }
    let mut bytes = good.clone();
    bytes.truncate(good.len() / 2);
    for broken in [bytes.as_str(), "", "no signature", &"A".repeat(MAX_SIGNATURE_BYTES + 1)] {
        assert!(matches!(judged(MESSAGE, broken, &us, None), Refusal::Unreadable(_)));
    }
}

/// Whatever byte of a signature is turned over, it does not count.
#[test]
fn no_byte_of_a_signature_can_be_changed() {
    let signed = key(1).sign(NAMESPACE, HashAlg::Sha256, MESSAGE).expect("a signature");
    let pem = signed.to_pem(LineEnding::LF).expect("PEM");
    let us = list(&ours(), &key(1));
    let body: Vec<usize> = pem
        .char_indices()
        .skip(pem.find('\n').expect("a line"))
        .take_while(|(at, _)| *at < pem.rfind("\n-----").expect("its end"))
        .filter(|(_, c)| c.is_ascii_alphanumeric())
        .map(|(at, _)| at)
        .collect();
    let mut counted = 0;
    for at in body {
        let mut changed = pem.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("text");
        counted += 1;
        assert!(judge(MESSAGE, &changed, NAMESPACE, &us, None, now()).is_err(), "byte {at}");
    }
    assert!(counted > 200, "{counted} bytes were tried");
}

#[test]
fn a_key_counts_from_its_first_to_its_last_instant() {
    let good = signature(&key(1), NAMESPACE);
    let timed =
        list(&format!("{},valid-after=20261122Z,valid-before=20261123120000Z", ours()), &key(1));
    let judged = |when: &str| judge(MESSAGE, &good, NAMESPACE, &timed, None, at(when));
    assert!(matches!(judged("2026-11-21T23:59:59Z"), Err(Refusal::TooEarly { .. })));
    assert!(judged("2026-11-22T00:00:00Z").is_ok());
    assert!(judged("2026-11-23T12:00:00Z").is_ok());
    assert!(matches!(judged("2026-11-23T12:00:01Z"), Err(Refusal::Expired { .. })));
}

#[test]
fn one_good_line_of_a_key_is_enough() {
    let both = format!(
        "{}\n# kept\n\n{}\n",
        line(&format!("{},valid-before=20200101Z", ours()), &key(1)),
        line(&ours(), &key(1)),
    );
    let list = AllowedSigners::parse(&both).expect("a list");
    let signed = judge(MESSAGE, &signature(&key(1), NAMESPACE), NAMESPACE, &list, None, now());
    assert_eq!(signed.expect("the second line").line, 4);
}

#[test]
fn a_list_is_read_whole_or_not_at_all() {
    let good = key(1).public_key().to_openssh().expect("a line");
    let base64 = good.split(' ').nth(1).expect("its base64");
    for (text, why) in [
        (format!("*@example.org {good}"), "pattern"),
        (format!("a,,b {good}"), "a principal is empty"),
        (format!("a cert-authority=yes {good}"), "takes no value"),
        (format!("a cert-authority,cert-authority {good}"), "stands twice"),
        (format!("a namespaces=\"portcullis-*\" {good}"), "pattern"),
        (format!("a namespaces=\"x\",namespaces=\"y\" {good}"), "stands twice"),
        (format!("a valid-before=20261231 {good}"), "as 20261231Z"),
        (format!("a valid-before=20261331Z {good}"), "no time"),
        (format!("a valid-after=soonZ {good}"), "no time"),
        (format!("a valid-after {good}"), "no value"),
        (format!("a no-touch-required {good}"), "no option"),
        (format!("a namespaces=\"x {good}"), "not closed"),
        ("a ssh-ed25519".to_owned(), "ends early"),
        ("a".to_owned(), "ends early"),
        ("a ssh-ed25519 AAAA".to_owned(), "cannot be read"),
        (format!("a ssh-rsa {base64}"), "cannot be read"),
        (format!("a ssh-ed25519-cert-v01@openssh.com {base64}"), "certificate"),
        (base64.to_owned(), "ends early"),
    ] {
        let error = AllowedSigners::parse(&format!("# list\n{text}\n")).expect_err(&text);
        assert_eq!(error.line, 2, "{text}");
        assert!(error.why.contains(why), "{text}: {error}");
    }
}

/// A hardware key's signature, made as its firmware makes it, with the flags given.
fn hardware(flags: u8) -> (KeyData, String) {
    let pair = Ed25519Keypair::from_seed(&[9; 32]);
    let public = KeyData::SkEd25519(SkEd25519::new(pair.public, "ssh:"));
    let mut signed = Sha256::digest(b"ssh:").to_vec();
    signed.push(flags);
    signed.extend(7u32.to_be_bytes());
    let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, MESSAGE).expect("bytes");
    signed.extend(Sha256::digest(data));
    let firmware = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let mut bytes = firmware.sign(&signed).to_bytes().to_vec();
    bytes.push(flags);
    bytes.extend(7u32.to_be_bytes());
    let raw = Signature::new(Algorithm::SkEd25519, bytes).expect("a signature");
    let signed = SshSig::new(public.clone(), NAMESPACE, HashAlg::Sha512, raw).expect("an SSHSIG");
    (public, signed.to_pem(LineEnding::LF).expect("PEM"))
}

#[test]
fn a_hardware_key_that_nobody_touched_does_not_count() {
    let judged = |flags| {
        let (key, signature) = hardware(flags);
        let key = ssh_key::PublicKey::from(key).to_openssh().expect("a line");
        let list = AllowedSigners::parse(&format!("a {} {key}", ours())).expect("a list");
        judge(MESSAGE, &signature, NAMESPACE, &list, None, now())
    };
    assert!(judged(1).is_ok(), "touched");
    assert!(judged(5).is_ok(), "touched, and its owner verified");
    assert_eq!(judged(0), Err(Refusal::NoTouch));
    assert_eq!(judged(4), Err(Refusal::NoTouch));
}
