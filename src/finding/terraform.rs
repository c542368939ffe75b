//! Terraform snippets, in the AWS provider's current resources.

use super::aws::port_pairs;
use crate::model::{PortSet, Protocol};
use ipnetwork::IpNetwork;
use std::fmt::Write;

/// Resources of one snippet: more are told in words, nobody reads twenty blocks.
const MAX_BLOCKS: usize = 8;

/// A quoted string: ids come from outside, so `"` and `${` must not end or begin anything.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
    out.replace("${", "$${").replace("%{", "%%{")
}

/// Ingress rules of a group for these ports and blocks.
pub(super) fn ingress_rules(
    group: &str,
    protocol: Protocol,
    ports: &PortSet,
    blocks: &[IpNetwork],
) -> String {
    let mut out = String::new();
    let pairs = port_pairs(protocol, ports);
    let all = pairs.len() * blocks.len();
    let each = pairs.iter().flat_map(|pair| blocks.iter().map(move |block| (pair, block)));
    for (i, (pair, block)) in each.take(MAX_BLOCKS).enumerate() {
        let name = label(protocol, *pair, i);
        let _ = writeln!(out, "resource \"aws_vpc_security_group_ingress_rule\" \"{name}\" {{");
        let _ = writeln!(out, "  security_group_id = {}", quoted(group));
        let _ = writeln!(out, "  ip_protocol       = {}", quoted(&protocol.to_string()));
        if let Some((from, to)) = pair {
            let _ = writeln!(out, "  from_port         = {from}");
            let _ = writeln!(out, "  to_port           = {to}");
        }
        let key = if block.is_ipv4() { "cidr_ipv4        " } else { "cidr_ipv6        " };
        let _ = writeln!(out, "  {key} = {}", quoted(&block.to_string()));
        out.push_str("}\n");
    }
    if all > MAX_BLOCKS {
        let _ = writeln!(out, "# and {} more like these", all - MAX_BLOCKS);
    }
    out
}

/// A name for a resource, made of what it permits.
fn label(protocol: Protocol, pair: Option<(i32, i32)>, i: usize) -> String {
    let protocol = match protocol {
        Protocol::Other(n) => format!("protocol_{n}"),
        named => named.to_string(),
    };
    let ports = match pair {
        Some((from, to)) if from == to => format!("_{from}"),
        Some((from, to)) if to >= 0 => format!("_{from}_{to}"),
        Some((from, _)) if from >= 0 => format!("_{from}"),
        _ => String::new(),
    };
    let nth = if i == 0 { String::new() } else { format!("_{}", i + 1) };
    format!("{protocol}{ports}{nth}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_text() {
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
        assert_eq!(quoted("${file(\"/etc\")}"), r#""$${file(\"/etc\")}""#);
    }

    #[test]
    fn a_rule_for_each_range_and_block_within_reason() {
        let blocks: Vec<IpNetwork> =
            (0..20).map(|i| format!("10.0.{i}.0/24").parse().expect("a block")).collect();
        let text = ingress_rules("sg-1", Protocol::Tcp, &PortSet::one(443), &blocks);
        assert_eq!(text.matches("resource ").count(), 8);
        assert!(text.ends_with("# and 12 more like these\n"), "{text}");
    }
}
