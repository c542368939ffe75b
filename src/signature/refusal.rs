use jiff::Timestamp;
use std::fmt;

/// Why a signature does not count. Fits after "the signature is refused: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is no SSH signature, or not a whole one.
    Unreadable(String),
    /// It was made for something else.
    Namespace { got: String, want: String },
    /// Its key is of a kind that is not judged here.
    Algorithm(String),
    /// The bytes are not those that were signed.
    Mismatch,
    /// A hardware key signed without being touched.
    NoTouch,
    /// The certificate in its key's place does not count.
    Certificate(String),
    /// No line of the list has its key.
    Unknown { fingerprint: String },
    /// The key's line names no namespace, or others.
    NotForNamespace { line: usize, want: String },
    /// The key is not valid yet.
    TooEarly { line: usize, from: Timestamp },
    /// The key is not valid any more.
    Expired { line: usize, until: Timestamp },
    /// The key is somebody else's than was asked for.
    Principal { got: Vec<String>, want: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it is no whole SSH signature: {why}"),
            Self::Namespace { got, want } => {
                write!(f, "it was made for the namespace {got:?}, not for {want:?}")
            }
            Self::Algorithm(name) => {
                write!(
                    f,
                    "keys of type {name} do not count: use ed25519, ecdsa P-256 or their sk- kinds"
                )
            }
            Self::Mismatch => f.write_str("these bytes are not what was signed"),
            Self::NoTouch => f.write_str("the hardware key signed without a touch"),
            Self::Certificate(why) => write!(f, "its certificate does not count: {why}"),
            Self::Unknown { fingerprint } => {
                write!(f, "its key {fingerprint} is not among the allowed signers")
            }
            Self::NotForNamespace { line, want } => write!(
                f,
                "line {line} of the allowed signers has its key, without namespaces=\"{want}\""
            ),
            Self::TooEarly { line, from } => {
                write!(f, "line {line} of the allowed signers has its key, valid from {from} on")
            }
            Self::Expired { line, until } => {
                write!(f, "line {line} of the allowed signers has its key, valid until {until}")
            }
            Self::Principal { got, want } => {
                write!(f, "its key is that of {}, not of {want}", got.join(", "))
            }
        }
    }
}

impl std::error::Error for Refusal {}
