//! What hosts are: facts as their sources gave them ([`Gathered`]), and by host ([`Facts`]).
//!
//! Layer 1, pure data. An edge reads sources into [`Gathered`]; `resolve::facts` finds whose record
//! is whose, adds what the snapshot says of every host, and gives [`Facts`].

mod facts;
mod gathered;

pub use facts::{FactValue, Facts};
pub use gathered::{Gathered, Record, SourceRead};
