use super::{Clock, Setup};
use crate::cleanup::plan::{Phase, Plan};
use crate::cleanup::{Guard, Hello, Reason, Refusal, Target, World, WorldError, receipt, row};
use jiff::{SignedDuration, Timestamp};

/// How far the machine's clock may be from the provider's.
const SKEW: SignedDuration = SignedDuration::from_secs(120);

/// Asks who an adapter is and where it acts, before anything else.
///
/// # Errors
/// [`Reason::ClockSkew`], also where the provider's clock is not told; [`Reason::TargetMismatch`]; no
/// answer.
pub fn hello(world: &mut dyn World, plan: &Plan, clock: &dyn Clock) -> Result<Hello, Refusal> {
    let hello = world.hello().map_err(|e| no_answer(&e))?;
    if hello.clock.is_none() {
        let says = "the adapter does not tell its provider's clock: windows cannot be judged";
        return Err(Refusal::new(Reason::ClockSkew, says));
    }
    now_by(&hello, clock)?;
    same_target(&plan.target, &hello)?;
    Ok(hello)
}

/// Whether an adapter's credentials are of the target that something was made for.
///
/// # Errors
/// [`Reason::TargetMismatch`].
pub(super) fn same_target(want: &Target, hello: &Hello) -> Result<(), Refusal> {
    let is = &hello.target;
    let same = want.provider == is.provider
        && want.partition == is.partition
        && want.account == is.account
        && want.scope == is.scope
        && want.regions.is_subset(&is.regions);
    if same {
        return Ok(());
    }
    let says = format!("it is for {}, and these credentials are of {}", at(want), at(is));
    Err(Refusal::new(Reason::TargetMismatch, says))
}

/// The time, unless the provider's clock says otherwise: what takes something back does without one.
///
/// # Errors
/// [`Reason::ClockSkew`].
pub fn now_by(hello: &Hello, clock: &dyn Clock) -> Result<Timestamp, Refusal> {
    let now = clock.now();
    match hello.clock {
        Some(theirs) if now.duration_since(theirs).abs() > SKEW => Err(Refusal::new(
            Reason::ClockSkew,
            format!("it is {now} here and {theirs} there: windows cannot be judged"),
        )),
        _ => Ok(now),
    }
}

fn at(target: &Target) -> String {
    let regions: Vec<&str> = target.regions.iter().map(String::as_str).collect();
    let parts = [
        target.provider.as_str(),
        &target.partition,
        &target.account,
        &regions.join(","),
        &target.scope,
    ];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("/")
}

pub(super) fn no_answer(e: &WorldError) -> Refusal {
    Refusal::new(Reason::SourceUnreadable, format!("the adapter cannot {e}"))
}

/// Everything that is compared with the adapter's table of acts and, of a deletion, with its
/// quarantine, before anything is claimed.
pub(super) fn covered(setup: &Setup<'_>, hello: &Hello) -> Result<(), Refusal> {
    let plan = setup.approved.plan();
    if setup.guards.has(Guard::Width) {
        for item in &plan.items {
            row(item, hello)?;
        }
    }
    let deletes = plan.phase == Phase::Delete || irreversible(plan);
    if deletes && setup.guards.has(Guard::Receipt) {
        receipt::covers(plan, setup.receipt, hello, setup.clock.now())?;
    }
    Ok(())
}

/// A plan that calls itself anything else and deletes all the same.
fn irreversible(plan: &Plan) -> bool {
    plan.items.iter().any(|i| i.risk == crate::cleanup::Risk::Irreversible)
}
