//! Plans: what is taken is strict, and any other reader of JSON reads it too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::cleanup::{plan, strict};
use serde::de::IgnoredAny;

fuzz_target!(|bytes: &[u8]| {
    let strictly = strict::check(bytes).is_ok();
    if strictly {
        assert!(strict::read::<IgnoredAny>(bytes).is_ok());
    }
    if plan::read(bytes).is_ok() {
        assert!(strictly);
    }
});
