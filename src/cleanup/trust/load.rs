use super::file::{KeyFile, QuorumFile, TrustFile};
use super::{Key, Kind, Party, Quorum, Quorums, Role, Trust, TrustError};
use crate::cleanup::{Digest, Reason};
use crate::model::is_hidden;
use crate::signature::public_key;
use crate::spec::duration;
use serde_saphyr::{Location, Spanned};
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg};
use std::collections::{BTreeMap, BTreeSet};

/// The longest file: a party takes about 300 bytes.
const MAX_BYTES: usize = 1024 * 1024;

pub(super) fn load(bytes: &[u8]) -> Result<Trust, TrustError> {
    let file = read(bytes)?;
    if file.version.value != 1 {
        return wrong(&file.version, "version: 1 is the only one there is");
    }
    let mut all = All::default();
    for (name, person) in &file.people {
        let kind = Kind::Person { team: person.value.team.clone() };
        if person.value.team.trim().is_empty() {
            return wrong(person, format!("{name} has no team"));
        }
        let it = &person.value;
        all.add(name, kind, &it.roles, &it.also, &it.keys, person.defined)?;
    }
    for (name, workload) in &file.workloads {
        let it = &workload.value;
        all.add(name, Kind::Workload, &it.roles, &it.also, &it.keys, workload.defined)?;
    }
    let approval_lasts = match duration(&file.approval_lasts.value) {
        Some(lasts) if lasts.is_positive() => lasts,
        _ => return wrong(&file.approval_lasts, "approval_lasts is a time such as 24h"),
    };
    if file.revoked.value.trim().is_empty() {
        return wrong(&file.revoked, "revoked names the file of revoked keys; it may be empty");
    }
    let small = &file.quorum.reversible;
    let first = QuorumFile {
        people: small.value.people,
        teams: small.value.teams,
        hardware: small.value.hardware,
    };
    let row = |name, row: &Spanned<QuorumFile>, least| quorum(name, &row.value, row.defined, least);
    let quorums = Quorums {
        reversible: quorum("reversible", &first, small.defined, 1)?,
        up_to: small.value.up_to,
        reversible_large: row("reversible_large", &file.quorum.reversible_large, 1)?,
        exposing: row("exposing", &file.quorum.exposing, 1)?,
        // What nobody can take back is no one person's to decide.
        irreversible: row("irreversible", &file.quorum.irreversible, 2)?,
        trust_change: row("trust_change", &file.quorum.trust_change, 1)?,
    };
    Ok(Trust {
        digest: Digest::of(bytes),
        parties: all.parties,
        quorums,
        pin: file.hardware.pin,
        approval_lasts,
        revoked: file.revoked.value,
        follows: file.follows,
    })
}

fn at<T>(place: Location, says: impl Into<String>) -> Result<T, TrustError> {
    refuse(Reason::TrustInvalid, place, says)
}

fn wrong<T, U>(value: &Spanned<U>, says: impl Into<String>) -> Result<T, TrustError> {
    at(value.defined, says)
}

fn refuse<T>(reason: Reason, place: Location, says: impl Into<String>) -> Result<T, TrustError> {
    Err(TrustError { reason, line: place.line(), column: place.column(), says: says.into() })
}

fn read(bytes: &[u8]) -> Result<TrustFile, TrustError> {
    if bytes.len() > MAX_BYTES {
        return at(Location::UNKNOWN, format!("it is longer than {MAX_BYTES} bytes"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return at(Location::UNKNOWN, "it is not UTF-8");
    };
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_events: 200_000, max_depth: 16 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let says = error.without_snippet().to_string();
        let says = says.split_whitespace().collect::<Vec<_>>().join(" ");
        // The library ends its messages with the place, which stands at the front already.
        let says = says.rsplit_once(" at line ").map_or(says.as_str(), |(m, _)| m).to_owned();
        TrustError {
            reason: Reason::TrustInvalid,
            line: place.line(),
            column: place.column(),
            says,
        }
    })
}

#[derive(Default)]
struct All {
    parties: BTreeMap<String, Party>,
    /// Every name, other names included, and whose it is.
    names: BTreeMap<String, String>,
    /// Every key, by its fingerprint, and whose it is.
    keys: BTreeMap<String, String>,
}

impl All {
    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        roles: &[Role],
        also: &[Spanned<String>],
        keys: &[Spanned<KeyFile>],
        place: Location,
    ) -> Result<(), TrustError> {
        self.name(name, name, place)?;
        let mut others = BTreeSet::new();
        for other in also {
            self.name(&other.value, name, other.defined)?;
            others.insert(other.value.clone());
        }
        let mut read = Vec::new();
        for key in keys {
            read.push(self.key(name, key)?);
        }
        let party = Party {
            name: name.to_owned(),
            kind,
            roles: roles.iter().copied().collect(),
            also: others,
            keys: read,
        };
        self.parties.insert(name.to_owned(), party);
        Ok(())
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
}

fn quorum(
    name: &str,
    file: &QuorumFile,
    place: Location,
    least: u32,
) -> Result<Quorum, TrustError> {
    let it = Quorum { people: file.people, teams: file.teams, hardware: file.hardware };
    if it.people < least {
        return at(place, format!("quorum.{name}: people is at least {least}"));
    }
    if it.teams < 1 || it.teams > it.people || it.hardware > it.people {
        return at(
            place,
            format!("quorum.{name}: teams is 1 to {}, hardware 0 to {}", it.people, it.people),
        );
    }
    Ok(it)
}
