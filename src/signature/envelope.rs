//! The bytes of an SSHSIG, by OpenSSH's PROTOCOL.sshsig: in the one spelling that OpenSSH writes.

use super::certificate::Certificate;
use super::wire::Wire;
use super::{MAX_SIGNATURE_BYTES, Refusal};
use base64ct::{Base64, Encoding};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PublicKey, Signature, SshSig};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "\n-----END SSH SIGNATURE-----";
/// Letters of a line.
const WIDTH: usize = 70;
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;

/// What a signature says of itself. Whether it is one of anything is not known yet.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The key that signed, out of its certificate where it has one.
    pub(super) key: KeyData,
    /// The certificate that stands in the key's place, with its authority's signature checked.
    pub(super) certificate: Option<Certificate>,
    /// The same with the plain key, for the mathematics.
    pub(super) plain: SshSig,
}

/// Reads a signature for a namespace.
pub(super) fn read(pem: &str, namespace: &str) -> Result<Envelope, Refusal> {
    let body = body(pem).map_err(Refusal::Unreadable)?;
    let mut wire = Wire::new(&body);
    let [key, got, reserved, hash, signature] = parts(&mut wire)
        .and_then(|parts| wire.end().map(|()| parts))
        .map_err(Refusal::Unreadable)?;
    if !reserved.is_empty() {
        return Err(Refusal::Unreadable("it has words that nobody knows yet".into()));
    }
    let got = std::str::from_utf8(got)
        .map_err(|_| Refusal::Unreadable("its namespace is no text".into()))?;
    if got != namespace {
        return Err(Refusal::Namespace { got: got.into(), want: namespace.into() });
    }
    let hash = match hash {
        b"sha256" => HashAlg::Sha256,
        b"sha512" => HashAlg::Sha512,
        _ => return Err(Refusal::Unreadable("its digest is neither sha256 nor sha512".into())),
    };
    let (key, certificate) = match Certificate::is_one(key) {
        true => Certificate::read(key).map(|(key, it)| (key, Some(it)))?,
        false => (plain(key).map_err(Refusal::Unreadable)?, None),
    };
    let made = made(&key, signature)?;
    let plain = SshSig::new(key.clone(), namespace, hash, made)
        .map_err(|e| Refusal::Unreadable(e.to_string()))?;
    Ok(Envelope { key, certificate, plain })
}

/// The bytes between the lines that begin and end it.
fn body(pem: &str) -> Result<Vec<u8>, String> {
    if pem.len() > MAX_SIGNATURE_BYTES {
        return Err(format!("it is longer than {MAX_SIGNATURE_BYTES} bytes"));
    }
    let lines = pem
        .trim_end()
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or("it does not begin and end as one")?;
    let joined: String = lines.split('\n').collect();
    let body = Base64::decode_vec(&joined).map_err(|_| "it is no base64".to_owned())?;
    // One spelling: no other breaks of lines either.
    let lengths = lines.split('\n').map(str::len);
    let full = joined.len().div_ceil(WIDTH);
    if !lengths.enumerate().all(|(n, length)| {
        if n + 1 == full { length > 0 && length <= WIDTH } else { n + 1 < full && length == WIDTH }
    }) {
        return Err("it is not written as OpenSSH writes it".into());
    }
    Ok(body)
}

/// Key, namespace, reserved words, name of the digest and signature.
fn parts<'a>(wire: &mut Wire<'a>) -> Result<[&'a [u8]; 5], String> {
    if wire.take(MAGIC.len())? != MAGIC {
        return Err("it is no SSHSIG".into());
    }
    let version = wire.word()?;
    if version != VERSION {
        return Err(format!("it is of version {version}"));
    }
    Ok([wire.string()?, wire.string()?, wire.string()?, wire.string()?, wire.string()?])
}

/// A key in the one spelling that it has.
pub(super) fn plain(blob: &[u8]) -> Result<KeyData, String> {
    let read = PublicKey::from_bytes(blob).map_err(|e| format!("its key cannot be read: {e}"))?;
    match read.to_bytes() {
        Ok(again) if again == blob => Ok(read.key_data().clone()),
        _ => Err("its key is not written as OpenSSH writes it".into()),
    }
}

/// The signature itself, as this key makes them.
pub(super) fn made(key: &KeyData, blob: &[u8]) -> Result<Signature, Refusal> {
    let algorithm = key.algorithm();
    let unreadable = |why: String| Refusal::Unreadable(why);
    let (hardware, numbers) = match key {
        KeyData::Ed25519(_) => (false, false),
        KeyData::Ecdsa(it) if it.curve() == ssh_key::EcdsaCurve::NistP256 => (false, true),
        KeyData::SkEd25519(_) => (true, false),
        KeyData::SkEcdsaSha2NistP256(_) => (true, true),
        _ => return Err(Refusal::Algorithm(algorithm.to_string())),
    };
    let mut wire = Wire::new(blob);
    let name = wire.text().map_err(unreadable)?;
    if Algorithm::new(name).ok().as_ref() != Some(&algorithm) {
        return Err(Refusal::Algorithm(algorithm.to_string()));
    }
    let made = wire.string().map_err(unreadable)?;
    let trailer =
        if hardware { wire.take(super::judge::TRAILER).map_err(unreadable)? } else { &[][..] };
    wire.end().map_err(unreadable)?;
    if numbers {
        let mut two = Wire::new(made);
        let read = number(&mut two).and_then(|()| number(&mut two)).and_then(|()| two.end());
        read.map_err(unreadable)?;
    }
    Signature::new(algorithm, [made, trailer].concat()).map_err(|e| unreadable(e.to_string()))
}

/// A number as SSH writes them: positive, without leading zeros but for one that keeps it so.
fn number(wire: &mut Wire<'_>) -> Result<(), String> {
    match wire.string()? {
        [] | [0] => Err("a number of it is none".into()),
        [0, second, ..] if *second & 0x80 == 0 => Err("a number of it is padded".into()),
        [top, ..] if *top & 0x80 != 0 => Err("a number of it is negative".into()),
        _ => Ok(()),
    }
}
