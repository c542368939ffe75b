use super::Scope;
use crate::cleanup::plan::{Item, Plan};
use crate::cleanup::trust::Quorum;
use crate::cleanup::{Reason, Refusal};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One approval that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub person: String,
    pub team: String,
    /// `SHA256:…` of the key itself, without a certificate around it.
    pub fingerprint: String,
    /// The name by which stock OpenSSH knows whose it is.
    pub principal: String,
    /// `SHA256:…` of the authority whose certificate says so; `None` where the list does.
    pub authority: Option<String>,
    /// Made by a hardware key that was touched.
    pub hardware: bool,
    pub scope: Scope,
    pub at: Timestamp,
    /// The end of the approval or of its key, whichever is sooner.
    pub not_after: Timestamp,
    pub comment: String,
    /// The file's name.
    pub file: String,
}

/// Who agreed to one item.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agreed<'a> {
    people: BTreeSet<&'a str>,
    teams: BTreeSet<&'a str>,
    /// People with a hardware key.
    hardware: BTreeSet<&'a str>,
}

impl<'a> Agreed<'a> {
    /// Counts persons: somebody with two keys, files or scopes is one.
    pub(super) fn to(plan: &Plan, item: &Item, counted: &'a [Counted]) -> Self {
        Self::of(counted.iter().filter(|c| c.scope.covers(plan, item)))
    }

    fn of(counted: impl Iterator<Item = &'a Counted>) -> Self {
        let mut agreed = Self::default();
        for it in counted {
            agreed.people.insert(&it.person);
            agreed.teams.insert(&it.team);
            if it.hardware {
                agreed.hardware.insert(&it.person);
            }
        }
        agreed
    }

    /// What is missing, one line each; empty where it is enough.
    pub(super) fn missing(&self, quorum: Quorum) -> Vec<String> {
        let mut missing = Vec::new();
        for (has, needs, what) in [
            (self.people.len(), quorum.people, "people"),
            (self.teams.len(), quorum.teams, "teams"),
            (self.hardware.len(), quorum.hardware, "with a hardware key"),
        ] {
            if has < needs as usize {
                missing.push(format!("quorum {has}/{needs} {what}"));
            }
        }
        missing
    }
}

/// What counts of these, and files that do not because their key signed for two people: an authority
/// can call one key by two names, and it stays one person's.
pub(super) fn one_each(counted: Vec<Counted>) -> (Vec<Counted>, Vec<(String, Refusal)>) {
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in &counted {
        people.entry(it.fingerprint.clone()).or_default().insert(it.person.clone());
    }
    let (one, two): (Vec<_>, Vec<_>) =
        counted.into_iter().partition(|it| people[&it.fingerprint].len() == 1);
    let told = two.into_iter().map(|it| {
        let all: Vec<_> = people[&it.fingerprint].iter().map(String::as_str).collect();
        let says = format!("its key {} signs for {}", it.fingerprint, all.join(" and for "));
        (it.file, Refusal::new(Reason::NotAnApprover, says))
    });
    let told = told.collect();
    (one, told)
}

/// Items by number that enough people agreed to, and what is missing for the others, by item.
pub(super) fn approved(
    plan: &Plan,
    counted: &[Counted],
    quorum: Quorum,
) -> (BTreeSet<u32>, BTreeMap<u32, Vec<String>>) {
    let (mut approved, mut lacking) = (BTreeSet::new(), BTreeMap::new());
    for item in &plan.items {
        let missing = Agreed::to(plan, item, counted).missing(quorum);
        if missing.is_empty() {
            approved.insert(item.n);
        } else {
            lacking.insert(item.n, missing);
        }
    }
    (approved, lacking)
}
