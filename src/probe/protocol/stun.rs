//! STUN binding requests and answers (RFC 8489).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A binding request without attributes.
pub(super) fn request(transaction: &[u8; 12]) -> Vec<u8> {
    let mut out = vec![0x00, 0x01, 0x00, 0x00];
    out.extend(COOKIE);
    out.extend(transaction);
    out
}

/// A binding request of `size` bytes, rounded down to whole words, by an attribute that nobody has
/// to understand.
pub(super) fn filled(transaction: &[u8; 12], size: usize) -> Vec<u8> {
    /// Of the half that a server may ignore, from the range free for anybody.
    const PADDING: u16 = 0xfffe;
    let mut out = request(transaction);
    let room = size / 4 * 4;
    let Some(value) = room.checked_sub(out.len() + 4) else { return out };
    let (Ok(length), Ok(all)) = (u16::try_from(value), u16::try_from(value + 4)) else {
        return out;
    };
    out[2..4].copy_from_slice(&all.to_be_bytes());
    out.extend(PADDING.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.resize(room, 0);
    out
}

/// A well-formed answer to our transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Our address as the server saw it.
    pub(super) reflected: Option<IpAddr>,
}

/// Reads a binding answer; `None` unless it is one, to this transaction.
pub(super) fn answer(bytes: &[u8], transaction: &[u8; 12]) -> Option<Answer> {
    let header = bytes.get(..20)?;
    // Success and error response both prove a STUN server.
    let kind = u16::from_be_bytes([header[0], header[1]]);
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if !matches!(kind, 0x0101 | 0x0111)
        || header[4..8] != COOKIE
        || &header[8..20] != transaction
        || length != bytes.len() - 20
        || length % 4 != 0
    {
        return None;
    }
    let mut rest = &bytes[20..];
    let mut reflected = None;
    while let Some(head) = rest.get(..4) {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some(value) = rest.get(4..4 + length) else { break };
        // XOR-MAPPED-ADDRESS.
        if kind == 0x0020 {
            reflected = reflected.or_else(|| xor_mapped(value, transaction));
        }
        let padded = 4 + length.div_ceil(4) * 4;
        rest = rest.get(padded..).unwrap_or_default();
    }
    Some(Answer { reflected })
}

fn xor_mapped(value: &[u8], transaction: &[u8; 12]) -> Option<IpAddr> {
    let family = *value.get(1)?;
    let mut key = [0u8; 16];
    key[..4].copy_from_slice(&COOKIE);
    key[4..].copy_from_slice(transaction);
    let address = value.get(4..)?;
    match family {
        1 => {
            let mut out = [0u8; 4];
            for (o, (a, k)) in out.iter_mut().zip(address.get(..4)?.iter().zip(key)) {
                *o = a ^ k;
            }
            Some(Ipv4Addr::from(out).into())
        }
        2 => {
            let mut out = [0u8; 16];
            for (o, (a, k)) in out.iter_mut().zip(address.get(..16)?.iter().zip(key)) {
                *o = a ^ k;
            }
            Some(Ipv6Addr::from(out).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5769 2.2 and 2.3, without their integrity attributes: the transaction and the mapped
    // addresses of the test vectors.
    const TRANSACTION: [u8; 12] =
        [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn response(attribute: &[u8]) -> Vec<u8> {
        let mut out = vec![1, 1, 0, u8::try_from(attribute.len()).expect("short")];
        out.extend(COOKIE);
        out.extend(TRANSACTION);
        out.extend(attribute);
        out
    }

    #[test]
    fn reads_the_addresses_of_the_rfcs_vectors() {
        let v4 = response(&[0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let got = answer(&v4, &TRANSACTION).expect("an answer");
        assert_eq!(got.reflected, Some("192.0.2.1".parse().expect("an address")));
        let v6 = response(&[
            0, 0x20, 0, 0x14, 0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
            0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ]);
        let got = answer(&v6, &TRANSACTION).expect("an answer");
        assert_eq!(
            got.reflected,
            Some("2001:db8:1234:5678:11:2233:4455:6677".parse().expect("v6"))
        );
    }

    #[test]
    fn nothing_but_an_answer_to_this_transaction_is_proof() {
        let good = response(&[]);
        assert!(answer(&good, &TRANSACTION).is_some());
        assert_eq!(answer(&request(&TRANSACTION), &TRANSACTION), None, "an echo");
        assert_eq!(answer(&good, &[0; 12]), None, "another's answer");
        for cut in 0..good.len() {
            assert_eq!(answer(&good[..cut], &TRANSACTION), None, "cut at {cut}");
        }
        let mut long = good.clone();
        long.push(0);
        assert_eq!(answer(&long, &TRANSACTION), None, "trailing bytes");
        // An attribute that claims more than there is ends the walk, not the process.
        let torn = response(&[0, 0x20, 0xff, 0xff]);
        assert_eq!(answer(&torn, &TRANSACTION), Some(Answer { reflected: None }));
    }
}
