//! Ctrl-C while the cloud does not answer: no snapshot, no trace of one, and the old one stays.

use crate::world::FIRST;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("portcullis-interrupt-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the command against a cloud that takes every request and answers none, and interrupts it
/// once it has asked: exit code and stderr.
fn interrupted(folder: &Folder, arguments: &[&str]) -> (Option<i32>, String) {
    let cloud = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", cloud.local_addr().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    // SAFETY: one system call between fork and exec. Whoever started the test may ignore SIGINT.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            Ok(())
        });
    }
    let child = command
        .env_clear()
        .env("HOME", &folder.0)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(&folder.0)
        .args(arguments)
        .args(["--regions", "us-east-1", "--account", FIRST])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut request, _) = cloud.accept().unwrap();
    request.read_exact(&mut [0; 16]).unwrap();
    let id = i32::try_from(child.id()).unwrap();
    // SAFETY: a child of ours that nobody has waited for.
    assert_eq!(unsafe { libc::kill(id, libc::SIGINT) }, 0);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_interrupted_collection_leaves_the_old_snapshot_and_nothing_else() {
    let folder = Folder::new("collect");
    std::fs::write(folder.0.join("snapshot.json"), "old").unwrap();
    let (code, stderr) = interrupted(&folder, &["collect", "-o", "snapshot.json"]);
    assert_eq!(code, Some(130), "{stderr}");
    assert_eq!(stderr, "interrupted: no call to the cloud had ended, nothing was written\n");
    assert_eq!(folder.names(), ["snapshot.json"]);
    assert_eq!(std::fs::read_to_string(folder.0.join("snapshot.json")).unwrap(), "old");
}

#[test]
fn an_audit_interrupted_while_it_collects_leaves_nothing() {
    let folder = Folder::new("audit");
    let spec = "version: 1\nroles: { a: { select: { tags: { role: a } } } }\n";
    std::fs::write(folder.0.join("spec.yaml"), spec).unwrap();
    let arguments = ["audit", "--save-snapshot", "snapshot.json", "--export", "json=report.json"];
    let (code, stderr) = interrupted(&folder, &arguments);
    assert_eq!(code, Some(130), "{stderr}");
    assert_eq!(stderr, "interrupted: no call to the cloud had ended, nothing was written\n");
    assert_eq!(folder.names(), ["spec.yaml"]);
}
