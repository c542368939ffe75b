//! Portcullis: is what the outside world can reach exactly what we wrote down?
//!
//! The library behind the `portcullis` command. Data goes one way: `spec` and `snapshot` are what
//! was declared and what the cloud said; `resolve`, `reach` and `survey` compute from them;
//! `exposure`, `drift` and `inventory` are where declared, configured and observed meet; `check`
//! and `audit` judge by the rules; `report` prints. `collect` and `probe` are the edges that touch
//! the world. `ARCHITECTURE.md` has the picture, and a test holds the code to it.

pub mod model;

#[cfg(feature = "aws")]
mod credentials;

pub mod fact;
pub mod history;
pub mod observation;
pub mod pathproof;
pub mod signature;
pub mod snapshot;
pub mod spec;

pub mod cleanup;
pub mod reach;
pub mod resolve;
pub mod survey;

pub mod drift;
pub mod exposure;
pub mod inventory;

pub mod finding;
pub mod rule;

pub mod check;

pub mod audit;

pub mod attestation;
pub mod gate;
pub mod reclaim;

pub mod report;

#[expect(clippy::disallowed_methods, reason = "an edge: adapters, the journal, the clock")]
pub mod apply;
#[expect(
    clippy::disallowed_methods,
    reason = "an edge: reads the cloud's answers from files and the network"
)]
pub mod collect;
pub mod dns;
#[expect(clippy::disallowed_methods, reason = "an edge: the folders of plans")]
pub mod dossier;
pub mod lifecycle;
#[expect(clippy::disallowed_methods, reason = "an edge: sockets and the clock")]
pub mod listen;
#[expect(clippy::disallowed_methods, reason = "an edge: starts a hook, and waits for it")]
pub mod notify;
#[expect(clippy::disallowed_methods, reason = "an edge: sockets, the clock, random ports")]
#[expect(clippy::disallowed_types, reason = "lookups by socket, never walked in order")]
pub mod probe;
#[expect(clippy::disallowed_methods, reason = "an edge: reads keys, starts ssh-keygen")]
pub mod sign;
#[expect(clippy::disallowed_methods, reason = "an edge: starts commands, the clock")]
pub mod vantage;

#[cfg(feature = "history")]
#[expect(clippy::disallowed_methods, reason = "an edge: the history's file")]
pub mod store;

#[expect(clippy::disallowed_methods, reason = "listens on loopback for the demo and tests")]
pub mod demo;

#[expect(clippy::disallowed_methods, reason = "the shell: arguments, files, the clock")]
pub mod cli;
