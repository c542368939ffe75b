use serde::{Deserialize, Serialize};

/// What a declared service must prove itself to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// A completed TCP handshake is enough; over UDP nothing can prove it.
    Connect,
    /// The network path is enough: a refusal from the host itself proves it.
    Path,
    /// STUN binding (RFC 8489) over UDP.
    Stun,
    /// An SSH identification string.
    Ssh,
    /// A TLS handshake with these properties.
    Tls(TlsExpect),
    /// An HTTP answer with these properties.
    Http(HttpExpect),
    /// A server-first banner that contains this text.
    Banner(String),
}

/// What a TLS handshake must show.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TlsExpect {
    /// Names the certificate must cover; `*.media.example` asks for that very wildcard or any name below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Days the leaf certificate must still be valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_left: Option<u32>,
    /// Lowest protocol version accepted: `1.2` or `1.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<String>,
    /// Whether the chain must lead to a root this machine trusts.
    #[serde(default)]
    pub trusted: bool,
    /// Server name to send; without it the first non-wildcard of `names`, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
}

/// What an HTTP answer must show.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HttpExpect {
    /// Over TLS.
    #[serde(default)]
    pub tls: bool,
    /// Request path; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Host header; the address when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Accepted status codes; any below 500 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Text that the first 64 KiB of the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Expect {
    /// Whether a protocol must be recognised, so that a bare open port is only `unconfirmed`.
    #[must_use]
    pub const fn needs_protocol(&self) -> bool {
        !matches!(self, Self::Connect | Self::Path)
    }

    /// The service name a match is reported under.
    #[must_use]
    pub const fn service(&self) -> Option<&'static str> {
        match self {
            Self::Connect | Self::Path => None,
            Self::Stun => Some("stun"),
            Self::Ssh => Some("ssh"),
            Self::Tls(_) => Some("tls"),
            Self::Http(h) => Some(if h.tls { "https" } else { "http" }),
            Self::Banner(_) => Some("banner"),
        }
    }
}
