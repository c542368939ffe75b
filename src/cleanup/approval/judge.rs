use super::{Counted, Decision, Paper, Statement, note};
use crate::cleanup::plan::Plan;
use crate::cleanup::trust::{Holder, Role};
use crate::cleanup::{Digest, Reason, Refusal};
use crate::signature::{self, APPROVAL, Maker, OwnerVerified, PLAN};

use super::Ask;

/// The instant at which windows are judged: that of the claim once there is one.
pub(super) fn instant(ask: &Ask<'_>) -> jiff::Timestamp {
    ask.claimed_at.unwrap_or(ask.now)
}

/// Judges the author's signature of the plan.
pub(super) fn author(
    plan: &Plan,
    bytes: &[u8],
    sealed: Option<&[u8]>,
    ask: &Ask<'_>,
) -> Result<(), Refusal> {
    let name = &plan.author.name;
    let (holder, _) = signer(bytes, sealed, PLAN, ask, "plan.json").map_err(|mut why| {
        // A stranger's seal is none, whoever may approve.
        if why.reason == Reason::NotAnApprover {
            why.reason = Reason::SignatureInvalid;
        }
        why
    })?;
    let party = holder.party;
    if party.name != *name {
        return Err(no(
            Reason::SignatureInvalid,
            format!("plan.json says that {name} made it, and its signature is of {}", party.name),
        ));
    }
    if !party.roles.contains(&Role::Author) {
        return Err(no(Reason::SignatureInvalid, format!("{name} has no role author")));
    }
    holder.counts(ask.revoked, instant(ask))?;
    if let Some(requester) = &plan.author.requested_by
        && ask.trust.known_as(requester).is_none()
    {
        return Err(no(
            Reason::SelfApproval,
            format!(
                "nobody of the list of trust is known as {requester}, who asked for the plan: \
                 whether they approve it themselves cannot be told; name them, or the name under \
                 `also:` of whom it is"
            ),
        ));
    }
    Ok(())
}

/// Judges one approval: whose it is, and of what.
pub(super) fn approval(
    paper: &Paper,
    plan: &Plan,
    digest: &Digest,
    ask: &Ask<'_>,
) -> Result<Counted, Refusal> {
    let (holder, maker) =
        signer(&paper.bytes, paper.signature.as_deref(), APPROVAL, ask, &paper.name)?;
    let party = holder.party;
    let name = &party.name;
    if party.team().is_none() {
        let says = format!("{name} is a workload, and workloads approve nothing");
        return Err(no(Reason::NotAnApprover, says));
    }
    let requester = plan.author.requested_by.as_deref().and_then(|r| ask.trust.known_as(r));
    if plan.author.name == *name {
        return Err(no(Reason::SelfApproval, format!("{name} is the plan's author")));
    }
    if requester.is_some_and(|r| r.name == *name) {
        return Err(no(Reason::SelfApproval, format!("{name} asked for the plan")));
    }
    if !party.approves() {
        return Err(no(Reason::NotAnApprover, format!("{name} has no role approver")));
    }
    if note::loosened_by(plan, name) {
        let says = format!("{name} signed a decommission note of the plan: others must agree");
        return Err(no(Reason::SelfApproval, says));
    }
    owner_proved(name, &maker, ask)?;
    holder.counts(ask.revoked, instant(ask))?;
    let statement = Statement::read(&paper.bytes)?;
    says(&statement, plan, digest, ask)?;
    let said = statement.predicate;
    if said.by != *name {
        return Err(no(
            Reason::SignatureInvalid,
            format!("it says that {} approves, and its signature is of {name}", said.by),
        ));
    }
    Ok(Counted {
        person: name.clone(),
        team: party.team().unwrap_or_default().to_owned(),
        fingerprint: maker.fingerprint,
        hardware: maker.hardware.is_some(),
        principal: holder.principal().to_owned(),
        authority: holder.authority().map(str::to_owned),
        not_after: holder.valid_before().map_or(said.not_after, |until| until.min(said.not_after)),
        scope: said.scope,
        at: said.at,
        comment: said.comment,
        file: paper.name.clone(),
    })
}

/// What an approval states is this plan, within its time.
fn says(statement: &Statement, plan: &Plan, digest: &Digest, ask: &Ask<'_>) -> Result<(), Refusal> {
    let said = &statement.predicate;
    if !statement.is_about(digest) {
        return Err(no(
            Reason::ApprovalSubjectMismatch,
            format!("it is of the plan {}, not of {digest}", said.plan),
        ));
    }
    if said.decision != Decision::Approve {
        return Err(no(Reason::NotApproved, "it says no, and lies among the approvals"));
    }
    if said.schema != plan.schema {
        let says = format!("it was made of a plan of the schema {:?}", said.schema);
        return Err(no(Reason::UnknownSchema, says));
    }
    for (same, what) in [
        (said.target == plan.target, "target"),
        (said.phase == plan.phase, "phase"),
        (said.totals == plan.totals, "totals"),
    ] {
        if !same {
            let says = format!("the {what} that it states is not the plan's");
            return Err(no(Reason::ApprovalSubjectMismatch, says));
        }
    }
    if said.policy != plan.pins.policy {
        return Err(no(Reason::PolicyChanged, "it was given under another policy"));
    }
    if said.trust != plan.pins.trust {
        return Err(no(Reason::TrustChanged, "it was given under another list of trust"));
    }
    if let Some(key) = said.scope.unknown(plan) {
        let says = format!("it is for the stratum {key:?}, which the plan does not have");
        return Err(no(Reason::ApprovalSubjectMismatch, says));
    }
    let at = instant(ask);
    if at < said.at {
        return Err(no(Reason::NotYet, format!("it was given at {}, which is to come", said.at)));
    }
    let last = said.at.saturating_add(ask.trust.approval_lasts).unwrap_or(said.at);
    let until = said.not_after.min(last);
    if at > until {
        return Err(no(Reason::Expired, format!("it counted until {until}")));
    }
    Ok(())
}

/// Whose signature it is: the mathematics first, then whether anybody knows the key.
pub(super) fn signer<'a>(
    bytes: &[u8],
    signature: Option<&[u8]>,
    namespace: &str,
    ask: &Ask<'a>,
    what: &str,
) -> Result<(Holder<'a>, Maker), Refusal> {
    let Some(signature) = signature else {
        return Err(no(Reason::SignatureInvalid, format!("{what} has no signature")));
    };
    let text = std::str::from_utf8(signature)
        .map_err(|_| no(Reason::SignatureInvalid, "its signature is no text"))?;
    let maker = signature::maker(bytes, text, namespace).map_err(|why| {
        let reason = match why {
            signature::Refusal::Namespace { .. } => Reason::Namespace,
            signature::Refusal::NoTouch => Reason::UserPresenceMissing,
            _ => Reason::SignatureInvalid,
        };
        no(reason, format!("its signature is refused: {why}"))
    })?;
    let Some(holder) = ask.trust.holder(&maker) else {
        return Err(no(
            Reason::NotAnApprover,
            format!("its key {} is nobody's of the list of trust", maker.fingerprint),
        ));
    };
    Ok((holder, maker))
}

/// Whether a hardware key asked who its owner is, where the list of trust wants that.
pub(super) fn owner_proved(name: &str, maker: &Maker, ask: &Ask<'_>) -> Result<(), Refusal> {
    if ask.trust.pin && maker.hardware == Some(OwnerVerified::No) {
        return Err(no(
            Reason::UserPresenceMissing,
            format!("the hardware key of {name} asked for no PIN, and the list of trust wants one"),
        ));
    }
    Ok(())
}

fn no(reason: Reason, says: impl Into<String>) -> Refusal {
    Refusal::new(reason, says)
}
