use super::Mend;
use super::aws::port_pairs;
use super::shell::command;
use crate::drift::{Difference, Direction, Line, OnlyIn};
use crate::spec::Peer;
use serde_json::{Value, json};

/// What would bring a live group in line with its declaration: what is declared is let in before
/// what is not is taken out, so that nothing declared is shut in between.
#[must_use]
pub fn align(group: &str, region: &str, lines: &[Difference]) -> Vec<Mend> {
    let mut mends = Vec::new();
    for (only_in, verb, words) in [
        (OnlyIn::Declared, "authorize", "permit what is declared"),
        (OnlyIn::Live, "revoke", "take out what is not declared"),
    ] {
        for (direction, side) in [(Direction::Ingress, "ingress"), (Direction::Egress, "egress")] {
            let these: Vec<&Line> = lines
                .iter()
                .filter(|d| d.only_in == only_in && d.line.direction == direction)
                .map(|d| &d.line)
                .collect();
            if these.is_empty() {
                continue;
            }
            let permissions = Value::Array(these.iter().flat_map(|l| permissions(l)).collect());
            mends.push(Mend {
                text: format!("{words} ({side}) in {group}"),
                command: Some(command([
                    "aws",
                    "ec2",
                    &format!("{verb}-security-group-{side}"),
                    "--region",
                    region,
                    "--group-id",
                    group,
                    "--ip-permissions",
                    &permissions.to_string(),
                ])),
                terraform: None,
            });
        }
    }
    mends
}

fn permissions(line: &Line) -> Vec<Value> {
    let (key, peer) = match &line.peer {
        Peer::Block(block) if block.is_ipv4() => {
            ("IpRanges", json!({ "CidrIp": block.to_string() }))
        }
        Peer::Block(block) => ("Ipv6Ranges", json!({ "CidrIpv6": block.to_string() })),
        Peer::Group(id) => ("UserIdGroupPairs", json!({ "GroupId": id })),
        Peer::PrefixList(id) => ("PrefixListIds", json!({ "PrefixListId": id })),
    };
    let Some(protocol) = line.protocol else {
        return vec![json!({ "IpProtocol": "-1", key: [peer] })];
    };
    port_pairs(protocol, &line.ports())
        .into_iter()
        .map(|pair| {
            let mut permission = json!({ "IpProtocol": protocol.to_string(), key: [peer] });
            if let Some((from, to)) = pair {
                permission["FromPort"] = from.into();
                permission["ToPort"] = to.into();
            }
            permission
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Effect;
    use crate::model::Protocol;

    #[test]
    fn opens_before_it_shuts() {
        let line = |only_in, low| Difference {
            only_in,
            line: Line {
                direction: Direction::Ingress,
                protocol: Some(Protocol::Tcp),
                low,
                high: low,
                peer: Peer::Group("sg-2".into()),
            },
            place: None,
            effect: Effect::None("not compared"),
        };
        let mends = align("sg-1", "eu-west-1", &[line(OnlyIn::Live, 1), line(OnlyIn::Declared, 2)]);
        let commands: Vec<_> = mends.iter().filter_map(|m| m.command.as_deref()).collect();
        assert_eq!(
            commands,
            [
                r#"aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id sg-1 --ip-permissions '[{"FromPort":2,"IpProtocol":"tcp","ToPort":2,"UserIdGroupPairs":[{"GroupId":"sg-2"}]}]'"#,
                r#"aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-1 --ip-permissions '[{"FromPort":1,"IpProtocol":"tcp","ToPort":1,"UserIdGroupPairs":[{"GroupId":"sg-2"}]}]'"#,
            ]
        );
    }
}
