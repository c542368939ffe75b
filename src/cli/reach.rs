use super::block::block;
use super::saved::{AnswerFormat, SavedArgs, escape, print};
use super::{CliError, ExitStatus, Global};
use crate::model::{AddressSet, Gap, PortSet, PortSpec};
use crate::reach::{Configured, ExposedEndpoint, Options, Reach};
use clap::Args;
use ipnetwork::IpNetwork;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Arguments of `portcullis reach`.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// Who asks: `internet`, a block, or an address
    #[arg(long, value_name = "internet|CIDR|ADDR", default_value = "internet")]
    pub from: String,
    #[command(flatten)]
    pub saved: SavedArgs,
    /// How to print
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub format: AnswerFormat,
}

/// Runs `portcullis reach`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(args: &ReachArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let from = source(&args.from)?;
    let snapshot = args.saved.read(global)?;
    let options = Options { assume_bpa_off: args.saved.accepts(crate::model::GapKind::VpcBpa) };
    let reach = Reach::new(&snapshot, &options);
    let endpoints = merge(reach.exposed(&from));
    let mut gaps: BTreeSet<Gap> = reach.gaps().into_iter().collect();
    gaps.extend(endpoints.iter().flat_map(|e| e.configured.gaps().iter().cloned()));
    match args.format {
        AnswerFormat::Json => {
            let rows: Vec<Value> = endpoints.iter().map(row).collect();
            let gaps: Vec<&Gap> = gaps.iter().collect();
            let text = serde_json::to_string_pretty(&json!({ "endpoints": rows, "gaps": gaps }))
                .map_err(|e| CliError::new("print the endpoints").because(e))?;
            print(&format!("{text}\n"))?;
        }
        AnswerFormat::Text => print(&text(&args.from, &endpoints, &gaps))?,
    }
    Ok(args.saved.status(&gaps))
}

/// Reads `internet`, a block or an address.
fn source(text: &str) -> Result<AddressSet, CliError> {
    if text == "internet" {
        return Ok(AddressSet::outside());
    }
    text.parse::<IpAddr>()
        .map(|address| AddressSet::one(address.to_canonical()))
        .or_else(|_| block(text).map(|n| [n].into_iter().collect()))
        .map_err(|why| {
            let said = CliError::new(format!("read `{}` as a source", escape(text)));
            match text.parse::<IpNetwork>() {
                Ok(_) => said.because(why),
                Err(_) => {
                    said.hint("write `internet`, a block like 198.51.100.0/24, or an address")
                }
            }
        })
}

/// Joins endpoints that differ in the deciding line only: one row an address, protocol, source and
/// verdict. The first line stands for all.
fn merge(endpoints: Vec<ExposedEndpoint>) -> Vec<ExposedEndpoint> {
    let mut out: Vec<ExposedEndpoint> = Vec::with_capacity(endpoints.len());
    let mut start = 0;
    for endpoint in endpoints {
        let other = out.get(start).is_some_and(|first| {
            (first.address, &first.interface) != (endpoint.address, &endpoint.interface)
        });
        if other {
            start = out.len();
        }
        let clients = |e: &ExposedEndpoint| match &e.configured {
            Configured::Partly(_, clients) => Some(clients.ports.clone()),
            _ => None,
        };
        let twin = out[start..].iter_mut().find(|have| {
            have.protocol == endpoint.protocol
                && have.every_other_protocol == endpoint.every_other_protocol
                && have.sources == endpoint.sources
                && have.configured.verdict() == endpoint.configured.verdict()
                && clients(have) == clients(&endpoint)
                && have.configured.gaps() == endpoint.configured.gaps()
        });
        match twin {
            Some(have) => have.ports = have.ports.union(&endpoint.ports),
            None => out.push(endpoint),
        }
    }
    out
}

/// The machine form of one endpoint.
fn row(endpoint: &ExposedEndpoint) -> Value {
    let ExposedEndpoint {
        address,
        host,
        owner,
        interface,
        protocol,
        every_other_protocol,
        ports,
        sources,
        configured,
    } = endpoint;
    let protocol_name =
        if *every_other_protocol { "other".to_owned() } else { protocol.to_string() };
    let client_ports = match configured {
        Configured::Partly(_, clients) => json!(clients.ports.to_strings()),
        Configured::Permitted(path) => json!(path.client_ports().to_strings()),
        Configured::Unknown(..) | Configured::Blocked(_) | Configured::NotApplicable => Value::Null,
    };
    json!({
        "address": address,
        "host": host,
        "owner": owner,
        "interface": interface,
        "protocol": protocol_name,
        "ports": PortSpec::new(*protocol, ports.clone()).port_strings(),
        "sources": sources.to_networks(),
        "verdict": configured.verdict(),
        "client_ports": client_ports,
        "decided_by": configured.path().map(|p| p.decided_by()),
        "assumptions": configured.path().map(|p| p.assumptions()),
        "gaps": configured.gaps(),
    })
}

/// The endpoints for people.
fn text(from: &str, endpoints: &[ExposedEndpoint], gaps: &BTreeSet<Gap>) -> String {
    let mut lines: Vec<[String; 5]> = Vec::with_capacity(endpoints.len());
    for e in endpoints {
        let what = if e.every_other_protocol {
            "other protocols".to_owned()
        } else {
            PortSpec::new(e.protocol, e.ports.clone()).to_string()
        };
        let networks = e.sources.to_networks();
        let mut sources: Vec<String> = networks.iter().take(3).map(ToString::to_string).collect();
        if networks.len() > 3 {
            sources.push(format!("and {} more", networks.len() - 3));
        }
        // Where all addresses get through, what their systems choose is what cuts.
        if let Configured::Partly(_, clients) = &e.configured
            && e.protocol.has_ports()
            && !clients.ports.is_superset(&PortSet::range(1024, u16::MAX))
        {
            sources.push(format!("client ports {}", clients.ports));
        }
        lines.push([
            e.address.to_string(),
            what,
            e.configured.verdict().to_string(),
            sources.join(", "),
            escape(&match &e.owner {
                Some(owner) => format!("{owner} {}", e.interface),
                None if e.host == e.interface => e.host.to_string(),
                None => format!("{} {}", e.host, e.interface),
            }),
        ]);
    }
    let width = |column: usize| lines.iter().map(|l| l[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for [address, what, verdict, sources, host] in &lines {
        let [a, b, c, d] = widths;
        out += &format!("{address:a$}  {what:b$}  {verdict:c$}  from {sources:d$}  {host}\n");
    }
    if lines.is_empty() && gaps.is_empty() {
        out += &format!("nothing is exposed to {}\n", escape(from));
    } else if lines.is_empty() {
        // Never a clean bill for what nobody saw.
        let from = escape(from);
        out += &format!("nothing of what could be seen is exposed to {from}; not all could be\n");
    }
    for gap in gaps {
        out += &format!("not seen: {}\n", escape(&gap.to_string()));
    }
    out
}
