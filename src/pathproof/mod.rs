//! Path proof: what an auditor asks a port, and what `portcullis listen` behind it answers, when the
//! application itself has not started.
//!
//! One request is one datagram, or the first bytes of a TCP connection, of [`REQUEST`] bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `PCPP` |
//! | 1, 1 | version 1; kind: 1 request, 2 reply |
//! | 1, 1 | IP protocol as asked (6, 17); address family as asked (4, 6) |
//! | 16 | nonce, of this request alone |
//! | 8 | milliseconds since 1970 by the auditor's clock, big-endian, as all numbers |
//! | 16 | the address asked, as the auditor addresses it; IPv4 in its first four bytes |
//! | 2 | the port asked |
//! | 8 | the first bytes of the SHA-256 of the auditor's public key: which key to check with |
//! | 64 | Ed25519 signature of all before it, as SSHSIG makes it in the namespace [`NAMESPACE`] |
//!
//! The reply is of [`REPLY`] bytes, less than half of the request, so that nobody can be flooded
//! through a listener: the same first eight bytes with kind 2, the nonce, the port on which it
//! arrived, and a SHA-256 over the whole request and that port. It is not signed: a listener holds
//! no secret. It proves that something on the path to that port received this very request, which
//! nobody off the path can have seen.

mod address;
mod auditor;
mod denied;
mod reply;
mod request;
#[cfg(test)]
mod tests;
mod trusted;

pub use auditor::{Auditor, NotEd25519};
pub use denied::Denied;
pub use reply::{REPLY, answers, reply};
pub use request::{Arrived, MAX_SKEW, REQUEST, Request};
pub use trusted::Trusted;

/// The signature's namespace: no other use of the auditor's key signs in it.
pub const NAMESPACE: &str = "portcullis-path.v1";

/// The service an observation names when a listener answered.
pub const SERVICE: &str = "portcullis-listen";

const MAGIC: [u8; 5] = *b"PCPP\x01";
const KIND_REQUEST: u8 = 1;
const KIND_REPLY: u8 = 2;
