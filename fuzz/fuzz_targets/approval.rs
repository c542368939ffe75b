//! Statements and their signatures: no bytes of others make a reader fail otherwise than by saying no.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::cleanup::approval::Statement;
use portcullis::signature::{self, APPROVAL};

fuzz_target!(|bytes: &[u8]| {
    let _ = Statement::read(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = signature::check(b"a statement", text, APPROVAL);
    }
});
