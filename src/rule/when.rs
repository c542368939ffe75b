use super::case::Case;
use crate::exposure::{Cells, ConfiguredCell, Declared, Expects, ObservedCell};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

/// Which rows or cases a rule is about: every part must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Rows by their cells.
    Cells(CellSets),
    /// Cases by name.
    Cases(BTreeSet<Case>),
}

/// A set of values for each cell, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellSets {
    pub(super) declared: u16,
    pub(super) configured: u16,
    pub(super) observed: u16,
    pub(super) expects: u16,
    pub(super) disagreement: Option<bool>,
    pub(super) covered: Option<bool>,
}

impl CellSets {
    /// Whether a row with these cells is in the set.
    #[must_use]
    pub fn matches(&self, cells: &Cells) -> bool {
        self.declared & cells.declared.bit() != 0
            && self.configured & cells.configured.bit() != 0
            && self.observed & cells.observed.bit() != 0
            && self.expects & cells.expects.bit() != 0
            && self.disagreement.is_none_or(|d| d == cells.disagreement)
            && self.covered.is_none_or(|c| c == cells.covered)
    }
}

/// A cell that a rule can name: a closed set of words.
pub(super) trait Word: Copy + 'static {
    const ALL: &'static [Self];
    const WHAT: &'static str;
    fn word(self) -> &'static str;
    fn bit(self) -> u16;
}

macro_rules! words {
    ($($cell:ident $what:literal),*) => {$(
        impl Word for $cell {
            const ALL: &'static [Self] = $cell::ALL;
            const WHAT: &'static str = $what;
            fn word(self) -> &'static str { self.name() }
            fn bit(self) -> u16 { $cell::bit(self) }
        }
    )*};
}
words!(Declared "declared", ConfiguredCell "configured", ObservedCell "observed", Expects "expects");

/// One word, a list of words, or `any`; as bits. `open` stands for both kinds of open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<T>(pub(super) u16, PhantomData<T>);

impl<T: Word> Default for Words<T> {
    fn default() -> Self {
        Self(T::ALL.iter().fold(0, |bits, w| bits | w.bit()), PhantomData)
    }
}

impl<T: Word> Words<T> {
    fn bits<E: Error>(word: &str) -> Result<u16, E> {
        if word == "any" {
            return Ok(Self::default().0);
        }
        let bits = T::ALL
            .iter()
            .filter(|w| w.word() == word || (word == "open" && w.word().starts_with("open-")))
            .fold(0, |bits, w| bits | w.bit());
        if bits == 0 {
            let known: Vec<&str> = T::ALL.iter().map(|w| w.word()).collect();
            return Err(E::custom(format!(
                "read `{word}` as {}: use {} or any",
                T::WHAT,
                known.join(", ")
            )));
        }
        Ok(bits)
    }
}

impl<'de, T: Word> Deserialize<'de> for Words<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);
        impl<'de, T: Word> Visitor<'de> for Visit<T> {
            type Value = Words<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a word of `{}`, a list of them, or any", T::WHAT)
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
                Ok(Words(Words::<T>::bits(word)?, PhantomData))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut bits = 0;
                while let Some(word) = seq.next_element::<String>()? {
                    bits |= Words::<T>::bits::<A::Error>(&word)?;
                }
                if bits == 0 {
                    return Err(A::Error::custom("use an empty list: it matches nothing"));
                }
                Ok(Words(bits, PhantomData))
            }
        }
        d.deserialize_any(Visit(PhantomData))
    }
}

/// The match in words: `declared required, configured blocked`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets = match self {
            Self::Cells(sets) => sets,
            Self::Cases(cases) => {
                let names: Vec<&str> = cases.iter().map(|c| c.name()).collect();
                return write!(f, "case {}", names.join(" or "));
            }
        };
        let mut parts = Vec::new();
        parts.extend(cell::<Declared>(sets.declared));
        parts.extend(cell::<ConfiguredCell>(sets.configured));
        parts.extend(cell::<ObservedCell>(sets.observed));
        parts.extend(cell::<Expects>(sets.expects));
        let flag = |value: Option<bool>, yes: &str, no: &str| {
            value.map(|v| if v { yes.to_owned() } else { no.to_owned() })
        };
        parts.extend(flag(sets.disagreement, "vantages disagree", "vantages agree"));
        parts.extend(flag(
            sets.covered,
            "a vantage lies in the source",
            "no vantage lies in the source",
        ));
        if parts.is_empty() {
            return f.write_str("any row");
        }
        f.write_str(&parts.join("; "))
    }
}

/// One cell in words; nothing where every value matches.
fn cell<T: Word>(bits: u16) -> Option<String> {
    if bits == Words::<T>::default().0 {
        return None;
    }
    let words: Vec<&str> =
        T::ALL.iter().filter(|w| bits & w.bit() != 0).map(|w| w.word()).collect();
    Some(format!("{} {}", T::WHAT, words.join(" or ")))
}
