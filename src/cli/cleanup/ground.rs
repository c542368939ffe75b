//! Whether a claim in a file holds everybody else off where it would lie.

use crate::apply::{disk, machine, replace_file};
use crate::cleanup::disk::{Disk, Ground, RUNNERS, fit};
use crate::cli::{CliError, ExitStatus};
use crate::report::escape::visible;
use std::io;
use std::path::Path;

/// Beside the claims: the machine that they were first used on.
const NAME: &str = "machine";

/// Refuses a claim by a file where another run could have a file of its own. `state` is the folder of
/// claims, `plan` that of the journal.
pub(super) fn stands(state: &Path, plan: &Path) -> Result<(), CliError> {
    let set: Vec<(&str, String)> = RUNNERS
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?.to_string_lossy().into_owned())))
        .collect();
    let variables: Vec<(&str, &str)> = set.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let on = |path: &Path| -> Result<(String, Disk), CliError> {
        let name = visible(&path.display().to_string()).into_owned();
        let disk =
            disk(path).map_err(|e| CliError::new(format!("tell what {name} is on")).because(e))?;
        Ok((name, disk))
    };
    let found = [on(state)?, on(plan)?];
    let folders: Vec<(&str, Disk)> = found.iter().map(|(n, d)| (n.as_str(), d.clone())).collect();
    let memory = state.join(NAME);
    let remembered = match std::fs::read_to_string(&memory) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(CliError::new(format!("read {}", memory.display())).because(e)),
    };
    let machine = machine();
    let ground = Ground {
        variables: &variables,
        folders: &folders,
        remembered: remembered.as_deref(),
        machine: machine.as_deref(),
    };
    fit(&ground).map_err(|no| {
        CliError::new(format!("claim a plan by a file {}", no.place))
            .because(no.why)
            .hint("--claim git:REMOTE, or --claim nats://HOST:PORT/BUCKET")
            .with_status(ExitStatus::Refused)
    })?;
    match (remembered, machine) {
        (None, Some(machine)) => std::fs::create_dir_all(state)
            .and_then(|()| replace_file(&memory, format!("{machine}\n").as_bytes()))
            .map_err(|e| CliError::new(format!("write {}", memory.display())).because(e)),
        _ => Ok(()),
    }
}
