//! Reads facts of hosts from where people keep them: files, folders, programs that print JSON.
//!
//! Nothing that a source says is dropped in silence: what cannot be read is a gap that names the
//! source and what to do, and what could be read beside it stands. Bounds: [`MAX_BYTES`] a file or
//! program, [`MAX_FILES`] files a folder.

mod command;
mod document;
mod exact;
mod file;
mod flatten;
mod osquery;
mod parse;
mod record;
#[cfg(test)]
mod tests;

#[cfg(feature = "aws")]
pub(in crate::collect) use flatten::rows;

use crate::fact::{Gathered, SourceRead};
use crate::model::{Gap, GapKind};
use jiff::{SignedDuration, Timestamp};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Most bytes of one file, or of what one program prints: the facts of some thousand hosts.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Most files of one folder of facts.
pub const MAX_FILES: usize = 10_000;

/// One source to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What reports call it.
    pub name: Arc<str>,
    pub from: From,
    /// The fact's name to the name that the source has for it.
    pub rename: BTreeMap<String, String>,
}

/// What kind of source it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A file, or a folder of files that are named for their hosts.
    Path(PathBuf),
    /// Bytes that somebody else read, such as standard input.
    Bytes(Arc<[u8]>),
    /// A program and its arguments, without a shell, in a folder.
    Command { argv: Vec<String>, folder: PathBuf, timeout: SignedDuration },
}

/// What was asked for by name: of records with many facts only these are kept.
pub type Wanted = BTreeSet<String>;

/// Reads a source. It never fails: what could not be read is among the gaps.
#[must_use]
pub fn read(source: &Source, wanted: &Wanted) -> Gathered {
    let mut wanted = wanted.clone();
    wanted.extend(source.rename.values().cloned());
    let log = RefCell::default();
    let reader = parse::Reader { source: source.name.clone(), wanted: &wanted, log };
    let mut out = match &source.from {
        From::Path(path) => file::read(&reader, path),
        From::Bytes(bytes) => {
            let now = now();
            let text = parse::Text { at: "", bytes, host: None, read_at: now, gathered_at: None };
            let mut out = reader.gathered(now);
            reader.parse(&text, &mut out);
            out
        }
        From::Command { argv, folder, timeout } => command::run(&reader, argv, folder, *timeout),
    };
    reader.log.take().settle(&reader, &mut out);
    rename(&mut out, &source.rename);
    for source in &mut out.sources {
        source.hosts = out.records.len();
    }
    out
}

/// Gives facts the names they are asked for by, beside those that the source has for them.
pub fn rename(gathered: &mut Gathered, names: &BTreeMap<String, String>) {
    for record in &mut gathered.records {
        for (name, theirs) in names {
            if let Some(value) = record.facts.get(theirs).cloned() {
                record.facts.insert(name.clone(), value);
            }
        }
    }
}

impl parse::Reader<'_> {
    /// What was read at a time, still empty.
    fn gathered(&self, read_at: Timestamp) -> Gathered {
        let source = SourceRead { name: self.source.clone(), read_at: Some(read_at), hosts: 0 };
        Gathered { sources: vec![source], ..Gathered::default() }
    }

    /// A source of which nothing could be read.
    fn unread(&self, why: String) -> Gathered {
        let source = SourceRead { name: self.source.clone(), read_at: None, hosts: 0 };
        Gathered { sources: vec![source], gaps: vec![self.gap("", why)], ..Gathered::default() }
    }

    fn gap(&self, at: &str, why: impl Into<String>) -> Gap {
        let at = if at.is_empty() { String::new() } else { format!(" {at}") };
        Gap::new(GapKind::Facts, format!("{}{at}", self.source), why)
    }
}

/// The time by our clock, to the second: what reports print.
pub(in crate::collect) fn now() -> Timestamp {
    second(Timestamp::now())
}

fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
