use super::{Peer, Proof, Trait, Traits, Value};
use crate::model::PortSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One trait in which a host differs from every host that serves already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The trait: `groups`, `tls tcp/443`, `tag generation`.
    pub what: String,
    /// Its kind, as `--parity` names it.
    pub kind: &'static str,
    /// Whether it holds the host; otherwise it is told.
    pub holds: bool,
    /// Lines that the peers have and the host has not, sorted.
    pub missing: Vec<String>,
    /// Lines that the host has and the peers have not, sorted.
    pub extra: Vec<String>,
    /// How many peers have what it is compared with, of how many whose value is known.
    pub peers: usize,
    /// How many peers have what the host has: half of them at most.
    pub alike: usize,
    pub of: usize,
    /// Why it could not be compared; the lists are empty then.
    pub unknown: Option<String>,
}

impl Difference {
    /// One that says nothing yet.
    fn blank(what: String, kind: &'static str, holds: bool) -> Self {
        Self {
            what,
            kind,
            holds,
            missing: Vec::new(),
            extra: Vec::new(),
            peers: 0,
            alike: 0,
            of: 0,
            unknown: None,
        }
    }

    /// What could not be compared at all, and holds.
    pub(super) fn unknown(what: &str, why: &str) -> Self {
        Self { unknown: Some(why.into()), ..Self::blank(what.into(), "parity", true) }
    }

    /// Whether the host differs only by what is declared and proven of it: then it is its peers that lack
    /// something, an older release for one, and that holds no new host.
    pub(super) fn is_more_right(&self, proofs: &[Proof]) -> bool {
        let proven = |port: &str| {
            let Ok(port) = port.parse::<PortSpec>() else { return false };
            proofs.iter().any(|p| {
                p.holds && p.port.protocol == port.protocol && p.port.ports.is_superset(&port.ports)
            })
        };
        let Difference { missing, extra, unknown: None, .. } = self else { return false };
        match self.what.strip_prefix("tls ") {
            // A certificate where the peers have none; another one than theirs is a difference.
            Some(port) => missing.is_empty() && proven(port),
            None if self.kind == "ports" => {
                let mut lines = missing.iter().chain(extra);
                lines.all(|line| line.split(' ').next().is_some_and(proven))
            }
            None => false,
        }
    }
}

/// Compares a host with those that serve already, trait by trait.
///
/// A host that is like more than half of them in a trait does not differ: one peer that is wrong must
/// not vouch for another host that is wrong in the same way, nor may one of two. One that differs is
/// compared with what most of the others have. What cannot be read of the host is a difference whose
/// `unknown` says why, where the trait is in `deciding`; what cannot be read of a peer leaves that
/// peer out.
#[must_use]
pub fn compare(
    host: &Traits,
    peers: &[(&Peer, Traits)],
    deciding: &BTreeSet<&'static str>,
) -> Vec<Difference> {
    let mut names: BTreeSet<&Trait> = host.keys().collect();
    names.extend(peers.iter().flat_map(|(_, traits)| traits.keys()));
    let nothing = BTreeSet::new();
    let mut out = Vec::new();
    for name in names {
        let holds = deciding.contains(name.name());
        let blank = Difference::blank(name.to_string(), name.name(), holds);
        let own = match host.get(name) {
            Some(Value::Lines(lines)) => lines,
            None => &nothing,
            Some(Value::Unknown(why)) => {
                if holds && !peers.is_empty() {
                    out.push(Difference { unknown: Some(why.clone()), ..blank });
                }
                continue;
            }
        };
        let mut values: BTreeMap<&BTreeSet<String>, usize> = BTreeMap::new();
        for (_, traits) in peers {
            match traits.get(name) {
                Some(Value::Lines(lines)) => *values.entry(lines).or_default() += 1,
                None => *values.entry(&nothing).or_default() += 1,
                Some(Value::Unknown(_)) => {}
            }
        }
        let of: usize = values.values().sum();
        let alike = values.get(own).copied().unwrap_or(0);
        if alike * 2 > of || of == 0 {
            continue;
        }
        // What most have; of equals the first, so that the answer is the same tomorrow.
        let others = || values.iter().filter(|(lines, _)| **lines != own);
        let most = others().map(|(_, n)| *n).max().unwrap_or(0);
        let Some((with, peers)) = others().find(|(_, n)| **n == most).map(|(l, n)| (*l, *n)) else {
            continue;
        };
        out.push(Difference {
            missing: with.difference(own).cloned().collect(),
            extra: own.difference(with).cloned().collect(),
            peers,
            alike,
            of,
            ..blank
        });
    }
    out
}

/// One sentence. Lines are text from outside: escape it where it is printed.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        if let Some(why) = &self.unknown {
            return write!(f, "its {what} cannot be compared with its peers: {why}");
        }
        let (peers, of) = (self.peers, self.of);
        let several = ["permissions", "routes", "addresses", "ports", "groups"];
        let differs = if several.contains(&what.as_str()) { "differ" } else { "differs" };
        if self.alike > 0 {
            let others = of - self.alike;
            return write!(f, "its {what} {differs} from {others} of {of} peers that serve");
        }
        match (peers == of, of) {
            (true, 1) => write!(f, "its {what} {differs} from the one peer that serves"),
            (true, _) => write!(f, "its {what} {differs} from all {of} peers that serve"),
            (false, _) => write!(
                f,
                "its {what} {differs} from all {of} peers that serve, of which {peers} are alike"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PortSet, Protocol, SourceName};
    use crate::observation::State;

    fn difference(what: &str, kind: &'static str, missing: &[&str], extra: &[&str]) -> Difference {
        let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect();
        let (missing, extra) = (lines(missing), lines(extra));
        Difference { missing, extra, peers: 3, of: 3, ..Difference::blank(what.into(), kind, true) }
    }

    #[test]
    fn what_is_declared_and_proven_is_more_right_than_its_peers() {
        let proof = |port: u16, holds| Proof {
            service: "new".into(),
            port: PortSpec::new(Protocol::Tcp, PortSet::one(port)),
            address: [192, 0, 2, 1].into(),
            source: SourceName::Internet,
            state: State::Open,
            holds,
            probed: 1,
            vantages: Vec::new(),
        };
        let proofs = [proof(8443, true), proof(9000, false)];
        let ports = |missing: &[&str], extra: &[&str]| {
            difference("ports", "ports", missing, extra).is_more_right(&proofs)
        };
        assert!(ports(&["tcp/8443 refused"], &["tcp/8443 open tls"]));
        assert!(!ports(&["tcp/9000 refused"], &["tcp/9000 open ssh"]), "it is not proven");
        assert!(!ports(&[], &["tcp/8443 open tls", "tcp/22 open ssh"]), "one more is open");
        let tls = |missing: &[&str]| {
            let it = difference("tls tcp/8443", "tls", missing, &["issuer new"]);
            it.is_more_right(&proofs)
        };
        assert!(tls(&[]), "its peers have no certificate there");
        assert!(!tls(&["issuer old"]), "another certificate than theirs");
        let other = difference("permissions", "permissions", &["tcp/8443 refused"], &[]);
        assert!(!other.is_more_right(&proofs));
    }
}
