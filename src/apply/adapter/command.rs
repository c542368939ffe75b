use crate::cleanup::Digest;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The command that starts an adapter: a program and its arguments, never a shell's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterCommand {
    program: PathBuf,
    arguments: Vec<String>,
}

/// An adapter is a program, not an image.
const MAX_PROGRAM_BYTES: u64 = 512 * 1024 * 1024;

impl AdapterCommand {
    /// The first word is the program, the rest its arguments.
    ///
    /// # Errors
    /// No word at all.
    pub fn new(words: &[String]) -> Result<Self, String> {
        match words {
            [program, arguments @ ..] if !program.is_empty() => {
                Ok(Self { program: program.into(), arguments: arguments.to_vec() })
            }
            _ => Err("the adapter's command is empty".into()),
        }
    }

    /// The words, as a plan pins them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        std::iter::once(program).chain(self.arguments.iter().cloned()).collect()
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The digest of everything of the command that is a file: of the program alone, where no
    /// argument names one; else over the program's and the arguments' digests in order, so that a
    /// script behind an interpreter is pinned as well.
    ///
    /// # Errors
    /// A program that is on no path or cannot be read.
    pub fn digest(&self) -> io::Result<Digest> {
        let program = self.found()?;
        let mut digests = vec![digest_of(&program)?];
        let mut first = is_interpreter(&program);
        for argument in &self.arguments {
            let path = Path::new(argument);
            // What an interpreter is given first is what runs, whatever it is called.
            let runs = std::mem::take(&mut first);
            if path.is_file() && (runs || is_code(path)) {
                digests.push(digest_of(path)?);
            } else if runs {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "{argument:?} behind an interpreter is no file, so what runs cannot be pinned: name a script first"
                    ),
                ));
            }
        }
        match digests.as_slice() {
            [one] => Ok(one.clone()),
            many => {
                let text: Vec<String> = many.iter().map(ToString::to_string).collect();
                Ok(Digest::of(text.join("\n").as_bytes()))
            }
        }
    }

    /// Where the program lies, looked for as the system would.
    fn found(&self) -> io::Result<PathBuf> {
        if self.program.components().count() > 1 {
            return Ok(self.program.clone());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|folder| folder.join(&self.program))
            .find(|p| p.is_file())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it is in no folder of PATH"))
    }
}

/// Whether a program runs what its first argument names.
fn is_interpreter(program: &Path) -> bool {
    let name = program.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    const KNOWN: [&str; 18] = [
        "python", "pypy", "sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "perl", "ruby",
        "node", "deno", "bun", "php", "lua", "env", "busybox",
    ];
    KNOWN.contains(&plain)
}

/// Whether an argument's file is code: a script by its first bytes or its ending. Data that the
/// adapter writes to (a world's state) would change the pin on every run.
fn is_code(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if ["py", "sh", "rb", "pl", "js", "jar"].contains(&ending) {
        return true;
    }
    let mut start = [0; 2];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok() && start == *b"#!"
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_PROGRAM_BYTES).read_to_end(&mut bytes)?;
    Ok(Digest::of(&bytes))
}

impl fmt::Display for AdapterCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}
