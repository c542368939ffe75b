use super::super::whole::{self, WholeFile};
use super::super::{CliError, input, interrupt, time};
use super::look::Gate;
use crate::attestation::{self, Host, Input, Outcome, Vantage};
use crate::gate::{self, Answer, HostAnswer, Trait, Verdicts};
use crate::model::{GapKind, Severity};
use crate::sign;
use crate::signature::ATTESTATION;
use crate::snapshot::Snapshot;
use crate::spec::{Source, Spec};
use clap::Args;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether the answer is signed, for whoever adds the hosts to a pool.
#[derive(Debug, Args)]
#[command(next_help_heading = "Attestation")]
pub struct AttestArgs {
    /// Write the answer as an in-toto statement, with its SSH signature beside it as FILE.sig
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    pub attest: Option<PathBuf>,
    /// The SSH key that signs it: a private key, or a public one whose other half an agent or a
    /// hardware key holds
    #[arg(long, value_name = "KEYFILE", env = "PORTCULLIS_SIGN_KEY")]
    pub sign_key: Option<PathBuf>,
    /// How long the attestation counts
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time::within::<Duration>(1..=time::DAY))]
    pub attest_for: Duration,
}

/// The two files of an attestation, known to be writable; neither is there until the answer is.
pub(super) struct Attested<'a> {
    key: &'a Path,
    counts: Duration,
    statement: WholeFile,
    signature: WholeFile,
}

impl<'a> Attested<'a> {
    /// Makes sure that both can be written and that the key can sign, before the long work, and takes
    /// away what an earlier gate attested there: while this one runs, and where it fails, nobody may find
    /// the yes of that one.
    ///
    /// # Errors
    /// A key that cannot sign, a folder that cannot be written, and an attestation that cannot be removed.
    pub(super) fn open(args: &'a AttestArgs) -> Result<Option<Self>, CliError> {
        let (Some(path), Some(key)) = (&args.attest, &args.sign_key) else { return Ok(None) };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".sig");
        let place = |path: &Path| whole::place(path).map_err(|e| cannot(path, e));
        let (statement, signature) = (place(path)?, place(Path::new(&beside))?);
        withdraw(&statement, &signature).map_err(|e| {
            let old = format!("remove the older attestation {}", path.display());
            CliError::new(old).because(e)
        })?;
        sign::ready(key).map_err(|e| CliError::new("sign the attestation").because(e))?;
        let file = |place: PathBuf| WholeFile::create(place).map_err(|e| cannot(path, e));
        let (statement, signature) = (file(statement)?, file(signature)?);
        Ok(Some(Self { key, counts: args.attest_for, statement, signature }))
    }

    /// States the answer, signs it, and puts both files in their places.
    ///
    /// # Errors
    /// A key that cannot sign, and files that cannot be written.
    pub(super) fn write(
        self,
        verdicts: &Verdicts,
        snapshot: &Snapshot,
        sources: &[Source],
        gate: &Gate<'_>,
    ) -> Result<(), CliError> {
        let (spec, global) = (gate.spec, gate.global);
        let digest = if snapshot.regions.is_empty() {
            None
        } else {
            Some(attestation::of_snapshot(snapshot).map_err(|e| cannot(self.statement.path(), e))?)
        };
        let config = input::config_path(global)
            .map(fs::read)
            .transpose()
            .map_err(|e| cannot(self.statement.path(), e))?
            .map(|bytes| attestation::of_bytes(&bytes));
        let counts = SignedDuration::try_from(self.counts).unwrap_or(SignedDuration::from_hours(1));
        let bytes = attestation::statement(&Input {
            role: &verdicts.role,
            hosts: &verdicts.hosts.iter().map(host).collect::<Vec<_>>(),
            spec: &attestation::of_spec(sources),
            snapshot: digest.as_deref(),
            config: config.as_deref(),
            vantages: &verdicts
                .vantages
                .iter()
                .filter(|v| !verdicts.unheard.contains(&v.name))
                .map(|v| Vantage {
                    name: v.name.clone(),
                    outside: [v.reflected_v4, v.reflected_v6].into_iter().flatten().collect(),
                })
                .collect::<Vec<_>>(),
            profiles: &profiles(spec, &verdicts.role),
            waived: &waived(gate, verdicts),
            at: verdicts.at,
            expires: verdicts.at.saturating_add(counts).unwrap_or(verdicts.at),
            version: env!("CARGO_PKG_VERSION"),
        });
        let signed = sign::sign_file(self.key, ATTESTATION, &bytes)
            .map_err(|e| CliError::new("sign the attestation").because(e))?;
        let _writing = interrupt::writing();
        // The signature first: a statement is never there without it.
        for (file, bytes) in [(self.signature, signed.as_bytes()), (self.statement, &bytes)] {
            let place = file.path().to_owned();
            file.write(|out| out.write_all(bytes)).map_err(|e| cannot(&place, e))?;
        }
        Ok(())
    }
}

/// Removes an attestation of ours with its signature; anything else that lies there stays until it is
/// written over.
fn withdraw(statement: &Path, signature: &Path) -> io::Result<()> {
    let there = fs::metadata(statement);
    let may_be = |m: &fs::Metadata| m.is_file() && m.len() <= attestation::MAX_BYTES as u64;
    if !there.as_ref().is_ok_and(may_be) || !attestation::is_one(&fs::read(statement)?) {
        return Ok(());
    }
    // The statement first: a signature alone is nobody's yes.
    fs::remove_file(statement)?;
    match fs::remove_file(signature) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn cannot(path: &Path, why: impl std::fmt::Display) -> CliError {
    CliError::new(format!("write the attestation {}", path.display())).because(why.to_string())
}

fn host(answer: &HostAnswer) -> Host {
    Host {
        host: answer.host.clone(),
        addresses: answer.addresses.clone(),
        answer: match answer.answer() {
            Answer::Pass => Outcome::Pass,
            Answer::Hold => Outcome::Hold,
        },
        reasons: answer
            .reasons
            .iter()
            .map(|r| format!("{} {}: {r}", r.kind(), r.subject()))
            .collect(),
    }
}

/// What the gate was told to leave out or to let pass: whoever relies on its yes must hear of it.
fn waived(gate: &Gate<'_>, verdicts: &Verdicts) -> Vec<String> {
    let gate::Options { fail_on, allow_gaps, sweep, accept_unproven, .. } = &gate.options;
    let named = |on: bool, name: &str| on.then(|| name.to_owned());
    let plain = [
        named(!sweep, "no-sweep"),
        named(*accept_unproven, "unproven"),
        named(gate.args.asks.peers == 0, "no-peers"),
        named(*fail_on > Severity::Low, &format!("fail-on:{fail_on}")),
        named(verdicts.hosts.iter().any(|h| !h.waived.is_empty()), "waivers"),
    ];
    let rules = gate.rules.lenient(*fail_on).map(|rule| format!("rule:{}", rule.id));
    let gaps: Vec<String> = if allow_gaps.len() == GapKind::ALL.len() {
        vec!["gaps:all".into()]
    } else {
        allow_gaps.iter().map(|kind| format!("gaps:{kind}")).collect()
    };
    let dropped = Trait::DECIDING.into_iter().filter(|t| !gate.deciding.contains(t));
    let parity = dropped.map(|t| format!("parity:{t}"));
    plain.into_iter().flatten().chain(gaps).chain(parity).chain(rules).collect()
}

/// The client profiles that the role's journeys were tried in, sorted.
fn profiles(spec: &Spec, role: &str) -> Vec<String> {
    let journeys = spec.roles.get(role).into_iter().flat_map(|r| &r.journeys);
    let names: BTreeSet<String> =
        journeys.flat_map(|j| j.profiles(spec)).map(|p| p.name.clone()).collect();
    names.into_iter().collect()
}
