//! A: the integrity of approvals. Through `cleanup verify` and `cleanup approve`, as people and CI run
//! them; `apply` and `variants` are at the act.

mod apply;
mod carried;
mod denied;
mod files;
mod lists;
mod people;
mod plan;
mod shown;
mod signatures;
mod time;
mod variants;

use jiff::SignedDuration;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
