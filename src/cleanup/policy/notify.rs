use super::file::Seconds;
use serde::Deserialize;

/// How owners are told what of theirs is planned: `notify:` of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "File")]
pub struct Notify {
    /// An executable and its arguments: a mail, a chat, a webhook. It reads one notice a start.
    pub command: Vec<String>,
    /// Whether a plan of which an owner was not told is not applied.
    pub require: bool,
    /// How long one start may take.
    pub timeout_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    command: Vec<String>,
    require: bool,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// Seconds of one start where the policy does not say, and at most.
const USUAL: u64 = 30;
const LONGEST: u64 = 300;

impl TryFrom<File> for Notify {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        if file.command.first().is_none_or(|c| c.trim().is_empty()) {
            return Err("use a command of no words: leave `notify` out to tell nobody".into());
        }
        let timeout_s = file.timeout.map_or(USUAL, |t| t.0);
        if timeout_s == 0 || timeout_s > LONGEST {
            return Err(format!("use {timeout_s} s: one start may take 1 s to {LONGEST} s"));
        }
        Ok(Self { command: file.command, require: file.require, timeout_s })
    }
}
