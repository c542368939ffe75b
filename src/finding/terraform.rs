//! Terraform snippets, in the AWS provider's current resources.

use super::Permission;
use super::aws::port_pairs;
use crate::model::{PortSet, Protocol};
use crate::spec::Peer;
use ipnetwork::IpNetwork;
use std::collections::BTreeSet;
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
    protocol: Option<Protocol>,
    ports: &PortSet,
    blocks: &[IpNetwork],
) -> String {
    let peers: Vec<Peer> = blocks.iter().map(|block| Peer::Block(*block)).collect();
    let permission = |peer| Permission { protocol, ports, peer, description: None };
    rules(group, true, &peers.iter().map(permission).collect::<Vec<_>>())
}

/// The rules that put permissions into a group.
pub(super) fn rules(group: &str, ingress: bool, permissions: &[Permission<'_>]) -> String {
    let mut out = String::new();
    let each: Vec<_> = permissions
        .iter()
        .flat_map(|p| {
            let pairs = p.protocol.map_or_else(|| vec![None], |name| port_pairs(name, p.ports));
            pairs.into_iter().map(move |pair| (p, pair))
        })
        .collect();
    let kind = kind(ingress);
    for (i, (Permission { protocol, ports: _, peer, description }, pair)) in
        each.iter().take(MAX_BLOCKS).enumerate()
    {
        let name = label(*protocol, *pair, i);
        let _ = writeln!(out, "resource \"{kind}\" \"{name}\" {{");
        let protocol = protocol.map_or_else(|| "-1".into(), |p| p.to_string());
        let (key, peer) = match peer {
            Peer::Block(block) if block.is_ipv4() => ("cidr_ipv4", block.to_string()),
            Peer::Block(block) => ("cidr_ipv6", block.to_string()),
            Peer::Group(id) => ("referenced_security_group_id", id.clone()),
            Peer::PrefixList(id) => ("prefix_list_id", id.clone()),
        };
        // Aligned as `terraform fmt` has it.
        let width = key.len().max("security_group_id".len());
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(out, "  {key:<width$} = {value}");
        };
        line("security_group_id", &quoted(group));
        line("ip_protocol", &quoted(&protocol));
        if let Some((from, to)) = pair {
            line("from_port", &from.to_string());
            line("to_port", &to.to_string());
        }
        line(key, &quoted(&peer));
        if let Some(description) = description {
            line("description", &quoted(description));
        }
        out.push_str("}\n");
    }
    if each.len() > MAX_BLOCKS {
        let _ = writeln!(out, "# and {} more like these", each.len() - MAX_BLOCKS);
    }
    out
}

/// What to remove so that permissions leave a group; each in words.
pub(super) fn removed(group: &str, ingress: bool, permissions: &[String]) -> String {
    let block = if ingress { "ingress" } else { "egress" };
    let mut out = format!(
        "# remove the {} (or the inline {block} block) of {}:\n",
        kind(ingress),
        comment(group)
    );
    for permission in permissions.iter().take(MAX_BLOCKS) {
        let _ = writeln!(out, "# {}", comment(permission));
    }
    if permissions.len() > MAX_BLOCKS {
        let _ = writeln!(out, "# and {} more", permissions.len() - MAX_BLOCKS);
    }
    out
}

const fn kind(ingress: bool) -> &'static str {
    if ingress {
        "aws_vpc_security_group_ingress_rule"
    } else {
        "aws_vpc_security_group_egress_rule"
    }
}

/// The same snippet with names that no resource of its kind among `names` has, which it joins.
pub(super) fn distinct(snippet: &str, names: &mut BTreeSet<(String, String)>) -> String {
    let mut out = String::new();
    for line in snippet.split_inclusive('\n') {
        let words: Vec<&str> = line.split('"').collect();
        let ["resource ", kind, " ", name, rest] = words.as_slice() else {
            out += line;
            continue;
        };
        let named = |n: usize| if n == 1 { (*name).to_owned() } else { format!("{name}_{n}") };
        let free = (1..).map(named).find(|n| names.insert(((*kind).to_owned(), n.clone())));
        let _ = write!(out, "resource \"{kind}\" \"{}\"{rest}", free.unwrap_or_default());
    }
    out
}

/// Text that cannot end the comment it stands in.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A name for a resource, made of what it permits.
fn label(protocol: Option<Protocol>, pair: Option<(i32, i32)>, i: usize) -> String {
    let protocol = match protocol {
        None => "all".into(),
        Some(Protocol::Other(n)) => format!("protocol_{n}"),
        Some(named) => named.to_string(),
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
        let text = ingress_rules("sg-1", Some(Protocol::Tcp), &PortSet::one(443), &blocks);
        assert_eq!(text.matches("resource ").count(), 8);
        assert!(text.ends_with("# and 12 more like these\n"), "{text}");
    }
    #[test]
    fn every_kind_of_permission_has_its_own_arguments() {
        let group = Peer::Group("sg-\"2".into());
        let list = Peer::PrefixList("pl-1".into());
        let block = Peer::Block("2001:db8::/32".parse().expect("a block"));
        let ports = PortSet::one(22).union(&PortSet::range(80, 90));
        let permissions = [
            Permission {
                protocol: Some(Protocol::Tcp),
                ports: &ports,
                peer: &group,
                description: Some("from \"web\""),
            },
            Permission { protocol: None, ports: &PortSet::all(), peer: &list, description: None },
            Permission {
                protocol: Some(Protocol::Icmpv6),
                ports: &PortSet::icmp_type(128),
                peer: &block,
                description: None,
            },
        ];
        let text = rules("sg-1", false, &permissions);
        assert_eq!(
            text,
            r#"resource "aws_vpc_security_group_egress_rule" "tcp_22" {
  security_group_id            = "sg-1"
  ip_protocol                  = "tcp"
  from_port                    = 22
  to_port                      = 22
  referenced_security_group_id = "sg-\"2"
  description                  = "from \"web\""
}
resource "aws_vpc_security_group_egress_rule" "tcp_80_90_2" {
  security_group_id            = "sg-1"
  ip_protocol                  = "tcp"
  from_port                    = 80
  to_port                      = 90
  referenced_security_group_id = "sg-\"2"
  description                  = "from \"web\""
}
resource "aws_vpc_security_group_egress_rule" "all_3" {
  security_group_id = "sg-1"
  ip_protocol       = "-1"
  prefix_list_id    = "pl-1"
}
resource "aws_vpc_security_group_egress_rule" "icmpv6_128_4" {
  security_group_id = "sg-1"
  ip_protocol       = "icmpv6"
  from_port         = 128
  to_port           = -1
  cidr_ipv6         = "2001:db8::/32"
}
"#
        );
    }

    #[test]
    fn what_is_removed_is_named_and_cannot_leave_its_comment() {
        let text = removed("sg-1\nresource", true, &["ingress tcp/22 from sg-2\n}".into()]);
        assert!(text.lines().all(|line| line.starts_with("# ")), "{text}");
        let many: Vec<String> = (0..20).map(|n| format!("ingress tcp/{n} from any")).collect();
        assert!(removed("sg-1", false, &many).ends_with("# and 12 more\n"));
    }
}
