use std::net::{Ipv4Addr, UdpSocket};

/// A STUN server on a free loopback port that says every client is `mapped`; tells its port.
pub(crate) fn stun(at: &str, mapped: Ipv4Addr) -> u16 {
    let socket = UdpSocket::bind((at, 0)).expect("a free port");
    let port = socket.local_addr().expect("a bound socket").port();
    std::thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            if n < 20 || bytes[..2] != [0, 1] {
                continue;
            }
            // RFC 8489: a success with XOR-MAPPED-ADDRESS.
            let mut out = vec![1, 1, 0, 12];
            out.extend(&bytes[4..20]);
            out.extend([0, 0x20, 0, 8, 0, 1]);
            out.extend((from.port() ^ 0x2112).to_be_bytes());
            out.extend(mapped.octets().iter().zip([0x21, 0x12, 0xa4, 0x42]).map(|(a, k)| a ^ k));
            let _ = socket.send_to(&out, from);
        }
    });
    port
}
