//! Who may propose, approve and apply: `trust.yaml`, pinned by its digest.
//!
//! ```yaml
//! version: 1
//! people:
//!   alice:
//!     team: storefront
//!     roles: [author, approver]
//!     also: [alice@corp.example, alice-on-the-forge]   # other names of hers, as a requester
//!     keys:
//!       - key: "ssh-ed25519 AAAA… alice@laptop"
//!         valid_before: 2027-06-30T00:00:00Z
//!   bob:
//!     team: network
//!     roles: [approver, applier]
//!     keys: [{ key: "sk-ssh-ed25519@openssh.com AAAA… bob@token" }]
//!     certificates:                      # whatever key this authority says is bob@corp.example's
//!       - { authority: "ssh-ed25519 AAAA… ca@corp", principal: bob@corp.example }
//! workloads:
//!   ci-plan: { roles: [author], keys: [{ key: "ssh-ed25519 AAAA…" }] }
//! quorum:
//!   reversible:       { people: 1, teams: 1, hardware: 0, up_to: 10 }   # items
//!   reversible_large: { people: 2, teams: 1, hardware: 0 }
//!   exposing:         { people: 2, teams: 2, hardware: 0 }
//!   irreversible:     { people: 2, teams: 2, hardware: 1 }
//!   trust_change:     { people: 2, teams: 1, hardware: 0 }
//! hardware: { pin: false }    # whether sk- keys must ask for PIN or finger; a touch they always must
//! approval_lasts: 24h         # at most
//! revoked: revoked            # keys that no longer count; relative to this file
//! follows: sha256:…           # the list that this one replaces, signed by people of that one
//! ```

mod change;
mod error;
mod file;
mod holder;
mod load;
mod parties;
mod quorum;
mod revoked;
mod signers;
#[cfg(test)]
mod tests;

pub use change::{Change, Countersign, change};
pub use error::TrustError;
pub use holder::Holder;
pub use quorum::{Quorum, Quorums, Rule};
pub use revoked::Revoked;

use super::{Digest, Reason, Refusal};
use jiff::{SignedDuration, Timestamp};
use ssh_key::public::KeyData;
use std::collections::{BTreeMap, BTreeSet};

/// A `trust.yaml` that was understood to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    digest: Digest,
    /// Everybody, people and workloads, by name.
    parties: BTreeMap<String, Party>,
    pub quorums: Quorums,
    /// Whether hardware keys must have asked for PIN or finger.
    pub pin: bool,
    /// The longest that an approval counts.
    pub approval_lasts: SignedDuration,
    /// Where the revoked keys are listed, relative to this file.
    pub revoked: String,
    follows: Option<Digest>,
}

/// Somebody whose signature can mean something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub name: String,
    pub kind: Kind,
    pub roles: BTreeSet<Role>,
    /// Other names that a plan's requester may have.
    pub also: BTreeSet<String>,
    pub keys: Vec<Key>,
    pub certificates: Vec<Certified>,
}

/// What somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Person {
        team: String,
    },
    /// CI, an agent, a cron job: may propose and apply, never approve, whatever its roles say.
    Workload,
}

/// What somebody may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Author,
    Approver,
    Applier,
}

/// One key of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub key: KeyData,
    /// `SHA256:…`
    pub fingerprint: String,
    pub valid_after: Option<Timestamp>,
    pub valid_before: Option<Timestamp>,
}

/// An authority whose certificates for one principal are somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    pub authority: KeyData,
    /// `SHA256:…`
    pub fingerprint: String,
    pub principal: String,
}

impl Trust {
    /// Reads the file.
    ///
    /// # Errors
    /// The first thing that is not understood, with its place: trust is not read in part.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        load::load(bytes)
    }

    /// Of the file's bytes.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The list that it replaces; `None` for a first one.
    #[must_use]
    pub fn follows(&self) -> Option<&Digest> {
        self.follows.as_ref()
    }

    /// Whether it is the one that was pinned where a proposer cannot write.
    ///
    /// # Errors
    /// [`Reason::TrustChanged`].
    pub fn pinned(&self, to: &Digest) -> Result<(), Refusal> {
        if self.digest == *to {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::TrustChanged,
            format!("the list of trust has the digest {}, and {to} is pinned", self.digest),
        ))
    }

    /// Somebody by their name in the file.
    #[must_use]
    pub fn party(&self, name: &str) -> Option<&Party> {
        self.parties.get(name)
    }

    /// Somebody by their name or another name of theirs.
    #[must_use]
    pub fn known_as(&self, name: &str) -> Option<&Party> {
        self.party(name).or_else(|| self.parties.values().find(|p| p.also.contains(name)))
    }

    /// Everybody, by name.
    pub fn parties(&self) -> impl Iterator<Item = &Party> {
        self.parties.values()
    }
}

impl Party {
    /// The team of a person.
    #[must_use]
    pub fn team(&self) -> Option<&str> {
        match &self.kind {
            Kind::Person { team } => Some(team),
            Kind::Workload => None,
        }
    }

    /// Whether it is one who may approve: a person with that role.
    #[must_use]
    pub fn approves(&self) -> bool {
        self.team().is_some() && self.roles.contains(&Role::Approver)
    }
}

impl Key {
    /// Whether it lives in hardware that asks for a touch.
    #[must_use]
    pub const fn is_hardware(&self) -> bool {
        matches!(self.key, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
    }

    /// Whether it counts at an instant.
    ///
    /// # Errors
    /// [`Reason::NotYet`] and [`Reason::Expired`].
    pub fn valid_at(&self, at: Timestamp) -> Result<(), Refusal> {
        if let Some(from) = self.valid_after.filter(|from| at < *from) {
            let says = format!("the key {} is valid from {from} on", self.fingerprint);
            return Err(Refusal::new(Reason::NotYet, says));
        }
        if let Some(until) = self.valid_before.filter(|until| at >= *until) {
            let says = format!("the key {} was valid until {until}", self.fingerprint);
            return Err(Refusal::new(Reason::Expired, says));
        }
        Ok(())
    }
}
