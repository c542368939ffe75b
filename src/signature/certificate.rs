//! OpenSSH's certificates of people's keys, by its PROTOCOL.certkeys: an authority says whose a key
//! is and from when to when. Which authorities count for whom is not known here.

use super::Refusal;
use super::wire::Wire;
use jiff::Timestamp;
use ssh_key::certificate::CertType;
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg};
use std::fmt;

/// The end of every certificate's type.
const CERTIFIED: &str = "-cert-v01@openssh.com";
/// The option that asks for a hardware key's PIN at every signature.
const VERIFY_REQUIRED: &str = "verify-required";

/// A certificate whose authority signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub authority: KeyData,
    /// `SHA256:…` of the authority.
    pub fingerprint: String,
    pub serial: u64,
    pub key_id: String,
    /// Whose key it is, by the authority's words; at least one.
    pub principals: Vec<String>,
    pub valid_after: Timestamp,
    /// It counts before this instant, not at it.
    pub valid_before: Timestamp,
    /// Whether its key must have asked for PIN or finger.
    pub pin: bool,
}

impl Certificate {
    /// Whether the bytes in a key's place mean to be one.
    pub(super) fn is_one(blob: &[u8]) -> bool {
        Wire::new(blob).text().is_ok_and(|kind| kind.ends_with(CERTIFIED))
    }

    /// Reads one, with the key that it is of.
    ///
    /// # Errors
    /// [`Refusal::Certificate`] for one that is not whole, of a machine, for everybody, without an
    /// end, with an option that is not understood, or that its authority did not sign.
    pub(super) fn read(blob: &[u8]) -> Result<(KeyData, Self), Refusal> {
        let no = |why: &str| Refusal::Certificate(why.into());
        let read = ssh_key::Certificate::from_bytes(blob).map_err(|e| match e {
            ssh_key::Error::Time => no("it has no end"),
            other => Refusal::Certificate(format!("it cannot be read: {other}")),
        })?;
        // The library reads lengths loosely: what it would write again must be what it was given.
        if read.to_bytes().ok().as_deref() != Some(blob) {
            return Err(no("it is not written as OpenSSH writes it"));
        }
        if !is_authority(read.signature_key()) {
            return Err(no("its authority is no ed25519 or ecdsa P-256 key"));
        }
        read.verify_signature().map_err(|_| no("its authority did not sign it"))?;
        if read.cert_type() != CertType::User {
            return Err(no("it is of a machine, not of a person"));
        }
        if read.valid_principals().is_empty() {
            return Err(no("it names no principal: it would be anybody's"));
        }
        let mut pin = false;
        for (name, value) in read.critical_options().iter() {
            if name != VERIFY_REQUIRED || !value.is_empty() {
                return Err(Refusal::Certificate(format!(
                    "its critical option {name:?} cannot be kept here"
                )));
            }
            pin = true;
        }
        let instant =
            |seconds: u64| i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok());
        let (Some(valid_after), Some(valid_before)) =
            (instant(read.valid_after()), instant(read.valid_before()))
        else {
            return Err(no("it has no end"));
        };
        let certificate = Self {
            authority: read.signature_key().clone(),
            fingerprint: read.signature_key().fingerprint(HashAlg::Sha256).to_string(),
            serial: read.serial(),
            key_id: read.key_id().to_owned(),
            principals: read.valid_principals().to_vec(),
            valid_after,
            valid_before,
            pin,
        };
        Ok((read.public_key().clone(), certificate))
    }

    /// Whether it counts at an instant.
    ///
    /// # Errors
    /// When it does.
    pub fn valid_at(&self, at: Timestamp) -> Result<(), Untimely> {
        if at < self.valid_after {
            return Err(Untimely::Early(self.valid_after));
        }
        if at >= self.valid_before {
            return Err(Untimely::Late(self.valid_before));
        }
        Ok(())
    }
}

/// Why a certificate does not count at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untimely {
    /// It counts from then on.
    Early(Timestamp),
    /// It counted until then.
    Late(Timestamp),
}

impl fmt::Display for Untimely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early(from) => write!(f, "it is valid from {from} on"),
            Self::Late(until) => write!(f, "it was valid until {until}"),
        }
    }
}

/// Whether a key's certificates are judged here.
#[must_use]
pub fn is_authority(key: &KeyData) -> bool {
    match key {
        KeyData::Ed25519(_) => true,
        KeyData::Ecdsa(it) => it.curve() == EcdsaCurve::NistP256,
        _ => false,
    }
}
