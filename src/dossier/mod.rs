//! A plan's folder: sealed bytes, signatures, and nothing that was followed or swapped.

mod open;

pub use open::{MAX_BYTES, read_file};
