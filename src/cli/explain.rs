use super::block::block;
use super::saved::{AnswerFormat, SavedArgs, escape, print};
use super::{CliError, ExitStatus, Global};
use crate::model::{AddressSet, Family, GapKind, PortSet, PortSpec, Protocol};
use crate::reach::{
    Configured, End, Explanation, HopVerdict, Layer, Options, Path, Query, QueryError, Reach,
};
use crate::snapshot::owners;
use clap::Args;
use ipnetwork::IpNetwork;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Arguments of `portcullis explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Where the flow begins: an address, `internet`, a block, an instance, an interface or a balancer
    #[arg(long, value_name = "ADDR|internet|HOST|INTERFACE")]
    pub from: String,
    /// Where it ends: an instance, an interface, a balancer, an address or `internet`
    #[arg(long, value_name = "HOST|INTERFACE|ADDR")]
    pub to: String,
    /// Protocol and destination ports: `tcp/443`, `icmp/echo`; `tcp` asks for every tcp port, and
    /// without this flag every tcp and udp port and ICMP type is asked for: the verdict is then
    /// `partly` where they differ
    #[arg(long, value_name = "PROTO[/PORTS]")]
    pub port: Option<String>,
    #[command(flatten)]
    pub saved: SavedArgs,
    /// How to print
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub format: AnswerFormat,
}

/// Runs `portcullis explain`.
///
/// # Errors
/// Usage and tool errors, an end that names nothing or several things.
pub fn run(args: &ExplainArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let spec = match &args.port {
        Some(text) => Some(text.parse::<PortSpec>().map_err(CliError::new)?),
        None => None,
    };
    let query = Query {
        from: end(&args.from)?,
        to: end(&args.to)?,
        protocol: spec.as_ref().map(|s| s.protocol),
        ports: spec.map_or_else(PortSet::all, |s| s.ports),
    };
    let snapshot = args.saved.read(global)?;
    let options = Options { assume_bpa_off: args.saved.accepts(GapKind::VpcBpa) };
    let answer = Reach::new(&snapshot, &options).explain(&query).map_err(refused)?;
    match args.format {
        AnswerFormat::Json => {
            let text = serde_json::to_string_pretty(&machine(&answer))
                .map_err(|e| CliError::new("print the answer").because(e))?;
            print(&format!("{text}\n"))?;
        }
        AnswerFormat::Text => print(&text(args, &answer, &owners(&snapshot)))?,
    }
    Ok(args.saved.status(&answer.gaps))
}

/// Reads an end of the flow; what is neither `internet` nor an address is a resource.
fn end(text: &str) -> Result<End, CliError> {
    if text == "internet" {
        return Ok(End::Internet);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(End::Address(address.to_canonical()));
    }
    if text.parse::<IpNetwork>().is_err() {
        return Ok(End::Resource(text.into()));
    }
    let block = block(text);
    let block =
        block.map_err(|why| CliError::new(format!("use the block `{text}`")).because(why))?;
    Ok(End::Network([block].into_iter().collect()))
}

fn refused(error: QueryError) -> CliError {
    let said = CliError::new(format!("explain: {}", escape(&error.to_string())));
    match error {
        QueryError::Ambiguous { .. } => said.hint("name the interface or the instance by its id"),
        QueryError::NoSuchResource { similar, unseen, .. } => {
            let said = match similar {
                Some(similar) => said.hint(format!("did you mean {}?", escape(&similar))),
                None => said,
            };
            // It may be there all the same: that is no usage error, and no *no*.
            let Some(gap) = unseen.first() else { return said };
            said.hint(format!("not all could be seen: {}", escape(&gap.to_string())))
                .with_status(ExitStatus::Incomplete)
        }
        _ => said,
    }
}

/// The frozen machine form, with the hops and the parts that differ beside it.
#[must_use]
pub fn machine(answer: &Explanation) -> Value {
    let configured = &answer.configured;
    let path = configured.path();
    let has_ports = |p: &Protocol| p.has_ports();
    // ICMP, ESP and the like come from no port.
    let client_ports = |c: &Configured, ports: bool| match c {
        _ if !ports => Value::Null,
        Configured::Permitted(path) => json!(path.client_ports().to_strings()),
        Configured::Partly(_, clients) => json!(clients.ports.to_strings()),
        Configured::Blocked(_) => json!([]),
        Configured::Unknown(..) | Configured::NotApplicable => Value::Null,
    };
    let ported = answer.slices.is_empty() || answer.slices.iter().any(|(p, ..)| has_ports(p));
    let slices: Vec<Value> = answer
        .slices
        .iter()
        .map(|(protocol, ports, c)| {
            json!({
                "protocol": protocol,
                "ports": PortSpec::new(*protocol, ports.clone()).port_strings(),
                "verdict": c.verdict(),
                "decided_by": c.path().map(|p| p.decided_by()),
                "client_ports": client_ports(c, has_ports(protocol)),
            })
        })
        .collect();
    json!({
        "verdict": configured.verdict(),
        "decided_by": path.map(|p| p.decided_by()),
        "path": path.map(places).unwrap_or_default(),
        "client_ports": client_ports(configured, ported),
        "clients": match configured {
            Configured::Partly(_, clients) => json!(anyone(&clients.addresses).to_networks()),
            _ => Value::Null,
        },
        "assumptions": path.map(|p| p.assumptions()),
        "gaps": answer.gaps,
        "notes": answer.notes,
        "hops": path.map(|p| p.hops()),
        "slices": slices,
    })
}

/// The set as people write it: the whole public space of a family is everyone of it.
fn anyone(clients: &AddressSet) -> AddressSet {
    let families =
        [(Family::V4, AddressSet::all_v4()), (Family::V6, AddressSet::all_v6())].into_iter();
    families.fold(clients.clone(), |set, (family, all)| {
        let whole = set.is_superset(&AddressSet::public().of_family(family));
        if whole { set.union(&all) } else { set }
    })
}

/// The ids of the places on a path, in packet order: filters stand in `hops` only.
fn places(path: &Path) -> Vec<&str> {
    let place = |layer: Layer| {
        !matches!(
            layer,
            Layer::SecurityGroup
                | Layer::NetworkAcl
                | Layer::RouteTable
                | Layer::NetworkInterface
                | Layer::BlockPublicAccess
                | Layer::NotModelled
        )
    };
    let mut ids: Vec<&str> = Vec::new();
    for (at, hop) in path.hops().iter().enumerate() {
        // An interface without an instance stands for itself.
        let bare = hop.layer == Layer::NetworkInterface
            && !at.checked_sub(1).is_some_and(|i| {
                matches!(path.hops()[i].layer, Layer::Instance | Layer::VpcEndpoint)
            });
        if (place(hop.layer) || bare) && ids.last() != Some(&&*hop.id) {
            ids.push(&hop.id);
        }
    }
    ids
}

/// The hops for people; the one that decides is marked.
fn text(args: &ExplainArgs, answer: &Explanation, owners: &BTreeMap<&str, String>) -> String {
    let port = args.port.as_deref().unwrap_or("any port");
    let verdict = answer.configured.verdict();
    let (from, to) = (escape(&args.from), escape(&args.to));
    let mut out = format!("{verdict}: {from} to {to}, {port}\n");
    if let Some(path) = answer.configured.path() {
        let width = path.hops().iter().map(|h| h.layer.name().len()).max().unwrap_or(0);
        let mut marked = false;
        for hop in path.hops() {
            let decides = !marked
                && hop.layer == path.decided_by().layer
                && hop.id == path.decided_by().id
                && hop.entry == path.decided_by().entry;
            marked |= decides;
            let mark = if decides { ">" } else { " " };
            let word = match hop.verdict {
                HopVerdict::Passes => "passes",
                HopVerdict::PartlyPasses => "passes some",
                HopVerdict::Blocks => "blocks",
                HopVerdict::Unknown => "unknown",
            };
            let entry = hop.entry.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
            let owner = owners.get(&*hop.id).map(|o| format!(" ({o})")).unwrap_or_default();
            let line = escape(&format!("{}{owner}  {word}{entry}", hop.id));
            out += &format!("{mark} {:width$}  {line}\n", hop.layer.name());
        }
        if !marked {
            let decider = path.decided_by();
            let entry = decider.entry.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
            let line = escape(&format!("{}{entry}", decider.id));
            out += &format!("> {:width$}  {line}\n", decider.layer.name());
        }
        for assumption in path.assumptions() {
            out += &format!("assumed: {}: {}\n", assumption.code, escape(&assumption.text));
        }
    }
    if let Configured::Partly(_, clients) = &answer.configured
        && answer.slices.len() == 1
    {
        out += &format!("clients: {}", anyone(&clients.addresses));
        if answer.slices.iter().any(|(p, ..)| p.has_ports()) {
            out += &format!("; their ports: {}", clients.ports);
        }
        out.push('\n');
    }
    if answer.slices.len() > 1 {
        for (protocol, ports, configured) in &answer.slices {
            let spec = PortSpec::new(*protocol, ports.clone());
            let decider = configured.path().map(|p| p.decided_by());
            let by = decider.map(|d| escape(&d.layer.component(&d.id))).unwrap_or_default();
            out += &format!("  {spec}: {} by {by}\n", configured.verdict());
        }
    }
    for note in &answer.notes {
        out += &format!("note: {} ({})\n", escape(&note.text), escape(&note.id));
    }
    for gap in &answer.gaps {
        out += &format!("not seen: {}\n", escape(&gap.to_string()));
    }
    out
}
