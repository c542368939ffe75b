//! The file claim serves one machine: where its disk is not that of one machine, it is refused.

use crate::common::{World, skip};
use crate::job::Job;
use crate::simworld::Sim;
use portcullis::apply::{Claim, Claimant, FileRegister, disk};
use portcullis::cleanup::Digest;
use portcullis::cleanup::claim::Purpose;
use portcullis::cleanup::disk::Disk;
use std::path::Path;
use std::process::{Command, Output};

/// Whether what tests build lies on a disk where claims in files are taken: not in many containers.
pub(crate) fn own(folder: &Path) -> bool {
    disk(folder).expect("statfs answers") == Disk::Own
}

/// A world whose claims are files, or else refs of a repository in it.
pub(crate) fn claiming(world: World) -> World {
    if own(world.folder()) {
        return world;
    }
    let remote = world.folder().join("claims.git");
    let made = Command::new("git").args(["init", "--quiet", "--bare"]).arg(&remote).status();
    assert!(made.expect("git").success());
    world.with("PORTCULLIS_CLAIM", &format!("git:{}", remote.display()))
}

/// Says why a test of claims in files is skipped, where it has to be.
pub(crate) fn no_files(folder: &Path) -> bool {
    let not = !own(folder);
    if not {
        skip("claims in files: the folder of the build is on no disk of this machine's own");
    }
    not
}

fn one() -> Job {
    Job::new(Sim::new().servo("sv-1", |_| {}), &["sv-1"], |_| {})
}

/// Runs an apply with a file system of this kind over a folder, in a mount namespace of its own.
fn mounted(job: &Job, over: &str, mount: &str) -> Option<Output> {
    let folder = job.sim.path(over);
    std::fs::create_dir_all(&folder).expect("a folder");
    let apply = job.sim.folder.command(&job.apply_words(&["--claim=file"]));
    let mut command = Command::new("unshare");
    let script = format!("{mount} || exit 77; shift; exec \"$@\"");
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(&folder);
    command.arg(apply.get_program()).args(apply.get_args());
    command.current_dir(job.sim.folder.folder()).env_clear();
    command.envs(apply.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let ran = command.output().ok()?;
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    let may = ran.status.code() != Some(77) && !text.contains("unshare failed");
    may.then_some(ran)
}

#[test]
fn a_disk_that_goes_away_is_refused_wherever_it_lies() {
    let overlay = "mkdir -p low up work && \
                   mount -t overlay none -o lowerdir=low,upperdir=up,workdir=work \"$1\"";
    for (over, mount, says) in [
        ("state", "mount -t tmpfs none \"$1\"", "tmpfs, which is gone"),
        ("state", "mount -t ramfs none \"$1\"", "ramfs, which is gone"),
        ("state", overlay, "overlayfs, as containers have it"),
    ] {
        let job = one();
        if no_files(job.sim.folder.folder()) {
            return;
        }
        let Some(ran) = mounted(&job, over, mount) else {
            skip("claims on a disk that goes away: no mount namespaces (root)");
            return;
        };
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(4), "{mount}: {stderr}");
        assert!(stderr.contains(says) && stderr.contains("--claim git:REMOTE"), "{stderr}");
        assert!(stderr.contains(&format!("beside {over}")), "{stderr}");
        assert!(job.acted().is_empty(), "{mount}");
        // The very same without it: a disk of one's own.
        let (ran, _) = job.apply(&["--claim=file"]);
        assert_eq!((ran.code, job.acted().len()), (Some(0), 1), "{ran}");
    }
}

/// The journal's disk counts as much as the claims'.
#[test]
fn a_plan_on_a_disk_that_goes_away_is_refused() {
    let job = one();
    if no_files(job.sim.folder.folder()) {
        return;
    }
    let mount = "cp -a \"$1\" kept && mount -t tmpfs none \"$1\" && cp -a kept/. \"$1\"";
    let Some(ran) = mounted(&job, "cleanup", mount) else {
        skip("a plan on a disk that goes away: no mount namespaces (root)");
        return;
    };
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains(job.digest.hex()) && stderr.contains("tmpfs"), "{stderr}");
    assert!(job.acted().is_empty());
}

/// What would happen: with a disk each, both have the claim.
#[test]
fn two_disks_are_two_claims() {
    let job = one();
    let digest = Digest::of(b"plan");
    let lease = jiff::SignedDuration::from_mins(10);
    let who = |nonce| Claimant { plan: &digest, nonce, by: nonce, lease, purpose: Purpose::Apply };
    let open = |disk: &str| FileRegister::open(&job.sim.path(disk).join("claim")).expect("it");
    let (mut one, mut two) = (open("disk-1"), open("disk-2"));
    let now = jiff::Timestamp::now();
    let held = [Claim::take(&mut one, who("one"), now), Claim::take(&mut two, who("two"), now)];
    assert!(held.iter().all(Result::is_ok), "each has its own file");
}

#[test]
fn another_machines_memory_is_refused() {
    let job = one();
    if no_files(job.sim.folder.folder()) {
        return;
    }
    let (ran, _) = job.apply(&[]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let memory = job.sim.path("state/machine");
    let Ok(ours) = std::fs::read_to_string(&memory) else {
        skip("the memory of a machine: this one has no machine-id");
        return;
    };
    assert!(ours.starts_with("sha256:"), "the id itself is kept in confidence: {ours}");
    // The folder of another machine, with its claims, as a copied home has them.
    let other = Job::new(Sim::new().servo("sv-1", |_| {}), &["sv-1"], |_| {});
    other.sim.folder.file("state/machine", format!("{}\n", Digest::of(b"another")));
    let (ran, _) = other.apply(&[]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("first used on another machine"), "{ran}");
    assert!(other.acted().is_empty());
}

/// A name of a file would be passed over for the one in the state folder, and two machines with one
/// share would both think that they had it.
#[test]
fn a_claim_in_a_named_file_is_told() {
    let job = one();
    let (ran, _) = job.apply(&["--claim=/srv/share/claim"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("claim a plan by the file /srv/share/claim"), "{ran}");
    assert!(job.acted().is_empty());
}
