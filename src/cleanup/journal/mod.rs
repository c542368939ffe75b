//! What was done, line by line, each line bound to the one before it.
//!
//! `journal.jsonl` of a plan's folder: one JSON object a line, `prev` being the digest of the bytes of
//! the line before without its break (of the first: the plan's digest). What a line may say after the
//! lines before it is one table ([`ItemState::after`]), so that a journal with a line removed, changed
//! or moved is refused, and one that is whole says where to go on.

mod event;
mod ledger;
mod read;
mod record;
mod state;
#[cfg(test)]
pub(crate) mod tests;

pub use event::{Event, Found};
pub use ledger::{ItemLedger, Ledger, Outside, token};
pub use read::{Chain, read};
pub use record::Record;
pub use state::ItemState;
