use super::aws::ip_permissions;
use super::live::{self, Live};
use super::mend::{MAX_BLOCKS, blocks};
use super::shell::command;
use super::stale::revoke_peer_of;
use super::terraform::{ingress_rules, removed};
use super::{Ground, Mend, Traffic};
use crate::model::{AddressSet, Family, PortSet, PortSpec, Protocols, SourceName};
use crate::reach::{Hop, HopVerdict, Layer, Path};
use crate::snapshot::{GroupPair, SecurityGroup};

/// Permissions that one mend speaks of: more are told by their number.
const MAX_MENDS: usize = 4;

/// Something declared that hosts behind a security group must or may let in.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    pub protocols: Protocols,
    pub ports: &'a PortSet,
    pub source: &'a SourceName,
    pub clients: &'a AddressSet,
    /// The declared service; `None` for `allow`.
    pub service: Option<&'a str>,
    pub role: &'a str,
}

/// What a permission lets in of a need, and nothing else of its group does.
struct Rest<'a> {
    need: Need<'a>,
    protocols: Protocols,
    ports: PortSet,
    clients: AddressSet,
}

/// What would stop the traffic: the permissions of the interface's groups that let it in.
///
/// `needs` gives what is declared for any host of a group. A permission that lets in some of that is not
/// taken out before the rest of it has a permission of its own.
#[must_use]
pub fn close<'a>(
    traffic: &Traffic<'_>,
    ground: &Ground<'_>,
    needs: &dyn Fn(&str) -> Vec<Need<'a>>,
) -> Vec<Mend> {
    let Some((at, interface)) = traffic.interface.and_then(|id| ground.interface(id)) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (_, group) in interface.groups.iter().filter_map(|g| ground.group(&g.group_id)) {
        let needs = needs(&group.group_id);
        let (wrong, fine): (Vec<_>, Vec<_>) =
            live::ingress(group, ground).partition(|p| lets_in_more(p, traffic, &needs));
        for permission in wrong {
            let rest: Vec<_> =
                needs.iter().filter_map(|n| rest(n, &permission, group, &fine, ground)).collect();
            out.push(take_out(at.0, group, &permission, &rest, traffic));
        }
        out.extend(of_groups(group, traffic, ground, &needs));
    }
    if out.len() > MAX_MENDS {
        let more = out.len() - MAX_MENDS;
        out.truncate(MAX_MENDS);
        let text = format!("look at {more} more permissions of the same groups that let it in");
        out.push(Mend { text, command: None, terraform: None });
    }
    out
}

/// What would stop what a balancer without a security group lets in, in words. Whoever takes a listener
/// away takes it from every client, and a permission of a target is told from its neighbours only where
/// the target sees the clients' addresses: neither is a command to be copied.
#[must_use]
pub fn close_listener(path: &Path, traffic: &Traffic<'_>, ground: &Ground<'_>) -> Option<Mend> {
    let hops = path.hops();
    let at = hops.iter().position(|h| h.layer == Layer::LoadBalancer)?;
    // Where one stands there, taking out its permission is the mend: see [`close`].
    let before = hops[..at].iter().any(|h| h.layer == Layer::SecurityGroup);
    if before || traffic.interface.is_some_and(|id| ground.groups_of(id).next().is_some()) {
        return None;
    }
    let balancer = &hops[at];
    let line = |hop: &Hop| hop.entry.as_ref().map_or(String::new(), |entry| format!(" ({entry})"));
    let mut text = format!(
        "no security group stands before {}{}, so its listener takes in every client: take it away by hand \
         where nobody else needs it",
        balancer.layer.component(&balancer.id),
        line(balancer)
    );
    let passes = |h: &&Hop| {
        h.layer == Layer::SecurityGroup
            && matches!(h.verdict, HopVerdict::Passes | HopVerdict::PartlyPasses)
    };
    if let Some(group) = hops[at..].iter().find(passes) {
        text += &format!(
            ", or narrow what {}{} lets in, where its target sees the clients' addresses",
            group.layer.component(&group.id),
            line(group)
        );
    }
    Some(Mend { text, command: None, terraform: None })
}

/// What takes out the permissions whose peers are groups that these clients carry.
fn of_groups(
    group: &SecurityGroup,
    traffic: &Traffic<'_>,
    ground: &Ground<'_>,
    needs: &[Need<'_>],
) -> Vec<Mend> {
    let id = group.group_id.as_str();
    let mut out = Vec::new();
    for raw in &group.ip_permissions {
        let Some((protocol, ports)) = live::protocol(raw) else { continue };
        if protocol.is_some_and(|p| p != traffic.protocol) || !ports.intersects(traffic.ports) {
            continue;
        }
        let spec = protocol.map_or_else(
            || "all".to_owned(),
            |protocol| PortSpec::new(protocol, ports.clone()).to_string(),
        );
        let protocols = protocol.map_or(Protocols::All, Protocols::One);
        let carried = |peer: &&GroupPair| ground.is_carried(&peer.group_id, traffic.clients);
        for peer in raw.user_id_group_pairs.iter().filter(carried) {
            let name = format!("ingress {spec} from {}", peer.group_id);
            let needed = needs.iter().find(|n| {
                matches!(n.source, SourceName::Role(_))
                    && n.protocols.intersect(protocols).is_some()
                    && n.ports.intersects(&ports)
            });
            let made = match needed {
                Some(need) => {
                    let text = format!(
                        "`{name}` of {id} lets in what may be declared, too ({}): permit that by itself, and then take it out",
                        need.said()
                    );
                    Some(Mend { text, command: None, terraform: None })
                }
                None => revoke_peer_of(ground, id, true, &peer.group_id, &|other| other == raw)
                    .map(|mend| Mend { text: format!("take `{name}` out of {id}"), ..mend }),
            };
            out.extend(made);
        }
    }
    out
}

/// Whether a permission lets in any of the traffic that is not declared for narrower sources.
fn lets_in_more(permission: &Live<'_>, traffic: &Traffic<'_>, needs: &[Need<'_>]) -> bool {
    if !permission.lets_in(traffic) {
        return false;
    }
    let ports = permission.ports.intersect(traffic.ports);
    let family = traffic.clients.of_family(Family::of(traffic.address));
    let narrower = needs.iter().filter(|n| {
        n.protocols.contains(traffic.protocol)
            && n.ports.is_superset(&ports)
            && !n.clients.is_superset(&family)
    });
    let left = permission.clients().intersect(&family);
    !narrower.fold(left, |left, n| left.subtract(n.clients)).is_empty()
}

/// What of a need would be lost with the permission; `None` where other permissions that stay let it in.
fn rest<'a>(
    need: &Need<'a>,
    permission: &Live<'_>,
    group: &SecurityGroup,
    fine: &[Live<'_>],
    ground: &Ground<'_>,
) -> Option<Rest<'a>> {
    let (protocols, ports, mut clients) = permission.serves(need)?;
    for other in fine.iter().filter(|p| p.passes(protocols, &ports)) {
        clients = clients.subtract(&other.clients());
    }
    clients = live::not_by_groups(group, (protocols, &ports), clients, ground);
    (!clients.is_empty()).then_some(Rest { need: *need, protocols, ports, clients })
}

fn take_out(
    region: &str,
    group: &SecurityGroup,
    permission: &Live<'_>,
    rest: &[Rest<'_>],
    traffic: &Traffic<'_>,
) -> Mend {
    let (id, name) = (group.group_id.as_str(), permission.to_string());
    let ec2 = |call: &str, permissions: &str| {
        let words = ["--region", region, "--group-id", id, "--ip-permissions", permissions];
        command(["aws", "ec2", call].into_iter().chain(words))
    };
    let revoke = ec2("revoke-security-group-ingress", &permission.raw());
    let gone = removed(id, true, std::slice::from_ref(&name));
    if rest.is_empty() {
        let wider = !traffic.ports.is_superset(&permission.ports)
            || permission.protocol != Some(traffic.protocol);
        let wider = if wider {
            "; it lets in more than this, and nothing declared rests on it alone"
        } else {
            ""
        };
        let text = format!("take `{name}` out of {id}{wider}");
        return Mend { text, command: Some(revoke), terraform: Some(gone) };
    }
    let mut said: Vec<String> = rest.iter().map(|r| r.need.said()).collect();
    said.dedup();
    let more = said.len().saturating_sub(MAX_MENDS);
    said.truncate(MAX_MENDS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let said = said.join(", ");
    // Other hosts of the group need just this, from the very clients that are to be kept out here.
    if rest.iter().any(|r| r.is_all_of(traffic) || r.is_all_of_permission(permission, traffic)) {
        let text = format!(
            "`{name}` of {id} lets in what is declared, too ({said}{more}), so it stays: give this host a group of its own"
        );
        return Mend { text, command: None, terraform: None };
    }
    let text = format!(
        "`{name}` of {id} lets in what is declared, too ({said}{more}): permit that by itself, and then take it out"
    );
    let family = Family::of(traffic.address);
    let mut commands = Vec::new();
    let mut terraform = String::new();
    for Rest { need, protocols, ports, clients } in rest {
        let mut blocks = blocks(clients, family);
        // Half the internet is many blocks of what is routed: the permission's own let in nobody new.
        let of_traffic = protocols.contains(traffic.protocol) && ports.intersects(traffic.ports);
        if blocks.len() > MAX_BLOCKS && !of_traffic {
            blocks = permission.clients().to_networks();
        }
        let protocol = match protocols {
            Protocols::One(protocol) => Some(Some(*protocol)),
            Protocols::All => Some(None),
            // No permission says it: each protocol has its own.
            Protocols::Others => None,
        };
        // A role's members change, and with them their addresses: that is for a group as the peer.
        let by_group = matches!(need.source, SourceName::Role(_));
        let Some(protocol) = protocol.filter(|_| !by_group && blocks.len() <= MAX_BLOCKS) else {
            return Mend { text, command: None, terraform: None };
        };
        let permissions = ip_permissions(protocol, ports, &blocks);
        let line = ec2("authorize-security-group-ingress", &permissions);
        if !commands.contains(&line) {
            commands.push(line);
            terraform += &ingress_rules(id, protocol, ports, &blocks);
        }
    }
    commands.push(revoke);
    terraform += &gone;
    Mend { text, command: Some(commands.join("\n")), terraform: Some(terraform) }
}

impl Need<'_> {
    /// `service ssh of role web from office`.
    pub(super) fn said(&self) -> String {
        let what = match self.service {
            Some(service) => format!("service {service}"),
            None => match self.protocols {
                Protocols::One(protocol) => format!("what may be reached at {protocol}"),
                Protocols::Others => "what may be reached by other protocols".into(),
                Protocols::All => "all traffic that may be".into(),
            },
        };
        format!("{what} of role {} from {}", self.role, self.source)
    }
}

impl Rest<'_> {
    /// Whether what would be permitted for it is what the permission lets in already.
    fn is_all_of_permission(&self, permission: &Live<'_>, traffic: &Traffic<'_>) -> bool {
        let let_in = AddressSet::from_networks(blocks(&self.clients, Family::of(traffic.address)));
        permission.passes(self.protocols, &self.ports)
            && self.ports.is_superset(&permission.ports)
            && permission.protocol.is_none_or(|p| self.protocols == Protocols::One(p))
            && (permission.protocol.is_some() || self.protocols == Protocols::All)
            && let_in.is_superset(&permission.clients())
    }

    /// Whether what would be permitted for it lets the traffic in, from all who send it.
    fn is_all_of(&self, traffic: &Traffic<'_>) -> bool {
        let family = Family::of(traffic.address);
        let let_in = AddressSet::from_networks(blocks(&self.clients, family));
        self.protocols.contains(traffic.protocol)
            && self.ports.intersects(traffic.ports)
            && let_in.is_superset(&traffic.clients.of_family(family))
    }
}
