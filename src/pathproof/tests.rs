use super::*;
use crate::model::{Endpoint, Protocol};
use jiff::{SignedDuration, Timestamp};
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use std::collections::BTreeSet;
use std::net::IpAddr;

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn trusted(seed: u8) -> Trusted {
    let mut trusted = Trusted::default();
    trusted.add(&key(seed).public_key().to_openssh().expect("a line")).expect("a key");
    trusted
}

fn to(address: &str, port: u16) -> Endpoint {
    Endpoint { address: address.parse().expect("an address"), protocol: Protocol::Udp, port }
}

fn now() -> Timestamp {
    "2026-11-22T18:00:00Z".parse().expect("a time")
}

fn asked(to: Endpoint) -> Vec<u8> {
    Auditor::new(key(1)).expect("Ed25519").ask(to, [7; 16], now()).expect("a request")
}

fn arrived(address: &str, port: u16) -> Arrived {
    Arrived { protocol: Protocol::Udp, address: address.parse().expect("an address"), port }
}

fn judged(bytes: &[u8], at: Arrived, trusted: &Trusted, when: Timestamp) -> Result<(), Denied> {
    let request = Request::read(bytes)?;
    request.fits(at, &BTreeSet::new(), when)?;
    request.verify(request.key(trusted)?)
}

#[test]
fn a_request_of_a_trusted_key_holds_and_its_reply_is_smaller_and_bound_to_it() {
    for at in ["203.0.113.7", "2001:db8::7"] {
        let bytes = asked(to(at, 3478));
        assert_eq!(bytes.len(), REQUEST);
        assert_eq!(judged(&bytes, arrived(at, 3478), &trusted(1), now()), Ok(()));
        let request = Request::read(&bytes).expect("a request");
        assert_eq!(request.to, to(at, 3478));
        let good = reply(&request, 3478);
        assert!(good.len() < bytes.len());
        assert!(answers(&good, &bytes));
        assert_eq!(good[8..24], [7; 16], "the nonce");
        assert!(!answers(&reply(&request, 3479), &bytes), "it arrived on another port");
        let other = Auditor::new(key(1)).expect("Ed25519").ask(to(at, 3478), [8; 16], now());
        assert!(!answers(&good, &other.expect("a request")), "it answers another request");
        assert!(!answers(&bytes, &bytes), "an echo is no reply");
    }
}

#[test]
fn what_does_not_hold_is_denied() {
    let bytes = asked(to("203.0.113.7", 3478));
    let here = arrived("203.0.113.7", 3478);
    let us = trusted(1);
    let late = |seconds| now() + SignedDuration::from_secs(seconds);
    assert_eq!(judged(&bytes, here, &us, late(60)), Ok(()));
    assert_eq!(judged(&bytes, here, &us, late(61)), Err(Denied::WrongTime));
    assert_eq!(judged(&bytes, here, &us, late(-61)), Err(Denied::WrongTime));
    assert_eq!(judged(&bytes, here, &trusted(2), now()), Err(Denied::UnknownKey));
    assert_eq!(judged(&bytes, arrived("203.0.113.7", 3479), &us, now()), Err(Denied::WrongPort));
    let tcp = Arrived { protocol: Protocol::Tcp, ..here };
    assert_eq!(judged(&bytes, tcp, &us, now()), Err(Denied::WrongPort));
    assert_eq!(judged(&bytes, arrived("203.0.113.8", 3478), &us, now()), Err(Denied::WrongAddress));
    // Behind a translator the host does not know the address that the auditor asked.
    assert_eq!(judged(&bytes, arrived("10.0.0.5", 3478), &us, now()), Ok(()));
}

#[test]
fn addresses_that_were_named_are_the_only_ones() {
    let request = Request::read(&asked(to("203.0.113.7", 3478))).expect("a request");
    let named = |text: &str| BTreeSet::from([text.parse::<IpAddr>().expect("an address")]);
    let at = arrived("10.0.0.5", 3478);
    assert_eq!(request.fits(at, &named("203.0.113.7"), now()), Ok(()));
    assert_eq!(request.fits(at, &named("203.0.113.9"), now()), Err(Denied::WrongAddress));
}

/// No bit of a request can be turned over: every one is signed, or is the signature.
#[test]
fn no_bit_of_a_request_can_be_changed() {
    let bytes = asked(to("203.0.113.7", 3478));
    let (here, us) = (arrived("203.0.113.7", 3478), trusted(1));
    for bit in (0..bytes.len() * 8).step_by(3) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(judged(&changed, here, &us, now()).is_err(), "bit {bit}");
    }
    for length in [0, 1, REQUEST - 1] {
        assert_eq!(Request::read(&bytes[..length]), Err(Denied::NotOurs));
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Request::read(&longer), Err(Denied::NotOurs));
}

#[test]
fn only_plain_ed25519_keys_are_trusted() {
    let line = key(1).public_key().to_openssh().expect("a line");
    let mut trusted = Trusted::default();
    assert_eq!(trusted.add(&format!("# auditors\n\n{line} fra\n{line} again\n")), Ok(2));
    assert_eq!(trusted.fingerprints().count(), 1);
    for (text, why) in [
        (format!("from=\"10.0.0.0/8\" {line}"), "options are not read"),
        ("ssh-rsa AAAA".to_owned(), "not a plain ssh-ed25519 key"),
        ("ssh-ed25519 AAAA".to_owned(), "line 1"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), "private key"),
    ] {
        let error = Trusted::default().add(&text).expect_err(&text);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_auditors_debug_shows_its_public_half_only() {
    let auditor = Auditor::new(key(1)).expect("Ed25519");
    assert_eq!(format!("{auditor:?}"), format!("Auditor(\"{}\")", auditor.fingerprint()));
}
