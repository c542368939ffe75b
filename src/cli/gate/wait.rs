use super::super::CliError;
use super::look::{Gate, Looked, Stopped};
use crate::gate::Answer;
use crate::report::escape::visible;
use std::time::{Duration, Instant};

/// Looks until every host passes or the time is over; without `--wait`, once.
///
/// # Errors
/// What a look found that waiting does not mend, at once; else what the last look says.
pub(super) fn until(gate: &Gate<'_>) -> Result<Looked, CliError> {
    let Some(wait) = gate.args.wait else { return Ok(gate.look(gate.options.sweep)?) };
    let began = Instant::now();
    polled(
        Polling {
            sweep: gate.options.sweep,
            passes: |looked: &Looked| looked.verdicts.answer() == Answer::Pass,
        },
        || wait.saturating_sub(began.elapsed()),
        &mut |sweep| gate.look(sweep),
        &mut |looked, left| {
            tell(gate, looked, left);
            std::thread::sleep(gate.args.every.min(left));
        },
    )
}

/// What is waited for.
struct Polling<T> {
    /// Whether every port is looked at before it passes.
    sweep: bool,
    passes: fn(&T) -> bool,
}

/// While it waits only what is declared is looked at; the sweep of every port comes when nothing
/// else holds any more, so that a host that is starting is not asked 65,535 ports again and again.
fn polled<T>(
    polling: Polling<T>,
    mut left: impl FnMut() -> Duration,
    look: &mut dyn FnMut(bool) -> Result<T, Stopped>,
    between: &mut dyn FnMut(&Result<T, Stopped>, Duration),
) -> Result<T, CliError> {
    let Polling { sweep, passes } = polling;
    loop {
        let mut looked = mendable(look(false))?;
        let left = left();
        let passed = looked.as_ref().is_ok_and(passes);
        if passed && sweep {
            looked = mendable(look(true))?;
            if left.is_zero() || looked.as_ref().is_ok_and(passes) {
                return Ok(looked?);
            }
        } else if passed {
            return Ok(looked?);
        } else if left.is_zero() {
            // The last word is said with everything looked at.
            return Ok(if sweep { look(true) } else { looked }?);
        }
        between(&looked, left);
    }
}

/// A look that waiting may mend; else its error.
fn mendable<T>(looked: Result<T, Stopped>) -> Result<Result<T, Stopped>, CliError> {
    match looked {
        Err(Stopped::Broken(error)) => Err(error),
        looked => Ok(looked),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Looks as scripted; tells which were whole, and how often it waited.
    fn waited(
        sweep: bool,
        left: impl FnMut() -> Duration,
        looks: Vec<Result<bool, Stopped>>,
    ) -> (Result<bool, CliError>, Vec<bool>, usize) {
        let looks = RefCell::new(looks.into_iter());
        let (mut whole, mut between) = (Vec::new(), 0);
        let answer = polled(
            Polling { sweep, passes: |pass: &bool| *pass },
            left,
            &mut |swept| {
                whole.push(swept);
                looks.borrow_mut().next().expect("one look too many")
            },
            &mut |_, _| between += 1,
        );
        (answer, whole, between)
    }

    fn broken() -> Result<bool, Stopped> {
        Err(Stopped::Broken(CliError::new("read the snapshot")))
    }

    fn nobody() -> Result<bool, Stopped> {
        Err(Stopped::Nobody(CliError::new("gate")))
    }

    const LONG: fn() -> Duration = || Duration::from_secs(600);

    /// Time for `n` looks, and then none.
    fn enough_for(n: usize) -> impl FnMut() -> Duration {
        let mut looked = 0;
        move || {
            looked += 1;
            Duration::from_secs(if looked < n { 9 } else { 0 })
        }
    }

    #[test]
    fn the_sweep_comes_when_nothing_else_holds_and_again_after_it_held() {
        let looks = vec![Ok(false), Ok(true), Ok(false), nobody(), Ok(true), Ok(true)];
        let (answer, whole, between) = waited(true, LONG, looks);
        assert!(answer.is_ok_and(|pass| pass));
        assert_eq!(whole, [false, false, true, false, false, true]);
        assert_eq!(between, 3);
        let (answer, whole, _) = waited(false, LONG, vec![nobody(), Ok(true)]);
        assert!(answer.is_ok_and(|pass| pass) && whole == [false, false]);
    }

    #[test]
    fn what_waiting_does_not_mend_ends_it_at_once_whichever_look_it_breaks() {
        for (looks, times) in
            [(vec![broken()], 1), (vec![Ok(false), broken()], 2), (vec![Ok(true), broken()], 2)]
        {
            let (answer, whole, _) = waited(true, LONG, looks);
            assert!(answer.is_err_and(|e| e.to_string().contains("snapshot")));
            assert_eq!(whole.len(), times);
        }
    }

    #[test]
    fn when_the_time_is_over_the_last_word_is_of_a_whole_look() {
        let (answer, whole, between) =
            waited(true, enough_for(2), vec![Ok(false), Ok(false), Ok(false)]);
        assert!(answer.is_ok_and(|pass| !pass));
        assert_eq!((whole.as_slice(), between), (&[false, false, true][..], 1));
        let (answer, whole, _) = waited(true, enough_for(1), vec![Ok(true), Ok(false)]);
        assert!(answer.is_ok_and(|pass| !pass) && whole == [false, true]);
        let (answer, whole, _) = waited(false, enough_for(1), vec![nobody()]);
        assert!(answer.is_err() && whole == [false]);
    }
}
