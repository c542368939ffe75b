//! Ctrl-C and SIGTERM: every command ends at once with exit code 130, a line on stderr that says
//! what was not finished, and no file half written.

use super::{CliError, ExitStatus};
use crate::model::Stop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::Poll;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

static STOP: LazyLock<Stop> = LazyLock::new(Stop::default);
/// Works under way that look at [`STOP`] and say themselves what they did not finish.
static HEEDING: AtomicUsize = AtomicUsize::new(0);
/// Held while files are written.
static WRITING: Mutex<()> = Mutex::new(());
/// How long the end waits for a file that is being written; one that nobody reads is not waited for.
const WRITTEN_IN: Duration = Duration::from_secs(2);

/// Hears interrupts from here on, on a thread of its own. `unfinished` fits after "interrupted: ".
///
/// A signal that whoever started us chose to ignore (`nohup`, a script's background job) stays
/// ignored.
pub(super) fn listen(unfinished: &'static str) {
    let signals: Vec<i32> =
        [libc::SIGINT, libc::SIGTERM].into_iter().filter(|s| !ignored(*s)).collect();
    // Registered here and not on the thread: from the next line on no signal is missed.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let inside = runtime.enter();
    let mut heard: Vec<_> =
        signals.into_iter().filter_map(|s| signal(SignalKind::from_raw(s)).ok()).collect();
    drop(inside);
    let hear = move || {
        runtime.block_on(async {
            loop {
                std::future::poll_fn(|context| {
                    // Every one is asked, so that each wakes this task.
                    let ready = heard.iter_mut().map(|s| s.poll_recv(context).is_ready());
                    if ready.filter(|r| *r).count() > 0 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                let again = STOP.is_raised();
                STOP.raise();
                if again || HEEDING.load(Ordering::Acquire) == 0 {
                    end(unfinished);
                }
            }
        });
    };
    // Without the thread the signals would do nothing at all.
    if std::thread::Builder::new().name("interrupt".into()).spawn(hear).is_err() {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            // SAFETY: back to what the system does by itself.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}

fn ignored(signal: i32) -> bool {
    // SAFETY: asks only; the structure is all plain values, for which zero is valid.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Ends the process: what is being written is whole first.
fn end(unfinished: &str) -> ! {
    let mut waited = Duration::ZERO;
    let step = Duration::from_millis(20);
    while matches!(WRITING.try_lock(), Err(TryLockError::WouldBlock)) && waited < WRITTEN_IN {
        std::thread::sleep(step);
        waited += step;
    }
    anstream::eprintln!("interrupted: {unfinished}");
    std::process::exit(ExitStatus::Interrupted.code().into())
}

/// The flag of this process, for a work that looks at it.
pub(super) fn stop() -> Stop {
    STOP.clone()
}

/// A stretch that ends by itself when [`stop`] is raised, and then calls [`check`] or returns
/// [`error`]; a second interrupt does not wait for it.
#[must_use = "the stretch ends where this is dropped"]
pub(super) struct Heeding(());

/// Begins such a stretch.
pub(super) fn heed() -> Heeding {
    HEEDING.fetch_add(1, Ordering::AcqRel);
    Heeding(())
}

impl Drop for Heeding {
    fn drop(&mut self) {
        HEEDING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Keeps the end waiting while a file is written; what is nearly done is done.
#[must_use = "files are whole only while this is held"]
pub(super) fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process here if an interrupt was heard; `unfinished` fits after "interrupted: ".
pub(super) fn check(unfinished: impl FnOnce() -> String) {
    if STOP.is_raised() {
        end(&unfinished());
    }
}

/// An interrupt as an error; `unfinished` fits after "interrupted: ".
pub(super) fn error(unfinished: &str) -> CliError {
    let mut error = CliError::new("finish").with_status(ExitStatus::Interrupted);
    error.rendered = Some(format!("interrupted: {unfinished}"));
    error
}
