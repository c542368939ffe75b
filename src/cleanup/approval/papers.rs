use crate::cleanup::Digest;
use crate::cleanup::trust::{Revoked, Trust};
use jiff::Timestamp;

/// A plan's folder as bytes: each file was opened once, and what is judged is what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Papers {
    /// The folder's own name.
    pub folder: String,
    pub plan: Vec<u8>,
    /// The author's, over `plan`; `None` where there is none.
    pub plan_signature: Option<Vec<u8>>,
    /// What was seen, as it was sealed beside the plan; `None` where the file is not there.
    pub evidence: Option<Vec<u8>>,
    /// Who was told of it, as the hook's runs were written down; `None` where none were.
    pub notified: Option<Vec<u8>>,
    /// In the order of their names.
    pub approvals: Vec<Paper>,
    pub denials: Vec<Paper>,
    /// The plans of the folders beside this one, with their signatures, for what supersedes it.
    pub siblings: Vec<Paper>,
}

/// One signed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// For messages only: nothing is believed of a file's name.
    pub name: String,
    pub bytes: Vec<u8>,
    /// Of the detached SSHSIG; `None` where there is none.
    pub signature: Option<Vec<u8>>,
}

/// What a folder is held against. None of it comes out of the folder.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The plan that was asked for.
    pub digest: &'a Digest,
    /// Its own digest was compared with the pinned one by [`Trust::pinned`].
    pub trust: &'a Trust,
    pub revoked: &'a Revoked,
    /// What would run; `None` where nothing will, and then the plan's pins are not compared.
    pub running: Option<Running<'a>>,
    pub now: Timestamp,
    /// When the plan was claimed, by the journal: windows are those of the claim then, and the
    /// plan's own deadline counts.
    pub claimed_at: Option<Timestamp>,
}

/// What an apply runs with, for the plan's pins.
#[derive(Debug, Clone, Copy)]
pub struct Running<'a> {
    /// Portcullis's version.
    pub tool: &'a str,
    /// Of the policy file's bytes, as it was pinned.
    pub policy: &'a Digest,
    /// Of the adapter's executable; `None` for the one that is built in.
    pub adapter: Option<&'a Digest>,
}
