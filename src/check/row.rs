use crate::exposure::{Declared, Exposure, ObservedCell};
use crate::finding::{Evidence, Side};
use crate::model::{AddressSet, Expect, Family, PortSet, PortSpec, Protocol};
use crate::observation::{Observation, State};
use crate::reach::{Configured, Decider, Path};
use crate::rule::{Fact, Facts};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A row as rules see it. Facts are made when a rule asks for them.
pub(super) struct Row<'a> {
    pub(super) exposure: &'a Exposure,
    /// The ports that the finding is about.
    pub(super) ports: &'a PortSet,
    /// The address family, where the other one fares differently.
    pub(super) family: Option<Family>,
}

/// TCP and UDP ports that give administration of a machine, of its containers or of its memory to
/// whoever reaches them and gets past a password, where there is one: telnet, SSH, SMB, IPMI, the
/// Docker engine, RDP, VNC, WinRM, the Kubernetes API and kubelet, etcd.
const ADMIN_TCP: [u16; 15] =
    [22, 23, 445, 2375, 2376, 2379, 2380, 3389, 5900, 5901, 5985, 5986, 6443, 10250, 10255];
const ADMIN_UDP: [u16; 2] = [623, 3389];

/// Observations named one by one; more are counted.
const MAX_SEEN: usize = 4;

impl Facts for Row<'_> {
    fn fact(&self, name: &str) -> Option<Fact> {
        let row = self.exposure;
        let cells = || row.cells();
        let text = |text: &str| Some(Fact::Text(text.into()));
        match name {
            "subject" => Some(Fact::Text(row.called(self.ports))),
            "host" => text(&row.host),
            "roles" => Some(Fact::List(row.roles.to_vec())),
            "address" => Some(Fact::Text(row.address.to_string())),
            "public" => Some(Fact::Flag(AddressSet::is_outside(row.address))),
            "family" => text(match self.family {
                None => "",
                Some(Family::V4) => " over IPv4",
                Some(Family::V6) => " over IPv6",
            }),
            "interface" => text(row.interface.as_deref().unwrap_or_default()),
            "protocol" => Some(Fact::Text(row.protocol.to_string())),
            "ports" => {
                Some(Fact::Text(PortSpec::new(row.protocol, self.ports.clone()).to_string()))
            }
            "first_port" => Some(Fact::Number(self.ports.first().unwrap_or(0).into())),
            "last_port" => {
                Some(Fact::Number(self.ports.ranges().last().map_or(0, |(_, h)| *h).into()))
            }
            "port_count" => Some(Fact::Number(self.ports.len().into())),
            "admin_port" => Some(Fact::Flag(admin(row.protocol, self.ports))),
            "source" => Some(Fact::Text(row.source.to_string())),
            "declared" => text(cells().declared.name()),
            "configured" => text(cells().configured.name()),
            "observed" => text(cells().observed.name()),
            "saw" => Some(Fact::Text(saw(row))),
            "probed" => Some(Fact::Number(i64::try_from(row.probed()).unwrap_or(i64::MAX))),
            "service" => text(row.service.as_deref().unwrap_or_default()),
            "expects" => text(match &row.expect {
                None | Some(Expect::Connect) => "connect",
                Some(Expect::Path) => "path",
                Some(e) => e.service().unwrap_or("connect"),
            }),
            "layer" => text(row.configured.path().map_or("", |p| p.decided_by().layer.name())),
            "decided_by" => Some(Fact::Text(decided_by(&row.configured))),
            "lets_in" => Some(Fact::Text(lets_in(&row.configured))),
            "refusal" => text(match cells().observed {
                ObservedCell::Refused => "the path is open and nothing listens",
                ObservedCell::RefusedUnplaced => {
                    "nothing listens, or a firewall on the way refuses in the host's name"
                }
                _ => "",
            }),
            "clients" => Some(Fact::Text(clients(&row.configured))),
            _ => None,
        }
    }
}

fn admin(protocol: Protocol, ports: &PortSet) -> bool {
    let list: &[u16] = match protocol {
        Protocol::Tcp => &ADMIN_TCP,
        Protocol::Udp => &ADMIN_UDP,
        _ => &[],
    };
    list.iter().any(|p| ports.contains(*p))
}

/// What the vantages saw: `silent from edge-1`, `open from a, silent from b`, `not probed`.
pub(super) fn saw(row: &Exposure) -> String {
    let mut by_state: BTreeMap<State, Vec<&str>> = BTreeMap::new();
    for observation in &row.observations {
        let vantages = by_state.entry(observation.state).or_default();
        if !vantages.contains(&observation.vantage.as_str()) {
            vantages.push(&observation.vantage);
        }
    }
    let mut out = String::new();
    for (state, vantages) in by_state {
        if !out.is_empty() {
            out.push_str(", ");
        }
        let word = match state {
            State::Open if !row.confirmed => "open, but unconfirmed,",
            State::Refused if !row.confirmed => "refused, nobody knows by whom,",
            State::Unprobed => "no evidence",
            state => state.name(),
        };
        let _ = write!(out, "{word} from {}", vantages.join(" and "));
        let detail = row.observations.iter().find(|o| o.state == state);
        let told = state != State::Open || row.cells().observed == ObservedCell::Unproven;
        if let Some(detail) = detail.and_then(|o| o.detail.as_deref()).filter(|_| told) {
            let _ = write!(out, ": {detail}");
        }
    }
    if out.is_empty() {
        out.push_str("not probed");
    }
    out
}

/// The resource that decides and its line: `security-group sg-1 (ingress tcp/22 from …)`.
pub(super) fn decided_by(configured: &Configured) -> String {
    match configured.path().map(Path::decided_by) {
        None => "nothing that can be read".into(),
        Some(d) => line(d),
    }
}

fn line(d: &Decider) -> String {
    match &d.entry {
        Some(entry) => format!("{} ({entry})", d.layer.component(&d.id)),
        None => d.layer.component(&d.id),
    }
}

/// What lets clients in, and of `partly` what keeps some of them out: what decides of such a row is the
/// line that takes away, and whoever is to close it looks for the other one.
fn lets_in(configured: &Configured) -> String {
    let (path, partly) = match configured {
        Configured::Permitted(path) => (path, false),
        Configured::Partly(path, _) => (path, true),
        _ => return String::new(),
    };
    let decider = path.decided_by();
    let opens = if partly { path.opened_by() } else { Some(decider.clone()) };
    match opens {
        Some(opens) if opens == *decider => format!("{} lets it in", line(&opens)),
        Some(opens) => {
            format!("{} lets it in, and {} takes a part of it away", line(&opens), line(decider))
        }
        None => format!("{} takes only a part of it away", line(decider)),
    }
}

/// For `partly`: ` (only 192.0.2.0/24)`, ready to stand at the end of a clause.
fn clients(configured: &Configured) -> String {
    let Configured::Partly(_, clients) = configured else { return String::new() };
    let networks = clients.addresses.to_networks();
    let mut out = String::from(" (only");
    if clients.addresses.is_superset(&AddressSet::public()) {
        out.push_str(" some clients");
    } else {
        for (i, network) in networks.iter().take(MAX_SEEN).enumerate() {
            let _ = write!(out, "{} {network}", if i > 0 { "," } else { "" });
        }
        if networks.len() > MAX_SEEN {
            let _ = write!(out, " and {} more blocks", networks.len() - MAX_SEEN);
        }
    }
    // Clients choose from these: others make no difference to them.
    if !clients.ports.is_superset(&PortSet::range(1024, u16::MAX)) {
        let _ = write!(out, ", from client ports {}", clients.ports);
    }
    out.push(')');
    out
}

/// The evidence of a row: what was declared, what decides, what was seen.
pub(super) fn evidence(row: &Exposure, ports: &PortSet) -> Vec<Evidence> {
    let spec = PortSpec::new(row.protocol, ports.clone());
    let what = if row.every_other_protocol { "other protocols".into() } else { spec.to_string() };
    let (roles, source) = (row.roles.join(", "), &row.source);
    let declared = match (row.declared, &row.service) {
        (Declared::Required, Some(service)) => {
            format!("service {service} of role {roles}: {what} is required from {source}")
        }
        (Declared::Required, None) => format!("{what} is required from {source}"),
        (Declared::Allowed, _) => format!("{what} is allowed from {source}"),
        (Declared::Forbidden, _) => format!("{what} is forbidden from {source}"),
        (Declared::Absent, _) if roles.is_empty() => {
            let host = row
                .owner
                .as_ref()
                .map_or_else(|| row.host.to_string(), |owner| format!("{owner} ({})", row.host));
            format!("{host} is in no role, so nothing of it is declared")
        }
        (Declared::Absent, _) => {
            format!("no service or `allow` of role {roles} declares {what} from {source}")
        }
    };
    let mut out = vec![Evidence::declared(declared, row.place.as_ref())];
    let verdict = row.configured.verdict();
    match row.configured.path() {
        Some(path) => out.push(Evidence::seen(
            Side::Configured,
            format!(
                "{verdict} to {}{}: {}",
                row.address,
                clients(&row.configured),
                decided_by(&row.configured)
            ),
            Some(path.decided_by().id.to_string()),
        )),
        None => out.push(Evidence::seen(
            Side::Configured,
            format!("{verdict}: {} is outside every cloud that was read", row.address),
            Some(row.address.to_string()),
        )),
    }
    for observation in row.observations.iter().take(MAX_SEEN) {
        let resource = Some(observation.vantage.clone());
        out.push(Evidence::seen(Side::Observed, describe(observation), resource));
    }
    let more = row.observations.len().saturating_sub(MAX_SEEN);
    if more > 0 {
        let text = format!("{more} more probes of the row saw the same kind of thing");
        out.push(Evidence::seen(Side::Observed, text, None));
    }
    out
}

fn describe(o: &Observation) -> String {
    let mut out = format!("{} is {} from {}", o.endpoint(), o.state, o.vantage);
    if let Some(service) = &o.service {
        let _ = write!(out, ", as {service}");
    }
    if let Some(by) = o.by {
        let _ = write!(out, ", answered by {by}");
    }
    if o.tries > 1 {
        let _ = write!(out, ", after {} tries", o.tries);
    }
    if let Some(detail) = &o.detail {
        let _ = write!(out, ": {detail}");
    }
    out
}
