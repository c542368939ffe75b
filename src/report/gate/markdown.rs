use super::super::escape::{markdown_cell as cell, markdown_fence as fence, markdown_text as text};
use super::{head, swept, title, waived, word};
use crate::gate::{Difference, HostAnswer, Reason, Verdicts};
use std::io::{self, Write};

/// The answer as GitHub-flavoured Markdown, for a job summary or a comment.
///
/// # Errors
/// Only what `out` answers.
pub fn markdown(verdicts: &Verdicts, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Portcullis gate\n\n**{}**\n", text(&head(verdicts)))?;
    writeln!(out, "| host | answer | held by |\n|---|---|---|")?;
    for host in &verdicts.hosts {
        let reasons: Vec<String> =
            host.reasons.iter().map(|r| format!("{} {}", r.kind(), r.subject())).collect();
        let reasons = reasons.join("; ");
        writeln!(out, "| {} | {} | {} |", cell(&title(host)), word(host.answer()), cell(&reasons))?;
    }
    let told =
        |h: &&HostAnswer| !(h.reasons.is_empty() && h.parity.is_empty() && h.waived.is_empty());
    for host in verdicts.hosts.iter().filter(told) {
        writeln!(out, "\n### {}\n", text(&title(host)))?;
        for reason in &host.reasons {
            let unseen = if reason.unseen() { " (not seen)" } else { "" };
            let (kind, subject) = (text(reason.kind()), text(&reason.subject()));
            writeln!(out, "- **{kind}**{unseen} {subject}: {}", text(&reason.to_string()))?;
            if let Reason::Parity(difference) = reason {
                diff(difference, out)?;
            }
            let commands = reason.mends().iter().filter_map(|m| m.command.as_deref());
            for command in commands {
                write!(out, "{}", fence("sh", command))?;
            }
        }
        for said in waived(host) {
            writeln!(out, "- let pass: {}", text(&said))?;
        }
        for difference in host.parity.iter().filter(|d| !d.holds) {
            writeln!(out, "- {}", text(&difference.to_string()))?;
            diff(difference, out)?;
        }
    }
    if !verdicts.journeys.is_empty() {
        writeln!(out)?;
        super::super::markdown::journeys(&verdicts.journeys, &verdicts.vantages, out)?;
    }
    if !verdicts.gaps.is_empty() {
        writeln!(out, "\n### Not seen\n")?;
        for gap in &verdicts.gaps {
            writeln!(out, "- {}", text(&gap.to_string()))?;
        }
    }
    let notes: Vec<String> =
        swept(verdicts).into_iter().chain(verdicts.not_judged.iter().cloned()).collect();
    if !notes.is_empty() {
        writeln!(out, "\n### Notes\n")?;
        for what in &notes {
            writeln!(out, "- {}", text(what))?;
        }
    }
    Ok(())
}

fn diff(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let removed = difference.missing.iter().map(|l| format!("- {l}"));
    let lines: Vec<String> =
        removed.chain(difference.extra.iter().map(|l| format!("+ {l}"))).collect();
    if lines.is_empty() { Ok(()) } else { write!(out, "{}", fence("diff", &lines.join("\n"))) }
}
