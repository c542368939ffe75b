use super::{Quorum, Revoked, Trust};
use crate::cleanup::{Digest, Reason, Refusal};
use crate::signature::{self, TRUST};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A signature of a new list of trust, of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countersign {
    /// The file's name, for messages.
    pub name: String,
    pub signature: Vec<u8>,
}

/// A new list of trust that enough people of the one before it signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Change {
    pub trust: Trust,
    /// Who of the old list signed, by name.
    pub people: BTreeSet<String>,
    /// Signatures that do not count, and why.
    pub dropped: BTreeMap<String, Refusal>,
}

/// Judges a new list by the one before it: it follows exactly that one, and as many of its people
/// signed the new bytes as its own row `trust_change` asks for. So whoever trusts one list can be
/// led to the next, and nobody new makes themselves trusted.
///
/// # Errors
/// [`Reason::TrustInvalid`] for a list that is not understood; [`Reason::TrustChanged`] for one that
/// does not follow; [`Reason::QuorumMissing`].
pub fn change(
    old: &Trust,
    revoked: &Revoked,
    new: &[u8],
    signatures: &[Countersign],
    now: Timestamp,
) -> Result<Change, Refusal> {
    let trust = Trust::parse(new)?;
    if trust.follows() != Some(old.digest()) {
        let follows = trust.follows().map_or_else(|| "none".to_owned(), Digest::to_string);
        return Err(Refusal::new(
            Reason::TrustChanged,
            format!(
                "the new list follows {follows}, and the old one is {}: write `follows: {}` into \
                 it, or an older list could be put in place of a newer one",
                old.digest(),
                old.digest()
            ),
        ));
    }
    let (mut people, mut teams) = (BTreeSet::new(), BTreeSet::new());
    let mut hardware = BTreeSet::new();
    let mut dropped = BTreeMap::new();
    for it in signatures {
        match countersigned(old, revoked, new, it, now) {
            Ok((name, team, by_hardware)) => {
                if by_hardware {
                    hardware.insert(name.clone());
                }
                people.insert(name);
                teams.insert(team);
            }
            Err(why) => {
                dropped.insert(it.name.clone(), why);
            }
        }
    }
    let Quorum { people: needs, teams: of, hardware: keys } = old.quorums.trust_change;
    let enough = people.len() >= needs as usize
        && teams.len() >= of as usize
        && hardware.len() >= keys as usize;
    if enough {
        return Ok(Change { trust, people, dropped });
    }
    let mut says = format!(
        "the old list asks for {}, and {} signed",
        old.quorums.trust_change,
        if people.is_empty() {
            "nobody".to_owned()
        } else {
            people.iter().cloned().collect::<Vec<_>>().join(", ")
        }
    );
    for (name, why) in &dropped {
        says.push_str(&format!("; {name} does not count: {why}"));
    }
    Err(Refusal::new(Reason::QuorumMissing, says))
}

/// Whose signature of the new bytes it is, by the old list: name, team, whether by a hardware key.
fn countersigned(
    old: &Trust,
    revoked: &Revoked,
    new: &[u8],
    it: &Countersign,
    now: Timestamp,
) -> Result<(String, String, bool), Refusal> {
    let text = std::str::from_utf8(&it.signature)
        .map_err(|_| Refusal::new(Reason::SignatureInvalid, "it is no text"))?;
    let maker = signature::maker(new, text, TRUST).map_err(|why| {
        let reason = match why {
            signature::Refusal::Namespace { .. } => Reason::Namespace,
            signature::Refusal::NoTouch => Reason::UserPresenceMissing,
            _ => Reason::SignatureInvalid,
        };
        Refusal::new(reason, why.to_string())
    })?;
    let Some(holder) = old.holder(&maker) else {
        let says = format!("the key {} is nobody's of the old list", maker.fingerprint);
        return Err(Refusal::new(Reason::NotAnApprover, says));
    };
    let party = holder.party;
    let Some(team) = party.team().filter(|_| party.approves()) else {
        let says = format!("{} is no person with the role approver", party.name);
        return Err(Refusal::new(Reason::NotAnApprover, says));
    };
    holder.counts(revoked, now)?;
    if old.pin && maker.hardware == Some(signature::OwnerVerified::No) {
        let says = format!("the hardware key of {} asked for no PIN", party.name);
        return Err(Refusal::new(Reason::UserPresenceMissing, says));
    }
    Ok((party.name.clone(), team.to_owned(), maker.hardware.is_some()))
}
