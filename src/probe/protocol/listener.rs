//! Asks `portcullis listen`: a signed request, which it alone answers.

use super::{Proof, Question, wire};
use crate::model::{Endpoint, Expect};
use crate::observation::State;
use crate::pathproof::{Auditor, REPLY, SERVICE, answers};
use jiff::Timestamp;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// How long a listener may take, beyond two round trips.
const WAIT: Duration = Duration::from_millis(1_000);

/// Signs requests to one endpoint.
#[derive(Debug, Clone)]
pub(in crate::probe) struct Signer {
    auditor: Auditor,
    /// As the snapshot knows it, which is how the listener is addressed.
    to: Endpoint,
}

impl Signer {
    pub(in crate::probe) const fn new(auditor: Auditor, to: Endpoint) -> Self {
        Self { auditor, to }
    }

    /// A request that nobody made before.
    pub(super) fn request(&self) -> Option<Vec<u8>> {
        self.auditor.ask(self.to, nonce(), Timestamp::now())
    }
}

/// Sixteen bytes that no other request has: a listener answers each once. The system's randomness
/// is behind the hash keys.
fn nonce() -> [u8; 16] {
    let mut out = [0; 16];
    for half in out.chunks_mut(8) {
        half.copy_from_slice(&RandomState::new().hash_one(Timestamp::now()).to_be_bytes());
    }
    out
}

/// What the listener's answer proves: the path, and no service.
///
/// Where a handshake is all that is expected, the listener's own is none of the service's.
pub(super) fn proof(expect: &Expect) -> Proof {
    let state = match expect {
        Expect::Path => return Proof::confirmed(SERVICE),
        Expect::Connect => State::WrongService,
        _ => State::Open,
    };
    Proof {
        service: Some(SERVICE.into()),
        detail: Some(
            "answered by portcullis listen: the path is proven, the service is not".into(),
        ),
        ..Proof::new(state, false)
    }
}

/// Asks over a connection of its own; nothing when whoever listens there is no listener of ours.
pub(super) async fn ask(signer: &Signer, question: &Question) -> Option<Proof> {
    let request = signer.request()?;
    let asked = async {
        let mut stream = wire::connect(question.to).await.ok()?;
        stream.write_all(&request).await.ok()?;
        let deadline = Instant::now() + WAIT + question.rtt * 2;
        let (heard, _) = wire::read(&mut stream, deadline, |b| b.len() >= REPLY).await;
        Some(heard)
    };
    let heard = tokio::time::timeout(WAIT * 4, asked).await.ok()??;
    answers(&heard, &request).then(|| proof(&question.expect))
}
