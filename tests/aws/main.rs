//! Live collection against a real server: moto, and microburst between it and us.
//!
//! Nothing here ever reaches AWS: the collector is started with an environment of its own, in which
//! the endpoint is on loopback and the credentials are made up; [`world::collect`] refuses otherwise.

mod denied;
mod estate;
mod faults;
mod policy;
mod world;
