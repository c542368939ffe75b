use super::line::{Direction, Line};
use crate::model::{Gap, PortSet};
use crate::spec::Place;
use std::collections::BTreeSet;

/// Everything that declared and live groups do not agree on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drifted {
    /// One for each declared group that differs, sorted by id.
    pub groups: Vec<GroupDrift>,
    /// Live permissions that match nothing, sorted.
    pub odd: Vec<Odd>,
    pub gaps: BTreeSet<Gap>,
}

/// A declared group that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDrift {
    pub group: String,
    pub place: Place,
    /// `account/region` of the live group; `None` where there is none.
    pub region: Option<String>,
    pub class: Class,
    /// Sorted by line.
    pub differences: Vec<Difference>,
    /// Unified, declared against live; empty for a missing group. Descriptions are from outside.
    pub diff: String,
    /// What could not be seen and decides the class.
    pub gaps: Vec<Gap>,
}

/// What a difference amounts to, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The group is not there.
    Missing,
    /// What can be reached differs.
    Exposes,
    /// Permissions differ, what can be reached does not (D8).
    Harmless,
    /// Descriptions or the name differ (D5).
    Words,
}

/// One permission that is on one side only, or differs in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub line: Line,
    /// Its ports as each permission that is this line has them.
    pub written: Vec<PortSet>,
    pub how: How,
    /// Whether what can be reached differs because of it, or may.
    pub exposes: bool,
    /// The first interface that shows it; `None` where it changes nothing, and where those that would show
    /// it were not all listed.
    pub by: Option<String>,
    /// How many more do.
    pub more: usize,
    /// What the spec describes the permission as.
    pub description: Option<String>,
}

/// How a permission differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Declared and not live.
    Missing,
    /// Live and not declared.
    Extra,
    /// Both, with another description.
    Words,
}

/// A live permission that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Odd {
    pub group: String,
    /// `ingress from sg-0dead`.
    pub permission: String,
    /// Which way, and the group that it names, where that is gone.
    pub peer: Option<(Direction, String)>,
    pub why: OddWhy,
    /// `account/region`.
    pub region: String,
}

/// Why it matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OddWhy {
    /// By its own form; in words.
    Invalid(String),
    /// Its peer is gone; in words.
    Stale(String),
}
