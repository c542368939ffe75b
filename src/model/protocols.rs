use super::{PortSet, PortSpec, Protocol};

/// Which protocols a declaration speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocols {
    One(Protocol),
    /// Every protocol but TCP, UDP and the two ICMPs.
    Others,
    All,
}

impl Protocols {
    /// Whether it speaks of a protocol.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        match self {
            Self::One(own) => own.number() == protocol.number(),
            Self::Others => matches!(protocol, Protocol::Other(_)),
            Self::All => true,
        }
    }

    /// Whether it speaks of the protocols that nothing names.
    #[must_use]
    pub const fn contains_unnamed(self) -> bool {
        matches!(self, Self::Others | Self::All)
    }

    /// What both speak of; `None` for nothing.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::One(one), any) | (any, Self::One(one)) => {
                if any.contains(one) {
                    Some(Self::One(one))
                } else {
                    None
                }
            }
            (Self::Others, _) | (_, Self::Others) => Some(Self::Others),
            (Self::All, Self::All) => Some(Self::All),
        }
    }

    /// As specs write it with its ports: `tcp/443`, `other`, `all`.
    #[must_use]
    pub fn with(self, ports: &PortSet) -> String {
        match self {
            Self::One(protocol) => PortSpec::new(protocol, ports.clone()).to_string(),
            Self::Others => "other".into(),
            Self::All => "all".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_speak_of_is_what_each_of_them_does() {
        let gre = Protocols::One(Protocol::Other(47));
        let tcp = Protocols::One(Protocol::Tcp);
        assert_eq!(Protocols::All.intersect(tcp), Some(tcp));
        assert_eq!(Protocols::Others.intersect(gre), Some(gre));
        assert_eq!(Protocols::Others.intersect(tcp), None);
        assert_eq!(gre.intersect(tcp), None);
        assert_eq!(Protocols::All.intersect(Protocols::Others), Some(Protocols::Others));
        assert!(!Protocols::Others.contains(Protocol::Icmpv6));
        assert!(Protocols::Others.contains_unnamed() && !gre.contains_unnamed());
    }
}
