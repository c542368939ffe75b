//! Whether taking an act back would open what the spec does not want open.

use crate::cleanup::receipt::Receipted;
use crate::cleanup::{Reason, Refusal, aws};
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

/// Whether taking it back can let anybody in who is kept out now. What answers go out by (egress),
/// volumes, tags, and targets of a balancer that is there all the while, do not.
#[must_use]
pub fn may_open(it: &Receipted) -> bool {
    match (it.item.kind.as_str(), it.undo.as_deref()) {
        (aws::PERMISSION, Some("authorize")) => {
            it.immutable.get("direction").map(String::as_str) != Some("egress")
        }
        (aws::INSTANCE, Some(undo)) => matches!(undo, "start" | "rejoin"),
        (aws::INTERFACE, Some(undo)) => undo == "attach",
        _ => false,
    }
}

/// Judges an undo by what can be reached with it and without it, and gives the account as it will be.
///
/// # Errors
/// [`Reason::Exposes`]: it would open what the spec forbids, or what nobody declared for the
/// internet; or nobody can say.
pub fn reopens(spec: &Spec, now: &Snapshot, it: &Receipted) -> Result<Snapshot, Refusal> {
    let undo = it.undo.as_deref().unwrap_or("taking it back");
    let no = |says: String| Refusal::of(Reason::Exposes, it.item.clone(), says);
    let mut then = now.clone();
    let touched = take_back(&mut then, it).ok_or_else(|| {
        no(format!("what {undo} would open nobody can say: not all of it is there"))
    })?;
    let (before, after) = (unwanted(spec, now), unwanted(spec, &then));
    for (key, row) in &after {
        let was = before.get(key);
        let opened =
            row.open.iter().find_map(|piece| left(piece, was.map_or(&[][..], |w| &w.open)));
        if let Some(ports) = opened {
            let why =
                if key.undeclared { "which nobody declared" } else { "which the spec forbids" };
            let says = format!(
                "{undo} would open {} to {} at {}, {why}: it goes back once people agreed to that in the spec",
                row.subject(key, &ports),
                key.source,
                key.address
            );
            return Err(no(says));
        }
        if key.interface.as_ref().is_some_and(|i| touched.contains(i)) && !row.unknown.is_empty() {
            let says = format!(
                "what {undo} would open to {} at {} nobody can say: {}",
                key.source,
                key.address,
                row.why.as_deref().unwrap_or("not everything that decides was read")
            );
            return Err(no(says));
        }
    }
    Ok(then)
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

/// What is open there: ports with the clients that may, `None` for all of the source.
#[derive(Debug, Default)]
struct Row {
    host: String,
    open: Vec<(PortSet, Option<AddressSet>)>,
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
}

/// Everything that the spec forbids, or that nobody declared for the internet, and is open or may be.
fn unwanted(spec: &Spec, snapshot: &Snapshot) -> BTreeMap<Key, Row> {
    let resolution = resolve::resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    let joined = exposure::join(spec, &resolution, &reach, &Observations::default(), None);
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

/// The ports of a piece that some client gets to who did not before.
fn left(
    (ports, from): &(PortSet, Option<AddressSet>),
    before: &[(PortSet, Option<AddressSet>)],
) -> Option<PortSet> {
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
    pieces.into_iter().map(|(ports, _)| ports).find(|ports| !ports.is_empty())
}

/// Changes a snapshot as the undo would change the account, and names the interfaces that it touches.
/// `None` where something of it is not there.
fn take_back(snapshot: &mut Snapshot, it: &Receipted) -> Option<BTreeSet<String>> {
    let id = it.item.id.as_str();
    match it.undo.as_deref()? {
        "authorize" => {
            let text = |key: &str| it.immutable.get(key).cloned();
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
            found.ip_permissions.push(serde_json::from_value(permission).ok()?);
            let carries = |i: &&Interface| i.groups.iter().any(|g| g.group_id == group);
            Some(names(view.network_interfaces.iter().filter(carries)))
        }
        "rejoin" => {
            let view = region(snapshot, |v| v.instances.iter().any(|i| i.instance_id == id))?;
            let mut touched = BTreeSet::new();
            for (name, groups) in it.handed.iter().filter(|(k, _)| k.starts_with("eni-")) {
                let mut all = view.network_interfaces.iter_mut();
                let interface = all.find(|i| i.network_interface_id == *name)?;
                let groups: Vec<_> =
                    groups.split_whitespace().map(|g| json!({"GroupId": g})).collect();
                interface.groups = serde_json::from_value(groups.into()).ok()?;
                touched.insert(name.clone());
            }
            (!touched.is_empty()).then_some(touched)
        }
        "start" => {
            let view = region(snapshot, |v| v.instances.iter().any(|i| i.instance_id == id))?;
            view.instances.iter_mut().find(|i| i.instance_id == id)?.state.name = "running".into();
            let of = |i: &&Interface| {
                i.attachment.as_ref().and_then(|a| a.instance_id.as_deref()) == Some(id)
            };
            Some(names(view.network_interfaces.iter().filter(of)))
        }
        "attach" => {
            let instance = it.handed.get("instance")?;
            let is = |i: &Interface| i.network_interface_id == id;
            let view = region(snapshot, |v| v.network_interfaces.iter().any(is))?;
            let interface = view.network_interfaces.iter_mut().find(|i| is(i))?;
            let attachment = json!({"InstanceId": instance, "Status": "attached"});
            interface.attachment = serde_json::from_value(attachment).ok()?;
            interface.status = Some("in-use".into());
            Some(BTreeSet::from([id.to_owned()]))
        }
        _ => None,
    }
}

fn region(snapshot: &mut Snapshot, has: impl Fn(&RegionView) -> bool) -> Option<&mut RegionView> {
    snapshot.regions.iter_mut().find(|view| has(view))
}

fn names<'a>(interfaces: impl Iterator<Item = &'a Interface>) -> BTreeSet<String> {
    interfaces.map(|i| i.network_interface_id.clone()).collect()
}

#[cfg(test)]
#[path = "reopen_tests.rs"]
mod tests;
