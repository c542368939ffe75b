use super::file::{CertifiedFile, KeyFile};
use super::load::{at, refuse, wrong};
use super::{Certified, Key, Kind, Party, Role, TrustError};
use crate::cleanup::Reason;
use crate::model::is_hidden;
use crate::signature::{is_authority, public_key};
use serde_saphyr::{Location, Spanned};
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg};
use std::collections::{BTreeMap, BTreeSet};

/// What the file says of one party.
pub(super) struct Listed<'a> {
    pub(super) roles: &'a [Role],
    pub(super) also: &'a [Spanned<String>],
    pub(super) keys: &'a [Spanned<KeyFile>],
    pub(super) certificates: &'a [Spanned<CertifiedFile>],
}

/// Everybody so far, and what nobody else may have any more.
#[derive(Default)]
pub(super) struct All {
    parties: BTreeMap<String, Party>,
    /// Every name, other names included, and whose it is.
    names: BTreeMap<String, String>,
    /// Every key, by its fingerprint, and whose it is.
    keys: BTreeMap<String, String>,
    /// Every authority with a principal, and whose it is.
    certificates: BTreeMap<(String, String), (String, Location)>,
}

impl All {
    pub(super) fn add(
        &mut self,
        name: &str,
        kind: Kind,
        listed: &Listed<'_>,
        place: Location,
    ) -> Result<(), TrustError> {
        self.name(name, name, place)?;
        let mut others = BTreeSet::new();
        for other in listed.also {
            self.name(&other.value, name, other.defined)?;
            others.insert(other.value.clone());
        }
        let keys = listed.keys.iter().map(|key| self.key(name, key)).collect::<Result<_, _>>()?;
        let certificates = listed.certificates.iter().map(|it| self.certified(name, it));
        let certificates = certificates.collect::<Result<_, _>>()?;
        let roles = listed.roles.iter().copied().collect();
        let party = Party { name: name.to_owned(), kind, roles, also: others, keys, certificates };
        self.parties.insert(name.to_owned(), party);
        Ok(())
    }

    /// Everybody, once it is known that no key both signs for somebody and makes certificates:
    /// whoever holds it could be all of those.
    pub(super) fn apart(self) -> Result<BTreeMap<String, Party>, TrustError> {
        for ((authority, _), (_, place)) in &self.certificates {
            if let Some(of) = self.keys.get(authority) {
                return at(
                    *place,
                    format!("the key {authority} is that of {of}, and an authority's as well"),
                );
            }
        }
        Ok(self.parties)
    }

    fn name(&mut self, name: &str, of: &str, place: Location) -> Result<(), TrustError> {
        if name.trim() != name || name.is_empty() || name.chars().any(is_hidden) {
            return at(
                place,
                format!("{name:?} is no name: it is empty or holds what is not seen"),
            );
        }
        // Names become files of a plan's folder.
        // … and principals of OpenSSH's lists.
        let odd = |c: char| c.is_whitespace() || "/\\,\"'*?!#".contains(c);
        if name.contains(odd) || name.starts_with(['.', '-']) || name.len() > 128 {
            return at(
                place,
                format!("{name:?} is no name: one word, as a file and OpenSSH can have it"),
            );
        }
        match self.names.insert(name.to_owned(), of.to_owned()) {
            Some(first) if first != of => {
                at(place, format!("the name {name:?} is that of {first} and of {of}"))
            }
            Some(_) => at(place, format!("the name {name:?} of {of} stands twice")),
            None => Ok(()),
        }
    }

    fn key(&mut self, of: &str, key: &Spanned<KeyFile>) -> Result<Key, TrustError> {
        let data = match public_key(key.value.key.trim()) {
            Ok(data) => data,
            Err(why) => return wrong(key, format!("a key of {of} cannot be read: {why}")),
        };
        let judged = match &data {
            KeyData::Ed25519(_) | KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => true,
            KeyData::Ecdsa(it) => it.curve() == EcdsaCurve::NistP256,
            _ => false,
        };
        if !judged {
            return wrong(
                key,
                format!(
                    "a key of {of} is of type {}, which does not count: use ed25519, ecdsa P-256 \
                     or their sk- kinds",
                    data.algorithm()
                ),
            );
        }
        let fingerprint = data.fingerprint(HashAlg::Sha256).to_string();
        match self.keys.insert(fingerprint.clone(), of.to_owned()) {
            Some(first) if first != of => {
                // The quorum's own class: whom such a signature would count for, nobody can say.
                return refuse(
                    Reason::QuorumMissing,
                    key.defined,
                    format!(
                        "the key {fingerprint} is that of {first} and of {of}: one key is one person's"
                    ),
                );
            }
            Some(_) => return wrong(key, format!("the key {fingerprint} of {of} stands twice")),
            None => {}
        }
        let (valid_after, valid_before) = (key.value.valid_after, key.value.valid_before);
        if let (Some(from), Some(until)) = (valid_after, valid_before)
            && until <= from
        {
            return wrong(key, format!("the key {fingerprint} of {of} ends before it begins"));
        }
        Ok(Key { key: data, fingerprint, valid_after, valid_before })
    }

    fn certified(
        &mut self,
        of: &str,
        it: &Spanned<CertifiedFile>,
    ) -> Result<Certified, TrustError> {
        let authority = match public_key(it.value.authority.trim()) {
            Ok(key) if is_authority(&key) => key,
            Ok(key) => {
                let kind = key.algorithm();
                return wrong(
                    it,
                    format!("an authority of {of} is of type {kind}: use ed25519 or ecdsa P-256"),
                );
            }
            Err(why) => return wrong(it, format!("an authority of {of} cannot be read: {why}")),
        };
        let principal = it.value.principal.clone();
        let odd = |c: char| c.is_whitespace() || is_hidden(c) || "\\,\"'*?!#".contains(c);
        if principal.is_empty() || principal.contains(odd) {
            return wrong(it, format!("{principal:?} is no principal: one word, and no pattern"));
        }
        let fingerprint = authority.fingerprint(HashAlg::Sha256).to_string();
        let row = (fingerprint.clone(), principal.clone());
        match self.certificates.insert(row, (of.to_owned(), it.defined)) {
            Some((first, _)) if first != of => refuse(
                Reason::QuorumMissing,
                it.defined,
                format!(
                    "certificates of {fingerprint} for {principal} are those of {first} and of \
                     {of}: one principal is one person's"
                ),
            ),
            Some(_) => {
                wrong(it, format!("certificates of {fingerprint} for {principal} stand twice"))
            }
            None => Ok(Certified { authority, fingerprint, principal }),
        }
    }
}
