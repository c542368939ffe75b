//! A program that prints JSON: named in `portcullis.yaml` only, run without a shell, bounded in time
//! and output, and ended with everything it started.

use super::parse::{Reader, Text};
use super::{MAX_BYTES, now};
use crate::fact::Gathered;
use jiff::SignedDuration;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes of what a program says on standard error: a reason, not a log.
const MAX_COMPLAINT: usize = 4096;

/// How long a program that closed its output may take to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs a program and reads what it prints. Complete lines and documents stand even where it hung,
/// failed or said too much; that it did is a gap.
pub(super) fn run(
    reader: &Reader<'_>,
    argv: &[String],
    folder: &Path,
    timeout: SignedDuration,
) -> Gathered {
    let Some((program, arguments)) = argv.split_first() else {
        return reader.unread("its command is empty".into());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // SAFETY: prctl is safe to call between fork and exec, and touches nothing of this process.
    unsafe {
        command.pre_exec(|| {
            // What we start does not outlive us.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(why) => {
            return reader
                .unread(format!("`{program}` cannot be run in {}: {why}", folder.display()));
        }
    };
    let deadline = Instant::now() + Duration::try_from(timeout).unwrap_or_default();
    let output = drain(child.stdout.take(), MAX_BYTES);
    let complaint = drain(child.stderr.take(), MAX_COMPLAINT);
    let said = output.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let hung = matches!(said, Err(RecvTimeoutError::Timeout));
    let status = if hung || matches!(&said, Ok(said) if said.more) {
        end(&mut child)
    } else {
        wait(&mut child, deadline.max(Instant::now() + LAST_WORDS))
    };
    // Killed, it closes its output: what it had said by then is there at once.
    let said = said.ok().or_else(|| output.recv_timeout(LAST_WORDS).ok()).unwrap_or_default();
    let complaint = complaint.recv_timeout(LAST_WORDS).unwrap_or_default();

    let read_at = now();
    let mut out = reader.gathered(read_at);
    let mut unwell = true;
    if hung {
        let after = words(timeout);
        let why = format!(
            "`{program}` said nothing more within {after}, and was ended: raise its `timeout`, or see why it hangs"
        );
        out.gaps.push(reader.gap("", why));
    } else if said.more {
        let why = format!(
            "`{program}` printed more than {} MiB, and was ended: have it print less",
            MAX_BYTES >> 20
        );
        out.gaps.push(reader.gap("", why));
    } else {
        match status {
            Ok(status) if status.success() => unwell = false,
            Ok(status) => {
                let why = format!("`{program}` {}{}", ended(status), because(&complaint.bytes));
                out.gaps.push(reader.gap("", why));
            }
            Err(why) => out.gaps.push(reader.gap("", format!("`{program}` did not end: {why}"))),
        }
    }
    // A program that failed and said nothing has told what there is to tell.
    if unwell && said.bytes.iter().all(u8::is_ascii_whitespace) {
        for source in &mut out.sources {
            source.read_at = None;
        }
        return out;
    }
    let text = Text { at: "", bytes: &said.bytes, host: None, read_at, gathered_at: None };
    reader.parse(&text, &mut out);
    out
}

/// What came out of a pipe, and whether there was more than wanted.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    more: bool,
}

/// Reads a pipe on a thread of its own, so that a full one never stops the program, and sends what
/// it read at its end or at the bound.
fn drain(pipe: Option<impl Read + Send + 'static>, most: usize) -> Receiver<Said> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut bytes = Vec::new();
        let _ = pipe.by_ref().take(most as u64).read_to_end(&mut bytes);
        let more = bytes.len() == most && pipe.read(&mut [0]).is_ok_and(|n| n > 0);
        let _ = send.send(Said { bytes, more });
        // The rest is read and forgotten: a program that complains at length still runs.
        let _ = io::copy(&mut pipe, &mut io::sink());
    });
    receive
}

/// Waits for a program that has closed its output.
fn wait(child: &mut Child, until: Instant) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= until {
            return end(child);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a program and everything in its process group.
fn end(child: &mut Child) -> io::Result<ExitStatus> {
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: killpg takes two numbers; the group is the child's own, which has not been waited for.
        unsafe { libc::killpg(group, libc::SIGKILL) };
    }
    child.wait()
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// The last line of what it complained about.
fn because(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    match text.lines().map(str::trim).rfind(|l| !l.is_empty()) {
        Some(line) => format!(": {}", line.chars().take(300).collect::<String>()),
        None => " and said nothing of why".into(),
    }
}

/// A duration as the configuration writes it.
fn words(duration: SignedDuration) -> String {
    match duration.as_secs() {
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        0 => format!("{}ms", duration.as_millis()),
        s => format!("{s}s"),
    }
}
