use super::{Ask, Counted, Paper, Papers, count, judge, note, superseded};
use crate::cleanup::denied::{self, Denied};
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::trust::{Quorum, Rule};
use crate::cleanup::{Digest, Reason, Refusal, evidence, notice};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan's folder is worth at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Assessment {
    pub plan: Plan,
    pub digest: Digest,
    /// The row of the quorum table that it falls into.
    pub rule: Rule,
    pub quorum: Quorum,
    pub counted: Vec<Counted>,
    /// Files among the approvals that do not count, and why.
    pub dropped: Vec<(String, Refusal)>,
    /// Numbers of the items that enough people agreed to.
    pub items: BTreeSet<u32>,
    /// What is missing for each other item.
    pub lacking: BTreeMap<u32, Vec<String>>,
    /// The last moment to claim it: of the plan and of everything that counts.
    pub not_after: Timestamp,
    /// Why it may not be applied; `None` where it may.
    pub refusal: Option<Refusal>,
}

/// Judges a folder: seal, author, approvals, denials and quorum, in the order of the design.
///
/// # Errors
/// What makes it no plan of its author: nothing of it is shown then.
pub fn assess(papers: &Papers, ask: &Ask<'_>) -> Result<Assessment, Refusal> {
    if papers.folder.parse::<Digest>().ok().as_ref() != Some(ask.digest) {
        return Err(no(
            Reason::PlanDigestMismatch,
            format!("the folder {:?} is not that of {}", papers.folder, ask.digest),
        ));
    }
    let plan = plan::read_as(&papers.plan, ask.digest)?;
    judge::author(&plan, &papers.plan, papers.plan_signature.as_deref(), ask)?;
    let (mut counted, mut dropped) = (Vec::new(), Vec::new());
    for paper in &papers.approvals {
        match judge::approval(paper, &plan, ask.digest, ask) {
            Ok(it) => counted.push(it),
            Err(why) => dropped.push((paper.name.clone(), why)),
        }
    }
    let (counted, twice) = count::one_each(counted);
    dropped.extend(twice);
    let (rule, quorum) = ask.trust.quorums.of(&plan);
    let (items, lacking) = count::approved(&plan, &counted, quorum);
    let not_after = counted.iter().map(|c| c.not_after).fold(note::until(&plan), Timestamp::min);
    let refusal = evidence::sealed(plan.evidence.as_ref(), papers.evidence.as_deref())
        .and_then(|()| pinned(&plan, ask))
        .and_then(|()| superseded::superseded(&plan, &papers.siblings, ask))
        .and_then(|()| window(&plan, ask))
        .and_then(|()| note::hold(&plan, ask))
        .and_then(|()| nobody_denies(&papers.denials, ask))
        .and_then(|()| notice::everybody(&plan, ask.digest, papers.notified.as_deref()))
        .and_then(|()| enough(&plan, &items, &lacking, &dropped))
        .err();
    Ok(Assessment {
        digest: ask.digest.clone(),
        plan,
        rule,
        quorum,
        counted,
        dropped,
        items,
        lacking,
        not_after,
        refusal,
    })
}

/// Everything that decides is what it was when the plan was sealed.
fn pinned(plan: &Plan, ask: &Ask<'_>) -> Result<(), Refusal> {
    let changed = |reason, what: &str, pinned: &str, is: &str| {
        Err(no(reason, format!("the plan was made under the {what} {pinned}, and this is {is}")))
    };
    let pins = &plan.pins;
    let digest = ask.trust.digest();
    if pins.trust != *digest {
        let is = digest.to_string();
        return changed(Reason::TrustChanged, "list of trust", &pins.trust.to_string(), &is);
    }
    let Some(running) = ask.running else { return Ok(()) };
    if pins.policy != *running.policy {
        let is = running.policy.to_string();
        return changed(Reason::PolicyChanged, "policy", &pins.policy.to_string(), &is);
    }
    if pins.tool != running.tool {
        return changed(Reason::ToolChanged, "version", &pins.tool, running.tool);
    }
    if pins.adapter.as_ref() != running.adapter {
        let name = |adapter: Option<&Digest>| {
            adapter.map_or_else(|| "that is built in".to_owned(), ToString::to_string)
        };
        let (was, is) = (name(pins.adapter.as_ref()), name(running.adapter));
        return changed(Reason::ToolChanged, "adapter", &was, &is);
    }
    Ok(())
}

/// A plan is claimed within its window; once claimed, it has its own deadline.
fn window(plan: &Plan, ask: &Ask<'_>) -> Result<(), Refusal> {
    let at = judge::instant(ask);
    if at < plan.not_before {
        return Err(no(Reason::NotYet, format!("the plan counts from {} on", plan.not_before)));
    }
    // Nothing could supersede it.
    if at < plan.created_at {
        let says = format!("the plan was made at {}, which is to come", plan.created_at);
        return Err(no(Reason::NotYet, says));
    }
    if at > plan.not_after {
        return Err(no(Reason::Expired, format!("the plan counted until {}", plan.not_after)));
    }
    if let Some(claimed) = ask.claimed_at {
        let lasts = i64::try_from(plan.limits.deadline_s).unwrap_or(i64::MAX);
        let end = claimed.saturating_add(SignedDuration::from_secs(lasts)).unwrap_or(claimed);
        if ask.now < claimed {
            return Err(no(
                Reason::NotYet,
                format!("it was claimed at {claimed}, which is to come"),
            ));
        }
        if ask.now > end {
            return Err(no(Reason::Expired, format!("it was claimed at {claimed}, until {end}")));
        }
    }
    Ok(())
}

/// Any no is a no. One that cannot be verified is not taken for none: whoever put it there is asked.
fn nobody_denies(denials: &[Paper], ask: &Ask<'_>) -> Result<(), Refusal> {
    let Some(paper) = denials.first() else { return Ok(()) };
    let signature = paper.signature.as_deref();
    let namespace = crate::signature::DENIAL;
    let says = match judge::signer(&paper.bytes, signature, namespace, ask, &paper.name) {
        Ok((holder, _)) => match super::Statement::read(&paper.bytes) {
            Ok(it) if !it.predicate.comment.is_empty() => {
                format!("{} says no: {}", holder.party.name, it.predicate.comment)
            }
            _ => format!("{} says no", holder.party.name),
        },
        Err(why) => format!(
            "denials/{} cannot be verified ({}), and a no is not passed over: find out whose it \
             is, and remove it where it is nobody's",
            paper.name, why.says
        ),
    };
    Err(no(Reason::DeniedBy, says))
}

/// A no to exactly this plan, of somebody of the list of trust.
#[must_use]
pub fn said_no(papers: &Papers, ask: &Ask<'_>) -> Option<Denied> {
    papers.denials.iter().find_map(|paper| {
        let signature = paper.signature.as_deref();
        let namespace = crate::signature::DENIAL;
        let (holder, _) =
            judge::signer(&paper.bytes, signature, namespace, ask, &paper.name).ok()?;
        let statement = super::Statement::read(&paper.bytes).ok()?;
        let said = statement.is_about(ask.digest).then_some(statement.predicate)?;
        Some(Denied {
            schema: denied::SCHEMA.into(),
            plan: ask.digest.clone(),
            by: holder.party.name.clone(),
            at: said.at,
            comment: said.comment,
        })
    })
}

/// Whether at least one item has enough people. A plan without items does nothing, and needs nobody.
fn enough(
    plan: &Plan,
    items: &BTreeSet<u32>,
    lacking: &BTreeMap<u32, Vec<String>>,
    dropped: &[(String, Refusal)],
) -> Result<(), Refusal> {
    if plan.items.is_empty() || !items.is_empty() {
        return Ok(());
    }
    // The item that lacks least says best what to do.
    let missing = lacking.values().min_by_key(|m| (m.len(), m.concat())).cloned();
    let mut says = missing.unwrap_or_default().join(", ");
    for (name, why) in dropped {
        says.push_str(&format!("; approvals/{name} does not count: {why}"));
    }
    // A file that should have counted is the better answer than that something is missing.
    let reason = dropped
        .iter()
        .map(|(_, why)| why.reason)
        .min_by_key(|r| r.class())
        .unwrap_or(Reason::QuorumMissing);
    Err(no(reason, says))
}

fn no(reason: Reason, says: impl Into<String>) -> Refusal {
    Refusal::new(reason, says)
}
