//! SSH signatures of what Portcullis writes, judged against a list of allowed signers.
//!
//! They are OpenSSH's own (`ssh-keygen -Y sign`), in namespaces of ours, so that the keys people
//! have can sign and stock OpenSSH can check. Judging is stricter than stock: a key counts only
//! where its line names our namespace, at the time of judging, and a hardware key only with a touch.
//! A certificate in a key's place counts by its authority alone.

mod allowed;
mod certificate;
mod envelope;
mod judge;
mod krl;
mod refusal;
mod stamp;
#[cfg(test)]
mod tests;
mod wire;

pub use allowed::{AllowedError, AllowedSigner, AllowedSigners, public_key};
pub use certificate::{Certificate, Untimely, is_authority};
pub use judge::{MAX_SIGNATURE_BYTES, Maker, OwnerVerified, Signed, check, judge, maker};
pub use krl::Krl;
pub use refusal::Refusal;

/// The namespace of a gate's attestation.
///
/// A namespace of its own, with its version in it: a signature made for a commit, a file or another
/// act of Portcullis is none of an attestation, and a later format cannot be taken for this one.
pub const ATTESTATION: &str = "portcullis-attestation.v1";

/// The namespace of a plan's seal, by its author.
pub const PLAN: &str = "portcullis-plan.v1";
/// The namespace of a yes to a plan.
pub const APPROVAL: &str = "portcullis-approval.v1";
/// The namespace of a no to a plan.
pub const DENIAL: &str = "portcullis-deny.v1";
/// The namespace of a halt, and of lifting it.
pub const HALT: &str = "portcullis-halt.v1";
/// The namespace of what an apply did.
pub const RECEIPT: &str = "portcullis-receipt.v1";
/// The namespace of a note that a class of things is meant to go.
pub const DECOMMISSION: &str = "portcullis-decommission.v1";
/// The namespace of a survey that an auditor sends to a vantage.
pub const SURVEY: &str = "portcullis-survey.v1";
/// The namespace of a new list of trust, signed by people of the one before it.
pub const TRUST: &str = "portcullis-trust.v1";
