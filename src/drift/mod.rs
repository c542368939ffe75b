//! Live security groups against declared ones, permission by permission.
//!
//! Of the comparison rules of the design: inline and separate permissions are one list in the API
//! (D1), `self` is the group's own id in the spec's own model (D2), routes are not compared (D7).

mod compare;
mod difference;
mod effect;
mod line;
mod odd;
#[cfg(test)]
mod tests;

pub use compare::{compare, needless};
pub use difference::{Class, Difference, Drifted, GroupDrift, How, Odd, OddWhy};
pub use line::{Direction, Line, line_of, permissions};
