//! Lists of rows without the key that names their call: what `aws … --query SecurityGroups` prints.

use serde_json::{Map, Value, json};

/// The field that only rows of one list have, and that list's key; the first that fits names it.
const ROWS: [(&str, &str); 29] = [
    ("ReservationId", "Reservations"),
    ("ListenerArn", "Listeners"),
    ("HealthCheckProtocol", "TargetGroups"),
    ("ListenerDescriptions", "LoadBalancerDescriptions"),
    ("Scheme", "LoadBalancers"),
    ("AutoScalingGroupName", "AutoScalingGroups"),
    ("DBInstanceIdentifier", "DBInstances"),
    ("ExclusionId", "VpcBlockPublicAccessExclusions"),
    ("VpcPeeringConnectionId", "VpcPeeringConnections"),
    ("VpnConnectionId", "VpnConnections"),
    ("VpcEndpointId", "VpcEndpoints"),
    ("NatGatewayId", "NatGateways"),
    ("EgressOnlyInternetGatewayId", "EgressOnlyInternetGateways"),
    ("InternetGatewayId", "InternetGateways"),
    ("TransitGatewayRouteTableArn", "TransitGatewayRouteTables"),
    ("TransitGatewayArn", "TransitGateways"),
    ("PrefixListId", "PrefixLists"),
    ("NetworkAclId", "NetworkAcls"),
    ("RouteTableId", "RouteTables"),
    ("AllocationId", "Addresses"),
    ("IpPermissions", "SecurityGroups"),
    ("ImageId", "Instances"),
    ("NetworkInterfaceId", "NetworkInterfaces"),
    ("PublicIpv4Pool", "Addresses"),
    ("AvailableIpAddressCount", "Subnets"),
    ("SubnetArn", "Subnets"),
    ("MapPublicIpOnLaunch", "Subnets"),
    ("CidrBlockAssociationSet", "Vpcs"),
    ("DhcpOptionsId", "Vpcs"),
];

/// The answer whose rows a bare list holds, where every row is of the same list.
pub(super) fn answer(rows: &mut Vec<Value>) -> Option<Map<String, Value>> {
    let key = key_of(rows.first()?)?;
    if !rows.iter().all(|row| key_of(row) == Some(key)) {
        return None;
    }
    let rows = Value::Array(std::mem::take(rows));
    let (key, rows) = match key {
        "Instances" => ("Reservations", json!([{ "Instances": rows }])),
        key => (key, rows),
    };
    Some(Map::from_iter([(key.to_owned(), rows)]))
}

fn key_of(row: &Value) -> Option<&'static str> {
    let fields = row.as_object()?;
    ROWS.iter().find(|(field, _)| fields.contains_key(*field)).map(|(_, key)| *key)
}
