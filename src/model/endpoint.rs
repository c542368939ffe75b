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
/// `icmp/3/4`, `icmp/0-7,9`, `icmp/3/0-3`, `tcp` (every port), `all` in a permission.
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
        if self.protocol.is_icmp() {
            return write!(f, "{}/{}", self.protocol, icmp_ranges(&self.ports).join(","));
        }
        write!(f, "{}/{}", self.protocol, self.port_strings().join(","))
    }
}

/// ICMP types and codes in as few words as there are ranges: `8`, `0-7`, `3/4`, `3/0-3`.
fn icmp_ranges(ports: &PortSet) -> Vec<String> {
    let range = |low: u16, high: u16| match low == high {
        true => low.to_string(),
        false => format!("{low}-{high}"),
    };
    let codes = |t: u16, low: u16, high: u16| format!("{t}/{}", range(low, high));
    let mut out = Vec::new();
    for &(low, high) in ports.ranges() {
        let ((first, from), (last, to)) = ((low >> 8, low & 255), (high >> 8, high & 255));
        if first == last && (from, to) != (0, 255) {
            out.push(codes(first, from, to));
            continue;
        }
        // A type of which only some codes are in the range stands by itself, at either end.
        let begin = if from == 0 { first } else { first + 1 };
        let end = if to == 255 { last + 1 } else { last };
        out.extend((from != 0).then(|| codes(first, from, 255)));
        out.extend((begin < end).then(|| range(begin, end - 1)));
        out.extend((to != 255).then(|| codes(last, 0, to)));
    }
    out
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
    let mut all = PortSet::empty();
    for part in text.split(',') {
        let ports = match (part, part.split_once('/')) {
            ("echo", _) => PortSet::icmp_type(if protocol == Protocol::Icmp { 8 } else { 128 }),
            ("all", _) => PortSet::all(),
            (_, Some((kind, codes))) => {
                let (kind, (low, high)) = (icmp_number(kind)?, icmp_range(codes)?);
                PortSet::range(icmp_key(kind, low), icmp_key(kind, high))
            }
            (types, None) => {
                let (low, high) = icmp_range(types)?;
                PortSet::range(icmp_key(low, 0), icmp_key(high, 255))
            }
        };
        all = all.union(&ports);
    }
    Ok(all)
}

fn icmp_number(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("read `{text}` as an ICMP type or code (0 to 255)"))
}

fn icmp_range(text: &str) -> Result<(u8, u8), String> {
    let Some((low, high)) = text.split_once('-') else {
        let one = icmp_number(text)?;
        return Ok((one, one));
    };
    let (low, high) = (icmp_number(low)?, icmp_number(high)?);
    if low > high {
        return Err(format!("use the range {low}-{high}: it is inverted, write {high}-{low}"));
    }
    Ok((low, high))
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
            "icmp/3",
            "icmp/0-7,9-255",
            "icmp/3/0-3,3/5-255",
            "icmp/3/4-255,4-6,7/0-2",
            "icmp/0-254,255/0-254",
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
            ("icmp/7-3", "inverted"),
            ("icmp/3-4/5", "ICMP"),
            ("icmp/3,", "ICMP"),
            ("tpc/1", "tcp, udp"),
        ] {
            let error = text.parse::<PortSpec>().expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
