//! `portcullis gate verify`: is this attestation a yes for what is about to be done?

use crate::attestation::{self, Accepted, Demand};
use crate::cleanup::trust::Revoked;
use crate::cli::{CliError, ExitStatus, Global, input, time};
use crate::report::escape::visible;
use crate::signature::{self, ATTESTATION, AllowedSigners, Signed};
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The most that a list of signers may hold.
const MAX_LIST_BYTES: usize = 1024 * 1024;
/// … and a list of revoked keys, which an authority's can be longer.
const MAX_REVOKED_BYTES: usize = 4 * 1024 * 1024;

/// Arguments of `portcullis gate verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The attestation that `portcullis gate --attest` wrote
    #[arg(value_name = "ATTESTATION")]
    attestation: PathBuf,
    /// Its detached SSH signature [default: ATTESTATION.sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Whose signatures count: OpenSSH's allowed_signers, with namespaces="portcullis-attestation.v1"
    #[arg(long, value_name = "FILE")]
    allowed_signers: PathBuf,
    /// Keys and certificates that no longer count: OpenSSH's revoked keys, as lines or a binary KRL
    #[arg(long, value_name = "FILE")]
    revoked: Option<PathBuf>,
    /// The one of them who must have signed
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    demands: Demands,
}

/// What it must say besides PASS.
#[derive(Debug, Args)]
#[command(next_help_heading = "What it must say")]
struct Demands {
    /// The host that is about to enter rotation, by its id there: an instance id, or the name that a
    /// spec declares; without one, every host it names must pass
    #[arg(long, value_name = "ID")]
    host: Option<String>,
    /// The role that it was gated for
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The spec that it was gated by: files and folders (repeatable)
    #[arg(long, value_name = "SPEC")]
    spec: Vec<PathBuf>,
    /// The snapshot that it was gated by
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// The configuration that it was gated by (not -c, which is this run's own)
    #[arg(long, value_name = "FILE")]
    gate_config: Option<PathBuf>,
    /// What the gate may have left out or let pass, as its refusal names it: no-sweep, no-peers,
    /// unproven, waivers, rule:ID, parity:TRAIT, gaps:KIND, fail-on:SEVERITY [default: nothing]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    accept: Vec<String>,
    /// The oldest answer that counts, whatever expiry it names: 90s, 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = time::within::<SignedDuration>(1..=time::YEARS))]
    max_age: Option<SignedDuration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: one object
    Json,
}

/// Runs `portcullis gate verify`.
///
/// # Errors
/// Files that cannot be read (exit 2), and the reason why it is no yes (exit 4).
pub(super) fn run(args: &VerifyArgs, _global: &Global) -> Result<ExitStatus, CliError> {
    let allowed = allowed(&args.allowed_signers)?;
    let revoked = args.revoked.as_deref().map(revoked).transpose()?;
    let text = read(&args.attestation, attestation::MAX_BYTES)?;
    let sources = match args.demands.spec.as_slice() {
        [] => None,
        paths => Some(attestation::of_spec(&input::sources(paths)?)),
    };
    let snapshot = match &args.demands.snapshot {
        None => None,
        Some(path) => Some(
            attestation::of_snapshot(&input::snapshot(path)?)
                .map_err(|e| CliError::new(format!("read {}", path.display())).because(e))?,
        ),
    };
    let config = match &args.demands.gate_config {
        None => None,
        Some(path) => Some(attestation::of_bytes(&read(path, crate::spec::MAX_FILE_BYTES)?)),
    };
    let demand = Demand {
        host: args.demands.host.as_deref(),
        role: args.demands.role.as_deref(),
        spec: sources.as_deref(),
        snapshot: snapshot.as_deref(),
        config: config.as_deref(),
        accept: &args.demands.accept,
        max_age: args.demands.max_age,
    };
    match judge(args, &text, &allowed, revoked.as_ref(), &demand) {
        Ok((signed, accepted)) => {
            say(args.format, &told(&signed, &accepted), || for_people(&signed, &accepted))?;
            Ok(ExitStatus::Clean)
        }
        Err(why) => {
            if args.format == Format::Json {
                say(args.format, &json!({ "verdict": "refused", "reason": why }), String::new)?;
            }
            Err(CliError::new(format!("take {} for a yes", args.attestation.display()))
                .because(visible(&why))
                .with_status(ExitStatus::Refused))
        }
    }
}

/// The signature first: what nobody vouches for is not even read.
fn judge(
    args: &VerifyArgs,
    text: &[u8],
    allowed: &AllowedSigners,
    revoked: Option<&Revoked>,
    demand: &Demand<'_>,
) -> Result<(Signed, Accepted), String> {
    let path = args.signature.clone().unwrap_or_else(|| beside(&args.attestation));
    let bytes = read(&path, signature::MAX_SIGNATURE_BYTES).map_err(|e| {
        let why = e.causes.first().cloned().unwrap_or_default();
        format!("its signature {} cannot be read: {why}", path.display())
    })?;
    let now = Timestamp::now();
    let signed = signature::judge(
        text,
        &String::from_utf8_lossy(&bytes),
        ATTESTATION,
        allowed,
        args.principal.as_deref(),
        now,
    )
    .map_err(|why| format!("the signature is refused: {why}"))?;
    let maker = &signed.maker;
    if let Some(what) = revoked.and_then(|r| r.gone(&maker.key, maker.certificate.as_ref())) {
        return Err(format!("the signature is refused: {what} was revoked"));
    }
    let accepted = attestation::accept(text, demand, now)
        .map_err(|why| format!("the attestation is refused: {why}"))?;
    Ok((signed, accepted))
}

fn beside(attestation: &Path) -> PathBuf {
    let mut name = attestation.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn allowed(path: &Path) -> Result<AllowedSigners, CliError> {
    let cannot = || CliError::new(format!("read the allowed signers {}", path.display()));
    let bytes = read(path, MAX_LIST_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| cannot().because("it is no text"))?;
    let list =
        AllowedSigners::parse(&text).map_err(|e| cannot().because(visible(&e.to_string())))?;
    if list.lines.is_empty() {
        return Err(cannot().because("it names nobody"));
    }
    Ok(list)
}

fn revoked(path: &Path) -> Result<Revoked, CliError> {
    Revoked::parse(&read(path, MAX_REVOKED_BYTES)?).map_err(|why| {
        CliError::new(format!("read {}", path.display())).because(visible(&why.says))
    })
}

/// One byte more than the limit is read, for the reader to see that it is passed.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, CliError> {
    let cannot = |e: io::Error| CliError::new(format!("read {}", path.display())).because(e);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > most {
        return Err(CliError::new(format!("read {}", path.display()))
            .because(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

fn told(signed: &Signed, it: &Accepted) -> Value {
    json!({
        "verdict": "accepted",
        "hosts": it.hosts,
        "role": it.role,
        "at": it.at,
        "expires": it.expires,
        "vantages": it.vantages,
        "waived": it.waived,
        "signer": { "principals": signed.principals, "key": signed.fingerprint },
    })
}

fn for_people(signed: &Signed, it: &Accepted) -> String {
    let plain = |words: &[String]| visible(&words.join(", ")).into_owned();
    let waived = match it.waived.as_slice() {
        [] => String::new(),
        some => format!("  left out or let pass, as accepted: {}\n", plain(some)),
    };
    format!(
        "PASS {} for {}\n  gated {} from {}; counts until {}\n{waived}  signed by {} ({})\n",
        plain(&it.hosts),
        visible(&it.role),
        it.at,
        if it.vantages.is_empty() { "nowhere".into() } else { plain(&it.vantages) },
        it.expires,
        plain(&signed.principals),
        signed.fingerprint,
    )
}

fn say(format: Format, value: &Value, text: impl FnOnce() -> String) -> Result<(), CliError> {
    let text = match format {
        Format::Json => format!("{value}\n"),
        Format::Text => text(),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write the answer").because(e))
        }
        _ => Ok(()),
    }
}
