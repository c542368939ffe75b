//! A hardware key without hardware: OpenSSH's middleware interface (`sk-api.h`, version 10), so that
//! stock `ssh-keygen`, `ssh-sk-helper` and `ssh-agent` make and use real `sk-` keys in tests, as
//! `SSH_SK_PROVIDER=…/libauthenticator.so`.
//!
//! It guards nothing: a key's handle holds its secret in the clear. Somebody always touches it, and
//! its PIN is 1234. As firmware does, it signs what it did: a key made with `-O no-touch-required`
//! signs with flags 0x00, one with `-O verify-required` says after its PIN that it knows its owner.
#![expect(clippy::disallowed_methods, reason = "it reads the system's randomness")]

use ed25519_dalek::{Signer as _, SigningKey};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use sha2::{Digest as _, Sha256};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::Read as _;

/// The version of the interface in OpenSSH 8.9 to 10.
const VERSION: u32 = 0x000a_0000;
const ECDSA: u32 = 0;
const ED25519: u32 = 1;
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const PIN: &[u8] = b"1234";

const GENERAL: c_int = -1;
const UNSUPPORTED: c_int = -2;
const PIN_REQUIRED: c_int = -3;

/// Bytes that the caller frees.
#[repr(C)]
struct Bytes {
    at: *mut u8,
    len: usize,
}

impl Bytes {
    const NONE: Self = Self { at: std::ptr::null_mut(), len: 0 };

    fn of(bytes: &[u8]) -> Self {
        let at = allocated(bytes.len().max(1)).cast::<u8>();
        if at.is_null() {
            return Self::NONE;
        }
        // SAFETY: as many bytes were just allocated.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
        Self { at, len: bytes.len() }
    }
}

/// `struct sk_enroll_response`
#[repr(C)]
struct Enrolled {
    flags: u8,
    public_key: Bytes,
    key_handle: Bytes,
    signature: Bytes,
    attestation_cert: Bytes,
    authdata: Bytes,
}

/// `struct sk_sign_response`
#[repr(C)]
struct Signed {
    flags: u8,
    counter: u32,
    r: Bytes,
    s: Bytes,
}

fn allocated(size: usize) -> *mut c_void {
    // SAFETY: it takes any size; the caller frees with free(3).
    unsafe { libc::calloc(1, size) }
}

/// Hands a structure to a caller who frees it.
///
/// # Safety
/// `to` is a place for a pointer.
unsafe fn hand<T>(it: T, to: *mut *mut T) -> c_int {
    let at = allocated(size_of::<T>()).cast::<T>();
    if at.is_null() {
        return GENERAL;
    }
    // SAFETY: the place was just allocated for it, and `to` is the caller's.
    unsafe {
        at.write(it);
        *to = at;
    }
    0
}

/// # Safety
/// `at` is null or begins `len` bytes.
unsafe fn bytes<'a>(at: *const u8, len: usize) -> &'a [u8] {
    if at.is_null() {
        return &[];
    }
    // SAFETY: the caller's word.
    unsafe { std::slice::from_raw_parts(at, len) }
}

/// Whether the key must know its owner, and does not.
///
/// # Safety
/// `pin` is null or ends in NUL.
unsafe fn refused(flags: u8, pin: *const c_char) -> Option<c_int> {
    if flags & USER_VERIFIED == 0 {
        return None;
    }
    // SAFETY: the caller's word.
    let given = (!pin.is_null()).then(|| unsafe { CStr::from_ptr(pin) }.to_bytes());
    (given != Some(PIN)).then_some(PIN_REQUIRED)
}

#[unsafe(no_mangle)]
pub extern "C" fn sk_api_version() -> u32 {
    VERSION
}

/// Makes a key. The handle is its kind and its secret.
///
/// # Safety
/// As `sk-api.h` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sk_enroll(
    kind: u32,
    challenge: *const u8,
    challenge_len: usize,
    _application: *const c_char,
    flags: u8,
    pin: *const c_char,
    _options: *const *const c_void,
    response: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's pointers.
    let (challenge, refused) = unsafe { (bytes(challenge, challenge_len), refused(flags, pin)) };
    if let Some(why) = refused {
        return why;
    }
    let mut secret = [0; 32];
    let random = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut secret));
    if random.is_err() {
        return GENERAL;
    }
    let public = match kind {
        ED25519 => SigningKey::from_bytes(&secret).verifying_key().to_bytes().to_vec(),
        ECDSA => match p256::ecdsa::SigningKey::from_bytes(&secret.into()) {
            Ok(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            Err(_) => return GENERAL,
        },
        _ => return UNSUPPORTED,
    };
    let enrolled = Enrolled {
        flags,
        public_key: Bytes::of(&public),
        key_handle: Bytes::of(&[&[u8::from(kind == ED25519)], &secret[..]].concat()),
        // Who made the key is attested by nobody; the caller wants bytes there.
        signature: Bytes::of(&Sha256::digest(challenge)),
        attestation_cert: Bytes::NONE,
        authdata: Bytes::NONE,
    };
    // SAFETY: the caller's place.
    unsafe { hand(enrolled, response.cast()) }
}

/// Signs: the application, what was asked of its owner, a counter and the message.
///
/// # Safety
/// As `sk-api.h` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sk_sign(
    kind: u32,
    data: *const u8,
    data_len: usize,
    application: *const c_char,
    handle: *const u8,
    handle_len: usize,
    flags: u8,
    pin: *const c_char,
    _options: *const *const c_void,
    response: *mut *mut c_void,
) -> c_int {
    // SAFETY: the caller's pointers.
    let (data, handle, application, refused) = unsafe {
        let application = CStr::from_ptr(application).to_bytes();
        (bytes(data, data_len), bytes(handle, handle_len), application, refused(flags, pin))
    };
    if let Some(why) = refused {
        return why;
    }
    let Some((_, secret)) = handle.split_first() else { return GENERAL };
    let Ok(secret) = <[u8; 32]>::try_from(secret) else { return GENERAL };
    let (flags, counter) = (flags & (USER_PRESENT | USER_VERIFIED), 7u32);
    let mut message = Sha256::digest(application).to_vec();
    message.push(flags);
    message.extend(counter.to_be_bytes());
    message.extend(Sha256::digest(data));
    let (r, s) = match kind {
        ED25519 => {
            let made = SigningKey::from_bytes(&secret).sign(&message);
            (Bytes::of(&made.to_bytes()), Bytes::NONE)
        }
        ECDSA => {
            let made: Option<p256::ecdsa::Signature> =
                p256::ecdsa::SigningKey::from_bytes(&secret.into())
                    .and_then(|key| key.sign_prehash(&Sha256::digest(&message)))
                    .ok();
            let Some(made) = made else { return GENERAL };
            let (r, s) = made.split_bytes();
            (Bytes::of(&r), Bytes::of(&s))
        }
        _ => return UNSUPPORTED,
    };
    // SAFETY: the caller's place.
    unsafe { hand(Signed { flags, counter, r, s }, response.cast()) }
}

/// It keeps no keys: each is in its file.
///
/// # Safety
/// As `sk-api.h` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sk_load_resident_keys(
    _pin: *const c_char,
    _options: *const *const c_void,
    keys: *mut *mut *mut c_void,
    count: *mut usize,
) -> c_int {
    // SAFETY: the caller's places.
    unsafe {
        *keys = std::ptr::null_mut();
        *count = 0;
    }
    0
}
