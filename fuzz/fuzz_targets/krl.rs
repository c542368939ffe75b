//! Binary lists of revoked keys: understood to their end or refused, and nothing may follow them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::cleanup::trust::Revoked;
use portcullis::signature::Krl;

fuzz_target!(|bytes: &[u8]| {
    let list = Krl::parse(bytes);
    if Krl::is_one(bytes) {
        assert_eq!(Revoked::parse(bytes).is_ok(), list.is_ok());
    }
    if list.is_ok() {
        assert!(Krl::parse(&[bytes, &[9, 0, 0, 0, 0]].concat()).is_err());
        assert!(Krl::parse(&[bytes, &[5]].concat()).is_err());
    }
});
