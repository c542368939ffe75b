//! What a scalar must look like: one check for each kind, in people's words.

use super::error::shorten;
use super::fact::Share;
use super::node::{Kind, Node};
use super::shape::Scalar;
use super::suggest::nearest;
use crate::model::{PortSpec, with_unused_codes};
use ipnetwork::IpNetwork;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// Why a scalar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Scalar {
    /// What is expected, for "expected ...".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text | Self::Word => "text".into(),
            Self::Name => "a name".into(),
            Self::FactName => "the name of a fact, such as `jdk` or `tag:generation`".into(),
            Self::Share => "a number of hosts or a share, such as `1` or `10%`".into(),
            Self::Reference => "a name, such as `internet`".into(),
            Self::DnsName => "a DNS name".into(),
            Self::Port => "protocol and ports, such as `tcp/443`".into(),
            Self::PortOrAll => "protocol and ports, such as `tcp/443`, or `all`".into(),
            Self::PortOrMany => {
                "protocol and ports, such as `tcp/443`, or `all`, or `other`".into()
            }
            Self::Block => "an address block, such as `198.51.100.0/24`".into(),
            Self::Address => "an address, such as `198.51.100.7`".into(),
            Self::Peer => "a block, a network's name, `internet`, `self`, `sg-…` or `pl-…`".into(),
            Self::Instant => "an instant in UTC, such as `2026-12-31T00:00:00Z`".into(),
            Self::Duration => "a duration, such as `30s`, `15m` or `1h`".into(),
            Self::Number(1, 1) => "the number 1".into(),
            Self::Number(low, high) => format!("a whole number from {low} to {high}"),
            Self::Bool => "`true` or `false`".into(),
            Self::GroupId => "a security group's id, such as `sg-0a1b2c`".into(),
            Self::Account => "an account id of twelve digits".into(),
            Self::RoleArn => "a role's ARN, such as `arn:aws:iam::123456789012:role/audit`".into(),
            Self::HostPort => "a host and a port, such as `stun.example.org:3478`".into(),
            Self::Choice(words) => one_of(words),
        }
    }

    /// Whether a scalar is what it must be.
    pub(super) fn check(self, node: &Node) -> Result<(), Wrong> {
        let Some(text) = node.text() else {
            return Err(Wrong::new(format!(
                "expected {}, found {}",
                self.expected(),
                node.found()
            )));
        };
        let bare = node.is_number_or_bool();
        if bare && matches!(self, Self::Port | Self::PortOrAll | Self::PortOrMany) {
            let hint = match text.parse::<u8>() {
                Ok(n) => format!("write tcp/{n} or udp/{n}; IP protocol {n} is written \"{n}\""),
                Err(_) => format!("write tcp/{text} or udp/{text}"),
            };
            return Err(Wrong::new(format!("the port {text} needs its protocol")).hint(hint));
        }
        self.check_text(text)?;
        let quoted = matches!(node.kind, Kind::Scalar { plain: false, .. });
        match self {
            Self::Word | Self::Account | Self::Share => Ok(()),
            Self::Number(..) | Self::Bool if quoted => {
                Err(Wrong::new(format!("expected {}, found text in quotes", self.expected()))
                    .hint(format!("remove the quotes: {text}")))
            }
            Self::Number(..) | Self::Bool => Ok(()),
            // Every other YAML reader sees a number here, and so does the schema.
            _ if bare => Err(Wrong::new(format!(
                "expected {}, found the bare {} `{text}`",
                self.expected(),
                if matches!(text.as_bytes().first(), Some(b't' | b'T' | b'f' | b'F')) {
                    "boolean"
                } else {
                    "number"
                },
            ))
            .hint(format!("quote it: \"{}\"", shorten(text)))),
            _ => Ok(()),
        }
    }

    /// The same for a key, which is always text.
    pub(super) fn check_text(self, text: &str) -> Result<(), Wrong> {
        let unlike =
            || Wrong::new(format!("expected {}, found `{}`", self.expected(), shorten(text)));
        match self {
            Self::Text | Self::Word | Self::Peer => {
                if text.trim().is_empty() {
                    return Err(Wrong::new(format!("expected {}, found nothing", self.expected())));
                }
                Ok(())
            }
            Self::Name => name(text),
            // Where a name is asked for, addresses want one.
            Self::Reference if block(text).is_ok() && name(text).is_err() => {
                Err(Wrong::new(format!("cannot use `{}` as a name", shorten(text)))
                    .hint("give the block a name under `networks:` and use that name here"))
            }
            Self::Reference => name(text),
            Self::FactName => match text.strip_prefix("tag:") {
                Some(key) if !key.trim().is_empty() => Ok(()),
                _ => name(text),
            },
            Self::Share => share(text).map(drop).ok_or_else(unlike),
            Self::DnsName => dns_name(text),
            Self::PortOrAll | Self::PortOrMany if text == "all" => Ok(()),
            Self::PortOrMany if text == "other" => Ok(()),
            Self::Port if matches!(text, "all" | "other") => {
                Err(unlike().hint("only `allow` takes more than one protocol in a line"))
            }
            Self::PortOrAll => port_or(text, &["all"]),
            Self::PortOrMany => port_or(text, &["all", "other"]),
            Self::Port => port(text).map(drop),
            Self::Block => block(text).map(drop),
            Self::Address => address(text).map(drop),
            Self::Instant => instant(text).map(drop),
            Self::Duration => duration(text).map(drop).ok_or_else(unlike),
            Self::Number(low, high) => match text.parse::<u64>() {
                Ok(n) if (u64::from(low)..=u64::from(high)).contains(&n) => Ok(()),
                _ => Err(unlike()),
            },
            Self::Bool => match text {
                "true" | "false" => Ok(()),
                _ => Err(unlike()),
            },
            Self::GroupId if text.starts_with("sg-") && text.len() > 3 => Ok(()),
            Self::GroupId => Err(unlike().hint(
                "groups are declared by id, because names are not unique; the name goes into `name:`",
            )),
            Self::Account if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
            Self::RoleArn if text.starts_with("arn:") && text.contains(":role/") => Ok(()),
            Self::HostPort => match text.rsplit_once(':') {
                Some((host, port))
                    if !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0) =>
                {
                    Ok(())
                }
                _ => Err(unlike()),
            },
            Self::Account | Self::RoleArn => Err(unlike()),
            Self::Choice(words) if words.contains(&text) => Ok(()),
            Self::Choice(words) => Err(match nearest(text, words.iter().copied()) {
                Some(near) => unlike().hint(format!("did you mean `{near}`?")),
                None => unlike(),
            }),
        }
    }
}

/// "`a`, `b` or `c`".
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// Checks a name.
pub(super) fn name(text: &str) -> Result<(), Wrong> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.chars().count() > 128 || !text.chars().all(fits) {
        return Err(Wrong::new(format!("cannot use `{}` as a name", shorten(text)))
            .hint("names are letters, digits, `-`, `_` and `.`, at most 128 of them"));
    }
    Ok(())
}

fn dns_name(text: &str) -> Result<(), Wrong> {
    let body = text.strip_prefix("*.").unwrap_or(text);
    let body = body.strip_suffix('.').unwrap_or(body);
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if body.len() <= 253 && body.split('.').all(label) {
        return Ok(());
    }
    let wrong = Wrong::new(format!("cannot read `{}` as a DNS name", shorten(text)));
    Err(if text.is_ascii() {
        wrong
    } else {
        wrong.hint("write an international name in its ASCII form (`xn--…`)")
    })
}

/// As [`port`], where these words stand for more than one protocol.
fn port_or(text: &str, words: &[&'static str]) -> Result<(), Wrong> {
    let near = nearest(&text.to_ascii_lowercase(), words.iter().copied());
    port(text).map(drop).map_err(|wrong| match near {
        Some(near) => wrong.hint(format!("did you mean `{near}`?")),
        None => wrong,
    })
}

/// Reads protocol and ports.
pub(super) fn port(text: &str) -> Result<PortSpec, Wrong> {
    let whole =
        |spec: PortSpec| PortSpec::new(spec.protocol, with_unused_codes(spec.protocol, spec.ports));
    text.parse::<PortSpec>().map(whole).map_err(|why| {
        let wrong = Wrong::new(format!("cannot {}", sentence(&why)));
        let Some((protocol, ports)) = text.split_once('/') else {
            return match nearest(text, ["tcp", "udp", "icmp", "icmpv6"]) {
                Some(near) => wrong.hint(format!("did you mean `{near}`?")),
                None => wrong.hint("write protocol and ports, such as `tcp/443`"),
            };
        };
        let ascii = protocol.to_ascii_lowercase();
        if !["tcp", "udp", "icmp", "icmpv6", "icmp6"].contains(&ascii.as_str())
            && let Some(near) = nearest(protocol, ["tcp", "udp", "icmp", "icmpv6"])
        {
            return wrong.hint(format!("did you mean `{near}/{}`?", shorten(ports)));
        }
        if let Some((low, high)) = ports.split_once('-')
            && let (Ok(low), Ok(high)) = (low.parse::<u16>(), high.parse::<u16>())
            && low > high
            && high > 0
        {
            return wrong.hint(format!("did you mean `{}/{high}-{low}`?", shorten(protocol)));
        }
        match ascii.as_str() {
            "tcp" | "udp" if why.starts_with("read") => {
                wrong.hint(format!("write one port or a range, such as `{ascii}/8000-8100`"))
            }
            "icmp" | "icmpv6" | "icmp6" => wrong.hint(format!(
                "write `{ascii}/echo`, a type (`{ascii}/3`), or a type with its codes (`{ascii}/3/0-4`)"
            )),
            _ => wrong,
        }
    })
}

/// A sentence that holds a piece of a file: bounded, no control characters.
fn sentence(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Reads a CIDR block or a single address; host bits must be zero.
pub(super) fn block(text: &str) -> Result<IpNetwork, Wrong> {
    let unlike = || {
        Wrong::new(format!("cannot read `{}` as an address block", shorten(text)))
            .hint("write it as `198.51.100.0/24` or `2001:db8::/32`")
    };
    let Some((start, prefix)) = text.split_once('/') else {
        return Ok(IpNetwork::from(
            address(text).map_err(
                |w| {
                    if w.message.contains("IPv4-mapped") { w } else { unlike() }
                },
            )?,
        ));
    };
    let ip: IpAddr = start.parse().map_err(|_| unlike())?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = match prefix.parse::<u16>() {
        Ok(p) if p <= most && prefix.bytes().all(|b| b.is_ascii_digit()) => {
            u8::try_from(p).map_err(|_| unlike())?
        }
        Ok(p) => {
            return Err(Wrong::new(format!(
                "cannot use the prefix length {p}: it goes from 0 to {most} here"
            )));
        }
        Err(_) => return Err(unlike()),
    };
    not_mapped(ip, Some(prefix))?;
    let network = IpNetwork::new(ip, prefix).map_err(|_| unlike())?;
    if network.network() != ip {
        return Err(Wrong::new(format!("the block `{}` has host bits set", shorten(text)))
            .hint(format!("did you mean `{}/{prefix}`?", network.network())));
    }
    Ok(network)
}

/// Reads an address.
pub(super) fn address(text: &str) -> Result<IpAddr, Wrong> {
    let ip: IpAddr = text.parse().map_err(|_| {
        let wrong = Wrong::new(format!("cannot read `{}` as an address", shorten(text)));
        match text.split_once('/').filter(|(a, _)| a.parse::<IpAddr>().is_ok()) {
            Some((a, _)) => {
                wrong.hint(format!("one address is wanted here, not a block: did you mean `{a}`?"))
            }
            None => wrong.hint("write it as `198.51.100.7` or `2001:db8::7`"),
        }
    })?;
    not_mapped(ip, None)?;
    Ok(ip)
}

/// Refuses IPv4 in IPv6 clothing: it would be judged as IPv6, which no packet of it is.
fn not_mapped(ip: IpAddr, prefix: Option<u8>) -> Result<(), Wrong> {
    let IpAddr::V6(v6) = ip else { return Ok(()) };
    let Some(v4) = v6.to_ipv4_mapped() else { return Ok(()) };
    let v4 = match prefix {
        Some(p) if p >= 96 => format!("{v4}/{}", p - 96),
        Some(_) => "0.0.0.0/0".into(),
        None => v4.to_string(),
    };
    Err(Wrong::new(format!("cannot use the IPv4-mapped address `{ip}`: its packets are IPv4"))
        .hint(format!("write it as IPv4: `{v4}`")))
}

/// Reads an address that a host can have.
pub(super) fn host_address(text: &str) -> Result<IpAddr, Wrong> {
    let ip = address(text)?;
    let broadcast = ip == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        return Err(Wrong::new(format!("cannot use `{ip}`: no host has this address"))
            .hint("write the address of one host"));
    }
    Ok(ip)
}

/// Reads an RFC 3339 instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, Wrong> {
    text.parse().map_err(|_| {
        let wrong = Wrong::new(format!("cannot read `{}` as an instant", shorten(text)));
        match text.parse::<jiff::civil::Date>() {
            // A date that also has a time fails above for want of its zone.
            Ok(date) if text.len() == 10 => {
                wrong.hint(format!("say when on that day, in UTC: `{date}T00:00:00Z`"))
            }
            _ if text.parse::<jiff::civil::DateTime>().is_ok() => {
                wrong.hint(format!("say in which zone: `{}Z` is UTC", shorten(text)))
            }
            _ => wrong.hint("write it as `2026-12-31T00:00:00Z`"),
        }
    })
}

/// Reads `90s`, `15m`, `1h` or `7d`; `None` for anything else, zero included.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (number, unit) = match number.strip_suffix('m') {
        Some(n) if unit == "s" => (n, "ms"),
        _ => (number, unit),
    };
    let n: i64 = number.parse().ok().filter(|n| (1..=1_000_000).contains(n))?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match unit {
        "ms" => SignedDuration::from_millis(n),
        "s" => SignedDuration::from_secs(n),
        "m" => SignedDuration::from_secs(n * 60),
        "h" => SignedDuration::from_secs(n * 3600),
        "d" => SignedDuration::from_secs(n * 86_400),
        _ => return None,
    })
}

/// Reads `3` or `10%`; `None` for anything else, zero included.
pub(super) fn share(text: &str) -> Option<Share> {
    let (digits, percent) = match text.strip_suffix('%') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let n: u32 = digits.parse().ok().filter(|n| plain && *n <= 1_000_000)?;
    match percent {
        true if n <= 100 => Some(Share::Percent(n)),
        true => None,
        false => Some(Share::Hosts(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T: std::fmt::Debug>(result: Result<T, Wrong>) -> String {
        let wrong = result.expect_err("must be refused");
        format!("{} | {}", wrong.message, wrong.hint.unwrap_or_default())
    }

    #[test]
    fn blocks_are_told_with_what_was_meant() {
        assert!(block("198.51.100.0/24").is_ok() && block("2001:db8::/32").is_ok());
        assert!(block("198.51.100.7").is_ok(), "a single address is a block of one");
        assert!(wrong(block("198.51.100.7/24")).contains("did you mean `198.51.100.0/24`?"));
        assert!(wrong(block("2001:db8::1/64")).contains("did you mean `2001:db8::/64`?"));
        assert!(wrong(block("10.0.0.0/33")).contains("0 to 32"));
        assert!(wrong(block("10.0.0/8")).contains("198.51.100.0/24"));
        assert!(wrong(block("::ffff:10.0.0.0/104")).contains("write it as IPv4: `10.0.0.0/8`"));
        assert!(wrong(block("::ffff:10.0.0.1")).contains("write it as IPv4: `10.0.0.1`"));
        assert!(wrong(block("::ffff:0:0/95")).contains("IPv4"));
        assert!(block("::/0").is_ok());
    }

    #[test]
    fn addresses_are_not_blocks() {
        assert!(address("192.0.2.7").is_ok());
        assert!(wrong(address("192.0.2.7/32")).contains("did you mean `192.0.2.7`?"));
        assert!(wrong(address("::ffff:192.0.2.7")).contains("`192.0.2.7`"));
        assert!(wrong(address("192.0.2.256")).contains("write it as"));
    }

    #[test]
    fn instants_say_the_form() {
        assert!(instant("2026-12-31T00:00:00Z").is_ok());
        assert!(wrong(instant("2026-12-31")).contains("`2026-12-31T00:00:00Z`"));
        assert!(wrong(instant("2026-12-31T08:30:00")).contains("`2026-12-31T08:30:00Z` is UTC"));
        assert!(wrong(instant("next summer")).contains("2026-12-31T00:00:00Z"));
        assert!(wrong(instant("2026-02-30T00:00:00Z")).contains("cannot read"));
    }

    #[test]
    fn ports_are_told_with_what_was_meant() {
        assert!(wrong(port("tcp/0")).contains("reserved"));
        assert!(wrong(port("tcp/65536")).contains("from 1 to 65535"));
        assert!(wrong(port("tcp/80-")).contains("cannot read `80-` as a port"));
        assert!(wrong(port("tcp/80-")).contains("such as `tcp/8000-8100`"));
        assert!(wrong(port("icmp/3/0-300")).contains("`icmp/3/0-4`"));
        assert!(wrong(port("udp/50000-40000")).contains("did you mean `udp/40000-50000`?"));
        assert!(wrong(port("tpc/443")).contains("did you mean `tcp/443`?"));
        assert!(wrong(port("443")).contains("tcp/443"));
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90s"), Some(SignedDuration::from_secs(90)));
        assert_eq!(duration("2h"), Some(SignedDuration::from_secs(7200)));
        assert_eq!(duration("250ms"), Some(SignedDuration::from_millis(250)));
        for text in ["", "s", "0s", "90", "-1s", "+1s", "1 h", "1w", "ß"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
