use super::shell::command;
use super::{Ground, Mend, terraform};
use crate::snapshot::IpPermission;
use serde_json::{Map, Value, json};

/// The command that takes the permissions of a group out whose peer is another group, gone or not; `None`
/// where there is none.
#[must_use]
pub fn revoke_peer(ground: &Ground<'_>, group: &str, ingress: bool, peer: &str) -> Option<Mend> {
    revoke_peer_of(ground, group, ingress, peer, &|_| true)
}

/// The same of some of its permissions.
pub(super) fn revoke_peer_of(
    ground: &Ground<'_>,
    group: &str,
    ingress: bool,
    peer: &str,
    which: &dyn Fn(&IpPermission) -> bool,
) -> Option<Mend> {
    let (at, live) = ground.group(group)?;
    let list = if ingress { &live.ip_permissions } else { &live.ip_permissions_egress };
    let mut permissions = Vec::new();
    for raw in list.iter().filter(|raw| which(raw)) {
        for pair in raw.user_id_group_pairs.iter().filter(|p| p.group_id == peer) {
            // As AWS prints it: the id alone would be looked for in this VPC, where it is not.
            let mut of = Map::new();
            of.insert("GroupId".into(), peer.into());
            of.extend(pair.user_id.as_deref().map(|id| ("UserId".into(), id.into())));
            let peering = pair.vpc_peering_connection_id.as_deref();
            of.extend(peering.map(|id| ("VpcPeeringConnectionId".into(), id.into())));
            // Keys in one order, whichever way `serde_json` was built to keep them.
            let mut permission = Map::new();
            permission.extend(raw.from_port.map(|p| ("FromPort".into(), p.into())));
            permission.insert("IpProtocol".into(), raw.ip_protocol.as_str().into());
            permission.extend(raw.to_port.map(|p| ("ToPort".into(), p.into())));
            permission.insert("UserIdGroupPairs".into(), json!([of]));
            permissions.push(Value::Object(permission));
        }
    }
    if permissions.is_empty() {
        return None;
    }
    let (direction, word) = if ingress { ("ingress", "from") } else { ("egress", "to") };
    let call = format!("revoke-security-group-{direction}");
    let list = Value::Array(permissions).to_string();
    let words = ["aws", "ec2", &call, "--region", at.0, "--group-id", group, "--ip-permissions"];
    let said = format!("{direction} {word} {peer}");
    Some(Mend {
        text: format!("take `{said}` out of {group}"),
        command: Some(command(words.into_iter().chain([list.as_str()]))),
        terraform: Some(terraform::removed(group, ingress, &[said])),
    })
}
