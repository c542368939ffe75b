//! Stock OpenSSH in a world of its own, with the software authenticator of `tests/authenticator` in
//! the place of a hardware key.

use super::{World, skip};
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The PIN that the authenticator knows.
const ASKPASS: &str = "#!/bin/sh\necho 1234\n";

/// The authenticator's library; says so where it or an OpenSSH that can use it is missing.
pub(crate) fn authenticator() -> Option<PathBuf> {
    let own = std::env::current_exe().expect("this test");
    let built = own.ancestors().nth(2).expect("the target's folder").join("examples");
    let library = built.join("libauthenticator.so");
    if !library.exists() {
        skip("hardware keys need `cargo build --example authenticator` (`cargo test` has it)");
        return None;
    }
    let world = World::new().with_authenticator(&library);
    if !world.makes_key("try", "ed25519-sk", &[]) {
        skip("hardware keys need an ssh-keygen with support for them (openssh-client)");
        return None;
    }
    Some(library)
}

impl World {
    /// OpenSSH finds the authenticator, and whoever asks for its PIN is told.
    pub(crate) fn with_authenticator(self, library: &Path) -> Self {
        let askpass = self.file("askpass", ASKPASS);
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&askpass, mode).expect("its mode");
        self.with("SSH_SK_PROVIDER", &library.display().to_string())
            .with("SSH_ASKPASS", &askpass.display().to_string())
            .with("SSH_ASKPASS_REQUIRE", "force")
    }

    /// A program of OpenSSH in the world's folder and environment.
    pub(crate) fn stock<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("HOME", self.folder.join("home")).env("TZ", "UTC");
        command.envs(self.variables.iter().map(|(k, v)| (k, v))).stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// The same, run to its end with an input.
    pub(crate) fn openssh(&self, program: &str, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.stock(program, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("OpenSSH starts");
        // One that fails early reads nothing.
        let _ = child.stdin.take().expect("its input").write_all(input);
        child.wait_with_output().expect("OpenSSH ends")
    }

    /// Makes a key without a passphrase; whether it could.
    pub(crate) fn makes_key(&self, name: &str, kind: &str, options: &[&str]) -> bool {
        let mut arguments = vec!["-q", "-t", kind, "-N", "", "-C", "test", "-f", name];
        arguments.extend(options.iter().flat_map(|o| ["-O", o]));
        let made = self.openssh("ssh-keygen", &arguments, b"");
        made.status.success() && self.folder.join(name).exists()
    }

    /// Stock's own detached signature.
    pub(crate) fn signs(&self, key: &str, namespace: &str, message: &[u8]) -> String {
        let made = self.openssh("ssh-keygen", &["-Y", "sign", "-n", namespace, "-f", key], message);
        let words = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{words}");
        String::from_utf8(made.stdout).expect("PEM")
    }

    /// The line of a `.pub` file of the world.
    pub(crate) fn public(&self, name: &str) -> String {
        let file = self.folder.join(format!("{name}.pub"));
        std::fs::read_to_string(file).expect("a public key").trim().to_owned()
    }
}

/// An agent that ends with the test.
pub(crate) struct Agent {
    socket: PathBuf,
    child: Child,
}

impl Agent {
    /// Starts one that loads libraries from these paths alone.
    pub(crate) fn start(world: &World, providers: &str) -> Option<Self> {
        // A socket's path may have 108 bytes; the world's folder can be longer.
        let name = format!("portcullis-sk-{}", world.folder.file_name()?.to_str()?);
        let socket = std::env::temp_dir().join(name);
        let path = socket.display().to_string();
        let mut child = world
            .stock("ssh-agent", &["-D", "-a", &path, "-P", providers])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        // It prints its address once it listens.
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).ok()?;
        Some(Self { socket, child })
    }

    /// Where it listens, for `SSH_AUTH_SOCK`.
    pub(crate) fn socket(&self) -> String {
        self.socket.display().to_string()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
