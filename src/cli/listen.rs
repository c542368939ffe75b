//! `portcullis listen`: stands in for an application that has not started, so that its ports can be
//! proven from outside.

use super::{CliError, ExitStatus, Global, input, probe, time};
use crate::listen::{Event, Listener, Options, Reason, Summary};
use crate::model::{PortSpec, Protocol};
use crate::pathproof::{MAX_SKEW, Trusted};
use crate::spec::Role;
use clap::Args;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `portcullis listen`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["role", "ports"]))]
pub struct ListenArgs {
    /// Spec files and folders; `-` is standard input [default: spec.yaml, spec or specs]
    #[arg(value_name = "SPEC", conflicts_with = "ports")]
    specs: Vec<PathBuf>,
    /// The role whose services' ports are answered
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Ports instead of a role's: tcp/443,udp/40000-49999
    #[arg(long, value_name = "PORTS", conflicts_with = "role")]
    ports: Vec<String>,
    /// Public keys of the auditors who are answered: OpenSSH .pub or authorized_keys, ssh-ed25519
    #[arg(long, value_name = "KEY.pub", required = true, num_args = 1..)]
    auditor: Vec<PathBuf>,
    /// Local addresses to bind (repeatable) [default: all, IPv6 and IPv4]
    #[arg(long, value_name = "ADDR")]
    bind: Vec<IpAddr>,
    /// Addresses under which auditors know this host (repeatable) [default: the one asked, or any behind NAT]
    #[arg(long, value_name = "ADDR")]
    address: Vec<IpAddr>,
    /// End by itself after this long: 90s, 30m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = time::within::<Duration>(1..=time::YEARS))]
    lasts: Option<Duration>,
}

/// Runs `portcullis listen`.
///
/// # Errors
/// Usage errors, keys that cannot be read, and no port that could be bound. Some that could not are
/// told, and an [`ExitStatus::Incomplete`] in the end unless something else answers on them.
pub fn run(args: &ListenArgs, global: &Global) -> Result<ExitStatus, CliError> {
    if global.offline {
        return Err(CliError::new("listen: --offline was given").with_status(ExitStatus::Refused));
    }
    let trusted = trusted(&args.auditor)?;
    let ports = match &args.role {
        Some(role) => declared(role, &args.specs)?,
        None => probe::ports(&args.ports).map_err(CliError::new)?,
    };
    let options = Options {
        ports,
        bind: args.bind.clone(),
        trusted: trusted.clone(),
        addresses: args.address.iter().copied().collect::<BTreeSet<_>>(),
        lasts: args.lasts,
    };
    let cannot = |e: io::Error| CliError::new("listen").because(e);
    let listener = Listener::bind(options).map_err(cannot)?;
    let missing = told(args, &listener, &trusted, global)?;
    ready();
    let verbose = global.verbose > 0;
    let summary = listener
        .run(&mut |event| {
            if verbose {
                anstream::eprintln!("{}", line(event));
            }
        })
        .map_err(cannot)?;
    if !global.quiet {
        anstream::eprintln!("{}", closing(&summary));
    }
    Ok(if missing { ExitStatus::Incomplete } else { ExitStatus::Clean })
}

pub(super) fn trusted(files: &[PathBuf]) -> Result<Trusted, CliError> {
    let mut trusted = Trusted::default();
    for file in files {
        let cannot = || CliError::new(format!("read the auditor's key {}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|e| cannot().because(e))?;
        match trusted.add(&text) {
            Ok(0) => return Err(cannot().because("it holds no key")),
            Ok(_) => {}
            Err(why) => return Err(cannot().because(crate::report::escape::visible(&why))),
        }
    }
    Ok(trusted)
}

/// The ports of a role's services.
fn declared(name: &str, specs: &[PathBuf]) -> Result<Vec<PortSpec>, CliError> {
    let spec = input::spec(specs)?;
    let Some(role) = spec.roles.get(name) else {
        let roles: Vec<&str> = spec.roles.keys().map(String::as_str).collect();
        let hint = match roles.as_slice() {
            [] => "the spec declares no role".to_owned(),
            roles => format!("the spec declares {}", roles.join(", ")),
        };
        return Err(CliError::new(format!("find role `{}`", super::saved::escape(name))).hint(hint));
    };
    let ports = services(role);
    if ports.is_empty() {
        return Err(CliError::new(format!("listen for {name}: it declares no TCP or UDP service")));
    }
    Ok(ports)
}

fn services(role: &Role) -> Vec<PortSpec> {
    role.services.iter().map(|s| s.port.clone()).filter(|p| p.protocol.has_ports()).collect()
}

/// Says what is answered and what is not; whether any port is left without an answer.
fn told(
    args: &ListenArgs,
    listener: &Listener,
    trusted: &Trusted,
    global: &Global,
) -> Result<bool, CliError> {
    let ports = listener.ports();
    let not: Vec<String> = listener.not().iter().map(ToString::to_string).collect();
    if ports.is_empty() {
        let mut error = CliError::new("listen on any port");
        for why in not {
            error = error.because(why);
        }
        return Err(error);
    }
    for why in not {
        anstream::eprintln!("not answered: {why}");
    }
    if !global.quiet {
        let role = args.role.as_ref().map(|r| format!(" of role {r}")).unwrap_or_default();
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let keys: Vec<String> = trusted.fingerprints().collect();
        let lasts = args.lasts.map(|l| format!(", for {l:?}")).unwrap_or_default();
        anstream::eprintln!(
            "listening on {}{role}{lasts}, answering {} alone; clocks may differ by {} s",
            ports.join(", "),
            keys.join(", "),
            MAX_SKEW.as_secs(),
        );
    }
    Ok(listener.not().iter().any(|unbound| unbound.reason != Reason::InUse))
}

/// Tells systemd, where it started us and waits for it (`Type=notify`).
fn ready() {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    let bytes = path.as_encoded_bytes();
    // Whoever does not hear it waits for a line on stderr, or not at all.
    let _ = match bytes.strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|at| socket.send_to_addr(b"READY=1", &at))
        }
        None => socket.send_to(b"READY=1", &path),
    };
}

fn line(event: &Event) -> String {
    let (at, from) = (event.arrived, event.from);
    match event.denied {
        None => format!("answered {from} on {}/{}", at.protocol, at.port),
        Some(why) => format!("no answer to {from} on {}/{}: {why}", at.protocol, at.port),
    }
}

fn closing(summary: &Summary) -> String {
    let ports: Vec<String> = summary
        .answered_ports
        .iter()
        .map(|(protocol, ports)| count(*protocol, ports.len()))
        .collect();
    let on = if ports.is_empty() { String::new() } else { format!(" on {}", ports.join(" and ")) };
    let mut out = format!("answered {} requests{on}", summary.answered);
    for (why, n) in &summary.denied {
        out += &format!("; {n} not: {why}");
    }
    out
}

fn count(protocol: Protocol, n: u32) -> String {
    let name = protocol.to_string().to_uppercase();
    if n == 1 { format!("1 {name} port") } else { format!("{n} {name} ports") }
}
