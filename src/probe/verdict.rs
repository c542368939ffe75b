use super::engine::{Icmp, IcmpClass};
use crate::observation::State;
use std::net::IpAddr;

/// What an ICMP error means for an endpoint, and who sent it. `sender` is what its way tells, where it
/// carries the target's address: so it does by a NAT that whoever sent it stands behind.
pub(super) fn of_icmp(icmp: Icmp, target: IpAddr, sender: Sender) -> (State, Option<String>) {
    let itself = icmp.from.map(|from| from == target);
    let words = icmp.class.words();
    match icmp.class {
        IcmpClass::PortUnreachable | IcmpClass::ProtocolUnreachable => match itself {
            Some(true) if let Sender::Before { hops, target } = sender => {
                let why = format!(
                    "{words} in the target's name from something before it: {hops} hops away, the \
                     target is {target}"
                );
                (State::Rejected, Some(why))
            }
            Some(true) => (State::Refused, Some(format!("{words} from the target itself"))),
            Some(false) => {
                (State::Rejected, Some(format!("{words} from something before the target")))
            }
            None => (State::Refused, Some(format!("{words}; the kernel did not tell from whom"))),
        },
        IcmpClass::Prohibited => (State::Rejected, Some(words.into())),
        IcmpClass::HostUnreachable | IcmpClass::NetworkUnreachable | IcmpClass::TimeExceeded => {
            (State::Unreachable, Some(words.into()))
        }
    }
}

/// Whose answer it was, by hops travelled, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Target,
    Before { hops: u8, target: u8 },
    NotTold,
}

/// Tells a host's answer from one sent in its name: `host` is the longest way of a SYN-ACK in its name,
/// `furthest` that of a refusal.
pub(super) fn sender(answer: Option<u8>, host: Option<u8>, furthest: Option<u8>) -> Sender {
    let Some(hops) = answer else { return Sender::NotTold };
    // Of two kinds of answers the nearer is not the host's: a handshake may be that of a redirection.
    match host.max(furthest) {
        Some(target) if hops < target => Sender::Before { hops, target },
        Some(_) if host.is_some() => Sender::Target,
        // Nobody was seen completing a handshake.
        _ => Sender::NotTold,
    }
}

/// State and words for a RST.
pub(super) fn of_reset(sender: Sender) -> (State, String) {
    match sender {
        Sender::Target => (State::Refused, "RST from as far away as the target".into()),
        Sender::Before { hops, target } => (
            State::Rejected,
            format!(
                "RST from something before the target: {hops} hops away, the target is {target}"
            ),
        ),
        Sender::NotTold => {
            (State::Refused, "RST; the target and a firewall before it cannot be told apart".into())
        }
    }
}

/// Words for trouble of our own.
pub(super) fn of_errno(errno: i32) -> String {
    let what = match errno {
        libc::EMFILE | libc::ENFILE => "no file descriptor left",
        libc::EADDRNOTAVAIL => "no local port or address to send from",
        libc::ENETUNREACH | libc::EHOSTUNREACH => "no route from this machine",
        libc::ENETDOWN => "the network is down",
        libc::EPERM | libc::EACCES => "this machine's own firewall forbids it",
        libc::ENOBUFS | libc::ENOMEM => "out of buffers",
        libc::EAFNOSUPPORT => "this machine does not speak this address family",
        libc::EINVAL => "the address cannot be sent to",
        _ => return format!("error {errno} on this machine"),
    };
    what.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sent_it_decides_between_refused_and_rejected() {
        let target: IpAddr = [192, 0, 2, 1].into();
        let gate: IpAddr = [192, 0, 2, 254].into();
        let by = |class, from, sender| of_icmp(Icmp { class, from, hops: None }, target, sender).0;
        let state = |class, from| by(class, from, Sender::NotTold);
        assert_eq!(state(IcmpClass::PortUnreachable, Some(target)), State::Refused);
        assert_eq!(state(IcmpClass::PortUnreachable, Some(gate)), State::Rejected);
        assert_eq!(state(IcmpClass::Prohibited, Some(target)), State::Rejected);
        assert_eq!(state(IcmpClass::HostUnreachable, Some(gate)), State::Unreachable);
        // A firewall behind a NAT that carries the target's address.
        let nat = Sender::Before { hops: 1, target: 2 };
        assert_eq!(by(IcmpClass::PortUnreachable, Some(target), nat), State::Rejected);
        assert_eq!(by(IcmpClass::PortUnreachable, Some(target), Sender::Target), State::Refused);
    }

    #[test]
    fn a_reset_that_came_a_shorter_way_is_not_the_hosts() {
        let state = |r, h, f| of_reset(sender(r, h, f)).0;
        assert_eq!(state(Some(0), Some(1), Some(1)), State::Rejected);
        assert_eq!(state(Some(1), Some(1), Some(1)), State::Refused);
        assert_eq!(state(Some(0), None, Some(1)), State::Rejected);
        assert_eq!(sender(Some(1), None, Some(1)), Sender::NotTold);
        assert_eq!(sender(None, Some(1), None), Sender::NotTold);
        // A handshake nearer than a refusal is no measure of the host.
        assert_eq!(state(Some(0), Some(0), Some(1)), State::Rejected);
        assert_eq!(sender(Some(0), Some(0), None), Sender::Target);
    }
}
