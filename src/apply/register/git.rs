use super::{Held, Register, Swapped};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The tree without anything in it, which every repository knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// A ref of a git repository that every runner can push to: each paper is the message of a commit,
/// a push says which commit it replaces, and the server lets one of two through.
pub struct GitRegister {
    /// A bare repository of our own, to make commits in.
    scratch: PathBuf,
    remote: String,
    reference: String,
    patience: Duration,
}

/// How long git may take for one question: a remote that answers nothing is a no.
const PATIENCE: Duration = Duration::from_secs(60);

impl GitRegister {
    /// `remote` is anything that git can push to, `scratch` a folder of our own that need not be
    /// there yet.
    ///
    /// # Errors
    /// What git says.
    pub fn open(scratch: &Path, remote: &str, reference: &str) -> Result<Self, String> {
        if remote.starts_with('-') || !reference.starts_with("refs/") {
            return Err(format!("push to {reference:?} of {remote:?}: that is no ref of a remote"));
        }
        let register = Self {
            scratch: scratch.to_owned(),
            remote: remote.to_owned(),
            reference: reference.to_owned(),
            patience: PATIENCE,
        };
        if !scratch.join("HEAD").exists() {
            std::fs::create_dir_all(scratch).map_err(|e| e.to_string())?;
            register.git(&["init", "--quiet", "--bare", "."], b"")?;
            register.git(&["hash-object", "-w", "-t", "tree", "--stdin"], b"")?;
        }
        Ok(register)
    }

    /// Waits this long for an answer.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Runs git in the scratch repository and gives back what it printed.
    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let (ok, stdout, stderr) = self.git_raw(arguments, input)?;
        if ok { Ok(stdout) } else { Err(format!("git {}: {}", arguments[0], last_line(&stderr))) }
    }

    fn git_raw(&self, arguments: &[&str], input: &[u8]) -> Result<(bool, String, String), String> {
        let cannot = |e: std::io::Error| format!("run git {}: {e}", arguments[0]);
        let mut child = Command::new("git")
            .args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0"])
            .args(arguments)
            .current_dir(&self.scratch)
            // A folder around it, or a hook that we run in, must not send git elsewhere.
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "portcullis"),
                    (format!("GIT_{who}_EMAIL"), "portcullis@localhost"),
                ]
            }))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input);
        }
        let (stdout, stderr) = (all(child.stdout.take()), all(child.stderr.take()));
        let until = Instant::now() + self.patience;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(cannot)? {
                break status;
            }
            if Instant::now() >= until {
                // What it started (ssh, a helper) has nobody to talk to any more. A group of its own could
                // not ask for a passphrase on the terminal.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("run git {}: no answer in {:?}", arguments[0], self.patience));
            }
            std::thread::sleep(BETWEEN);
        };
        Ok((status.success(), stdout.text(), stderr.text()))
    }

    /// The commit that the ref points to on the remote; `None` where there is no such ref.
    fn tip(&self) -> Result<Option<String>, String> {
        let answer = self.git(&["ls-remote", "--", &self.remote, &self.reference], b"")?;
        let mut found = answer.lines().filter_map(|l| {
            let (commit, name) = l.split_once('\t')?;
            (name == self.reference).then(|| commit.to_owned())
        });
        Ok(found.next())
    }
}

impl Register for GitRegister {
    fn read(&mut self) -> Result<Option<Held>, String> {
        let Some(version) = self.tip()? else { return Ok(None) };
        if self.git(&["cat-file", "-e", &version], b"").is_err() {
            self.git(&["fetch", "--quiet", "--depth=1", "--", &self.remote, &self.reference], b"")?;
        }
        let commit = self.git(&["cat-file", "commit", &version], b"")?;
        let message = commit.split_once("\n\n").map_or("", |(_, message)| message);
        Ok(Some(Held { bytes: message.trim_end_matches('\n').as_bytes().to_vec(), version }))
    }

    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        let commit = self.git(&["commit-tree", "--no-gpg-sign", EMPTY_TREE, "-F", "-"], bytes)?;
        let commit = commit.trim().to_owned();
        let lease = format!("--force-with-lease={}:{}", self.reference, over.unwrap_or_default());
        let what = format!("{commit}:{}", self.reference);
        let push = ["push", "--porcelain", "--quiet", &lease, "--", &self.remote, &what];
        let (ok, _, stderr) = self.git_raw(&push, b"")?;
        // Where the answer was lost or says no, the ref itself knows. The paper holds a nonce, so
        // that nobody else's commit is the same one.
        match self.tip() {
            Ok(Some(tip)) if tip == commit => Ok(Swapped::Yes { version: commit }),
            Ok(tip) if !ok && tip.as_deref() == over => {
                Err(format!("git push: {}", last_line(&stderr)))
            }
            Ok(_) => Ok(Swapped::No),
            Err(why) => Err(why),
        }
    }
}

/// How often git is asked whether it has ended.
const BETWEEN: Duration = Duration::from_millis(2);

/// What a pipe gave until its end, read beside so that no full pipe holds git.
struct Piped(Option<JoinHandle<Vec<u8>>>);

fn all(pipe: Option<impl Read + Send + 'static>) -> Piped {
    Piped(pipe.map(|mut pipe| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = pipe.read_to_end(&mut bytes);
            bytes
        })
    }))
}

impl Piped {
    fn text(self) -> String {
        let bytes = self.0.and_then(|thread| thread.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it says nothing")
}
