use super::hello::{covered, hello};
use super::{After, ApplyReport, Clock, HaltSwitch, LiveLook, Setup, Watch};
use crate::apply::claim::{Claim, Claimant};
use crate::apply::journal::Journal;
use crate::apply::{DayBook, NewestBook};
use crate::cleanup::approval::Approved;
use crate::cleanup::claim::Purpose;
use crate::cleanup::journal::{Chain, Event, Ledger};
use crate::cleanup::newest::Sealed;
use crate::cleanup::plan::Limits;
use crate::cleanup::{Digest, Guards, Hello, Reason, Refusal, World};
use crate::model::Stop;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How much one run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One batch at most, and never waits: for cron and CI.
    Step,
    /// All batches, waiting through their rests.
    Attached,
}

/// How often a rest is interrupted to look at the halt switch and the claim.
const NAP: Duration = Duration::from_secs(5);

/// A run that holds its claim.
pub(super) struct Run<'a> {
    pub(super) approved: &'a Approved,
    pub(super) limits: Limits,
    pub(super) guards: Guards,
    pub(super) world: &'a mut dyn World,
    pub(super) day: &'a mut DayBook,
    pub(super) newest: &'a mut NewestBook,
    pub(super) halt: &'a mut dyn HaltSwitch,
    pub(super) live: &'a mut dyn LiveLook,
    pub(super) watch: Option<&'a mut dyn Watch>,
    pub(super) still: &'a mut dyn FnMut(Timestamp) -> Result<(), Refusal>,
    pub(super) receipted: &'a mut dyn FnMut(&Chain) -> Result<(), Refusal>,
    pub(super) clock: &'a dyn Clock,
    pub(super) stop: Stop,
    pub(super) hello: Hello,
    pub(super) claim: Claim<'a>,
    pub(super) journal: Journal<'a>,
    pub(super) done: Vec<u32>,
    /// Of the halt that stopped the run.
    pub(super) halted: Option<Digest>,
}

/// Applies a plan as far as its mode says.
///
/// # Errors
/// What kept it from beginning: nothing was written into the journal, and nothing was done. What
/// stops it later is in the report.
pub fn run(setup: Setup<'_>) -> Result<ApplyReport, Refusal> {
    let hello = hello(setup.world, setup.approved.plan(), setup.clock)?;
    covered(&setup, &hello)?;
    let Setup {
        approved,
        limits,
        guards,
        mode,
        receipt: _,
        world,
        journal,
        register,
        day,
        newest,
        halt,
        live,
        watch,
        still,
        receipted,
        clock,
        nonce,
        by,
        lease,
        stop,
    } = setup;
    let (plan, digest) = (approved.plan(), approved.digest());
    let who = Claimant { plan: digest, nonce: &nonce, by: &by, lease, purpose: Purpose::Apply };
    let mut claim = Claim::take(register, who, clock.now())?;
    let opened = Journal::open(journal, plan, digest, claim.fence());
    let begun = newest
        .stands(&Sealed::new(plan, digest))
        .and_then(|()| begin(approved, &mut claim, opened, clock));
    let journal = match begun {
        Ok(journal) => journal,
        Err(why) => {
            let _ = claim.release(clock.now());
            return Err(why);
        }
    };
    let mut run = Run {
        approved,
        limits,
        guards,
        world,
        day,
        newest,
        halt,
        live,
        watch,
        still,
        receipted,
        clock,
        stop,
        hello,
        claim,
        journal,
        done: Vec::new(),
        halted: None,
    };
    let after = match run.go(mode, nonce, by) {
        Ok(after) => after,
        Err(why) => {
            let event = Event::Halted { refusal: why.clone(), halt: run.halted.clone() };
            // One that lost its claim writes nothing more: the journal is another run's.
            if why.reason != Reason::Fenced {
                let _ = run.journal.add(run.clock.now(), event);
            }
            After::Stopped(why)
        }
    };
    Ok(run.end(after))
}

/// What has to hold of claim and journal before anything is written.
fn begin<'j>(
    approved: &Approved,
    claim: &mut Claim<'_>,
    journal: Result<Journal<'j>, Refusal>,
    clock: &dyn Clock,
) -> Result<Journal<'j>, Refusal> {
    let journal = journal?;
    continues(claim, &journal)?;
    let ledger = journal.ledger();
    if ledger.finished {
        let says = "its journal says that nothing is left to do; every plan is applied once";
        return Err(Refusal::new(Reason::AlreadyConsumed, says));
    }
    let now = clock.now();
    if ledger.claimed_at.is_none() && now > approved.not_after() {
        let says = format!("it could be claimed until {}", approved.not_after());
        return Err(Refusal::new(Reason::Expired, says));
    }
    if ledger.last_at.is_some_and(|last| now < last) {
        let says = "the journal's last line is of a time to come: the clock was set back";
        return Err(Refusal::new(Reason::ClockSkew, says));
    }
    claim.open()?;
    Ok(journal)
}

/// Whether a journal is the one that this register's claims have written.
///
/// # Errors
/// [`Reason::LogRollback`].
pub(in crate::apply) fn continues(claim: &Claim<'_>, journal: &Journal<'_>) -> Result<(), Refusal> {
    let chain = journal.chain();
    claim.paper().anchors(chain)?;
    if !claim.paper().opened && !chain.records.is_empty() {
        // Another machine's, or one that somebody made to move the time of the claim.
        let says = "the journal has lines, and its register never saw one begun: apply where it was \
                    begun, or with the claim that it was begun under";
        return Err(Refusal::new(Reason::LogRollback, says));
    }
    Ok(())
}

/// Whether everything that was done is the plan's. An adapter that did something else is asked for
/// nothing more of it: whoever looked plans anew.
///
/// # Errors
/// [`Reason::ActOutsidePlan`], about the thing that was hit.
pub(in crate::apply) fn within(ledger: &Ledger) -> Result<(), Refusal> {
    let Some(it) = ledger.outside.first() else { return Ok(()) };
    let says = format!(
        "asked for item {} the adapter did {} to it at {}: look at it, and mend the adapter. Nothing more \
         of this plan is done: plan anew",
        it.n, it.action, it.at
    );
    Err(Refusal::of(Reason::ActOutsidePlan, it.item.clone(), says))
}

impl Run<'_> {
    fn go(&mut self, mode: Mode, nonce: String, by: String) -> Result<After, Refusal> {
        let approved_by = self.approved.approvals().iter().map(|c| c.person.clone()).collect();
        self.write(Event::Claimed { nonce, by, approved_by })?;
        // A halt is remembered from here on: only a signature lifts it. What was cut off is looked at all
        // the same: that changes nothing, and only what is known to be done can be taken back.
        let halted = self.not_halted();
        self.reconcile()?;
        halted?;
        within(self.journal.ledger())?;
        loop {
            let after = self.batch()?;
            if mode == Mode::Attached && matches!(after, After::Soaking(_) | After::More) {
                (self.receipted)(self.journal.chain())?;
            }
            match (&after, mode) {
                (After::Soaking(until) | After::DayFull { until, .. }, Mode::Attached) => {
                    self.rest(*until)?;
                }
                (After::More, Mode::Attached) => {}
                _ => return Ok(after),
            }
        }
    }

    /// Waits through a rest by the clock that nobody sets, and looks at the switches meanwhile.
    fn rest(&mut self, until: Timestamp) -> Result<(), Refusal> {
        let mut left = until.duration_since(self.clock.now());
        while left > SignedDuration::ZERO {
            let nap = Duration::try_from(left).unwrap_or(NAP).min(NAP);
            self.clock.wait(nap);
            left -= SignedDuration::try_from(nap).unwrap_or(left);
            self.may_go_on()?;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, what: Event) -> Result<(), Refusal> {
        self.journal.add(self.clock.now(), what)
    }

    /// Halt, signal, claim and time, before each act.
    pub(super) fn may_go_on(&mut self) -> Result<(), Refusal> {
        self.not_halted()?;
        let now = self.clock.now();
        self.claim.check(now)?;
        match self.deadline() {
            Some(end) if now > end => Err(Refusal::new(
                Reason::Expired,
                format!("its time was over at {end}: plan anew what is left"),
            )),
            _ => Ok(()),
        }
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let lasts = i64::try_from(self.limits.deadline_s).unwrap_or(i64::MAX);
        let claimed = self.journal.ledger().claimed_at?;
        claimed.saturating_add(SignedDuration::from_secs(lasts)).ok()
    }

    fn not_halted(&mut self) -> Result<(), Refusal> {
        if self.stop.is_raised() {
            return Err(Refusal::new(Reason::Halt, "a signal asked for the end"));
        }
        let known = self.journal.ledger().halts.clone();
        self.halt.look(&known, self.clock.now()).map_err(|halted| {
            self.halted = halted.halt;
            halted.refusal
        })
    }

    /// Anchors the journal, gives the claim back, and reports.
    fn end(mut self, mut after: After) -> ApplyReport {
        let chain = self.journal.chain();
        let ledger = chain.ledger.clone();
        let lines = chain.records.len() as u64;
        let anchored = self.claim.anchor(lines, &chain.head, ledger.finished);
        if let Err(why) = &anchored
            && !matches!(after, After::Stopped(_))
        {
            after = After::Stopped(why.clone());
        }
        if anchored.is_ok() {
            // What follows a claim that is not given back waits for its end, and that is all.
            let _ = self.claim.release(self.clock.now());
        }
        ApplyReport { after, done: self.done, ledger }
    }
}
