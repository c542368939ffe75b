use std::net::{IpAddr, Ipv6Addr};

/// An address in sixteen bytes, IPv4 in the first four, and its family's number.
pub(super) fn encode(address: IpAddr) -> (u8, [u8; 16]) {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(a) => {
            bytes[..4].copy_from_slice(&a.octets());
            (4, bytes)
        }
        IpAddr::V6(a) => (6, a.octets()),
    }
}

/// The address of sixteen bytes; `None` where the family is none or IPv4 has more than four.
pub(super) fn decode(family: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    match family {
        4 if bytes[4..].iter().all(|b| *b == 0) => {
            let [a, b, c, d, ..] = bytes;
            Some(IpAddr::from([a, b, c, d]))
        }
        6 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}
