//! What a gate attests: an in-toto Statement as canonical bytes, and the rules by which another tool
//! may take it for a yes.
//!
//! Pure: signing the bytes is `sign`'s, judging the signature `signature`'s.

mod canonical;
mod demand;
mod digest;
mod input;
mod statement;
#[cfg(test)]
mod tests;

pub use canonical::canonical;
pub use demand::{Accepted, Demand, Refused, accept, is_one};
pub use digest::{of_bytes, of_snapshot, of_spec};
pub use input::{Host, Input, Outcome, Vantage};
pub use statement::{MAX_BYTES, PREDICATE_TYPE, STATEMENT_TYPE, statement};
