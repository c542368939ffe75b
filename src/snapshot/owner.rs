use super::{CallKind, DbInstance, Interface, RegionView, Snapshot};
use std::collections::BTreeMap;

/// What interfaces without an instance belong to, by interface id: `load balancer edge`,
/// `database orders`. Text from outside.
///
/// A balancer's interface says whose it is. A database's does not: where its network and groups leave
/// one database, it is that one's, and where they leave several all of them are named.
#[must_use]
pub fn owners(snapshot: &Snapshot) -> BTreeMap<&str, String> {
    let mut out = BTreeMap::new();
    for view in &snapshot.regions {
        for interface in &view.network_interfaces {
            let owner = balancer(interface).or_else(|| database(snapshot, view, interface));
            out.extend(owner.map(|owner| (interface.network_interface_id.as_str(), owner)));
        }
    }
    out
}

/// `ELB app/NAME/ID`, `ELB net/NAME/ID`; a classic balancer's says `ELB NAME`.
fn balancer(interface: &Interface) -> Option<String> {
    let said = interface.description.as_deref()?.strip_prefix("ELB ")?;
    let name = match said.split('/').collect::<Vec<_>>()[..] {
        [name] | ["app" | "net" | "gwy", name, _] => name,
        _ => return None,
    };
    (!name.is_empty()).then(|| format!("load balancer {name}"))
}

/// Databases named for one interface: more say nothing any more.
const MAX_DATABASES: usize = 3;

fn database(snapshot: &Snapshot, view: &RegionView, interface: &Interface) -> Option<String> {
    let all = view.db_instances.iter().filter(|db| db.may_have(interface));
    let names: Vec<&str> = all.map(|db| db.db_instance_identifier.as_str()).collect();
    if names.is_empty() || names.len() > MAX_DATABASES {
        return None;
    }
    // A database that was not listed may be the one.
    let complete =
        snapshot.outcome(&view.account, &view.region, CallKind::DbInstances).is_complete();
    complete.then(|| format!("database {}", names.join(" or ")))
}

impl DbInstance {
    /// Whether an interface may be its own: nothing names it, its VPC, subnets and groups do.
    #[must_use]
    pub fn may_have(&self, interface: &Interface) -> bool {
        if interface.description.as_deref() != Some("RDSNetworkInterface") {
            return false;
        }
        let place = self.db_subnet_group.as_ref();
        let vpc = place.and_then(|p| p.vpc_id.as_deref());
        let subnets = place.map(|p| p.subnets.as_slice()).unwrap_or_default();
        let own = interface.subnet_id.as_deref().unwrap_or_default();
        let mut groups: Vec<&str> =
            self.vpc_security_groups.iter().map(|g| g.vpc_security_group_id.as_str()).collect();
        let mut carried: Vec<&str> = interface.groups.iter().map(|g| g.group_id.as_str()).collect();
        for list in [&mut groups, &mut carried] {
            list.sort_unstable();
            list.dedup();
        }
        vpc.is_none_or(|vpc| vpc == interface.vpc_id.as_deref().unwrap_or_default())
            && (subnets.is_empty()
                || subnets.iter().any(|s| s.subnet_identifier.as_deref() == Some(own)))
            && (groups.is_empty() || groups == carried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Call, Outcome};
    use serde_json::json;

    fn snapshot(databases: &[&str]) -> Snapshot {
        let nic = |id: &str, description: &str| {
            json!({
                "NetworkInterfaceId": id, "Description": description, "VpcId": "vpc-1",
                "SubnetId": "subnet-1", "Groups": [{ "GroupId": "sg-1" }],
            })
        };
        let database = |name: &&str| {
            json!({
                "DBInstanceIdentifier": name, "VpcSecurityGroups": [{ "VpcSecurityGroupId": "sg-1" }],
                "DBSubnetGroup": { "VpcId": "vpc-1", "Subnets": [{ "SubnetIdentifier": "subnet-1" }] },
            })
        };
        let view = json!({
            "Account": "1", "Region": "r",
            "NetworkInterfaces": [
                nic("eni-1", "ELB app/edge/0123"), nic("eni-2", "ELB old"), nic("eni-3", "ELB a/b"),
                nic("eni-4", "RDSNetworkInterface"), nic("eni-5", "mine"),
            ],
            "DbInstances": databases.iter().map(database).collect::<Vec<_>>(),
        });
        let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
        snapshot.regions.push(serde_json::from_value(view).expect("a view"));
        snapshot.calls.push(Call {
            account: "1".into(),
            region: "r".into(),
            kind: CallKind::DbInstances,
            outcome: Outcome::Complete,
            items: databases.len(),
        });
        snapshot
    }

    #[test]
    fn interfaces_are_known_by_what_they_belong_to() {
        let one = snapshot(&["orders"]);
        let owners = owners(&one);
        assert_eq!(owners["eni-1"], "load balancer edge");
        assert_eq!(owners["eni-2"], "load balancer old");
        assert_eq!(owners["eni-4"], "database orders");
        assert_eq!(owners.len(), 3, "{owners:?}");
    }

    #[test]
    fn a_database_is_not_guessed() {
        let two = snapshot(&["billing", "orders"]);
        assert_eq!(owners(&two)["eni-4"], "database billing or orders");
        assert!(!owners(&snapshot(&["a", "b", "c", "d"])).contains_key("eni-4"));
        let mut unread = snapshot(&["orders"]);
        unread.calls[0].outcome = Outcome::Denied("AccessDenied".into());
        assert!(!owners(&unread).contains_key("eni-4"));
    }
}
