//! Classes of things that could be wrong together, found without being told.
//!
//! Every attribute with few values makes strata, and so do pairs of the five attributes whose values
//! concentrate candidates most. The shape of a record is an attribute like any other: `record:SOURCE`.

use super::evidence::looks_secret;
use super::policy::StratumLimits;
use super::resource::ADDRESSES;
use super::shape::shape;
use super::stats::ln_fisher;
use super::{Decommission, Digest, Resource};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What counts of one thing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) candidate: bool,
    pub(super) unknown: bool,
    /// A live control, and whether it was judged right.
    pub(super) live: Option<bool>,
    /// A dead control, and whether it was found.
    pub(super) dead: Option<bool>,
}

/// The counts of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) population: u32,
    pub(super) candidates: u32,
    pub(super) unknown: u32,
    pub(super) live: [u32; 2],
    pub(super) dead: [u32; 2],
    /// Members and candidates that a decommission note covers: no anomaly is one of theirs.
    pub(super) noted: [u32; 2],
}

impl Counts {
    fn add(&mut self, marks: Marks, noted: bool) {
        self.population += 1;
        self.candidates += u32::from(marks.candidate);
        self.unknown += u32::from(marks.unknown);
        if let Some(right) = marks.live {
            self.live[0] += u32::from(right);
            self.live[1] += 1;
        }
        if let Some(found) = marks.dead {
            self.dead[0] += u32::from(found);
            self.dead[1] += 1;
        }
        if noted {
            self.noted[0] += 1;
            self.noted[1] += u32::from(marks.candidate);
        }
    }

    /// Members and candidates that no note covers.
    pub(super) fn tested(&self) -> (u32, u32) {
        (self.population - self.noted[0], self.candidates - self.noted[1])
    }
}

/// One class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    /// Empty for everything.
    pub(super) key: BTreeMap<String, String>,
    pub(super) counts: Counts,
}

/// The classes of a listing.
pub(super) struct Strata {
    /// Everything first, then single attributes by name and value, then pairs.
    pub(super) classes: Vec<Class>,
    columns: Vec<Column>,
    /// For each column, where its values begin among the classes.
    singles: Vec<usize>,
    /// Columns of each pair, and the classes of its cells.
    pairs: Vec<(usize, usize, BTreeMap<(u32, u32), usize>)>,
    /// Attributes with too many values to make classes.
    pub(super) dropped: Vec<String>,
}

/// One attribute of every thing, by numbers of its values.
struct Column {
    name: String,
    values: Vec<String>,
    of: Vec<u32>,
}

impl Strata {
    /// Finds the classes and counts them. `marks` has one entry for each resource.
    pub(super) fn find(
        resources: &[Resource],
        marks: &[Marks],
        limits: &StratumLimits,
        notes: &[Decommission],
        now: Timestamp,
    ) -> Self {
        let (columns, dropped) = columns(resources, limits);
        let noted: Vec<bool> = resources
            .iter()
            .map(|r| notes.iter().any(|note| note.holds(now) && covers(note, r)))
            .collect();
        let mut everything = Counts::default();
        for (marks, noted) in marks.iter().zip(&noted) {
            everything.add(*marks, *noted);
        }
        let mut classes = vec![Class { key: BTreeMap::new(), counts: everything }];
        let mut singles = Vec::new();
        for column in &columns {
            singles.push(classes.len());
            let mut counts = vec![Counts::default(); column.values.len()];
            for ((value, marks), noted) in column.of.iter().zip(marks).zip(&noted) {
                counts[*value as usize].add(*marks, *noted);
            }
            classes.extend(column.values.iter().zip(counts).map(|(value, counts)| Class {
                key: BTreeMap::from([(column.name.clone(), value.clone())]),
                counts,
            }));
        }
        let mut found = Self { classes, columns, singles, pairs: Vec::new(), dropped };
        found.pair(marks, &noted);
        found
    }

    /// Adds the pairs of the five columns that concentrate candidates most.
    fn pair(&mut self, marks: &[Marks], noted: &[bool]) {
        let (all, all_hits) = self.classes[0].counts.tested();
        let mut rank: Vec<(f64, usize)> = (0..self.columns.len())
            .map(|c| {
                let from = self.singles[c];
                let cells = &self.classes[from..from + self.columns[c].values.len()];
                let least = cells.iter().map(|class| {
                    let (size, hits) = class.counts.tested();
                    ln_fisher(hits, size, all_hits, all)
                });
                (least.fold(0.0, f64::min), c)
            })
            .collect();
        rank.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut top: Vec<usize> = rank.into_iter().take(5).map(|(_, c)| c).collect();
        top.sort_unstable();
        for (i, a) in top.iter().enumerate() {
            for b in &top[i + 1..] {
                let mut cells: BTreeMap<(u32, u32), Counts> = BTreeMap::new();
                let values = self.columns[*a].of.iter().zip(&self.columns[*b].of);
                for ((pair, marks), noted) in values.zip(marks).zip(noted) {
                    cells.entry((*pair.0, *pair.1)).or_default().add(*marks, *noted);
                }
                let mut at = BTreeMap::new();
                for (pair, counts) in cells {
                    at.insert(pair, self.classes.len());
                    let (a, b) = (&self.columns[*a], &self.columns[*b]);
                    let key = BTreeMap::from([
                        (a.name.clone(), a.values[pair.0 as usize].clone()),
                        (b.name.clone(), b.values[pair.1 as usize].clone()),
                    ]);
                    self.classes.push(Class { key, counts });
                }
                self.pairs.push((*a, *b, at));
            }
        }
    }

    /// The classes of everything and of single attributes that a resource, by its place in the
    /// listing, belongs to.
    pub(super) fn singles_of(&self, resource: usize) -> impl Iterator<Item = usize> + '_ {
        let single = move |(column, from): (&Column, &usize)| from + column.of[resource] as usize;
        std::iter::once(0).chain(self.columns.iter().zip(&self.singles).map(single))
    }

    /// Every class that a resource belongs to.
    pub(super) fn of(&self, resource: usize) -> impl Iterator<Item = usize> + '_ {
        let pairs = self.pairs.iter().filter_map(move |(a, b, cells)| {
            cells.get(&(self.columns[*a].of[resource], self.columns[*b].of[resource])).copied()
        });
        self.singles_of(resource).chain(pairs)
    }
}

/// Whether a note's class has this thing.
fn covers(note: &Decommission, resource: &Resource) -> bool {
    let of = attributes(resource);
    note.stratum.iter().all(|(key, value)| of.get(key.as_str()).is_some_and(|v| v == value))
}

/// What a thing's classes are found by.
fn attributes(resource: &Resource) -> BTreeMap<String, String> {
    let mut found = resource.attributes.clone();
    // Where one thing can be reached tells no class of things.
    found.remove(ADDRESSES);
    let mut shapes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for claim in resource.dead.iter().chain(&resource.live) {
        if let Some(record) = &claim.record {
            shapes.entry(&claim.source).or_default().insert(shape(record));
        }
    }
    for (source, shapes) in shapes {
        let shapes: Vec<String> = shapes.into_iter().collect();
        found.insert(format!("record:{source}"), shapes.join("+"));
    }
    found.insert("type".into(), resource.kind.clone());
    found
}

/// The attributes that tell things apart and have few values, and the names of those with too many.
/// A thing without an attribute has it empty: what lacks its generation can be wrong together too.
fn columns(resources: &[Resource], limits: &StratumLimits) -> (Vec<Column>, Vec<String>) {
    struct Raw {
        values: BTreeMap<String, u32>,
        of: Vec<u32>,
    }
    let mut raw: BTreeMap<String, Raw> = BTreeMap::new();
    let mut dropped = BTreeSet::new();
    for (at, resource) in resources.iter().enumerate() {
        for (name, value) in attributes(resource) {
            if limits.ignore.contains(&name) || dropped.contains(&name) {
                continue;
            }
            let column = raw.entry(name.clone()).or_insert_with(|| Raw {
                values: BTreeMap::from([(String::new(), 0)]),
                of: Vec::new(),
            });
            column.of.resize(at, 0);
            let next = column.values.len() as u32;
            let number = *column.values.entry(value).or_insert(next);
            column.of.push(number);
            // One more than allowed, because the empty value may be nobody's.
            if column.values.len() > limits.max_values + 1 {
                raw.remove(&name);
                dropped.insert(name);
            }
        }
    }
    let mut columns = Vec::new();
    for (name, mut column) in raw {
        column.of.resize(resources.len(), 0);
        let used: BTreeSet<u32> = column.of.iter().copied().collect();
        if used.len() > limits.max_values {
            dropped.insert(name);
            continue;
        }
        if used.len() < 2 {
            continue;
        }
        // Numbered in the order of the values, so that the classes come sorted.
        let sorted: Vec<(String, u32)> =
            column.values.into_iter().filter(|(_, n)| used.contains(n)).collect();
        let renumber: BTreeMap<u32, u32> =
            sorted.iter().zip(0..).map(|((_, old), new)| (*old, new)).collect();
        // Strata stand in the plan: values of what looks like a secret are told apart and not told.
        let secret = looks_secret(&name);
        let told = |value: String| {
            let hide = secret && !value.is_empty();
            if hide { Digest::of(value.as_bytes()).to_string() } else { value }
        };
        columns.push(Column {
            name,
            values: sorted.into_iter().map(|(value, _)| told(value)).collect(),
            of: column.of.iter().map(|n| renumber[n]).collect(),
        });
    }
    (columns, dropped.into_iter().collect())
}
