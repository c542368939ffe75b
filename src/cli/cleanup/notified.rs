//! Owners are told what of theirs is planned, once, after the plan was sealed.

use super::folder::unusable;
use crate::cleanup::notice::{NAME, Told, notices};
use crate::cleanup::plan::Plan;
use crate::cleanup::policy::Notify;
use crate::cleanup::{Digest, strict};
use crate::cli::CliError;
use crate::{dossier, notify};
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

/// Tells each owner, and writes down beside the plan who was told.
pub(super) fn tell(
    hook: &Notify,
    plan: &Plan,
    digest: &Digest,
    folder: &Path,
) -> Result<Vec<Told>, CliError> {
    let within = Duration::from_secs(hook.timeout_s);
    let mut all = Vec::new();
    let mut file = Vec::new();
    for notice in notices(plan, digest) {
        let cannot = |e| CliError::new("write a notice").because(e);
        let mut text = serde_json::to_vec(&notice).map_err(cannot)?;
        text.push(b'\n');
        let said = notify::tell(&hook.command, &text, within);
        let told = Told {
            plan: digest.clone(),
            owner: notice.owner.map(str::to_owned),
            at: Timestamp::now(),
            told: said.is_ok(),
            why: said.err().map(|why| strict::visible(&why).into_owned()),
        };
        serde_json::to_writer(&mut file, &told).map_err(cannot)?;
        file.push(b'\n');
        all.push(told);
    }
    if !all.is_empty() {
        dossier::add_file(folder, NAME, &file).map_err(|e| unusable(&e))?;
    }
    Ok(all)
}
