use super::child::{MAX_LINE, Next, Running, ended};
use super::hear::{Hearing, Told};
use crate::model::Stop;
use crate::survey::Survey;
use jiff::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a line is waited for before anything else is looked at.
const TICK: Duration = Duration::from_millis(50);
/// The exit code of one that refused or left out a part, and said so.
const INCOMPLETE: i32 = 3;

/// Another vantage, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub struct Remote<'a> {
    pub name: &'a str,
    /// The command and its arguments.
    pub argv: &'a [String],
    /// Where it is run.
    pub folder: &'a Path,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Has another vantage probe a survey: gives it `input`, and hears what it says of it until it ends,
/// its time is over, or `stop` is raised. `on_settled` is called for each endpoint that it tells.
///
/// Nothing is an error: what went wrong is among the troubles, and what was said before stands.
pub fn ask(
    remote: &Remote<'_>,
    input: Vec<u8>,
    nonce: &str,
    survey: &Survey,
    stop: &Stop,
    on_settled: &mut dyn FnMut(),
) -> Told {
    let deadline = Instant::now() + remote.timeout;
    let mut hearing = Hearing::new(remote.name, nonce, survey);
    let program = remote.argv.first().map_or("", String::as_str);
    let mut running = match Running::start(remote.argv, remote.folder, input) {
        Ok(running) => running,
        Err(why) => {
            hearing.told.troubles.push(format!("`{program}` cannot be run: {why}"));
            return hearing.told;
        }
    };
    let closed = loop {
        let wait = deadline.saturating_duration_since(Instant::now()).min(TICK);
        match running.next(wait) {
            Next::Closed => break Ok(()),
            Next::Line(line) => match heard(&mut hearing, &line) {
                Ok(true) => on_settled(),
                Ok(false) => {}
                Err(why) => break Err(why),
            },
            Next::Nothing if hearing.ended() && running.is_over() => break Ok(()),
            Next::Nothing => {}
        }
        if stop.is_raised() {
            break Err("the run was interrupted".into());
        }
        if Instant::now() >= deadline {
            let after = words(remote.timeout);
            break Err(format!(
                "`{program}` did not end within {after}, and was ended: raise its `timeout`, or see why it hangs"
            ));
        }
    };
    let trouble = match closed {
        Err(why) => {
            let _ = running.end();
            Some(why)
        }
        Ok(()) => match running.wait() {
            Ok(status) if status.success() && hearing.ended() => None,
            Ok(status) if status.code() == Some(INCOMPLETE) && hearing.ended() => None,
            Ok(status) if status.success() => {
                Some(format!("`{program}` ended before its answer did{}", running.because()))
            }
            Ok(status) => Some(format!("`{program}` {}{}", ended(status), running.because())),
            Err(why) => Some(format!("`{program}` did not end: {why}")),
        },
    };
    hearing.told.troubles.extend(trouble);
    let (missing, of) = (hearing.missing(), survey.targets.len() + survey.profiled.len());
    if missing > 0 && missing < of {
        hearing.told.troubles.push(format!("{missing} of {of} endpoints have no answer from it"));
    }
    hearing.told
}

fn heard(hearing: &mut Hearing<'_>, line: &[u8]) -> Result<bool, String> {
    match line.strip_suffix(b"\n") {
        Some(line) => hearing.line(line, Timestamp::now()),
        None if line.len() > MAX_LINE => {
            Err(format!("a line of it is longer than {MAX_LINE} bytes"))
        }
        // It is over, and how the command ended says more.
        None => {
            hearing.told.troubles.push("it ends in the middle of a line".into());
            Ok(false)
        }
    }
}

/// A duration as the configuration writes it.
fn words(duration: Duration) -> String {
    match duration.as_secs() {
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        0 => format!("{}ms", duration.as_millis()),
        s => format!("{s}s"),
    }
}
