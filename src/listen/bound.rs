use crate::model::{Family, PortSpec};
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// A socket that waits for requests.
pub(super) struct Bound {
    pub(super) socket: OwnedFd,
    pub(super) kind: Kind,
    /// What it was bound to.
    pub(super) at: SocketAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Udp,
    Tcp,
}

/// Ports that are not answered, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unbound {
    pub reason: Reason,
    /// The family in which they are not; `None` is in none that was wanted.
    pub family: Option<Family>,
    pub ports: PortSpec,
}

impl fmt::Display for Unbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ports)?;
        if let Some(family) = self.family {
            write!(f, " over {}", family.name())?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a port is not answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Something else has it, and answers for itself.
    InUse,
    /// Ports below 1024 need a capability.
    NotPermitted,
    /// No descriptor is left, with the limit.
    FileLimit(usize),
    /// This machine has no such address.
    NoAddress,
    /// Anything else, in the system's words.
    Other(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("in use by something else, which answers for itself"),
            Self::NotPermitted => {
                f.write_str("not permitted: run it as root or with CAP_NET_BIND_SERVICE")
            }
            Self::FileLimit(limit) => {
                write!(
                    f,
                    "past the limit of {limit} open files: raise it (ulimit -Hn, LimitNOFILE=)"
                )
            }
            Self::NoAddress => f.write_str("this machine has no such address"),
            Self::Other(why) => f.write_str(why),
        }
    }
}
