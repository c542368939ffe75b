use super::{Ask, judge};
use crate::cleanup::decommission::{Noted, SignedNote};
use crate::cleanup::plan::{Author, Plan};
use crate::cleanup::trust::{Revoked, Trust};
use crate::cleanup::{Reason, Refusal};
use crate::signature::DECOMMISSION;
use jiff::Timestamp;

/// Judges a decommission note at an instant: signed by a person who may approve, with a key that
/// counts, within its time, and by nobody who proposes the plan.
///
/// What a note loosens is what holds a wrong classifier, so its author must be somebody else than
/// whoever runs that classifier. For the same reason they are no approver of the plan
/// (`judge::approval`): else one person would loosen and agree.
///
/// # Errors
/// Why it loosens nothing.
pub fn note(
    signed: &SignedNote,
    author: &Author,
    trust: &Trust,
    revoked: &Revoked,
    at: Timestamp,
) -> Result<Noted, Refusal> {
    let digest = signed.digest();
    let ask = Ask { digest: &digest, trust, revoked, running: None, now: at, claimed_at: None };
    let (bytes, pem) = (signed.statement.as_bytes(), signed.pem());
    let (holder, maker) =
        judge::signer(bytes, Some(pem.as_bytes()), DECOMMISSION, &ask, "the note")?;
    let party = holder.party;
    let name = &party.name;
    if !party.approves() {
        let says = format!("{name} is no person with the role approver");
        return Err(Refusal::new(Reason::NotAnApprover, says));
    }
    judge::owner_proved(name, &maker, &ask)?;
    holder.counts(revoked, at)?;
    let said = signed.read()?;
    if said.by != *name {
        let says = format!("it says that {} signs, and its signature is of {name}", said.by);
        return Err(Refusal::new(Reason::SignatureInvalid, says));
    }
    let requester = author.requested_by.as_deref().and_then(|r| trust.known_as(r));
    if author.name == *name || requester.is_some_and(|r| r.name == *name) {
        let says = format!("{name} proposes the plan, and cannot loosen what it is held to");
        return Err(Refusal::new(Reason::SelfApproval, says));
    }
    if at < said.at {
        let says = format!("it was signed at {}, which is to come", said.at);
        return Err(Refusal::new(Reason::NotYet, says));
    }
    if at > said.until {
        return Err(Refusal::new(Reason::Expired, format!("it held until {}", said.until)));
    }
    Ok(Noted { says: said.says(), signed: signed.clone() })
}

/// Whether every note that a plan stands on still holds.
pub(super) fn hold(plan: &Plan, ask: &Ask<'_>) -> Result<(), Refusal> {
    let at = judge::instant(ask);
    for signed in &plan.notes {
        note(signed, &plan.author, ask.trust, ask.revoked, at)
            .and_then(|noted| noted.of(&plan.target))
            .map_err(|why| {
                let says = format!("the decommission note {}: {}", signed.digest(), why.says);
                Refusal::new(why.reason, says)
            })?;
    }
    Ok(())
}

/// The last moment that all notes of a plan hold.
pub(super) fn until(plan: &Plan) -> Timestamp {
    let ends = plan.notes.iter().filter_map(|n| n.read().ok()).map(|n| n.until);
    ends.fold(plan.not_after, Timestamp::min)
}

/// Whether somebody signed a note that a plan stands on.
pub(super) fn loosened_by(plan: &Plan, name: &str) -> bool {
    plan.notes.iter().filter_map(|n| n.read().ok()).any(|n| n.by == name)
}
