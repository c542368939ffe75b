//! A plan that enough people agreed to, verified from its folder's bytes.

use super::adapter::AdapterArgs;
use super::denied;
use super::folder::{PlanArgs, unusable};
use super::newest;
use super::place::StateArgs;
use super::refused::refused;
use super::trusted::{TrustArgs, Trusted};
use crate::apply::{JournalFile, JournalStore};
use crate::cleanup::approval::{Approved, Ask, Running, verify};
use crate::cleanup::journal::{self, Chain};
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::policy::Policy;
use crate::cleanup::{Digest, Reason, Refusal};
use crate::cli::CliError;
use crate::dossier::{self, Dossier};
use crate::report::escape::visible;
use clap::Args;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What decides whether a plan may be applied.
#[derive(Debug, Args)]
pub struct AgreedArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// The caps: cleanup-policy.yaml, the same that the plan was made under
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_CLEANUP_POLICY")]
    pub policy: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// A plan with everything that it was verified against.
pub(in crate::cli) struct Agreed {
    pub(in crate::cli) approved: Approved,
    pub(in crate::cli) trusted: Trusted,
    pub(in crate::cli) folder: PathBuf,
    pub(in crate::cli) words: Vec<String>,
    policy: Digest,
    adapter: Option<Digest>,
}

/// The name of a plan's journal.
pub(in crate::cli) const JOURNAL: &str = "journal.jsonl";

impl AgreedArgs {
    /// Verifies everything from zero. `adapter` is what would run, or what an existing job's acts are looked
    /// at with.
    pub(in crate::cli) fn verify(
        &self,
        adapter: &AdapterArgs,
        state: &StateArgs,
    ) -> Result<Agreed, CliError> {
        let trusted = self.trust.read_pinned()?;
        let found = self.plan.read()?;
        let policy = dossier::read_file(&self.policy).map_err(|e| unusable(&e))?;
        let caps = policy;
        let policy = Digest::of(&caps);
        let no = |why: &Refusal| refused(format!("apply the plan {}", found.digest), why);
        let plan = plan::read_as(&found.papers.plan, &found.digest).map_err(|e| no(&e))?;
        let words = adapter.words(&plan.pins.adapter_command)?;
        let running = adapter.digest(&words)?;
        let chain = chain(&found.path, &plan, &found.digest)?;
        let claimed_at = chain.and_then(|c| c.ledger.claimed_at);
        let approved = judge(&found, &trusted, &policy, running.as_ref(), claimed_at);
        let approved = approved.map_err(|e| {
            if e.reason == Reason::Superseded {
                newest::note(state, &found, &trusted);
            }
            if e.reason == Reason::DeniedBy {
                denied::note(state, &found, &trusted);
                denied::write(state, &found.path, &plan, &found.digest);
            }
            no(&e)
        })?;
        let name = visible(&self.policy.display().to_string()).into_owned();
        Policy::read(&name, &caps).and_then(|caps| caps.made(&plan)).map_err(|e| no(&e))?;
        let folder = found.path;
        Ok(Agreed { approved, trusted, folder, words, policy, adapter: running })
    }

    /// Verifies everything once more: a denial, a revocation or a newer plan since then stops.
    pub(in crate::cli) fn still(
        &self,
        agreed: &Agreed,
        state: &StateArgs,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let found = dossier::read(&agreed.folder).map_err(|e| {
            e.refusal().unwrap_or_else(|| Refusal::new(Reason::UnsafePath, e.to_string()))
        })?;
        let trust = agreed.trusted.trust.clone();
        let revoked = self.trust.revoked(&trust)?;
        let trusted = Trusted { trust, revoked };
        // It is claimed by now: its own deadline counts, and windows are those of the claim.
        let (plan, digest) = (agreed.approved.plan(), agreed.approved.digest());
        let chain = chain(&agreed.folder, plan, digest).ok().flatten();
        let claimed_at = chain.and_then(|c| c.ledger.claimed_at).unwrap_or(at);
        let (policy, adapter) = (&agreed.policy, agreed.adapter.as_ref());
        let judged = judge(&found, &trusted, policy, adapter, Some(claimed_at)).map(|_| ());
        if judged.as_ref().is_err_and(|why| why.reason == Reason::Superseded) {
            newest::note(state, &found, &trusted);
        }
        if judged.as_ref().is_err_and(|why| why.reason == Reason::DeniedBy) {
            denied::note(state, &found, &trusted);
        }
        let unreadable =
            |e: CliError| Refusal::new(Reason::DenialsUnreadable, format!("cannot {e}"));
        judged.and_then(|()| denied::none(state, digest).unwrap_or_else(|e| Err(unreadable(e))))
    }
}

fn judge(
    found: &Dossier,
    trusted: &Trusted,
    policy: &Digest,
    adapter: Option<&Digest>,
    claimed_at: Option<Timestamp>,
) -> Result<Approved, Refusal> {
    let running = Some(Running { tool: env!("CARGO_PKG_VERSION"), policy, adapter });
    let ask = Ask { running, claimed_at, ..trusted.ask(&found.digest) };
    verify(&found.papers, &ask)
}

/// A plan's journal as it stands; `None` where there is none yet.
pub(in crate::cli) fn chain(
    folder: &Path,
    plan: &Plan,
    digest: &Digest,
) -> Result<Option<Chain>, CliError> {
    let path = folder.join(JOURNAL);
    if !path.exists() {
        return Ok(None);
    }
    let cannot = || CliError::new(format!("read {}", visible(&path.display().to_string())));
    let bytes = JournalFile::open(&path)
        .and_then(|mut file| file.read())
        .map_err(|e| cannot().because(e))?;
    let chain = journal::read(&bytes, plan, digest);
    chain.map(Some).map_err(|e| refused(format!("go on with the plan {digest}"), &e))
}
