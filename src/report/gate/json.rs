use super::super::escape::json_document;
use super::super::json::v1::Journey;
use crate::finding::Finding;
use crate::gate::{Answer, Difference, HostAnswer, Proof, Reason, Swept, Verdicts};
use serde_json::{Value, json};
use std::io::{self, Write};

/// The format tag of the machine form.
pub const FORMAT: &str = "portcullis/gate/v1";

/// The answer as one JSON object: `answer` is `pass` or `hold`, for all and for each host.
///
/// # Errors
/// Only what `out` answers.
pub fn json(verdicts: &Verdicts, out: &mut dyn Write) -> io::Result<()> {
    let Verdicts {
        at,
        snapshot_at,
        role,
        hosts,
        journeys,
        peers,
        vantages,
        unheard: _,
        swept,
        gaps,
        not_judged,
    } = verdicts;
    let document = json!({
        "format": FORMAT,
        "at": at,
        "snapshot_at": snapshot_at,
        "role": role,
        "answer": word(verdicts.answer()),
        "only_unseen": verdicts.only_unseen(),
        "hosts": hosts.iter().map(host).collect::<Vec<_>>(),
        "journeys": journeys.iter().map(Journey::from).collect::<Vec<_>>(),
        "peers": peers.iter().map(|p| json!({ "host": p.host, "why": p.why })).collect::<Vec<_>>(),
        "vantages": vantages,
        "swept_tcp_ports": swept.as_ref().map(|s| if s.whole.is_empty() { 0 } else { Swept::PORTS }),
        "swept_addresses": swept.as_ref().map(|s| &s.whole),
        "gaps": gaps,
        "not_judged": not_judged,
    });
    json_document(&document, out)
}

const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "pass",
        Answer::Hold => "hold",
    }
}

fn host(answer: &HostAnswer) -> Value {
    let HostAnswer { host, name, addresses, reasons, proofs, parity, waived } = answer;
    json!({
        "host": host,
        "name": name,
        "addresses": addresses,
        "answer": word(answer.answer()),
        "reasons": reasons.iter().map(reason).collect::<Vec<_>>(),
        "proofs": proofs.iter().map(proof).collect::<Vec<_>>(),
        "parity": parity.iter().map(difference).collect::<Vec<_>>(),
        "waived": waived.iter().map(let_pass).collect::<Vec<_>>(),
    })
}

fn let_pass(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "subject": finding.subject,
        "source": finding.source,
        "severity": finding.severity,
        "text": finding.message,
        "fingerprint": finding.fingerprint,
        "status": finding.status,
    })
}

fn reason(reason: &Reason) -> Value {
    let finding = match reason {
        Reason::Finding(finding) => Some(finding),
        _ => None,
    };
    json!({
        "kind": reason.kind(),
        "unseen": reason.unseen(),
        "subject": reason.subject(),
        "text": reason.to_string(),
        "mends": reason.mends(),
        "severity": finding.map(|f| f.severity),
        "fingerprint": finding.map(|f| &f.fingerprint),
    })
}

fn proof(proof: &Proof) -> Value {
    let Proof { service, port, address, source, state, holds, probed, vantages } = proof;
    json!({
        "service": service,
        "port": port,
        "address": address,
        "source": source.to_string(),
        "state": state,
        "proven": holds,
        "probed": probed,
        "vantages": vantages,
    })
}

fn difference(difference: &Difference) -> Value {
    let Difference { what, kind, holds, missing, extra, peers, alike, of, unknown } = difference;
    json!({
        "trait": what,
        "kind": kind,
        "holds": holds,
        "peers_have": missing,
        "host_has": extra,
        "peers_alike": peers,
        "peers_like_host": alike,
        "peers": of,
        "unknown": unknown,
    })
}
