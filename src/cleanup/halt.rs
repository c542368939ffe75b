//! The halt switch: a paper that must be readable and say run.

use super::trust::{Revoked, Trust};
use super::{Digest, Reason, Refusal, strict};
use crate::signature::{self, HALT};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The format tag of the switch.
pub const SCHEMA: &str = "portcullis/cleanup-halt/v1";
/// The format tag of a statement that a switch begins with.
pub const BEGIN_SCHEMA: &str = "portcullis/cleanup-halt-begin/v1";
/// The format tag of a statement that lifts a halt.
pub const LIFT_SCHEMA: &str = "portcullis/cleanup-halt-lift/v1";

/// What the switch says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    pub schema: String,
    pub state: SwitchState,
    /// Halts that stand beside it: of people who halted before, and did not lift theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<HaltOrder>,
    /// The signed statement that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Signed>,
    /// Signed statements that lifted halts.
    #[serde(default)]
    pub lifts: Vec<Signed>,
}

/// Whether anything may be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SwitchState {
    Run,
    Halt(HaltOrder),
}

/// A halt. Whoever can write the switch may halt; lifting takes a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaltOrder {
    pub by: String,
    pub at: Timestamp,
    pub why: String,
    /// Tells two halts of one person and second apart.
    pub nonce: String,
}

/// A statement as it was signed, and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    pub statement: String,
    /// Line by line: a switch holds no character that hides or moves text.
    pub signature: Vec<String>,
}

/// What a switch begins with: these bytes are signed in the namespace [`HALT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    pub schema: String,
    pub at: Timestamp,
    pub why: String,
}

/// What lifts one halt: these bytes are signed in the namespace [`HALT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    pub schema: String,
    /// [`HaltOrder::digest`].
    pub lifts: Digest,
    pub at: Timestamp,
    pub why: String,
}

/// Why nothing may be done, and by which halt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halted {
    pub refusal: Refusal,
    pub halt: Option<Digest>,
}

impl Signed {
    /// A statement and its signature as OpenSSH writes it.
    #[must_use]
    pub fn new(statement: String, pem: &str) -> Self {
        Self { statement, signature: pem.lines().map(str::to_owned).collect() }
    }

    fn pem(&self) -> String {
        self.signature.join("\n") + "\n"
    }
}

impl Switch {
    /// One that says run, and whose word that is.
    #[must_use]
    pub fn new(begun: Signed) -> Self {
        Self {
            schema: SCHEMA.into(),
            state: SwitchState::Run,
            others: Vec::new(),
            begun: Some(begun),
            lifts: Vec::new(),
        }
    }

    /// A halt that stands; `None` where it says run.
    #[must_use]
    pub fn standing(&self) -> Option<&HaltOrder> {
        match &self.state {
            SwitchState::Halt(order) => Some(order),
            SwitchState::Run => self.others.last(),
        }
    }

    /// One more halt, beside those that stand.
    #[must_use]
    pub fn halted(mut self, order: HaltOrder) -> Self {
        if let SwitchState::Halt(before) = std::mem::replace(&mut self.state, SwitchState::Run) {
            self.others.push(before);
        }
        self.state = SwitchState::Halt(order);
        self
    }

    /// Takes one halt out, and says whether it stood: others stay.
    pub fn lifted(&mut self, halt: &Digest) -> bool {
        let stood = self.others.len();
        self.others.retain(|it| it.digest() != *halt);
        let mut found = self.others.len() < stood;
        if matches!(&self.state, SwitchState::Halt(order) if order.digest() == *halt) {
            self.state = self.others.pop().map_or(SwitchState::Run, SwitchState::Halt);
            found = true;
        }
        found
    }
}

impl HaltOrder {
    /// What a lifting statement names.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Judges what the switch says. `known` are halts that were seen before: each wants its lifting,
/// whoever made the switch say run again. One that says run is somebody's word, of its beginning or of
/// a lifting: a halt that was deleted with its switch is not lifted by whatever makes a new one.
///
/// # Errors
/// A halt, one that was not lifted by a signature, and a switch that cannot be understood or that
/// nobody signed.
pub fn judge(
    bytes: &[u8],
    known: &BTreeSet<Digest>,
    trust: &Trust,
    revoked: &Revoked,
    now: Timestamp,
) -> Result<(), Halted> {
    let switch: Switch = strict::read(bytes).map_err(|e| unreadable(&e.says))?;
    if switch.schema != SCHEMA {
        return Err(unreadable(&format!("it has the schema {:?}", switch.schema)));
    }
    let lifted: BTreeSet<Digest> = switch
        .lifts
        .iter()
        .filter_map(|l| lift(l, trust, revoked, now).ok())
        .map(|l| l.lifts)
        .collect();
    if let Some(order) = switch.standing() {
        let says = format!("{} halted it at {}: {}", order.by, order.at, order.why);
        return Err(Halted {
            refusal: Refusal::new(Reason::Halt, says),
            halt: Some(order.digest()),
        });
    }
    match known.difference(&lifted).next() {
        None if !lifted.is_empty() => Ok(()),
        None => match switch.begun.as_ref().map(|it| begin(it, trust, revoked, now)) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => {
                Err(unreadable(&format!("it says run, and who signed that: {}; {AGAIN}", why.says)))
            }
            None => Err(unreadable(&format!("it says run, and nobody signed that; {AGAIN}"))),
        },
        Some(halt) => Err(Halted {
            refusal: Refusal::new(
                Reason::Halt,
                format!(
                    "the switch says run, and nobody signed that the halt {halt} is lifted: \
                     somebody or something put it back"
                ),
            ),
            halt: Some(halt.clone()),
        }),
    }
}

/// A switch that nobody can read is a halt.
#[must_use]
pub fn unreadable(why: &str) -> Halted {
    let refusal = Refusal::new(Reason::HaltUnreadable, format!("the halt switch: {why}"));
    Halted { refusal, halt: None }
}

/// How a switch comes to a word that counts.
const AGAIN: &str = "halt it and lift the halt: the lifting is a word that counts";

/// Reads and judges the statement that a switch begins with: of a person who may approve, with a key
/// that counts.
///
/// # Errors
/// Why it begins nothing.
pub fn begin(
    signed: &Signed,
    trust: &Trust,
    revoked: &Revoked,
    now: Timestamp,
) -> Result<(), Refusal> {
    counts(signed, trust, revoked, now)?;
    let begin: Begin = strict::read(signed.statement.as_bytes())?;
    if begin.schema != BEGIN_SCHEMA {
        let says = format!("it has the schema {:?}", begin.schema);
        return Err(Refusal::new(Reason::UnknownSchema, says));
    }
    Ok(())
}

/// Reads and judges a lifting statement: of a person who may approve, with a key that counts.
///
/// # Errors
/// Why it lifts nothing.
pub fn lift(
    signed: &Signed,
    trust: &Trust,
    revoked: &Revoked,
    now: Timestamp,
) -> Result<Lift, Refusal> {
    counts(signed, trust, revoked, now)?;
    let lift: Lift = strict::read(signed.statement.as_bytes())?;
    if lift.schema != LIFT_SCHEMA {
        let says = format!("it has the schema {:?}", lift.schema);
        return Err(Refusal::new(Reason::UnknownSchema, says));
    }
    Ok(lift)
}

/// Whether a statement is signed by a person who may approve, with a key that counts.
fn counts(
    signed: &Signed,
    trust: &Trust,
    revoked: &Revoked,
    now: Timestamp,
) -> Result<(), Refusal> {
    let no = |reason, says: String| Refusal::new(reason, says);
    let maker = signature::maker(signed.statement.as_bytes(), &signed.pem(), HALT)
        .map_err(|e| no(Reason::SignatureInvalid, format!("its signature is refused: {e}")))?;
    let Some(holder) = trust.holder(&maker) else {
        let says = format!("its key {} is nobody's of the list of trust", maker.fingerprint);
        return Err(no(Reason::NotAnApprover, says));
    };
    if !holder.party.approves() {
        let says = format!("{} is no person with the role approver", holder.party.name);
        return Err(no(Reason::NotAnApprover, says));
    }
    holder.counts(revoked, now)
}
