use super::*;
use crate::cleanup::Digest;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portcullis-dossier-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn sealed(&self, text: &[u8]) -> PathBuf {
        let files: [(&str, &[u8]); 2] = [("plan.json", text), ("plan.json.sig", b"sig")];
        seal(&self.0, &Digest::of(text), &files).expect("sealed")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its mode");
}

#[test]
fn what_was_sealed_is_what_is_read() {
    let scratch = Scratch::new("sealed");
    let place = scratch.sealed(b"plan");
    scratch.sealed(b"other");
    let meta = std::fs::metadata(place.join("plan.json")).expect("there");
    assert_eq!(meta.permissions().mode() & 0o777, 0o444);
    for n in 0..2 {
        let added = add(&place, Pile::Approvals, "bob", b"yes", "sig").expect("added");
        let name = if n == 0 { "approvals/bob.json" } else { "approvals/bob-2.json" };
        assert_eq!(added, place.join(name));
    }
    add(&place, Pile::Denials, "carol", b"no", "sig").expect("added");
    let read = read(&place).expect("read");
    assert_eq!(read.digest, Digest::of(b"plan"));
    assert_eq!(read.papers.plan, b"plan");
    assert_eq!(read.papers.plan_signature.as_deref(), Some(b"sig".as_slice()));
    let names: Vec<_> = read.papers.approvals.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["bob.json", "bob-2.json"]);
    assert_eq!(read.papers.denials[0].bytes, b"no");
    assert_eq!(read.papers.siblings.len(), 1);
    assert_eq!(read.papers.siblings[0].bytes, b"other");
    // No part of a folder is left over.
    let left = std::fs::read_dir(&scratch.0).expect("there").count();
    assert_eq!(left, 2);
}

#[test]
fn a_signature_without_its_no_is_still_something() {
    let scratch = Scratch::new("orphan");
    let place = scratch.sealed(b"plan");
    add(&place, Pile::Denials, "carol", b"no", "sig").expect("added");
    std::fs::remove_file(place.join("denials/carol.json")).expect("removed");
    let read = read(&place).expect("read");
    assert_eq!(read.papers.denials.len(), 1);
    assert!(read.papers.denials[0].bytes.is_empty());
}

#[test]
fn links_pipes_and_what_others_may_write_are_refused() {
    let scratch = Scratch::new("unsafe");
    let place = scratch.sealed(b"plan");
    add(&place, Pile::Approvals, "bob", b"yes", "sig").expect("added");
    let refused = |what: &str| {
        let error = read(&place).expect_err(what);
        assert!(error.refusal().is_some(), "{what}: {error}");
        error.to_string()
    };
    for name in ["plan.json", "plan.json.sig", "approvals/bob.json", "approvals/bob.json.sig"] {
        let file = place.join(name);
        let away = scratch.0.join("away");
        std::fs::rename(&file, &away).expect("moved");
        symlink(&away, &file).expect("a link");
        assert!(refused(name).contains("symbolic link"), "{name}");
        std::fs::remove_file(&file).expect("removed");
        let c = std::ffi::CString::new(file.as_os_str().as_encoded_bytes()).expect("a path");
        // SAFETY: the path ends in NUL.
        assert_eq!(unsafe { libc::mkfifo(c.as_ptr(), 0o600) }, 0);
        assert!(refused(name).contains("no regular file"), "{name}");
        std::fs::remove_file(&file).expect("removed");
        std::fs::create_dir(&file).expect("a folder");
        assert!(refused(name).contains("no regular file"), "{name}");
        std::fs::remove_dir(&file).expect("removed");
        std::fs::rename(&away, &file).expect("moved back");
        mode(&file, 0o666);
        assert!(refused(name).contains("everybody may write it"), "{name}");
        mode(&file, 0o444);
    }
    for name in ["", "approvals"] {
        let folder = place.join(name);
        mode(&folder, 0o777);
        assert!(refused(name).contains("everybody may write it"), "{name}");
        mode(&folder, 0o755);
    }
    mode(&scratch.0, 0o777);
    assert!(refused("the folder above").contains("everybody may write it"));
    mode(&scratch.0, 0o755);
    let approvals = place.join("approvals");
    let away = scratch.0.join("away");
    std::fs::rename(&approvals, &away).expect("moved");
    symlink(&away, &approvals).expect("a link");
    assert!(refused("approvals").contains("link"));
    std::fs::remove_file(&approvals).expect("removed");
    std::fs::rename(&away, &approvals).expect("moved back");
    assert!(read(&place).is_ok(), "as it was");
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        let file = place.join("plan.json");
        std::os::unix::fs::chown(&file, Some(12345), None).expect("root may");
        assert!(refused("another's file").contains("belongs to the user 12345"));
        std::os::unix::fs::chown(&file, Some(0), None).expect("root may");
    }

    let linked = scratch.0.join(Digest::of(b"elsewhere").folder());
    symlink(&place, &linked).expect("a link");
    assert!(read(&linked).expect_err("a link").refusal().is_some());
}

#[test]
fn a_plan_is_named_by_folder_or_digest() {
    let root = Path::new("cleanup");
    let digest = Digest::of(b"x");
    let found = |text: &str| place(Path::new(text), root);
    assert_eq!(found(&digest.to_string()).expect("a digest"), root.join(digest.folder()));
    assert_eq!(found(&digest.folder()).expect("a digest"), root.join(digest.folder()));
    let path = format!("elsewhere/{}/", digest.folder());
    assert_eq!(found(&path).expect("a folder"), PathBuf::from(&path));
    assert!(found("plan").expect_err("neither").to_string().contains("sha256-"));
}
