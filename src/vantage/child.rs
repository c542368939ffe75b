//! The command that reaches another vantage: started without a shell, in a group of its own, and
//! ended with everything it started.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that is heard: an observation with a long chain of certificates is some kilobytes.
pub(super) const MAX_LINE: usize = 1024 * 1024;
/// Lines that wait to be read.
const WAITING: usize = 4096;
/// Most bytes of what it says on standard error: a reason, not a log.
const MAX_COMPLAINT: u64 = 16 * 1024;
/// How long a command that closed its output may take to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The command, running.
pub(super) struct Running {
    process: Child,
    lines: Receiver<Vec<u8>>,
    complaint: Receiver<Vec<u8>>,
}

/// What is heard next.
pub(super) enum Next {
    /// With its end of line, unless it is the last and was cut.
    Line(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// It closed its output.
    Closed,
}

impl Running {
    pub(super) fn start(argv: &[String], folder: &Path, input: Vec<u8>) -> io::Result<Self> {
        let (program, arguments) =
            argv.split_first().ok_or_else(|| io::Error::other("its command is empty"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
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
        let mut process = command.spawn()?;
        let (send, lines) = sync_channel(WAITING);
        let (told, complaint) = channel();
        if let Some(mut stdin) = process.stdin.take() {
            // One that ends early closes its end: its own words say why.
            thread::spawn(move || stdin.write_all(&input));
        }
        if let Some(stdout) = process.stdout.take() {
            thread::spawn(move || read(stdout, &send));
        }
        if let Some(mut stderr) = process.stderr.take() {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stderr.by_ref().take(MAX_COMPLAINT).read_to_end(&mut bytes);
                let _ = told.send(bytes);
                // The rest is read and forgotten: a command that complains at length still runs.
                let _ = io::copy(&mut stderr, &mut io::sink());
            });
        }
        Ok(Self { process, lines, complaint })
    }

    /// Waits for the next line, at most this long.
    pub(super) fn next(&self, wait: Duration) -> Next {
        match self.lines.recv_timeout(wait) {
            Ok(line) => Next::Line(line),
            Err(RecvTimeoutError::Timeout) => Next::Nothing,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    /// Whether it has ended, though somebody it started may still hold its output.
    pub(super) fn is_over(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }

    /// Waits for it to end by itself, for a moment.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        let until = Instant::now() + LAST_WORDS;
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= until {
                return self.end();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it and everything in its process group.
    pub(super) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Ok(group) = i32::try_from(self.process.id()) {
            // SAFETY: killpg takes two numbers; the group is the child's own, which has not been
            // waited for.
            unsafe { libc::killpg(group, libc::SIGKILL) };
        }
        self.process.wait()
    }

    /// The last line of what it complained about, after `: `; nothing where it said nothing.
    pub(super) fn because(&self) -> String {
        let bytes = self.complaint.recv_timeout(LAST_WORDS).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let line = |l: &&str| !l.is_empty() && !l.starts_with("hint:");
        match text.lines().map(str::trim).rfind(line) {
            Some(line) => format!(": {}", line.chars().take(300).collect::<String>()),
            None => String::new(),
        }
    }
}

/// How a command ended, in words.
pub(super) fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// Reads lines until the end, or until nobody wants them.
fn read(pipe: impl Read, send: &SyncSender<Vec<u8>>) {
    let mut reader = BufReader::with_capacity(64 * 1024, pipe);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line) {
            Ok(1..) if send.send(line).is_ok() => {}
            _ => return,
        }
    }
}
