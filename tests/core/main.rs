//! Integration tests without the AWS SDKs: one binary, one module a subject.
#![expect(clippy::disallowed_methods, reason = "tests read files and run the binary")]

mod cleanup_docs;
mod common;

mod attested;
mod baseline;
mod demo;
mod estate;
mod facts;
mod files;
mod gate;
mod help;
#[expect(dead_code, reason = "the history's tests use the rest")]
#[path = "../history/world.rs"]
mod incident;
mod init;
mod interrupt;
mod inventory;
mod journeys;
mod known_answers;
mod lab;
mod lab_audit;
mod layering;
mod listen_lab;
mod listening;
mod output;
mod probe;
mod reach;
mod readme;
mod reflect;
mod report;
mod revoked;
mod rollout_docs;
mod rules;
mod signatures;
mod spec;
mod vantages;
mod versions;
