use super::super::CliError;
use super::look::{Gate, Looked, Stopped};
use crate::gate::Answer;
use crate::report::escape::visible;
use std::time::{Duration, Instant};

/// Looks until every host passes or the time is over; without `--wait`, once.
///
/// While it waits only what is declared is looked at; the sweep of every port comes when nothing
/// else holds any more, so that a host that is starting is not asked 65,535 ports again and again.
pub(super) fn until(gate: &Gate<'_>) -> Result<Looked, CliError> {
    let Some(wait) = gate.args.wait else { return Ok(gate.look(gate.options.sweep)?) };
    let began = Instant::now();
    loop {
        let looked = match gate.look(false) {
            Err(Stopped::Broken(error)) => return Err(error),
            looked => looked,
        };
        let left = wait.saturating_sub(began.elapsed());
        let passes = looked.as_ref().is_ok_and(|l| l.verdicts.answer() == Answer::Pass);
        if passes && gate.options.sweep {
            let whole = gate.look(true);
            let passes = whole.as_ref().is_ok_and(|l| l.verdicts.answer() == Answer::Pass);
            if passes || left.is_zero() {
                return Ok(whole?);
            }
        } else if passes {
            return Ok(looked?);
        } else if left.is_zero() {
            // The last word is said with everything looked at.
            return Ok(if gate.options.sweep { gate.look(true) } else { looked }?);
        }
        tell(gate, &looked, left);
        if let (Ok(looked), Some(continuing)) = (&looked, gate.continuing.borrow_mut().as_mut()) {
            continuing.keep(&looked.verdicts);
        }
        std::thread::sleep(gate.args.every.min(left));
    }
}

/// One line a look on stderr.
fn tell(gate: &Gate<'_>, looked: &Result<Looked, Stopped>, left: Duration) {
    if gate.global.quiet || gate.global.no_progress {
        return;
    }
    let said = match looked {
        Ok(Looked { verdicts, .. }) => {
            let passing = format!("{} of {} hosts pass", verdicts.passing(), verdicts.hosts.len());
            let held = verdicts.hosts.iter().find_map(|h| Some((&h.host, h.reasons.first()?)));
            match held {
                Some((host, reason)) => {
                    format!("{passing}; {host} is held: {}: {reason}", reason.subject())
                }
                None => passing,
            }
        }
        Err(Stopped::Nobody(error) | Stopped::Broken(error)) => {
            error.to_string().replace('\n', " ")
        }
    };
    let left = left.as_secs();
    anstream::eprintln!("waiting ({left} s left): {}", visible(&said));
}

/// Reads `90s`, `10m`, `1h`, or seconds.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(each)) {
        Some(seconds) if (1..=86_400).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("`{text}` is no time from 1s to 24h: write 90s, 10m or 1h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h", 3600), ("5", 5)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["0", "0s", "25h", "1d", "", "m", "-1s", "99999999999999999999h"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
