//! Who agreed to a plan, and whether that is enough.
//!
//! [`verify`] takes a plan's folder as bytes that were read once, and is the only maker of
//! [`Approved`], which is what an apply takes. Nothing else can make one:
//!
//! ```compile_fail,E0451
//! use portcullis::cleanup::approval::Approved;
//! fn forge(like: Approved) -> Approved {
//!     Approved { items: Default::default(), ..like }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use portcullis::cleanup::approval::Approved;
//! fn is_read<T: serde::de::DeserializeOwned>() {}
//! is_read::<Approved>();
//! ```
//!
//! [`assess`] says the same for people: who counts, who does not and why, what is missing.

mod ahead;
mod approved;
mod assess;
mod count;
mod judge;
mod note;
mod papers;
mod statement;
mod superseded;

pub use ahead::spoken_for;
pub use approved::{Approved, verify};
pub use assess::{Assessment, assess, said_no};
pub use count::Counted;
pub use note::note;
pub use papers::{Ask, Paper, Papers, Running};
pub use statement::{
    Decision, MAX_BYTES, PREDICATE_TYPE, Predicate, STATEMENT_TYPE, Scope, Statement, Words,
};
pub use superseded::newer;
