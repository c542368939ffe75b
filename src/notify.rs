//! Tells somebody something through an executable of theirs: one start, one text on standard input,
//! a bounded time.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Bytes of what it said last that are kept for the error.
const LAST_WORDS: usize = 400;
/// How often it is looked at.
const NAP: Duration = Duration::from_millis(10);

/// Starts a command with a text on its standard input, and waits for its end.
///
/// # Errors
/// In words: what cannot be started, what ends in another way than with 0, and what does not end in
/// time, which is ended with all that it started.
pub fn tell(command: &[String], text: &[u8], within: Duration) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("the command has no words".into());
    };
    let until = Instant::now() + within;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|e| format!("start {program}: {e}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        let text = text.to_owned();
        // On a thread of its own: one that does not read must not hold us. One that does not want to
        // know is no failure, as long as it says that it is well.
        std::thread::spawn(move || stdin.write_all(&text));
    }
    let (send, words) = channel();
    if let Some(mut stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let mut buffer = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                kept.extend_from_slice(&buffer[..n]);
                let over = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..over);
            }
            let _ = send.send(kept);
        });
    }
    let ended = wait(&mut child, until);
    let said = match words.recv_timeout(Duration::from_millis(200)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => String::new(),
    };
    let last = said.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("").to_owned();
    let why = match ended {
        Some(status) if status.success() => return Ok(()),
        Some(status) => format!("it ended ({status})"),
        None => format!("it did not end within {} s", within.as_secs()),
    };
    Err(if last.is_empty() { why } else { format!("{why}; its last words: {last}") })
}

fn wait(child: &mut Child, until: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(NAP),
            _ => break,
        }
    }
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: it takes two numbers. The process has not been waited for, so its id and the group
        // that it leads are still its own.
        unsafe { libc::killpg(group, libc::SIGKILL) };
    }
    let _ = child.wait();
    None
}
