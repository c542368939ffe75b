use crate::pathproof::{Arrived, Denied, MAX_SKEW, REPLY, Request, Trusted, reply};
use jiff::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// Signatures checked in a second: half a processor at most, and more than an auditor sends.
const CHECKS: u32 = 5_000;
/// Nonces remembered. Only requests that were answered count, so only an auditor can fill it: for as
/// long as it is full nothing more is answered.
const NONCES: usize = 1 << 18;

/// Decides which requests are answered, each once.
pub(super) struct Guard {
    trusted: Trusted,
    addresses: BTreeSet<IpAddr>,
    seen: BTreeSet<[u8; 16]>,
    /// The same, by when they may be forgotten: once too old to pass for new.
    order: VecDeque<(Timestamp, [u8; 16])>,
    /// The second that is counted, and the checks in it.
    second: (i64, u32),
}

impl Guard {
    pub(super) fn new(trusted: Trusted, addresses: BTreeSet<IpAddr>) -> Self {
        Self { trusted, addresses, seen: BTreeSet::new(), order: VecDeque::new(), second: (0, 0) }
    }

    /// The reply to what arrived; cheap checks come first, the signature last but one.
    pub(super) fn judge(
        &mut self,
        bytes: &[u8],
        arrived: Arrived,
        now: Timestamp,
    ) -> Result<[u8; REPLY], Denied> {
        let request = Request::read(bytes)?;
        request.fits(arrived, &self.addresses, now)?;
        let key = *request.key(&self.trusted)?;
        if self.seen.contains(&request.nonce) {
            return Err(Denied::Replayed);
        }
        self.forget(now);
        if self.seen.len() >= NONCES || !self.may_check(now) {
            return Err(Denied::TooMany);
        }
        request.verify(&key)?;
        self.seen.insert(request.nonce);
        self.order.push_back((now, request.nonce));
        Ok(reply(&request, arrived.port))
    }

    fn may_check(&mut self, now: Timestamp) -> bool {
        let second = now.as_second();
        if self.second.0 != second {
            self.second = (second, 0);
        }
        self.second.1 += 1;
        self.second.1 <= CHECKS
    }

    /// A request made at the end of its tolerance ahead is good for twice that.
    fn forget(&mut self, now: Timestamp) {
        while let Some((at, nonce)) = self.order.front()
            && now.duration_since(*at) > MAX_SKEW * 2
        {
            self.seen.remove(nonce);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Protocol};
    use crate::pathproof::Auditor;
    use jiff::SignedDuration;
    use ssh_key::PrivateKey;
    use ssh_key::private::{Ed25519Keypair, KeypairData};

    fn auditor() -> (Auditor, Trusted) {
        let pair = Ed25519Keypair::from_seed(&[1; 32]);
        let key = PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key");
        let mut trusted = Trusted::default();
        trusted.add(&key.public_key().to_openssh().expect("a line")).expect("a key");
        (Auditor::new(key).expect("Ed25519"), trusted)
    }

    fn now() -> Timestamp {
        "2026-11-22T18:00:00Z".parse().expect("a time")
    }

    const HERE: Arrived = Arrived {
        protocol: Protocol::Udp,
        address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        port: 9,
    };

    fn to() -> Endpoint {
        Endpoint { address: [203, 0, 113, 7].into(), protocol: Protocol::Udp, port: 9 }
    }

    #[test]
    fn one_request_is_answered_once_however_late_it_comes_again() {
        let (auditor, trusted) = auditor();
        let mut guard = Guard::new(trusted, BTreeSet::new());
        // Made by a clock that is ahead as far as it may be: good for two minutes here.
        let ahead = auditor.ask(to(), [1; 16], now() + MAX_SKEW).expect("a request");
        assert!(guard.judge(&ahead, HERE, now()).is_ok());
        for late in [0, 1, 60, 119, 120] {
            let at = now() + SignedDuration::from_secs(late);
            assert_eq!(guard.judge(&ahead, HERE, at), Err(Denied::Replayed), "{late}");
            // What makes it forget.
            let nonce = [late.to_le_bytes()[0].wrapping_add(9); 16];
            let fresh = auditor.ask(to(), nonce, at).expect("a request");
            assert!(guard.judge(&fresh, HERE, at).is_ok(), "{late}");
        }
        let at = now() + SignedDuration::from_secs(121);
        assert_eq!(guard.judge(&ahead, HERE, at), Err(Denied::WrongTime));
    }

    #[test]
    fn nonces_are_forgotten_when_they_no_longer_matter() {
        let (auditor, trusted) = auditor();
        let mut guard = Guard::new(trusted, BTreeSet::new());
        for n in 0..5u8 {
            let at = now() + SignedDuration::from_secs(i64::from(n) * 100);
            let asked = auditor.ask(to(), [n; 16], at).expect("a request");
            assert!(guard.judge(&asked, HERE, at).is_ok());
        }
        assert!(guard.seen.len() <= 3, "{}", guard.seen.len());
        assert_eq!(guard.seen.len(), guard.order.len());
    }

    #[test]
    fn strangers_cannot_keep_it_busy_with_signatures() {
        let (auditor, trusted) = auditor();
        let mut guard = Guard::new(trusted, BTreeSet::new());
        guard.second = (now().as_second(), CHECKS);
        let asked = auditor.ask(to(), [1; 16], now()).expect("a request");
        assert_eq!(guard.judge(&asked, HERE, now()), Err(Denied::TooMany));
        let next = now() + SignedDuration::from_secs(1);
        assert!(guard.judge(&asked, HERE, next).is_ok(), "the next second has checks again");
    }
}
