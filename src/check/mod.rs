//! Kinds of rule, one file each: what a rule of the kind looks at, and the findings it makes.

mod drift;
mod exposure;
mod group;
mod inventory;
mod journey;
mod judged;
mod needs;
mod peer;
mod row;
mod simple;
mod waiver;

pub use drift::judge as drift;
pub use exposure::judge as exposure;
pub use group::judge as group;
pub use inventory::judge as inventory;
pub use journey::judge as journey;
pub use judged::{Context, Judged};
pub use needs::agree;
pub use waiver::{apply as waivers, matches as waiver_matches};
