//! Live collection against a real server: moto, and microburst between it and us.
//!
//! Nothing here ever reaches AWS: the collector is started with an environment of its own, in which
//! the endpoint is on loopback and the credentials are made up; [`world::collect`] refuses otherwise.
#![expect(clippy::disallowed_methods, reason = "tests run servers and the binary")]
#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions")]

mod account;
mod apply;
mod cleanup;
mod denied;
mod estate;
mod faults;
mod interrupt;
mod lifecycle;
mod meanwhile;
mod policy;
mod quarantine;
mod repair;
mod ssm_regions;
mod world;
