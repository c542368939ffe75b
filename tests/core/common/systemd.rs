use super::{World, skip};
use std::path::Path;
use std::process::Command;

/// Asks `systemd-analyze` about units, each a name and its text, in which `binary` stands for the
/// installed portcullis, because systemd looks for it. What it says of them is no good sign.
#[track_caller]
pub(crate) fn takes(world: &World, units: &[(&str, String)], installed: &str, binary: &Path) {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip("units of systemd (needs systemd-analyze)");
    }
    let binary = binary.display().to_string();
    let files = units.iter().map(|(name, text)| {
        assert!(!text.contains("ExecStart=") || text.contains(installed), "{name}: {text}");
        world.file(&format!("units/{name}"), text.replace(installed, &binary))
    });
    let output = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no", "--man=no"])
        .args(files)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    // Of other units of the machine it may say what it likes.
    let ours = |line: &&str| units.iter().any(|(name, _)| line.contains(name));
    let ours: Vec<&str> = said.lines().filter(ours).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}
