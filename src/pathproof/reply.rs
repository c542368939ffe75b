use super::{KIND_REPLY, REQUEST, Request};
use sha2::{Digest, Sha256};

/// Bytes of a reply.
pub const REPLY: usize = 58;

// No reply is larger than what asked for it.
const _: () = assert!(REPLY < REQUEST);

/// The reply to a request that arrived on a port.
#[must_use]
pub fn reply(request: &Request, port: u16) -> [u8; REPLY] {
    let asked = request.bytes();
    let mut out = [0; REPLY];
    out[..8].copy_from_slice(&asked[..8]);
    out[5] = KIND_REPLY;
    out[8..24].copy_from_slice(&request.nonce);
    out[24..26].copy_from_slice(&port.to_be_bytes());
    let mut digest = Sha256::new();
    digest.update(b"portcullis-path.v1 reply");
    digest.update(asked);
    digest.update(port.to_be_bytes());
    out[26..].copy_from_slice(&digest.finalize());
    out
}

/// Whether bytes are the reply to this request, from a listener whom it reached on the port asked.
#[must_use]
pub fn answers(bytes: &[u8], request: &[u8]) -> bool {
    Request::read(request).is_ok_and(|asked| reply(&asked, asked.to.port) == bytes)
}
