use crate::model::Gap;
use crate::snapshot::UNKNOWN_ACCOUNT;
use crate::spec::{Place, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A host: an instance of the cloud, an interface without an instance, or one declared by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// `i-…`, `eni-…` for an interface that belongs to no instance we can read, or the declared name.
    pub id: String,
    /// The `Name` tag. Text from outside.
    pub name: Option<String>,
    /// What an interface without an instance belongs to: `load balancer edge`. Text from outside.
    pub owner: Option<String>,
    pub origin: HostOrigin,
    /// Whether it can answer: a running instance, an interface in use, or declared.
    pub live: bool,
    /// Sorted by address.
    pub addresses: Vec<HostAddress>,
    pub tags: BTreeMap<String, String>,
    /// Names of the roles it is a member of, sorted.
    pub roles: Vec<String>,
}

/// Where a host is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostOrigin {
    Cloud { account: String, region: String, vpc: Option<String>, image: Option<String> },
    Declared(Place),
}

/// One address a host can be reached at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostAddress {
    pub address: IpAddr,
    /// The interface it belongs to; `None` for declared hosts.
    pub interface: Option<String>,
    /// Whether it is a public (or routed IPv6) address, to be judged for `internet`.
    pub public: bool,
}

/// Who is what: hosts by id and members by role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// By host id.
    pub hosts: BTreeMap<String, Host>,
    /// Role name to sorted host ids; every role of the spec has an entry.
    pub members: BTreeMap<String, Vec<String>>,
    /// Accounts and regions whose hosts could not all be seen, sorted: there may be more.
    pub blind: Vec<Blind>,
    /// Accounts that were entered, by id.
    pub entered: BTreeSet<String>,
}

impl Resolution {
    /// The gaps of the places where a selector looks and hosts could not all be seen: what it does not
    /// pick may be there.
    pub fn hidden_from(&self, selector: &Selector) -> impl Iterator<Item = &Gap> {
        let Selector { accounts, regions, .. } = selector;
        // An account that nobody could name may be any that was not entered.
        let account = |b: &Blind| match b.account.as_str() {
            UNKNOWN_ACCOUNT => accounts.iter().any(|a| !self.entered.contains(a)),
            account => accounts.iter().any(|a| a == account),
        };
        let looks = move |b: &&Blind| {
            (accounts.is_empty() || account(b))
                && (regions.is_empty() || regions.contains(&b.region))
        };
        self.blind.iter().filter(looks).map(|b| &b.gap)
    }

    /// The accounts and regions whose hosts could not all be seen, in words, each once: `1/r1, 1/r2`.
    /// `None` where all could.
    #[must_use]
    pub fn blind_places(&self) -> Option<String> {
        let places: BTreeSet<String> =
            self.blind.iter().map(|b| format!("{}/{}", b.account, b.region)).collect();
        let places: Vec<String> = places.into_iter().collect();
        (!places.is_empty()).then(|| places.join(", "))
    }
}

/// An account and region whose hosts could not all be seen; the account may be [`UNKNOWN_ACCOUNT`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blind {
    pub account: String,
    pub region: String,
    pub gap: Gap,
}
