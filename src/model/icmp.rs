use super::{PortSet, Protocol, icmp_key};

/// ICMP types of which IANA's registry has code 0 only: echo and its answer, source quench, router
/// selection, timestamps, the old information and mask requests, extended echo.
const ONE_CODE: [u8; 11] = [0, 4, 8, 10, 13, 14, 15, 16, 17, 18, 42];

/// The same of ICMPv6: packet too big, echo and its answer, multicast listeners, neighbours.
const ONE_CODE_V6: [u8; 14] = [2, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 141, 142, 160];

/// The ports of a set; of ICMP types that have code 0 only every code, where code 0 is among them.
///
/// Echo with code 0 and echo with any code are the same packets (R9): no packet has another code, so
/// nobody requires one and nobody is exposed by one.
#[must_use]
pub fn with_unused_codes(protocol: Protocol, ports: PortSet) -> PortSet {
    let types: &[u8] = match protocol {
        Protocol::Icmp => &ONE_CODE,
        Protocol::Icmpv6 => &ONE_CODE_V6,
        _ => return ports,
    };
    if ports.is_all() {
        return ports;
    }
    let held = types.iter().filter(|t| ports.contains(icmp_key(**t, 0)));
    held.fold(ports.clone(), |all, t| all.union(&PortSet::icmp_type(*t)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_with_code_0_is_echo() {
        let echo = PortSet::icmp_type(8);
        let of = |ports| with_unused_codes(Protocol::Icmp, ports);
        assert_eq!(of(PortSet::one(icmp_key(8, 0))), echo);
        assert_eq!(of(echo.clone()), echo);
        // Of other types each code is a packet of its own, and echo has its own number in IPv6.
        for (kind, code) in [(3, 4), (11, 0), (128, 0), (8, 9)] {
            let one = PortSet::one(icmp_key(kind, code));
            assert_eq!(of(one.clone()), one);
        }
        let six = with_unused_codes(Protocol::Icmpv6, PortSet::one(icmp_key(128, 0)));
        assert_eq!(six, PortSet::icmp_type(128));
        let ports = PortSet::one(2048);
        assert_eq!(with_unused_codes(Protocol::Tcp, ports.clone()), ports);
    }
}
