//! Runs the built binary in a scrubbed world and shows all of what it did in one text.

pub(crate) mod authenticator;
pub(crate) mod examples;
pub(crate) mod stun;
pub(crate) mod systemd;

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A world of its own: an empty home and working folder, and no variable of the caller's but `PATH`.
pub(crate) struct World {
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

/// What one run of the binary did.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
}

static WORLDS: AtomicU32 = AtomicU32::new(0);

impl World {
    pub(crate) fn new() -> Self {
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("world-{}-{number}", std::process::id()));
        std::fs::create_dir_all(folder.join("home")).expect("a folder for the test");
        Self { folder, variables: Vec::new() }
    }

    /// Where the binary runs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file below the working folder.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder for the test");
        }
        std::fs::write(&path, text).expect("a file for the test");
        path
    }

    /// Sets a variable for every run.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The command, ready to run: for tests that need its pipes.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.command_in(&self.folder, arguments)
    }

    fn command_in<A: AsRef<OsStr>>(&self, folder: &Path, arguments: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("HOME", self.folder.join("home"))
            .env("COLUMNS", "100")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs the binary to its end in the world's folder.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ran {
        ran(self.command(arguments))
    }

    /// Runs the binary to its end in another folder.
    pub(crate) fn run_in<A: AsRef<OsStr>>(&self, folder: &Path, arguments: &[A]) -> Ran {
        ran(self.command_in(folder, arguments))
    }
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Ran { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Standard output, standard error and exit code, for one snapshot.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, name: &str, text: &str| {
            if text.is_empty() {
                return Ok(());
            }
            writeln!(f, "--- {name} ---")?;
            f.write_str(text)?;
            if text.ends_with('\n') { Ok(()) } else { writeln!(f, "(no line break)") }
        };
        part(f, "stdout", &self.stdout)?;
        part(f, "stderr", &self.stderr)?;
        match self.code {
            Some(code) => write!(f, "--- exit {code} ---"),
            None => f.write_str("--- ended by a signal ---"),
        }
    }
}

/// Says that a test is skipped and why; fails it where nothing may be skipped.
pub(crate) fn skip(what: &str) {
    eprintln!("skipped: {what}");
    assert!(
        std::env::var_os("PORTCULLIS_REQUIRE_ALL").is_none_or(|v| v != "1"),
        "PORTCULLIS_REQUIRE_ALL=1 allows no skipping: {what}"
    );
}

/// What this machine lacks for tests in network namespaces with a packet filter; `None` when it
/// lacks nothing. Asked of the machine once: two tests that tried it at the same time would each
/// find the other's namespace in the way.
pub(crate) fn no_namespaces() -> Option<&'static str> {
    static LACK: OnceLock<Option<&'static str>> = OnceLock::new();
    *LACK.get_or_init(|| {
        let works = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).output().is_ok_and(|o| o.status.success())
        };
        if !works("ip", &["netns", "list"]) {
            return Some("no ip command with namespaces");
        }
        let name = format!("pc-{}-try", std::process::id());
        if !works("ip", &["netns", "add", &name]) {
            return Some("no right to make network namespaces (root)");
        }
        let nft = works("ip", &["netns", "exec", &name, "nft", "list", "ruleset"]);
        works("ip", &["netns", "del", &name]);
        (!nft).then_some("no nftables")
    })
}

/// The top folder of the checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether files that hold what the code should say are to be rewritten from what it says.
pub(crate) fn blessing() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|v| v == "always")
}
