use super::super::error::shorten;
use super::super::{DeclaredHost, Place, scalar};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// One thing wrong with a list of hosts.
#[derive(Debug)]
pub(super) struct Flaw {
    /// From 1; 0 is the file as a whole.
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Flaw {
    pub(super) fn file(message: impl Into<String>, hint: &str) -> Self {
        Self { line: 0, column: 0, message: message.into(), hint: Some(hint.into()) }
    }

    pub(super) fn at(line: usize, column: usize, message: impl Into<String>, hint: &str) -> Self {
        let small = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            line: small(line),
            column: small(column),
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// A host as a list writes it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) name: String,
    /// Each as written.
    pub(super) addresses: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// What was wrong already.
    pub(super) wrong: Vec<String>,
}

impl Row {
    /// The host, or everything that is wrong with it.
    pub(super) fn host(self, file: &Arc<str>) -> Result<DeclaredHost, Vec<Flaw>> {
        let Self { line, column, name, addresses: written, tags, wrong } = self;
        let who = match name.trim() {
            "" => "a host without a name".to_owned(),
            name => format!("the host `{}`", shorten(name)),
        };
        let flaw = |why: String, hint: Option<String>| Flaw {
            line,
            column,
            message: format!("cannot use {who}: {why}"),
            hint,
        };
        let mut flaws: Vec<Flaw> = wrong.into_iter().map(|why| flaw(why, None)).collect();
        if let Err(why) = scalar::name(name.trim()) {
            flaws.push(flaw(why.message, why.hint));
        }
        let (mut addresses, mut seen) = (Vec::<IpAddr>::new(), BTreeSet::new());
        for text in &written {
            match scalar::address(text) {
                Ok(address) if seen.insert(address) => addresses.push(address),
                Ok(_) => {}
                Err(why) => flaws.push(flaw(why.message, why.hint)),
            }
        }
        if written.is_empty() {
            let hint = "names are not looked up: write `addresses`";
            flaws.push(flaw("it has no address".into(), Some(hint.into())));
        }
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let at = Place { file: file.clone(), line, column };
        Ok(DeclaredHost { name: name.trim().into(), addresses, tags, at })
    }
}
