use super::SignError;
use ssh_key::PublicKey;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Asks stock `ssh-keygen` to sign. It talks to the agent, the hardware key and the terminal itself;
/// the bytes go to its standard input.
pub(super) fn sign(key: &Path, namespace: &str, bytes: &[u8]) -> Result<String, SignError> {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It asks for a touch there, and says there what is wrong.
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|why| SignError::NoKeygen { key: key.into(), why })?;
    let failed = |why: String| SignError::Keygen { key: key.into(), why };
    if let Some(mut stdin) = child.stdin.take() {
        // One that fails early closes its end: its own words say why.
        let _ = stdin.write_all(bytes);
    }
    let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("it ended with {}; its own words stand above", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("what it wrote is no text".into()))
}

/// Whether an agent holds a key.
pub(super) fn agent_holds(public: &PublicKey) -> bool {
    let Ok(line) = public.to_openssh() else { return false };
    let blob = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let Ok(listed) = Command::new("ssh-add").arg("-L").stdin(Stdio::null()).output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.lines().any(|held| blob(held).is_some() && blob(held) == blob(&line))
}

/// Whether there is anybody to ask for a passphrase.
pub(super) fn can_ask() -> bool {
    File::open("/dev/tty").is_ok() || std::env::var_os("SSH_ASKPASS").is_some()
}
