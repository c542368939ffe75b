use super::{Key, Party, Trust};
use crate::cleanup::plan::{Phase, Plan};
use crate::cleanup::{Risk, plan};
use std::collections::BTreeSet;
use std::fmt;

/// How many must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// Persons, each counted once however many keys and files.
    pub people: u32,
    /// Different teams among them.
    pub teams: u32,
    /// How many of them with a hardware key.
    pub hardware: u32,
}

/// The table of `trust.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorums {
    pub reversible: Quorum,
    /// Items that a reversible plan may have to be a small one.
    pub up_to: u32,
    pub reversible_large: Quorum,
    pub exposing: Quorum,
    pub irreversible: Quorum,
    pub trust_change: Quorum,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Reversible,
    ReversibleLarge,
    Exposing,
    Irreversible,
    TrustChange,
}

impl Rule {
    pub const ALL: [Self; 5] = [
        Self::Reversible,
        Self::ReversibleLarge,
        Self::Exposing,
        Self::Irreversible,
        Self::TrustChange,
    ];
}

impl Quorums {
    /// The row that a plan falls into: by its worst item, and where all are reversible by their
    /// number. A deletion is irreversible whatever its items say, and so is an act without undo.
    #[must_use]
    pub fn of(&self, plan: &Plan) -> (Rule, Quorum) {
        let rule = if plan.phase == Phase::Delete {
            Rule::Irreversible
        } else {
            match plan.items.iter().map(risk).max() {
                Some(Risk::Irreversible) => Rule::Irreversible,
                Some(Risk::Exposing) => Rule::Exposing,
                Some(Risk::Reversible) | None if plan.phase == Phase::Repair => Rule::Exposing,
                Some(Risk::Reversible) | None => {
                    if plan.items.len() <= self.up_to as usize {
                        Rule::Reversible
                    } else {
                        Rule::ReversibleLarge
                    }
                }
            }
        };
        (rule, self.row(rule))
    }

    /// One row.
    #[must_use]
    pub const fn row(&self, rule: Rule) -> Quorum {
        match rule {
            Rule::Reversible => self.reversible,
            Rule::ReversibleLarge => self.reversible_large,
            Rule::Exposing => self.exposing,
            Rule::Irreversible => self.irreversible,
            Rule::TrustChange => self.trust_change,
        }
    }
}

impl Trust {
    /// Rows that nobody could ever fill, and what they want: nothing of theirs is ever approved.
    #[must_use]
    pub fn unreachable(&self) -> Vec<(Rule, String)> {
        let able: Vec<&Party> = self.parties().filter(|p| p.approves()).collect();
        let teams: BTreeSet<_> = able.iter().filter_map(|p| p.team()).collect();
        // Whether a certificate will be of a hardware key, nobody knows before it is there.
        let could = |p: &&&Party| p.keys.iter().any(Key::is_hardware) || !p.certificates.is_empty();
        let hardware = able.iter().filter(could).count();
        let mut all = Vec::new();
        for rule in Rule::ALL {
            let row = self.quorums.row(rule);
            for (needs, has, what) in [
                (row.people, able.len(), "people with the role approver"),
                (row.teams, teams.len(), "teams with an approver"),
                (row.hardware, hardware, "approvers with a hardware key"),
            ] {
                if has < needs as usize {
                    all.push((rule, format!("it asks for {needs} {what}, and there are {has}")));
                }
            }
        }
        all
    }
}

fn risk(item: &plan::Item) -> Risk {
    if item.undo.is_none() { Risk::Irreversible } else { item.risk }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reversible => "reversible",
            Self::ReversibleLarge => "reversible_large",
            Self::Exposing => "exposing",
            Self::Irreversible => "irreversible",
            Self::TrustChange => "trust_change",
        })
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, teams, hardware } = self;
        write!(f, "{people} {}", if *people == 1 { "person" } else { "people" })?;
        if *teams > 1 {
            write!(f, " of {teams} teams")?;
        }
        if *hardware > 0 {
            write!(f, ", {hardware} of them with a hardware key")?;
        }
        Ok(())
    }
}
