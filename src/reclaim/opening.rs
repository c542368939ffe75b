//! What a change to an account opens: two readings of it, joined with a spec, side by side.

use crate::exposure::{self, Declared, Exposure};
use crate::model::{AddressSet, PortSet, PortSpec, SourceName};
use crate::observation::Observations;
use crate::reach::{self, Configured, Reach};
use crate::resolve;
use crate::snapshot::{Interface, RegionView, Snapshot};
use crate::spec::Spec;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opens {
    /// It would open what the spec forbids, or what nobody declared for the internet.
    Unwanted(String),
    /// Nobody can say what it would open.
    Unknown(String),
}

/// An account before a change: what of it is open that a spec does not want open.
pub(super) struct Opening<'a> {
    spec: &'a Spec,
    /// The only hosts that the change can concern; all for `None`.
    hosts: Option<BTreeSet<String>>,
    before: BTreeMap<Key, Row>,
}

impl<'a> Opening<'a> {
    pub(super) fn new(spec: &'a Spec, now: &Snapshot, hosts: Option<BTreeSet<String>>) -> Self {
        let before = unwanted(spec, now, hosts.as_ref());
        Self { spec, hosts, before }
    }

    /// Judges the account as `act` would make it. `touched` are the interfaces that it concerns.
    pub(super) fn judge(
        &self,
        then: &Snapshot,
        touched: &BTreeSet<String>,
        act: &str,
    ) -> Result<(), Opens> {
        for (key, row) in &unwanted(self.spec, then, self.hosts.as_ref()) {
            let opened = row.open.iter().flat_map(|piece| left(piece, self.had(key))).next();
            if let Some((ports, _)) = opened {
                let why =
                    if key.undeclared { "which nobody declared" } else { "which the spec forbids" };
                return Err(Opens::Unwanted(format!(
                    "{act} would open {} to {} at {}, {why}",
                    row.subject(key, &ports),
                    key.source,
                    key.address
                )));
            }
            if key.concerns(touched) && !row.unknown.is_empty() {
                return Err(Opens::Unknown(row.unsaid(key, act)));
            }
        }
        Ok(())
    }

    /// Everything that is open then and not before, in words, sorted; or why nobody can say.
    pub(super) fn told(
        &self,
        then: &Snapshot,
        touched: &BTreeSet<String>,
        act: &str,
    ) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        for (key, row) in &unwanted(self.spec, then, self.hosts.as_ref()) {
            for (ports, from) in row.open.iter().flat_map(|piece| left(piece, self.had(key))) {
                let who = from.map_or(key.source.to_string(), |clients| clients.to_string());
                out.push(format!("{} ({}) to {who}", row.subject(key, &ports), key.address));
            }
            if key.concerns(touched) && !row.unknown.is_empty() {
                return Err(row.unsaid(key, act));
            }
        }
        out.sort();
        Ok(out)
    }

    fn had(&self, key: &Key) -> &[Piece] {
        self.before.get(key).map_or(&[], |row| &row.open)
    }
}

/// What tells one place from another, whoever looks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// What the spec forbids comes first: of two reasons it is the better one.
    undeclared: bool,
    source: SourceName,
    address: IpAddr,
    interface: Option<String>,
    protocol: crate::model::Protocol,
    other_protocols: bool,
}

impl Key {
    fn concerns(&self, touched: &BTreeSet<String>) -> bool {
        self.interface.as_ref().is_some_and(|i| touched.contains(i))
    }
}

/// Ports with the clients that may, `None` for all of the source.
type Piece = (PortSet, Option<AddressSet>);

/// What is open there.
#[derive(Debug, Default)]
struct Row {
    host: String,
    open: Vec<Piece>,
    unknown: PortSet,
    why: Option<String>,
}

impl Row {
    fn subject(&self, key: &Key, ports: &PortSet) -> String {
        if key.other_protocols {
            return format!("other protocols of {}", self.host);
        }
        format!("{} of {}", PortSpec::new(key.protocol, ports.clone()), self.host)
    }

    fn unsaid(&self, key: &Key, act: &str) -> String {
        format!(
            "what {act} would open to {} at {} nobody can say: {}",
            key.source,
            key.address,
            self.why.as_deref().unwrap_or("not everything that decides was read")
        )
    }
}

/// Everything that the spec forbids, or that nobody declared for the internet, and is open or may be.
fn unwanted(
    spec: &Spec,
    snapshot: &Snapshot,
    hosts: Option<&BTreeSet<String>>,
) -> BTreeMap<Key, Row> {
    let resolution = resolve::resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    let joined = exposure::join(spec, &resolution, &reach, &Observations::default(), hosts);
    let mut out: BTreeMap<Key, Row> = BTreeMap::new();
    for row in joined.rows {
        let forbidden = row.declared == Declared::Forbidden;
        let undeclared = row.declared == Declared::Absent && row.source == SourceName::Internet;
        if !(forbidden || undeclared) {
            continue;
        }
        let Exposure { source, address, interface, protocol, every_other_protocol, .. } = &row;
        let key = Key {
            undeclared: !forbidden,
            source: source.clone(),
            address: *address,
            interface: interface.as_deref().map(Into::into),
            protocol: *protocol,
            other_protocols: *every_other_protocol,
        };
        let at = out.entry(key).or_default();
        at.host = row.host.to_string();
        match &row.configured {
            Configured::Permitted(_) => at.open.push((row.ports, None)),
            Configured::Partly(_, clients) => {
                at.open.push((row.ports, Some(clients.addresses.clone())));
            }
            Configured::Unknown(_, gaps) => {
                at.unknown = at.unknown.union(&row.ports);
                at.why = gaps.first().map(|g| format!("{}: {}", g.scope, g.why));
            }
            Configured::Blocked(_) | Configured::NotApplicable => {}
        }
    }
    out
}

/// What of a piece some client gets to who did not before.
fn left((ports, from): &Piece, before: &[Piece]) -> Vec<Piece> {
    let mut pieces = vec![(ports.clone(), from.clone())];
    for (had, by) in before {
        let mut next = Vec::new();
        for (ports, from) in pieces {
            let rest = ports.subtract(had);
            let both = ports.intersect(had);
            let clients = match (&from, by) {
                (_, None) => None,
                (None, Some(_)) => Some(None),
                (Some(now), Some(then)) => {
                    let more = now.subtract(then);
                    (!more.is_empty()).then_some(Some(more))
                }
            };
            if let Some(clients) = clients.filter(|_| !both.is_empty()) {
                next.push((both, clients));
            }
            if !rest.is_empty() {
                next.push((rest, from));
            }
        }
        pieces = next;
    }
    pieces.retain(|(ports, _)| !ports.is_empty());
    pieces
}

/// Adds the permission that these fields name to its group, and names the interfaces that carry it.
/// `None` where the group is not there, or the fields name no permission.
pub(super) fn add_permission(
    snapshot: &mut Snapshot,
    fields: &BTreeMap<String, String>,
) -> Option<BTreeSet<String>> {
    let text = |key: &str| fields.get(key).cloned();
    let number = |key: &str| text(key)?.parse::<i32>().ok().map(|n| (n >= 0).then_some(n));
    let (group, peer) = (text("group")?, text("peer")?);
    let mut permission = json!({
        "IpProtocol": text("protocol")?, "FromPort": number("from")?, "ToPort": number("to")?,
    });
    let (list, row) = match peer.as_str() {
        p if p.starts_with("sg-") => ("UserIdGroupPairs", json!([{"GroupId": peer}])),
        p if p.starts_with("pl-") => ("PrefixListIds", json!([{"PrefixListId": peer}])),
        p if p.contains(':') => ("Ipv6Ranges", json!([{"CidrIpv6": peer}])),
        _ => ("IpRanges", json!([{"CidrIp": peer}])),
    };
    permission[list] = row;
    let view = region(snapshot, |v| v.security_groups.iter().any(|g| g.group_id == group))?;
    let found = view.security_groups.iter_mut().find(|g| g.group_id == group)?;
    let side = match text("direction")?.as_str() {
        "egress" => &mut found.ip_permissions_egress,
        _ => &mut found.ip_permissions,
    };
    side.push(serde_json::from_value(permission).ok()?);
    let carries = |i: &&Interface| i.groups.iter().any(|g| g.group_id == group);
    Some(names(view.network_interfaces.iter().filter(carries)))
}

pub(super) fn region(
    snapshot: &mut Snapshot,
    has: impl Fn(&RegionView) -> bool,
) -> Option<&mut RegionView> {
    snapshot.regions.iter_mut().find(|view| has(view))
}

pub(super) fn names<'a>(interfaces: impl Iterator<Item = &'a Interface>) -> BTreeSet<String> {
    interfaces.map(|i| i.network_interface_id.clone()).collect()
}
