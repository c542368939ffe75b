use super::{Denied, KIND_REQUEST, MAGIC, NAMESPACE, Trusted, address};
use crate::model::{AddressSet, Endpoint, Protocol};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{Algorithm, HashAlg, PublicKey, Signature, SshSig};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Bytes of a request.
pub const REQUEST: usize = SIGNED + 64;
/// Bytes of it that are signed.
pub(super) const SIGNED: usize = 58;

/// How far the clocks of auditor and listener may differ, either way.
pub const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Where a request arrived, by the listener's own sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
}

/// A request as read; nothing of it is trusted before [`Request::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub nonce: [u8; 16],
    pub at: Timestamp,
    /// What the auditor addressed.
    pub to: Endpoint,
    id: [u8; 8],
    bytes: [u8; REQUEST],
}

impl Request {
    /// Reads exactly one request.
    ///
    /// # Errors
    /// [`Denied::NotOurs`] for everything else.
    pub fn read(bytes: &[u8]) -> Result<Self, Denied> {
        let bytes: [u8; REQUEST] = bytes.try_into().map_err(|_| Denied::NotOurs)?;
        if bytes[..5] != MAGIC || bytes[5] != KIND_REQUEST {
            return Err(Denied::NotOurs);
        }
        let protocol = Protocol::from_number(bytes[6]);
        let asked = address::decode(bytes[7], part(&bytes, 32)).ok_or(Denied::NotOurs)?;
        let at = Timestamp::from_millisecond(i64::from_be_bytes(part(&bytes, 24)))
            .map_err(|_| Denied::NotOurs)?;
        if !protocol.has_ports() {
            return Err(Denied::NotOurs);
        }
        let port = u16::from_be_bytes(part(&bytes, 48));
        let to = Endpoint { address: asked, protocol, port };
        Ok(Self { nonce: part(&bytes, 8), at, to, id: part(&bytes, 50), bytes })
    }

    /// What costs nothing to check: port, address, time.
    ///
    /// `addresses` are those under which auditors know this host; where it is empty, a request
    /// must ask the address on which it arrived, unless that is one that only a translator before
    /// the host can have written (a private one): then any.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn fits(
        &self,
        arrived: Arrived,
        addresses: &BTreeSet<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Denied> {
        if self.to.protocol != arrived.protocol || self.to.port != arrived.port {
            return Err(Denied::WrongPort);
        }
        let here = if addresses.is_empty() {
            self.to.address == arrived.address || !AddressSet::outside().contains(arrived.address)
        } else {
            addresses.contains(&self.to.address)
        };
        if !here {
            return Err(Denied::WrongAddress);
        }
        if now.duration_since(self.at).abs() > MAX_SKEW {
            return Err(Denied::WrongTime);
        }
        Ok(())
    }

    /// Whether one of the trusted keys is the one it names.
    ///
    /// # Errors
    /// [`Denied::UnknownKey`].
    pub fn key<'a>(&self, trusted: &'a Trusted) -> Result<&'a Ed25519PublicKey, Denied> {
        trusted.keys().iter().find(|key| id(&key.0) == self.id).ok_or(Denied::UnknownKey)
    }

    /// Checks the signature: the only costly step.
    ///
    /// # Errors
    /// [`Denied::BadSignature`].
    pub fn verify(&self, key: &Ed25519PublicKey) -> Result<(), Denied> {
        let bad = |_| Denied::BadSignature;
        let signature = Signature::new(Algorithm::Ed25519, &self.bytes[SIGNED..]).map_err(bad)?;
        let data = ssh_key::public::KeyData::Ed25519(*key);
        let signed =
            SshSig::new(data.clone(), NAMESPACE, HashAlg::Sha512, signature).map_err(bad)?;
        PublicKey::from(data).verify(NAMESPACE, &self.bytes[..SIGNED], &signed).map_err(bad)
    }

    /// The bytes as they arrived.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; REQUEST] {
        &self.bytes
    }
}

/// The part of a request that is signed.
pub(super) fn unsigned(
    to: Endpoint,
    nonce: [u8; 16],
    at: Timestamp,
    id: [u8; 8],
) -> Option<Vec<u8>> {
    if !to.protocol.has_ports() {
        return None;
    }
    let (family, asked) = address::encode(to.address);
    let mut bytes = Vec::with_capacity(REQUEST);
    bytes.extend(MAGIC);
    bytes.extend([KIND_REQUEST, to.protocol.number(), family]);
    bytes.extend(nonce);
    bytes.extend(at.as_millisecond().to_be_bytes());
    bytes.extend(asked);
    bytes.extend(to.port.to_be_bytes());
    bytes.extend(id);
    Some(bytes)
}

/// Which key: the first bytes of its digest.
pub(super) fn id(public: &[u8; 32]) -> [u8; 8] {
    part(&Sha256::digest(public), 0)
}

fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[from..from + N]);
    out
}
