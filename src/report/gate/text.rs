use super::super::escape::{line, visible};
use super::super::style::Style;
use super::{head, proofs, swept, title, waived, word};
use crate::gate::{Answer, Difference, HostAnswer, Reason, Verdicts};
use crate::model::Severity;
use std::io::{self, Write};

/// The answer for people: each host with what holds it, what would mend that, and how it differs
/// from those that serve.
///
/// # Errors
/// Only what `out` answers.
pub fn text(verdicts: &Verdicts, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for answer in &verdicts.hosts {
        host(answer, style, out)?;
    }
    super::super::text::journeys::write(&verdicts.journeys, &verdicts.vantages, style, out)?;
    if !verdicts.peers.is_empty() {
        let peers: Vec<String> =
            verdicts.peers.iter().map(|p| format!("{} ({})", p.host, p.why)).collect();
        writeln!(out, "compared with {}", line(&peers.join(", ")))?;
    }
    for said in swept(verdicts) {
        writeln!(out, "{}", line(&said))?;
    }
    for gap in &verdicts.gaps {
        writeln!(out, "not seen: {}", line(&gap.to_string()))?;
    }
    for what in &verdicts.not_judged {
        writeln!(out, "note: {}", line(what))?;
    }
    let paint = paint(verdicts.answer(), style);
    writeln!(out, "{paint}{}{paint:#}", line(&head(verdicts)))
}

fn paint(answer: Answer, style: &Style) -> anstyle::Style {
    match answer {
        Answer::Pass => style.severity(Severity::Info),
        Answer::Hold => style.severity(Severity::High),
    }
}

fn host(host: &HostAnswer, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let paint = paint(host.answer(), style);
    writeln!(out, "{paint}{}{paint:#} {}", word(host.answer()), line(&title(host)))?;
    let faint = style.faint();
    let proven: Vec<String> = proofs(host);
    for (proof, said) in host.proofs.iter().zip(proven).filter(|(p, _)| p.holds) {
        debug_assert!(proof.holds);
        writeln!(out, "  {faint}proven{faint:#} {}", line(&said))?;
    }
    for reason in &host.reasons {
        let (strong, kind) = (style.strong(), line(reason.kind()));
        let unseen = if reason.unseen() { " (not seen)" } else { "" };
        let subject = reason.subject();
        writeln!(
            out,
            "  {strong}{kind}{strong:#}{unseen} {}: {}",
            line(&subject),
            line(&reason.to_string())
        )?;
        if let Reason::Parity(difference) = reason {
            diff(difference, style, out)?;
        }
        // The last is the rule's general word, for where nothing more exact is known.
        let mends = reason.mends();
        let exact = mends.len().saturating_sub(1).max(1);
        for mend in mends.iter().take(exact) {
            writeln!(out, "    mend: {}", line(&mend.text))?;
            for command in mend.command.iter().flat_map(|c| c.lines()) {
                writeln!(out, "      {}", visible(command))?;
            }
        }
    }
    for said in waived(host) {
        writeln!(out, "  {faint}let pass{faint:#} {}", line(&said))?;
    }
    for difference in host.parity.iter().filter(|d| !d.holds) {
        writeln!(out, "  {faint}differs{faint:#} {}", line(&difference.to_string()))?;
        diff(difference, style, out)?;
    }
    writeln!(out)
}

/// What the peers have and the host has not, and the other way round.
fn diff(difference: &Difference, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (removed, added) = (style.removed(), style.added());
    for missing in &difference.missing {
        writeln!(out, "      {removed}- {}{removed:#}", line(missing))?;
    }
    for extra in &difference.extra {
        writeln!(out, "      {added}+ {}{added:#}", line(extra))?;
    }
    Ok(())
}
