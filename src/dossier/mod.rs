//! A plan's folder: sealed bytes, signatures, and nothing that was followed or swapped.
//!
//! Everything is opened once, relative to the folder that was opened first, without following
//! links; what is judged is what was read then. The folder is that of
//! [`Digest::folder`](crate::cleanup::Digest::folder):
//!
//! ```text
//! cleanup/sha256-HEX/plan.json                    sealed, mode 0444
//!                   /plan.json.sig                its author's
//!                   /evidence.jsonl               what was seen
//!                   /notified.jsonl               who of the owners was told
//!                   /approvals/NAME.json(.sig)    who said yes
//!                   /denials/NAME.json(.sig)      who said no
//! ```

mod add;
mod beside;
mod error;
mod folder;
mod open;
mod read;
mod seal;
#[cfg(test)]
mod tests;

pub use add::{Pile, add, add_file};
pub use beside::beside;
pub use error::DossierError;
pub use open::{MAX_BYTES, read_file};
pub use read::{Dossier, place, read, read_folder};
pub use seal::seal;
