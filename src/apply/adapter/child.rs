use super::{AdapterCommand, AdapterLimits};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Lines that wait to be read: the adapter waits in turn.
const WAITING: usize = 256;

/// Bytes of what it said on standard error that are kept for an error's text.
const LAST_WORDS: usize = 400;

/// Longest wait for the rest of them: something that it started may hold its standard error open.
const LAST_READ: Duration = Duration::from_secs(1);

/// The process behind an adapter, its pipes on threads of their own, so that neither a full pipe
/// nor silence can hold us.
pub(super) struct Child {
    process: std::process::Child,
    questions: Option<Sender<Vec<u8>>>,
    lines: Receiver<Result<Vec<u8>, String>>,
    words: Arc<Mutex<VecDeque<u8>>>,
    /// What reads them, until the process and all that it started have closed them.
    listener: Option<JoinHandle<()>>,
    end_after: Duration,
    /// Why it was ended; then nothing is asked any more.
    ended: Option<String>,
}

impl Child {
    /// Starts it, to end with us: a run that is killed leaves nobody behind who goes on with its act,
    /// while the next one looks whether that was done. It ends with the thread that starts it, too.
    pub(super) fn start(command: &AdapterCommand, limits: &AdapterLimits) -> io::Result<Self> {
        let mut process = Command::new(command.program());
        process
            .args(command.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C is ours to handle, and not in the middle of an act; and
            // what it started itself can be ended with it.
            .process_group(0);
        let us = libc::pid_t::try_from(std::process::id()).ok();
        let ends_with_us = move || {
            // SAFETY: both calls take numbers, and may be made between fork and exec.
            let (set, parent) =
                unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
            // We may have been killed before it was set.
            let alone = us.is_some_and(|us| us != parent);
            if set != 0 || alone { Err(io::Error::last_os_error()) } else { Ok(()) }
        };
        // SAFETY: what runs between fork and exec allocates nothing and takes no lock.
        unsafe { process.pre_exec(ends_with_us) };
        let mut process = process.spawn()?;
        let (to_write, questions) = (channel(), process.stdin.take());
        if let Some(mut stdin) = questions {
            let waiting: Receiver<Vec<u8>> = to_write.1;
            std::thread::spawn(move || {
                while let Ok(line) = waiting.recv() {
                    if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
                        return;
                    }
                }
            });
        }
        let (send, lines) = sync_channel(WAITING);
        if let Some(stdout) = process.stdout.take() {
            let bound = limits.line;
            std::thread::spawn(move || read_lines(stdout, bound, &send));
        }
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let listener = process.stderr.take().map(|stderr| {
            let words = Arc::clone(&words);
            std::thread::spawn(move || keep_last(stderr, &words))
        });
        Ok(Self {
            process,
            questions: Some(to_write.0),
            lines,
            words,
            listener,
            end_after: limits.end,
            ended: None,
        })
    }

    /// Asks; never waits.
    pub(super) fn write(&mut self, question: &Value) -> Result<(), String> {
        if let Some(why) = &self.ended {
            return Err(format!("the adapter was ended before: {why}"));
        }
        let line = format!("{question}\n").into_bytes();
        let sent = self.questions.as_ref().is_some_and(|q| q.send(line).is_ok());
        if sent { Ok(()) } else { Err(self.end("it does not read")) }
    }

    /// The next line, without its break.
    pub(super) fn read(&mut self, until: Instant) -> Result<Vec<u8>, String> {
        let left = until.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => Err("it did not answer in time".into()),
            Err(RecvTimeoutError::Disconnected) => Err("it ended".into()),
        }
    }

    /// Ends it, and says why with what the process said last.
    pub(super) fn end(&mut self, why: &str) -> String {
        let status = self.stop(Duration::from_millis(200));
        let mut text = why.to_owned();
        if let Some(status) = status
            && !status.success()
        {
            text = format!("{text} ({status})");
        }
        let words = self.last_words();
        if !words.is_empty() {
            text = format!("{text}; its last words: {words}");
        }
        self.ended = Some(why.to_owned());
        text
    }

    /// What it said last; it has ended, so that the rest is read in a moment.
    fn last_words(&self) -> String {
        let until = Instant::now() + LAST_READ;
        while self.listener.as_ref().is_some_and(|l| !l.is_finished()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = words.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("").to_owned()
    }

    /// Closes its input, waits for it to end by itself, then ends its whole group.
    fn stop(&mut self, patience: Duration) -> Option<std::process::ExitStatus> {
        self.questions = None;
        let until = Instant::now() + patience;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                _ => break,
            }
        }
        if let Ok(group) = i32::try_from(self.process.id()) {
            // SAFETY: it takes two numbers. The process has not been waited for, so its id and the
            // group that it leads are still its own.
            unsafe { libc::killpg(group, libc::SIGKILL) };
        }
        let _ = self.process.wait();
        None
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.stop(self.end_after);
        }
    }
}

/// Hands over line by line; what is too long or has no end is said as an error.
fn read_lines(stdout: impl Read, bound: usize, send: &SyncSender<Result<Vec<u8>, String>>) {
    let mut reader = BufReader::with_capacity(64 * 1024, stdout);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(bound as u64 + 1);
        let said = match limited.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Ok(line)
            }
            Ok(_) if line.len() > bound => Err(format!("it wrote a line above {bound} bytes")),
            Ok(_) => Err("it ended in the middle of a line".to_owned()),
            Err(e) => Err(format!("its output cannot be read: {e}")),
        };
        let last = said.is_err();
        if send.send(said).is_err() || last {
            return;
        }
    }
}

fn keep_last(mut stderr: impl Read, words: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n @ 1..) = stderr.read(&mut buffer) {
        let mut kept = words.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..n]);
        let over = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..over);
    }
}
