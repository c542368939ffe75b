//! Rules as data: which rows and cases are worth a finding, and the words for it.

mod case;
mod embedded;
mod error;
mod example;
mod facts;
mod file;
mod load;
mod refine;
#[expect(clippy::module_inception, reason = "the module's main type")]
mod rule;
mod set;
mod template;
#[cfg(test)]
mod tests;
mod when;

pub use case::{Case, Kind};
pub use error::{RuleError, RuleErrors};
pub use example::{Outcome, Tested, test};
pub use facts::{CASE_FACTS, EXPOSURE_FACTS, Fact, FactDoc, Facts};
pub use load::{builtin, load};
pub use rule::{Adjust, Mending, Rule, Subject, Yields};
pub use set::{Judgement, RuleSet};
pub use when::When;
