//! Links, pipes, and files that are swapped while they are read.

use crate::stage::{BOB, ONE, Stage};
use portcullis::cleanup::{Digest, Reason};
use portcullis::dossier::{self};
use std::ffi::CString;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

#[test]
fn a15_links_pipes_and_swapped_files() {
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    stage.approved();
    let unsafe_path = |what: &str| {
        let (ran, _) = stage.verify();
        assert_eq!(ran.code, Some(4), "{what}: {ran}");
        assert!(ran.stderr.contains("unsafe-path"), "{what}: {ran}");
    };
    let folder = stage.world.folder().to_owned();
    let away = folder.join("away");
    for path in [
        stage.place.join("plan.json"),
        yes.clone(),
        stage.place.join("approvals"),
        stage.place.clone(),
        folder.join("trust.yaml"),
        folder.join("policy.yaml"),
    ] {
        let what = path.display().to_string();
        std::fs::rename(&path, &away).expect("moved");
        symlink(&away, &path).expect("a link");
        unsafe_path(&what);
        std::fs::remove_file(&path).expect("removed");
        fifo(&path);
        unsafe_path(&what);
        std::fs::remove_file(&path).expect("removed");
        std::fs::rename(&away, &path).expect("moved back");
        let mode = std::fs::metadata(&path).expect("there").permissions();
        let open = std::fs::Permissions::from_mode(mode.mode() | 0o002);
        std::fs::set_permissions(&path, open).expect("its mode");
        unsafe_path(&what);
        std::fs::set_permissions(&path, mode).expect("its mode");
    }
    stage.approved();
}

/// What is judged is what was read: a swap between reading and judging changes nothing.
#[test]
fn a15_the_bytes_that_were_hashed_are_those_that_are_parsed() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let found = dossier::read(&stage.place).expect("read");
    let mut other = stage.plan.clone();
    other.items[0].id = "sv-live".into();
    stage.write(&stage.place.join("plan.json"), &serde_json::to_vec_pretty(&other).expect("JSON"));
    let list = std::fs::read(stage.world.folder().join("trust.yaml")).expect("the list");
    let trust = portcullis::cleanup::trust::Trust::parse(&list).expect("trust");
    let policy = stage.plan.pins.policy.clone();
    let ask = portcullis::cleanup::approval::Ask {
        digest: &found.digest,
        trust: &trust,
        revoked: &portcullis::cleanup::trust::Revoked::default(),
        running: Some(portcullis::cleanup::approval::Running {
            tool: env!("CARGO_PKG_VERSION"),
            policy: &policy,
            adapter: None,
        }),
        now: stage.now,
        claimed_at: None,
    };
    let approved = portcullis::cleanup::approval::verify(&found.papers, &ask).expect("approved");
    assert_eq!(approved.plan().items[0].id, "sv-1");
    let mut elsewhere = found.papers.clone();
    elsewhere.folder = Digest::of(b"another").folder();
    let refused = portcullis::cleanup::approval::verify(&elsewhere, &ask).expect_err("elsewhere");
    assert_eq!(refused.reason, Reason::PlanDigestMismatch);
    assert!(approved.approved(&approved.plan().items[0]));
    assert!(!approved.approved(&other.items[0]), "an item of its number, and not it");
    stage.refused(11, "plan-digest-mismatch");
}

pub(crate) fn fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    // SAFETY: the path ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
}
