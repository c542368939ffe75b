//! The history as people meet it: the real binary, real files, and what goes wrong with files.
#![expect(clippy::disallowed_methods, reason = "tests read files and run the binary")]

#[expect(dead_code, reason = "each test binary uses a part of it")]
#[path = "../core/common/mod.rs"]
mod common;

mod ci;
mod faults;
mod gates;
mod killed;
mod readme;
mod runs;
mod skew;
mod world;
