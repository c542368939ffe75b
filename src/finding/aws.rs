//! Permissions in the shape that `aws ec2` takes them.

use crate::model::{PortSet, Protocol};
use ipnetwork::IpNetwork;
use serde_json::{Value, json};

/// `FromPort` and `ToPort` of each part of a set of ports; one pair of nothing where the protocol
/// has neither ports nor types. For ICMP they are type and code, -1 for any.
#[must_use]
pub fn port_pairs(protocol: Protocol, ports: &PortSet) -> Vec<Option<(i32, i32)>> {
    if protocol.has_ports() {
        return ports.ranges().iter().map(|(l, h)| Some((i32::from(*l), i32::from(*h)))).collect();
    }
    if !protocol.is_icmp() {
        return vec![None];
    }
    if ports.is_all() {
        return vec![Some((-1, -1))];
    }
    let mut out = Vec::new();
    for &(low, high) in ports.ranges() {
        let mut at = u32::from(low);
        while at <= u32::from(high) {
            let (kind, code) = ((at >> 8) as i32, (at & 255) as i32);
            if code == 0 && at + 255 <= u32::from(high) {
                out.push(Some((kind, -1)));
                at += 256;
            } else {
                out.push(Some((kind, code)));
                at += 1;
            }
        }
    }
    out
}

/// `--ip-permissions` for these ports and blocks; of all traffic without a protocol.
pub(super) fn ip_permissions(
    protocol: Option<Protocol>,
    ports: &PortSet,
    blocks: &[IpNetwork],
) -> String {
    let v4: Vec<Value> =
        blocks.iter().filter(|b| b.is_ipv4()).map(|b| json!({ "CidrIp": b.to_string() })).collect();
    let v6: Vec<Value> = blocks
        .iter()
        .filter(|b| b.is_ipv6())
        .map(|b| json!({ "CidrIpv6": b.to_string() }))
        .collect();
    let pairs = protocol.map_or_else(|| vec![None], |protocol| port_pairs(protocol, ports));
    let name = protocol.map_or_else(|| "-1".into(), |protocol| protocol.to_string());
    let permissions: Vec<Value> = pairs
        .into_iter()
        .map(|pair| {
            // Keys in one order, whichever way `serde_json` was built to keep them.
            let mut permission = serde_json::Map::new();
            permission.extend(pair.map(|(from, _)| ("FromPort".into(), from.into())));
            permission.insert("IpProtocol".into(), name.as_str().into());
            if !v4.is_empty() {
                permission.insert("IpRanges".into(), v4.clone().into());
            }
            if !v6.is_empty() {
                permission.insert("Ipv6Ranges".into(), v6.clone().into());
            }
            permission.extend(pair.map(|(_, to)| ("ToPort".into(), to.into())));
            Value::Object(permission)
        })
        .collect();
    Value::Array(permissions).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_what_the_api_takes() {
        let blocks = ["0.0.0.0/0".parse().expect("a block")];
        assert_eq!(
            ip_permissions(Some(Protocol::Tcp), &PortSet::range(80, 90), &blocks),
            r#"[{"FromPort":80,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"ToPort":90}]"#
        );
        assert_eq!(
            ip_permissions(Some(Protocol::Icmp), &PortSet::icmp_type(8), &blocks),
            r#"[{"FromPort":8,"IpProtocol":"icmp","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"ToPort":-1}]"#
        );
    }
}
