//! What is kept of each run, and what an absence means. Pure: the store behind [`Store`] is an edge.
//!
//! # Series
//!
//! Runs are compared within a *series*: the same command, the same spec paths, the same accounts and
//! regions, the same vantages, the same sources of facts ([`Scope`]). A run that looks at more than
//! the last one did continues its series; one that looks at less, or elsewhere, has a series of its
//! own and says nothing of the others' findings.
//!
//! # When an absence is a resolution
//!
//! *Unknown is never no.* A finding that a run does not have is **resolved** by that run only where
//! all of these hold; else it is *not seen in that run*, stays open, and the history says why:
//!
//! 1. the run is of the finding's own series, so it looked at least as widely;
//! 2. it has the finding's rule;
//! 3. its snapshot is not older than the one that the finding was last seen in;
//! 4. where the finding has a source, every endpoint that was to be probed was probed;
//! 5. the run could see what the finding is about by itself, where it says so: of a journey it says of
//!    each host and profile whether it works, is broken, or could not be seen;
//! 6. no gap of the run touches the finding ([`Blindness`]). A gap touches
//!    - the findings from a source, where it is a `vantage` gap of that source;
//!    - the findings on a host, where it is of the host or of an endpoint of it;
//!    - every finding that has a source, where it is of the probes otherwise: an address, a
//!      vantage, its controls, a snapshot too old to direct them;
//!    - every finding that has none, where it is of facts;
//!    - every finding otherwise, accepted with `--allow-gaps` or not.
//!
//!    Gaps of the probes touch nothing where neither run probed. And a gap does not touch what was
//!    last seen by a run that had the same gap in the same words (but for numbers): what was hidden
//!    from both runs cannot be what the one saw. That excuses nothing that hides by luck: a listing
//!    that was cut short, controls that did not answer, a survey past its limit.
//!
//! A finding **flaps** that was resolved or came back three times or more within twenty runs of its
//! series ([`flapping`]).

mod absence;
mod blindness;
mod content;
mod error;
mod filter;
mod fingerprint;
mod flapping;
mod kept;
mod life;
mod run;
mod scope;
mod store;

pub use absence::{Absence, LastSeen, judge};
pub use blindness::{Before, Blindness};
pub use content::{Content, Standing};
pub use error::{StoreError, StoreTrouble};
pub use filter::Filter;
pub use fingerprint::Fingerprint;
pub use flapping::{FLAPPING_RUNS, FLAPPING_TURNS, flapping, flaps, turns};
pub use kept::{Against, Change, Gone, Kept, Sighting};
pub use life::{End, Life, Span, State};
pub use run::{Read, Run, RunRow, Seen};
pub use scope::Scope;
pub use store::{Pruned, Retention, Store};
