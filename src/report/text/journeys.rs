use crate::exposure::{JourneyCell, JourneyOutcome};
use crate::model::Severity;
use crate::observation::VantageSeen;
use crate::report::Style;
use crate::report::escape::line;
use crate::report::matrix::{Matrix, matrices, word};
use std::io::{self, Write};

/// Writes the matrix of every journey: hosts as rows, profiles as columns.
pub(in crate::report) fn write(
    cells: &[JourneyCell],
    vantages: &[VantageSeen],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for matrix in matrices(cells, vantages) {
        one(&matrix, style, out)?;
    }
    Ok(())
}

fn one(matrix: &Matrix<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (strong, frame) = (style.strong(), style.frame());
    writeln!(out, "{strong}{}{strong:#}", line(&matrix.title()))?;
    if !matrix.rows.is_empty() {
        let escaped = |text: &str| line(text).into_owned();
        let mut head = vec!["host".to_owned()];
        head.extend(matrix.profiles.iter().map(|p| escaped(p)));
        let rows: Vec<Vec<String>> = matrix
            .rows
            .iter()
            .map(|(host, cells)| {
                let mut row = vec![escaped(host)];
                row.extend(cells.iter().map(|c| escaped(&word(*c))));
                row
            })
            .collect();
        let width = |i: usize| {
            let cells = std::iter::once(&head).chain(&rows).map(|r| r[i].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        write!(out, "   {frame}|{frame:#}{strong}")?;
        for (text, width) in head.iter().zip(&widths) {
            write!(out, " {text:<width$} ")?;
        }
        writeln!(out, "{strong:#}")?;
        for ((_, cells), row) in matrix.rows.iter().zip(&rows) {
            write!(out, "   {frame}|{frame:#}")?;
            for (i, (text, width)) in row.iter().zip(&widths).enumerate() {
                let outcome = i.checked_sub(1).and_then(|i| cells[i]).map(|c| &c.outcome);
                let paint = match outcome {
                    Some(JourneyOutcome::Broken) => style.severity(Severity::High),
                    Some(JourneyOutcome::Unproven | JourneyOutcome::Unknown(_)) => {
                        style.severity(Severity::Medium)
                    }
                    _ => anstyle::Style::new(),
                };
                write!(
                    out,
                    " {paint}{text}{paint:#}{:pad$} ",
                    "",
                    pad = width - text.chars().count()
                )?;
            }
            writeln!(out)?;
        }
    }
    for rest in matrix.rest().iter().chain(&matrix.mute) {
        writeln!(out, "   {frame}|{frame:#} {}", line(rest))?;
    }
    writeln!(out)
}
