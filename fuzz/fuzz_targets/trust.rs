//! Lists of trust: what is taken is the same in OpenSSH's format, and one key is one party's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::signature::AllowedSigners;

fuzz_target!(|bytes: &[u8]| {
    let _ = Revoked::parse(bytes);
    if let Ok(trust) = Trust::parse(bytes) {
        assert!(AllowedSigners::parse(&trust.allowed_signers()).is_ok());
        for party in trust.parties() {
            for key in &party.keys {
                assert_eq!(trust.holder_of_key(&key.key).map(|h| &h.0.name), Some(&party.name));
            }
        }
    }
});
