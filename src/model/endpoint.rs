use super::{PortSet, Protocol, icmp_key};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One thing a packet can be sent to. For ICMP, `port` is `type << 8 | code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    pub address: IpAddr,
    pub protocol: Protocol,
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.address, PortSpec::new(self.protocol, PortSet::one(self.port)))
    }
}

/// A protocol and its ports as people write them: `tcp/443`, `udp/40000-49999`, `icmp/echo`,
/// `icmp/3/4`, `tcp` (every port), `all` in a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSpec {
    pub protocol: Protocol,
    pub ports: PortSet,
}

impl PortSpec {
    /// A protocol with ports.
    #[must_use]
    pub fn new(protocol: Protocol, ports: PortSet) -> Self {
        Self { protocol, ports }
    }

    /// The part after `PROTO/` of each range; for ICMP `echo`, `type` or `type/code`.
    #[must_use]
    pub fn port_strings(&self) -> Vec<String> {
        if !self.protocol.is_icmp() {
            return self.ports.to_strings();
        }
        if self.ports.is_all() {
            return vec!["all".into()];
        }
        let mut out = Vec::new();
        for &(low, high) in self.ports.ranges() {
            let mut at = u32::from(low);
            let high = u32::from(high);
            while at <= high {
                let (t, c) = (at >> 8, at & 255);
                if c == 0 && at + 255 <= high {
                    out.push(t.to_string());
                    at += 256;
                } else {
                    out.push(format!("{t}/{c}"));
                    at += 1;
                }
            }
        }
        out
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let echo = match self.protocol {
            Protocol::Icmp => Some(8),
            Protocol::Icmpv6 => Some(128),
            _ => None,
        };
        if let Some(t) = echo
            && (self.ports == PortSet::icmp_type(t) || self.ports == PortSet::one(icmp_key(t, 0)))
        {
            return write!(f, "{}/echo", self.protocol);
        }
        if self.ports.is_all() {
            return write!(f, "{}", self.protocol);
        }
        write!(f, "{}/{}", self.protocol, self.port_strings().join(","))
    }
}

/// Reads one `PROTO[/PORTS]`. The error is a fragment that fits after "cannot".
impl FromStr for PortSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = match text.split_once('/') {
            Some((n, r)) => (n, Some(r)),
            None => (text, None),
        };
        if rest.is_none() && name.parse::<u32>().is_ok_and(|n| n > 255) {
            return Err(format!(
                "read `{text}`: a port needs its protocol, write tcp/{text} or udp/{text}"
            ));
        }
        let protocol: Protocol = name.parse()?;
        let Some(rest) = rest else {
            return Ok(Self::new(protocol, PortSet::all()));
        };
        let ports = if protocol.is_icmp() {
            icmp_ports(protocol, rest)?
        } else if protocol.has_ports() {
            let mut ports = PortSet::empty();
            for part in rest.split(',') {
                let part: PortSet = part.parse()?;
                if part.contains(0) {
                    return Err("use port 0: it is reserved, ports go from 1 to 65535".into());
                }
                ports = ports.union(&part);
            }
            ports
        } else {
            return Err(format!("use ports with protocol {protocol}: only tcp and udp have them"));
        };
        Ok(Self::new(protocol, ports))
    }
}

fn icmp_ports(protocol: Protocol, text: &str) -> Result<PortSet, String> {
    let byte = |s: &str| {
        s.parse::<u8>().map_err(|_| format!("read `{s}` as an ICMP type or code (0 to 255)"))
    };
    if text == "echo" {
        return Ok(PortSet::icmp_type(if protocol == Protocol::Icmp { 8 } else { 128 }));
    }
    if text == "all" {
        return Ok(PortSet::all());
    }
    match text.split_once('/') {
        Some((t, c)) => Ok(PortSet::one(icmp_key(byte(t)?, byte(c)?))),
        None => Ok(PortSet::icmp_type(byte(text)?)),
    }
}

impl Serialize for PortSpec {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortSpec {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who may reach, by name: `internet`, a named network of the spec, or a role.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase", tag = "kind", content = "name")]
pub enum SourceName {
    Internet,
    Network(String),
    Role(String),
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet => f.write_str("internet"),
            Self::Network(name) | Self::Role(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "tcp/443",
            "udp/40000-49999",
            "icmp/echo",
            "icmp/3/4",
            "icmpv6/echo",
            "tcp",
            "50",
            "tcp/22,80-90",
        ] {
            let spec: PortSpec = text.parse().expect(text);
            assert_eq!(spec.to_string(), text);
        }
    }

    #[test]
    fn refuses_with_a_reason() {
        for (text, word) in [
            ("tcp/0", "reserved"),
            ("tcp/65536", "65535"),
            ("tcp/90-80", "inverted"),
            ("443", "tcp/443"),
            ("50/3", "only tcp and udp"),
            ("icmp/300", "ICMP"),
            ("tpc/1", "tcp, udp"),
        ] {
            let error = text.parse::<PortSpec>().expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
