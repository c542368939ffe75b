use super::{Proof, Signer, listener, stun};
use crate::model::Expect;
use crate::observation::State;
use crate::pathproof::answers;

/// What is sent to one UDP port, and what would prove that something listens.
#[derive(Debug, Clone)]
pub(crate) struct Udp {
    payload: Payload,
    request: Vec<u8>,
    nonce: [u8; 12],
    /// Whether STUN was declared.
    expected: bool,
    signer: Option<Signer>,
    /// Requests that `portcullis listen` was asked by, each with a nonce of its own.
    signed: Vec<Vec<u8>>,
}

/// A listener's answer to an older request than these comes too late to matter.
const SIGNED_KEPT: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    Stun,
    Dns,
    Ntp,
}

impl Udp {
    /// STUN, unless nothing is expected and the port is one with a protocol of its own.
    pub(crate) fn new(expect: &Expect, port: u16, nonce: [u8; 12]) -> Self {
        let expected = *expect == Expect::Stun;
        let payload = match port {
            53 if !expected => Payload::Dns,
            123 if !expected => Payload::Ntp,
            _ => Payload::Stun,
        };
        let request = match payload {
            Payload::Stun => stun::request(&nonce),
            Payload::Dns => dns(&nonce),
            Payload::Ntp => ntp(&nonce),
        };
        Self { payload, request, nonce, expected, signer: None, signed: Vec::new() }
    }

    /// Asks `portcullis listen` as well.
    pub(crate) fn signed_by(mut self, signer: Option<Signer>) -> Self {
        self.signer = signer;
        self
    }

    /// What goes beside the request of one try, for a listener to answer.
    ///
    /// A service with a protocol of its own has the first try for itself: where it runs, it never
    /// sees a request of ours.
    pub(crate) fn beside(&mut self, tries: u32) -> Option<&[u8]> {
        if tries == 0 && (self.expected || self.payload != Payload::Stun) {
            return None;
        }
        let request = self.signer.as_ref()?.request()?;
        if self.signed.len() >= SIGNED_KEPT {
            self.signed.remove(0);
        }
        self.signed.push(request);
        self.signed.last().map(Vec::as_slice)
    }

    pub(crate) fn request(&self) -> &[u8] {
        &self.request
    }

    /// The same request, filled up to `size` bytes where its protocol lets it be: STUN servers pass
    /// over attributes that are not theirs to know (RFC 8489, 14).
    pub(crate) fn filled(&self, size: usize) -> Vec<u8> {
        match self.payload {
            Payload::Stun => stun::filled(&self.nonce, size),
            Payload::Dns | Payload::Ntp => self.request.clone(),
        }
    }

    /// What a datagram from the socket asked proves: only our nonce in it is proof of an answer.
    pub(crate) fn judge(&self, bytes: &[u8]) -> Proof {
        if self.signed.iter().any(|asked| answers(bytes, asked)) {
            return listener::proof(if self.expected { &Expect::Stun } else { &Expect::Path });
        }
        match self.payload {
            Payload::Stun => {
                if let Some(answer) = stun::answer(bytes, &self.nonce) {
                    return Proof { reflected: answer.reflected, ..Proof::confirmed("stun") };
                }
            }
            Payload::Dns => {
                let same = bytes.get(..2) == self.request.get(..2);
                if bytes.len() >= 12 && same && bytes[2] & 0x80 != 0 {
                    return Proof::confirmed("dns");
                }
            }
            Payload::Ntp => {
                let mode = bytes.first().map(|b| b & 7);
                if bytes.len() >= 48 && mode == Some(4) && bytes[24..32] == self.nonce[..8] {
                    return Proof::confirmed("ntp");
                }
            }
        }
        let nonce = match self.payload {
            Payload::Dns => &self.nonce[..2],
            Payload::Ntp => &self.nonce[..8],
            Payload::Stun => &self.nonce[..],
        };
        let echoed = super::banner::find(bytes, nonce);
        let service = (bytes == self.request).then_some("echo");
        if self.expected {
            return Proof::wrong(service, "a STUN answer was expected, it sent something else");
        }
        Proof {
            service: service.map(Into::into),
            detail: (!echoed).then(|| "it answered, but nothing of our question is in it".into()),
            ..Proof::new(State::Open, echoed)
        }
    }
}

/// A query for the start of authority of the root: any name server answers it, if to refuse.
fn dns(nonce: &[u8; 12]) -> Vec<u8> {
    let mut out = nonce[..2].to_vec();
    out.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1]);
    out
}

/// A client request of version 4 whose transmit timestamp is the nonce (RFC 5905).
fn ntp(nonce: &[u8; 12]) -> Vec<u8> {
    let mut out = vec![0u8; 48];
    out[0] = 0x23;
    out[40..48].copy_from_slice(&nonce[..8]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_open_and_never_stun() {
        let plain = Udp::new(&Expect::Connect, 7, [7; 12]);
        let proof = plain.judge(plain.request());
        assert_eq!((proof.state, proof.confirmed), (State::Open, true));
        assert_eq!(proof.service.as_deref(), Some("echo"));
        let stun = Udp::new(&Expect::Stun, 7, [7; 12]);
        assert_eq!(stun.judge(stun.request()).state, State::WrongService);
    }

    #[test]
    fn an_answer_without_our_nonce_confirms_nothing() {
        let udp = Udp::new(&Expect::Connect, 9, [7; 12]);
        let proof = udp.judge(b"hello");
        assert_eq!((proof.state, proof.confirmed), (State::Open, false));
    }
}
