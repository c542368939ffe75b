//! Who is trusted, as every command of cleanup is told it.

use super::refused::refused;
use crate::cleanup::approval::Ask;
use crate::cleanup::trust::{Revoked, Trust};
use crate::cleanup::{Digest, Reason, Refusal};
use crate::cli::CliError;
use crate::dossier;
use crate::report::escape::visible;
use clap::Args;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// The list of trust.
#[derive(Debug, Args)]
#[command(next_help_heading = "Trust")]
pub struct TrustArgs {
    /// Who may propose, approve and apply: trust.yaml
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_TRUST")]
    pub trust: PathBuf,
    /// The digest that it must have, kept where a proposer cannot write
    #[arg(long, value_name = "sha256:HEX", env = "PORTCULLIS_TRUST_DIGEST")]
    pub trust_digest: Option<Digest>,
}

/// A list of trust with the keys that were revoked since.
#[derive(Debug)]
pub struct Trusted {
    pub trust: Trust,
    pub revoked: Revoked,
}

impl Trusted {
    /// What is asked of a plan's papers now, of which nothing is about to run.
    pub fn ask<'a>(&'a self, digest: &'a Digest) -> Ask<'a> {
        Ask {
            digest,
            trust: &self.trust,
            revoked: &self.revoked,
            running: None,
            now: Timestamp::now(),
            claimed_at: None,
        }
    }
}

impl TrustArgs {
    /// Reads both files; compares the digest where one is pinned.
    ///
    /// # Errors
    /// What of them is not understood to its end, and another digest.
    pub fn read(&self) -> Result<Trusted, CliError> {
        let trust = list(&self.trust)?;
        if let Some(digest) = &self.trust_digest {
            trust.pinned(digest).map_err(|e| self.cannot(&e))?;
        }
        let revoked = self.revoked(&trust).map_err(|e| self.cannot(&e))?;
        Ok(Trusted { trust, revoked })
    }

    /// The same for an apply, which takes no list that nothing pins.
    ///
    /// # Errors
    /// The same, and no digest.
    pub fn read_pinned(&self) -> Result<Trusted, CliError> {
        if self.trust_digest.is_none() {
            return Err(CliError::new(format!("use the list of trust {}", self.trust.display()))
                .because("nothing pins it: whoever proposes a plan could bring their own")
                .hint(
                    "keep its digest where proposers cannot write and give it as --trust-digest \
                     or PORTCULLIS_TRUST_DIGEST; `portcullis cleanup trust check FILE` prints it",
                ));
        }
        self.read()
    }

    /// The revoked keys as they are now: read again before each batch.
    ///
    /// # Errors
    /// [`Reason::RevocationUnreadable`]: who is revoked is then not known, and nobody counts.
    pub fn revoked(&self, trust: &Trust) -> Result<Revoked, Refusal> {
        revoked_beside(&self.trust, trust)
    }

    fn cannot(&self, why: &Refusal) -> CliError {
        refused(format!("use the list of trust {}", self.trust.display()), why)
    }
}

/// The revoked keys of a list, from the file that it names.
pub(in crate::cli) fn revoked_beside(list: &Path, trust: &Trust) -> Result<Revoked, Refusal> {
    let path = list.parent().unwrap_or(Path::new("")).join(&trust.revoked);
    let bytes = dossier::read_file(&path).map_err(|e| {
        Refusal::new(Reason::RevocationUnreadable, format!("the revoked keys: {e}"))
    })?;
    Revoked::parse(&bytes)
}

/// Reads one list of trust.
pub(in crate::cli) fn list(path: &Path) -> Result<Trust, CliError> {
    Trust::parse(&bytes(path)?)
        .map_err(|e| refused(format!("use the list of trust {}", path.display()), &e.into()))
}

/// The bytes of a list of trust.
pub(in crate::cli) fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let cannot = format!("use the list of trust {}", path.display());
    dossier::read_file(path).map_err(|e| match e.refusal() {
        Some(why) => refused(cannot, &why),
        None => CliError::new(cannot).because(visible(&e.to_string())),
    })
}
