#![expect(unsafe_code, reason = "only the system says whether a process is there")]

use super::register::machine;
use crate::cleanup::Digest;
use crate::cleanup::claim::Holder;
use crate::cleanup::disk::RUNNERS;
use std::io;

/// This process, as a later one on this machine can tell that it is gone. `None` where it could be
/// mistaken for another: on a runner or in a pod, whose machine may be a copy that runs on elsewhere,
/// and where the system does not say who it is.
pub(super) fn me() -> Option<Holder> {
    if RUNNERS.iter().any(|name| std::env::var_os(name).is_some()) {
        return None;
    }
    let pid = std::process::id();
    let (_, started) = process(pid)?;
    Some(Holder { place: place()?, pid, started })
}

/// Whether a holder is gone for certain. A process of another machine, start or container is not known
/// here, and one that exists is alive however long it was silent.
pub(super) fn dead(holder: &Holder) -> bool {
    if me().is_none_or(|me| me.place != holder.place) {
        return false;
    }
    let Ok(pid) = libc::pid_t::try_from(holder.pid) else { return false };
    // SAFETY: it takes two numbers, and signal 0 is sent to nobody.
    if unsafe { libc::kill(pid, 0) } != 0 {
        return io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
    }
    // Where nobody may look at it, it is there.
    process(holder.pid).is_some_and(|(ended, started)| ended || started != holder.started)
}

/// Whether a process has ended and is only not waited for yet, and the tick of the machine's clock that
/// it was started at.
fn process(pid: u32) -> Option<(bool, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from the last of them.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace();
    let state = fields.next()?;
    // Its first thread may have ended while others go on.
    let threads: u32 = fields.clone().nth(16)?.parse().ok()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((matches!(state, "Z" | "X") && threads <= 1, started))
}

/// The machine, its start, and the namespaces that a process's number and start are of.
fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let pids = std::fs::read_link("/proc/self/ns/pid").ok()?;
    // Older systems have one time for everybody.
    let times = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let text = format!("{} {boot} {host} {} {}", machine()?, pids.display(), times.display());
    Some(Digest::of(text.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn holder(pid: u32) -> Option<Holder> {
        let (_, started) = process(pid).expect("its state");
        me().map(|me| Holder { pid, started, ..me })
    }

    #[test]
    fn only_what_is_gone_is_dead() {
        let mut child =
            Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("sleep starts");
        let Some(it) = holder(child.id()) else {
            child.kill().expect("killed");
            child.wait().expect("gone");
            return; // On a runner nobody is.
        };
        assert!(!dead(&it), "it runs");
        assert!(!dead(&me().expect("it")), "so do we");
        let another = Holder { started: it.started + 1, ..it.clone() };
        assert!(dead(&another), "its number is another's by now");
        let elsewhere = Holder { place: "elsewhere".into(), ..another };
        assert!(!dead(&elsewhere), "nobody knows");
        child.kill().expect("killed");
        // Nobody has waited for it: its number is still there.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !dead(&it) && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(dead(&it));
        child.wait().expect("gone");
        assert!(dead(&it));
    }
}
