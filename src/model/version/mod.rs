//! The versions people have, and which comes first.
//!
//! A text is read as one [`Version`] of one [`Scheme`]; versions of one scheme are a partial order,
//! and across schemes nothing comes first. Some texts mean different things in different mouths
//! (`1.8.0` is Java 8 beside `8u45`, and a version 1.8 otherwise): [`pair`] reads two texts in the
//! light of each other, [`Version::read_as`] by a scheme that somebody named.

mod compared;
mod debian;
mod digits;
mod java;
mod numbers;
mod scheme;
#[cfg(test)]
mod tests;
#[expect(clippy::module_inception, reason = "the module's main type")]
mod version;

pub use compared::{Compared, Incomparable};
pub use scheme::Scheme;
pub use version::{Version, compare, is_no_day, pair};
