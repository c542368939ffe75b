use super::{Config, address, field, text};
use crate::spec::error::SpecError;
use crate::spec::node::{Key, Node};
use crate::spec::shape::{Least, Record, Scalar, Shape};
use crate::spec::{Place, scalar};
use jiff::SignedDuration;
use std::net::IpAddr;

/// A place probes are sent from, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vantage {
    pub name: String,
    pub address: Option<IpAddr>,
    pub address_v6: Option<IpAddr>,
    /// `host:port` of a STUN server that tells the address.
    pub reflect: Option<String>,
    /// The command that takes a survey there, run without a shell in the configuration's folder;
    /// `None` is this machine.
    pub via: Option<Vec<String>>,
    /// How long that command may take.
    pub timeout: SignedDuration,
    /// Whether a gate holds where it told nothing.
    pub required: bool,
    /// Whether it sweeps every port of the hosts that are swept.
    pub sweep: bool,
    /// Whether nothing is probed from there.
    pub off: bool,
    pub at: Place,
}

/// What this machine is called where the configuration does not say.
pub const HERE: &str = "local";

/// How long another vantage may take where the configuration does not say: every TCP port of a host
/// or two at the default rate.
const VANTAGE_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);

pub(super) static VANTAGE: Record = Record {
    what: "a vantage",
    least: Least::One,
    fields: &[
        field("address", Shape::Scalar(Scalar::Address), "Its IPv4 address as seen from outside."),
        field(
            "address_v6",
            Shape::Scalar(Scalar::Address),
            "Its IPv6 address as seen from outside.",
        ),
        field(
            "reflect",
            Shape::Scalar(Scalar::HostPort),
            "A STUN server that tells the address, `host:port`.",
        ),
        field(
            "via",
            Shape::List(&Shape::Scalar(Scalar::Word)),
            "The command that takes a survey to another machine, and its arguments; no shell reads them. Without it, this machine.",
        ),
        field(
            "timeout",
            Shape::Scalar(Scalar::Duration),
            "How long that command may take; 5m when absent.",
        ),
        field(
            "required",
            Shape::Scalar(Scalar::Bool),
            "Whether a gate holds where it told nothing; true when absent.",
        ),
        field(
            "sweep",
            Shape::Scalar(Scalar::Bool),
            "Whether it looks at every TCP port of new hosts; true when absent.",
        ),
        field("off", Shape::Scalar(Scalar::Bool), "Whether nothing is probed from there."),
    ],
};

pub(super) fn vantage(
    name: String,
    node: &Node,
    at: Place,
    errors: &mut Vec<SpecError>,
) -> Vantage {
    let via = node.get("via").map(|via| {
        if via.items().is_empty() {
            errors.push(
                SpecError::new(via.span, "the command of a vantage is empty")
                    .hint("list the program and its arguments: [ssh, office-box, portcullis, probe, --survey, \"-\"]"),
            );
        }
        via.items().iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()
    });
    if let (Some(timeout), None) = (node.get("timeout"), &via) {
        errors.push(
            SpecError::new(timeout.span, "only a vantage with a command has a `timeout`")
                .hint("how long this machine may probe is `deadline` of `limits`"),
        );
    }
    let flag = |field: &str| text(node, field).map(|t| t == "true");
    Vantage {
        name,
        address: address(node, "address", true, errors),
        address_v6: address(node, "address_v6", false, errors),
        reflect: text(node, "reflect"),
        via,
        timeout: text(node, "timeout")
            .and_then(|t| scalar::duration(&t))
            .unwrap_or(VANTAGE_TIMEOUT),
        required: flag("required").unwrap_or(true),
        sweep: flag("sweep").unwrap_or(true),
        off: flag("off").unwrap_or(false),
        at,
    }
}

/// Names one thing only, and leaves somewhere to probe from.
pub(super) fn places(config: &Config, vantages: &[(Key, Node)], errors: &mut Vec<SpecError>) {
    let told = |name: &str| vantages.iter().find(|(key, _)| &*key.text == name);
    if let Some((key, _)) = told(HERE).filter(|(_, v)| v.get("via").is_some()) {
        errors.push(
            SpecError::new(key.span, format!("`{HERE}` is this machine, and has no command"))
                .hint("give a vantage with `via` another name"),
        );
    }
    let here = config.local().filter(|v| v.off);
    if let Some((key, _)) = here.and_then(|v| told(&v.name))
        && config.remote().next().is_none()
    {
        errors.push(
            SpecError::new(key.span, "every vantage is off: nothing would be probed")
                .hint("leave one on, or probe nothing with --no-probe"),
        );
    }
}
