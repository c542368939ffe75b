use super::block::block;
use super::errand::{self, ErrandArgs};
use super::{CliError, ExitStatus, Global, input, interrupt};
use crate::model::{AddressSet, Expect, HttpExpect, PortSet, PortSpec, Protocol, TlsExpect};
use crate::observation::{Observation, State, VantageSeen};
use crate::probe::{self, DEFAULT_RATE, DEFAULT_TRIES, Options};
use crate::snapshot::Snapshot;
use crate::spec::config::{Config, HERE};
use crate::survey::{self, Survey};
use crate::vantage;
use clap::{Args, ValueEnum};
use ipnetwork::IpNetwork;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// What the long help ends with.
const STATES: &str = "\
Only what a fresh snapshot says is ours, or what `scope:` of portcullis.yaml names, is ever probed;
anything else is refused by name. Of a block all must be: where part of one is refused, nothing is
sent at all. Results come as they settle, one line each:

  open           it answered; `open?` in text where it did not prove what was expected
  wrong-service  it answered as something else than expected
  refused        the host itself says that nothing listens there (RST or ICMP)
  rejected       something before the host refuses (ICMP, or a RST from nearer)
  unreachable    a router knows no way to it
  silent         no answer to any try
  unproven       no answer over UDP, where nothing could have proven one
  failed         trouble of this machine, not of the target
  unprobed       not looked at, because the deadline came first

Exit code: 0 all was probed, 3 an address was refused or not probed, 4 nothing was sent: all was
refused, or part of a block.";

/// Arguments of `portcullis probe`.
#[derive(Debug, Args)]
#[command(after_long_help = STATES)]
pub struct ProbeArgs {
    /// Addresses or blocks; without any, what the snapshot says is ours
    #[arg(value_name = "TARGET", value_parser = block)]
    targets: Vec<IpNetwork>,
    /// Ports: tcp/22,80-90,udp/3478 (a protocol holds until the next) [default: well-known TCP ports]
    #[arg(short, long, value_name = "PORTS")]
    ports: Vec<String>,
    /// What must answer: connect, path, ssh, tls, http, https, stun, banner:TEXT
    #[arg(long, value_name = "PROTO", default_value = "connect", value_parser = expectation)]
    expect: Expect,
    /// A snapshot that says which addresses are ours
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    manners: Manners,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    errand: ErrandArgs,
}

/// How hard to ask.
#[derive(Debug, Args)]
#[command(next_help_heading = "Manners")]
struct Manners {
    /// Packets a second; 0 is as fast as the path carries [default: the configured limit, else 2000]
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Seconds that one try waits for an answer at most
    #[arg(long, value_name = "SECONDS", default_value = "1.5", value_parser = seconds)]
    timeout: Duration,
    /// Tries before silence is believed, at most; evidence decides how many are needed
    #[arg(long, value_name = "N", default_value_t = DEFAULT_TRIES, value_parser = clap::value_parser!(u32).range(1..=50))]
    tries: u32,
    /// Connections open at once, at most [default: what the file limit allows]
    #[arg(long, value_name = "N")]
    in_flight: Option<usize>,
    /// Seconds after which the run ends, done or not
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// Order of sends
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Do not ask open ports what they are
    #[arg(long)]
    no_identify: bool,
}

/// What is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct Output {
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Print at the end, sorted, instead of as results settle
    #[arg(long)]
    sorted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// For people
    Text,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}` is not a positive number of seconds");
    let number: f64 = text.trim_end_matches('s').parse().map_err(|_| bad())?;
    if number.is_finite() && number > 0.0 && number <= 86_400.0 {
        Ok(Duration::from_secs_f64(number))
    } else {
        Err(bad())
    }
}

fn expectation(text: &str) -> Result<Expect, String> {
    Ok(match text {
        "connect" => Expect::Connect,
        "path" => Expect::Path,
        "ssh" => Expect::Ssh,
        "stun" => Expect::Stun,
        "tls" => Expect::Tls(TlsExpect::default()),
        "http" => Expect::Http(HttpExpect::default()),
        "https" => Expect::Http(HttpExpect { tls: true, ..HttpExpect::default() }),
        other => match other.strip_prefix("banner:") {
            Some(words) if !words.is_empty() => Expect::Banner(words.into()),
            _ => {
                return Err(
                    "use connect, path, ssh, tls, http, https, stun or banner:TEXT".to_owned()
                );
            }
        },
    })
}

/// Reads `tcp/22,80-90,udp/3478`: a protocol holds until the next, the first is TCP.
pub(super) fn ports(lists: &[String]) -> Result<Vec<PortSpec>, String> {
    let mut found = BTreeMap::<Protocol, PortSet>::new();
    for list in lists {
        let mut protocol = Protocol::Tcp;
        for part in list.split(',').map(str::trim) {
            let spec: PortSpec =
                if part.contains('/') || part.parse::<Protocol>().is_ok_and(|p| p.has_ports()) {
                    part.parse()?
                } else {
                    format!("{protocol}/{part}").parse()?
                };
            if !spec.protocol.has_ports() {
                return Err(format!("probe {}: only tcp and udp are probed", spec.protocol));
            }
            protocol = spec.protocol;
            // "tcp" alone means every port; port 0 is reserved.
            let ports = spec.ports.subtract(&PortSet::one(0));
            let have = found.entry(protocol).or_default();
            *have = have.union(&ports);
        }
    }
    Ok(found.into_iter().map(|(protocol, ports)| PortSpec::new(protocol, ports)).collect())
}

/// Runs `portcullis probe`.
///
/// # Errors
/// Usage and tool errors; everything refused.
pub fn run(args: &ProbeArgs, global: &Global) -> Result<ExitStatus, CliError> {
    if global.offline {
        return Err(
            CliError::new("probe anything: --offline was given").with_status(ExitStatus::Refused)
        );
    }
    if let Some(file) = &args.errand.survey {
        return errand::run(&args.errand, file, global);
    }
    let ports = if args.ports.is_empty() {
        survey::default_ports()
    } else {
        let form = "a protocol and numbers, as in tcp/22,80-90,udp/3478";
        ports(&args.ports).map_err(|e| CliError::new(e).hint(form))?
    };
    let config = input::config(global)?;
    let ours = match &args.snapshot {
        Some(path) => survey::ours(&fresh(path, &config)?),
        None => AddressSet::empty(),
    };
    let targets = if args.targets.is_empty() { ours.to_networks() } else { args.targets.clone() };
    if targets.is_empty() {
        return Err(CliError::new("probe: no target is named")
            .hint("name addresses or blocks, or a snapshot with --snapshot"));
    }
    let may = ours.union(&config.scope_addresses());
    let survey = survey::asked(&targets, &ports, &args.expect, &may).map_err(CliError::new)?;
    say_refused(&survey);
    if survey.targets.is_empty() {
        return Ok(ExitStatus::Refused);
    }
    // A block that is somebody else's in part was meant to be another one: what is ours of it, too, was
    // named by mistake.
    if let Some(block) = targets.iter().find(|b| b.prefix() < most(b) && !is_within(**b, &may)) {
        let mine = AddressSet::from_networks([*block]).intersect(&may).to_networks();
        let mut named: Vec<String> = mine.iter().take(SHOWN).map(ToString::to_string).collect();
        if mine.len() > SHOWN {
            named.push("…".into());
        }
        let named = if named.is_empty() { "none of it".into() } else { named.join(" ") };
        anstream::eprintln!("nothing was sent: of {block} may be probed {named}");
        return Ok(ExitStatus::Refused);
    }
    let manners = &args.manners;
    let in_flight = config.limits.in_flight.and_then(|n| usize::try_from(n).ok());
    let deadline = config.limits.deadline.and_then(|d| Duration::try_from(d).ok());
    let options = Options {
        vantage: here(&config),
        rate: manners.rate.or(config.limits.rate).unwrap_or(DEFAULT_RATE),
        timeout: manners.timeout,
        tries: manners.tries,
        in_flight: manners.in_flight.or(in_flight).unwrap_or(usize::MAX),
        seed: manners.seed,
        identify: !manners.no_identify,
        deadline: manners.deadline.or(deadline),
        auditor: input::auditor(&config, global)?,
        stop: interrupt::stop(),
        ..Options::default()
    };
    let heeding = interrupt::heed();
    let (probed, failed) =
        probe_and_print(&survey, &options, &args.output, progress(survey.targets.len(), global))?;
    drop(heeding);
    if options.stop.is_raised() && probed < survey.targets.len() {
        let (of, refused) = (survey.targets.len(), survey.refused.len());
        let refused = if refused == 0 { "" } else { ", besides what was refused" };
        return Err(interrupt::error(&format!("{probed} of {of} endpoints were probed{refused}")));
    }
    Ok(if survey.refused.is_empty() && !failed {
        ExitStatus::Clean
    } else {
        ExitStatus::Incomplete
    })
}

/// Reads a snapshot that may direct probes: one that is not too old, because addresses are recycled.
fn fresh(path: &Path, config: &Config) -> Result<Snapshot, CliError> {
    let snapshot = input::snapshot(path)?;
    let age = jiff::Timestamp::now().duration_since(snapshot.taken_at);
    if age.abs() > config.limits.snapshot_max_age {
        return Err(CliError::new("let this snapshot direct probes")
            .because(format!("it was taken at {}, and addresses are recycled", snapshot.taken_at))
            .hint("collect again, or name the addresses in scope: of portcullis.yaml")
            .with_status(ExitStatus::Refused));
    }
    Ok(snapshot)
}

/// This machine, as the configuration knows it.
pub(super) fn here(config: &Config) -> VantageSeen {
    match config.local() {
        Some(v) => {
            let outside: Vec<_> = [v.address, v.address_v6].into_iter().flatten().collect();
            vantage::local(&v.name, &outside)
        }
        None => vantage::local(HERE, &[]),
    }
}

/// The prefix of a single address.
fn most(block: &IpNetwork) -> u8 {
    if block.is_ipv4() { 32 } else { 128 }
}

fn is_within(block: IpNetwork, set: &AddressSet) -> bool {
    set.is_superset(&AddressSet::from_networks([block]))
}

/// Blocks that are named of what is refused, or of what may be probed.
const SHOWN: usize = 20;

fn say_refused(survey: &Survey) {
    for refused in survey.refused.iter().take(SHOWN) {
        anstream::eprintln!("refused: cannot probe {}: {}", refused.address, refused.why);
    }
    if survey.refused.len() > SHOWN {
        anstream::eprintln!("refused: {} blocks more", survey.refused.len() - SHOWN);
    }
    if let Some(first) = survey.refused.first() {
        anstream::eprintln!(
            "hint: let portcullis.yaml name what may be probed, as in `scope: [\"{}\"]`, or give a fresh --snapshot",
            first.address
        );
    }
}

/// How far the probes of so many endpoints are.
pub(super) fn progress(endpoints: usize, global: &Global) -> indicatif::ProgressBar {
    let template = "{bar:30} {pos} of {len} endpoints, {elapsed} gone, about {eta} left";
    super::progress::bar(global, endpoints, template)
}

/// Probes, and prints each observation as it settles; how many did, and whether any was trouble of
/// our own.
fn probe_and_print(
    survey: &Survey,
    options: &Options,
    output: &Output,
    bar: indicatif::ProgressBar,
) -> Result<(usize, bool), CliError> {
    // A thread of its own: a slow reader, or a terminal that is held, must not hold up sending.
    let (lines, printed) = mpsc::channel::<Print>();
    let printer = std::thread::spawn(move || print(&printed, &bar));
    let format = output.format;
    let mut failed = false;
    let mut counts = BTreeMap::<State, usize>::new();
    let observations = probe::run(survey, options, &mut |seen| {
        *counts.entry(seen.state).or_default() += 1;
        failed |= matches!(seen.state, State::Failed | State::Unprobed);
        // The printer is gone only when nobody reads.
        let _ = lines.send(Print::Settled);
        if !output.sorted {
            let _ = lines.send(Print::Line(line(seen, format)));
        }
    });
    if output.sorted {
        for seen in &observations.rows {
            let _ = lines.send(Print::Line(line(seen, format)));
        }
    }
    if format == Format::Text {
        let _ = lines.send(Print::Line(summary(&counts)));
    }
    drop(lines);
    match printer.join() {
        Ok(Ok(())) => Ok((observations.rows.len(), failed)),
        Ok(Err(e)) => Err(CliError::new("write the results").because(e)),
        Err(_) => Err(CliError::new("write the results")),
    }
}

/// What the printing thread is told.
pub(super) enum Print {
    /// One endpoint more is settled.
    Settled,
    Line(String),
}

/// Prints lines, and moves the bar: on a terminal that shows both, never one through the other.
pub(super) fn print(told: &mpsc::Receiver<Print>, bar: &indicatif::ProgressBar) -> io::Result<()> {
    let shared = io::stdout().is_terminal();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut write = || -> io::Result<()> {
        while let Ok(first) = told.recv() {
            let (mut settled, mut lines) = (0, Vec::new());
            for next in std::iter::once(first).chain(told.try_iter().take(AT_ONCE)) {
                match next {
                    Print::Settled => settled += 1,
                    Print::Line(line) => lines.push(line),
                }
            }
            bar.inc(settled);
            let mut all = || -> io::Result<()> {
                for line in &lines {
                    out.write_all(line.as_bytes())?;
                    out.write_all(b"\n")?;
                }
                out.flush()
            };
            if shared && !lines.is_empty() { bar.suspend(all) } else { all() }?;
        }
        Ok(())
    };
    let written = write();
    bar.finish_and_clear();
    match written {
        // Nobody reads any more: there is nothing left to probe for, and that is no error.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
            std::process::exit(ExitStatus::Clean.code().into())
        }
        other => other,
    }
}

/// Lines written between two moves of the bar.
const AT_ONCE: usize = 4_096;

fn line(seen: &Observation, format: Format) -> String {
    match format {
        Format::Jsonl => serde_json::to_string(seen).unwrap_or_default(),
        Format::Text => text(seen),
    }
}

/// The last line for people: `22 endpoints: 1 open, 21 refused`.
fn summary(counts: &BTreeMap<State, usize>) -> String {
    let all: usize = counts.values().sum();
    let each: Vec<String> = counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let (s, each) = (if all == 1 { "" } else { "s" }, each.join(", "));
    format!("{all} endpoint{s}: {}", if each.is_empty() { "none was probed" } else { &each })
}

/// One line for people; everything from outside is escaped.
fn text(seen: &Observation) -> String {
    let open = match (seen.state, seen.confirmed) {
        (State::Open, false) => "open?",
        (state, _) => state.name(),
    };
    let mut out = format!("{:<28} {:<12}", seen.endpoint().to_string(), open);
    if let Some(service) = &seen.service {
        out += &format!(" {service}");
    }
    if let Some(rtt) = seen.rtt_us {
        let places = if rtt < 1_000 { 2 } else { 1 };
        out += &format!(" {:.places$} ms", rtt as f64 / 1000.0);
    }
    if let Some(by) = seen.by.filter(|by| *by != seen.address) {
        out += &format!(" by {by}");
    }
    if let Some(detail) = &seen.detail {
        let safe: String = detail
            .chars()
            .flat_map(|c| {
                if c.is_control() || !c.is_ascii() && !c.is_alphanumeric() {
                    c.escape_unicode().collect::<Vec<_>>()
                } else {
                    vec![c]
                }
            })
            .collect();
        out += &format!("  {safe}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    #[test]
    fn a_protocol_holds_until_the_next() {
        let got = ports(&["tcp/22,80-90,udp/3478,3479".into(), "443".into()]).expect("ports");
        let words: Vec<_> = got.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["tcp/22,80-90,443", "udp/3478-3479"]);
        assert_eq!(ports(&["tcp".into()]).expect("ports")[0].ports.len(), 65_535);
        for bad in ["icmp/echo", "tcp/0", "tcp/70000", "tcp/9-1", "", "x/1"] {
            assert!(ports(&[bad.into()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_server_said_cannot_write_to_the_terminal() {
        let endpoint =
            Endpoint { address: [192, 0, 2, 1].into(), protocol: Protocol::Tcp, port: 22 };
        let seen = Observation {
            confirmed: true,
            service: Some("ssh".into()),
            detail: Some("\u{1b}[2J\u{202e}\n".into()),
            ..Observation::new(endpoint, State::Open, "local")
        };
        let line = text(&seen);
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
    }
}
