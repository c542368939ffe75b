//! Blocks that are named on a command line.

use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Reads an address or a block. As in a spec, one with host bits is refused: it may mean two things,
/// and the wider one is somebody else's.
///
/// # Errors
/// A sentence for people, with both things that host bits may mean.
pub(super) fn block(text: &str) -> Result<IpNetwork, String> {
    let network: IpNetwork =
        text.parse().map_err(|_| "use an address or a block; names are not resolved".to_owned())?;
    if network.network() == network.ip() {
        return Ok(network);
    }
    let wide = format!("{}/{}", network.network(), network.prefix());
    Err(format!("it has host bits set: did you mean {wide}, or {}?", narrow(network.ip())))
}

/// The block that an address with zeros at its end looks like, by whole bytes; the address itself
/// where it ends in none.
fn narrow(ip: IpAddr) -> String {
    let (zeros, most, unit) = match ip {
        IpAddr::V4(v4) => (v4.to_bits().trailing_zeros(), 32, 8),
        IpAddr::V6(v6) => (v6.to_bits().trailing_zeros(), 128, 16),
    };
    match most - zeros / unit * unit {
        prefix if prefix == most => format!("the address {ip}"),
        prefix => format!("{ip}/{prefix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_refused_with_both_things_that_they_may_mean() {
        for (text, wide, narrow) in [
            ("10.77.0.0/8", "10.0.0.0/8", "10.77.0.0/16?"),
            ("192.0.2.7/24", "192.0.2.0/24", "the address 192.0.2.7?"),
            ("2001:db8:1::/32", "2001:db8::/32", "2001:db8:1::/48?"),
            ("2001:db8::7/64", "2001:db8::/64", "the address 2001:db8::7?"),
        ] {
            let said = block(text).expect_err(text);
            assert!(said.contains(&format!("did you mean {wide}, or {narrow}")), "{text}: {said}");
        }
        for text in ["10.0.0.0/8", "192.0.2.7", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32"] {
            assert!(block(text).is_ok(), "{text}");
        }
    }
}
