use super::HaltSwitch;
use super::register::{Register, Swapped};
use crate::cleanup::halt::{
    HaltOrder, Halted, SCHEMA, Signed, Switch, SwitchState, begin, judge, lift, unreadable,
};
use crate::cleanup::trust::{Revoked, Trust};
use crate::cleanup::{Digest, Reason, Refusal, strict};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The halt switch in its register.
pub struct Switchboard<'a> {
    pub register: Box<dyn Register>,
    pub trust: &'a Trust,
    pub revoked: &'a Revoked,
    /// Halts that this machine remembers, whatever the switch says by now.
    pub remembered: BTreeSet<Digest>,
}

impl HaltSwitch for Switchboard<'_> {
    fn look(&mut self, known: &BTreeSet<Digest>, now: Timestamp) -> Result<(), Halted> {
        let held = self.register.read().map_err(|why| unreadable(&format!("cannot {why}")))?;
        let held = held.ok_or_else(|| {
            unreadable(
                "it is not there: `portcullis cleanup halt --init --key KEYFILE` makes one that says run",
            )
        })?;
        let known: BTreeSet<Digest> = known.union(&self.remembered).cloned().collect();
        judge(&held.bytes, &known, self.trust, self.revoked, now)
    }
}

impl Switchboard<'_> {
    /// Makes a switch that says run, where there is none: on the word of somebody who may lift halts,
    /// because the one before may have been deleted with its halt.
    ///
    /// # Errors
    /// One that is there; a statement that begins nothing.
    pub fn init(&mut self, begun: Signed, now: Timestamp) -> Result<(), Refusal> {
        begin(&begun, self.trust, self.revoked, now)?;
        if self.read()?.is_some() {
            let says = "there is one already, and only a signed statement makes it say run";
            return Err(Refusal::new(Reason::Halt, says));
        }
        self.write(None, &Switch::new(begun))
    }

    /// Halts. Whatever cannot be read is overwritten: a halt must not need a sound switch.
    ///
    /// # Errors
    /// A switch that cannot be written.
    pub fn halt(&mut self, order: &HaltOrder) -> Result<Digest, Refusal> {
        let held = self.register.read().map_err(|why| cannot(&why))?;
        let before = held.as_ref().and_then(|h| strict::read::<Switch>(&h.bytes).ok());
        let version = held.map(|h| h.version);
        let switch = before.unwrap_or(Switch {
            schema: SCHEMA.into(),
            state: SwitchState::Run,
            others: Vec::new(),
            begun: None,
            lifts: Vec::new(),
        });
        self.write(version.as_deref(), &switch.halted(order.clone()))?;
        Ok(order.digest())
    }

    /// Lifts a halt by a signed statement, and says run.
    ///
    /// # Errors
    /// A statement that lifts nothing, or another halt than the one that holds.
    pub fn lift(
        &mut self,
        signed: Signed,
        now: Timestamp,
    ) -> Result<(Digest, Option<HaltOrder>), Refusal> {
        let lift = lift(&signed, self.trust, self.revoked, now)?;
        let Some((mut switch, version)) = self.read()? else {
            return Err(Refusal::new(Reason::HaltUnreadable, "there is no halt switch"));
        };
        if !switch.lifted(&lift.lifts)
            && let Some(order) = switch.standing()
        {
            let says = format!("the statement lifts {}, and {} holds", lift.lifts, order.digest());
            return Err(Refusal::new(Reason::Halt, says));
        }
        switch.lifts.push(signed);
        self.write(Some(&version), &switch)?;
        Ok((lift.lifts, switch.standing().cloned()))
    }

    fn read(&mut self) -> Result<Option<(Switch, String)>, Refusal> {
        let Some(held) = self.register.read().map_err(|why| cannot(&why))? else {
            return Ok(None);
        };
        let switch =
            strict::read(&held.bytes).map_err(|e| Refusal::new(Reason::HaltUnreadable, e.says))?;
        Ok(Some((switch, held.version)))
    }

    fn write(&mut self, over: Option<&str>, switch: &Switch) -> Result<(), Refusal> {
        let bytes = serde_json::to_vec(switch).map_err(|e| cannot(&e.to_string()))?;
        match self.register.swap(over, &bytes).map_err(|why| cannot(&why))? {
            Swapped::Yes { .. } => Ok(()),
            Swapped::No => Err(cannot("somebody else wrote it just now: try again")),
        }
    }
}

fn cannot(why: &str) -> Refusal {
    Refusal::new(Reason::HaltUnreadable, format!("the halt switch: {why}"))
}
