use std::fmt;

/// Why a request gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// Another length, magic, version or kind: no request of ours.
    NotOurs,
    /// It asks another port or protocol than the one it arrived on.
    WrongPort,
    /// It asks another host.
    WrongAddress,
    /// Made too long ago, or in the future.
    WrongTime,
    /// No key of ours.
    UnknownKey,
    /// More came in one second than are checked.
    TooMany,
    /// The signature does not hold.
    BadSignature,
    /// It was answered already.
    Replayed,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "no request of ours",
            Self::WrongPort => "for another port",
            Self::WrongAddress => "for another address",
            Self::WrongTime => "too old or of the future",
            Self::UnknownKey => "by an unknown key",
            Self::TooMany => "more than are checked in a second",
            Self::BadSignature => "with a signature that does not hold",
            Self::Replayed => "answered already",
        })
    }
}
