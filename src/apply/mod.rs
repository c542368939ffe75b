//! The only code that changes anything: acts, adapters, claims, the halt switch, the journal's file.

mod adapter;

pub use adapter::{Adapter, AdapterCommand, AdapterLimits};
#[cfg(feature = "fleet")]
pub mod bucket;
