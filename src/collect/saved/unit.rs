use super::files::File;
use super::place::{Votes, is_account, is_region, region_in};
use crate::snapshot::*;
use std::collections::{BTreeMap, BTreeSet};

/// Files that belong to one account and region, as far as their paths tell.
pub(super) type Key = (Option<String>, Option<String>, String);

/// Every unit met, by key.
pub(super) type Units = BTreeMap<Key, Unit>;

/// The rows of one unit, and what is folded into them at the end.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) view: RegionView,
    pub(super) votes: Votes,
    /// Rows and what was wrong, by call.
    pub(super) calls: BTreeMap<CallKind, Tally>,
    /// Interfaces as the instances show them, for where they are not listed themselves.
    pub(super) embedded: Vec<Interface>,
    pub(super) pending: Pending,
    /// The file that is being read.
    pub(super) file: String,
    /// The prefix list or transit gateway route table that the file's name says it is about.
    pub(super) list: Option<String>,
}

/// What came of one call.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) items: usize,
    /// Malformed rows or pages, and the first reason.
    pub(super) bad: usize,
    pub(super) why: Option<String>,
    pub(super) pages: Pages,
}

impl Tally {
    /// Counts what could not be read.
    pub(super) fn spoil(&mut self, why: String) {
        self.bad += 1;
        self.why.get_or_insert(why);
    }

    /// Whether all of it was there and could be read.
    pub(super) fn is_whole(&self) -> bool {
        self.bad == 0 && !self.pages.lack_one()
    }
}

/// Pages of one list.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pages {
    /// Those that name a next one.
    more: usize,
    /// Those that do not.
    last: usize,
}

impl Pages {
    pub(super) fn add(&mut self, names_next: bool) {
        if names_next { self.more += 1 } else { self.last += 1 }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.more += other.more;
        self.last += other.last;
    }

    /// Whether one that was named is not there.
    pub(super) const fn lack_one(self) -> bool {
        self.more > 0 && self.last == 0
    }

    pub(super) const fn are_none(self) -> bool {
        self.more + self.last == 0
    }
}

/// Answers that belong to a row of another call.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) balancer_attributes: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) target_group_attributes: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) health: BTreeMap<String, Vec<TargetHealth>>,
    /// Balancers that were asked for their listeners, and may have none.
    pub(super) asked_listeners: BTreeSet<String>,
    /// The file that an answer about a target group or balancer stands in, by ARN.
    pub(super) files: BTreeMap<String, String>,
    pub(super) rules: BTreeMap<String, Vec<Action>>,
    pub(super) prefix_entries: BTreeMap<String, Vec<PrefixListEntry>>,
    pub(super) transit_routes: BTreeMap<String, Vec<TransitGatewayRoute>>,
    pub(super) propagations: BTreeMap<String, Vec<TransitGatewayRouteAttachment>>,
    pub(super) template_versions: BTreeMap<String, Vec<LaunchTemplateVersion>>,
    /// What came of each list that is asked for by itself.
    pub(super) lists: BTreeMap<(CallKind, String), List>,
}

/// What came of one list that is asked for by itself.
#[derive(Debug, Default)]
pub(super) struct List {
    /// A row of it, or a page, could not be read.
    pub(super) bad: bool,
    pub(super) pages: Pages,
}

impl Pending {
    /// Takes out the lists that were read in part: one read by half would pass for a whole one.
    pub(super) fn drop_halves(&mut self) {
        let lists = std::mem::take(&mut self.lists);
        let halves = lists.into_iter().filter(|(_, l)| l.bad || l.pages.lack_one());
        for ((kind, list), _) in halves {
            match kind {
                CallKind::ManagedPrefixListEntries => drop(self.prefix_entries.remove(&list)),
                CallKind::TransitGatewayRoutes => drop(self.transit_routes.remove(&list)),
                CallKind::TransitGatewayPropagations => drop(self.propagations.remove(&list)),
                _ => {}
            }
        }
    }
}

impl Unit {
    /// Notes that the call was made.
    pub(super) fn made(&mut self, kind: CallKind) -> &mut Tally {
        self.calls.entry(kind).or_default()
    }

    /// Notes of what the file that is being read tells something.
    pub(super) fn about(&mut self, arn: &str) {
        self.pending.files.insert(arn.into(), self.file.clone());
    }

    /// Notes something of the call that could not be read.
    pub(super) fn bad(&mut self, kind: CallKind, why: String) {
        if let Some(list) = self.list.clone() {
            self.half(kind, list);
        }
        let why = format!("{}: {why}", self.file);
        self.made(kind).spoil(why);
    }

    /// Notes that one list of the call was not read whole.
    pub(super) fn half(&mut self, kind: CallKind, list: String) {
        self.pending.lists.entry((kind, list)).or_default().bad = true;
    }
}

/// The unit of a file: account and region from its path, else the folder that holds it.
pub(super) fn key(file: &File) -> Key {
    let folders = &file.parts[..file.parts.len() - 1];
    let account = folders.iter().find(|p| is_account(p)).cloned();
    let at = folders.iter().position(|p| is_region(p));
    let region = at
        .map(|i| folders[i].clone())
        .or_else(|| file.parts.last().and_then(|name| region_in(name)));
    let end = at.unwrap_or_else(|| {
        // A folder named for a call holds that call's answers one by one.
        let call = |p: &String| {
            ["describe-", "get-", "list-", "search-"].iter().any(|verb| p.contains(verb))
        };
        folders.iter().position(call).unwrap_or(folders.len())
    });
    let rest = if account.is_some() { String::new() } else { folders[..end].join("/") };
    (account, region, rest)
}
