// Over 500 lines because it is one table: every top-level key that a describe call can have.

use super::bare;
use super::called;
use super::document::Documents;
use super::files::File;
use super::flaw::flaw;
use super::rows::{attributes, row, take_list, text};
use super::unit::{Unit, Units, key};
use crate::collect::classic::{Classic, Port};
use crate::snapshot::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a search for routes says where it found more than it gives.
const MORE_ROUTES: &str = "AdditionalRoutesAvailable";

/// Folds a file's documents into its unit.
///
/// # Errors
/// Why the file was not used.
pub(super) fn file(file: &File, read: Documents, units: &mut Units) -> Result<(), String> {
    if let Some(why) = read.foreign {
        // It was asked for and did not come: that is a gap, where its name tells what it is.
        if let Some(kind) = called::call(&file.parts).filter(|_| read.empty) {
            let unit = units.entry(key(file)).or_default();
            unit.file = file.name();
            unit.list = about(file);
            unit.bad(kind, "it is empty, as where a call failed".into());
        }
        return Err(why);
    }
    let unit_key = key(file);
    let fresh = !units.contains_key(&unit_key);
    let unit = units.entry(unit_key.clone()).or_default();
    unit.file = file.name();
    unit.list = about(file);
    let mut used = Vec::new();
    let (keys, keys_of) = (keys(&read.values), all_keys(&read.values));
    for value in read.values {
        document(file, value, unit, &mut used);
    }
    if let Some(why) = read.cut {
        for kind in &used {
            unit.bad(*kind, why.clone());
        }
    }
    if used.is_empty() {
        if fresh {
            units.remove(&unit_key);
        }
        return Err(match read_by_path(&keys_of) {
            Some(what) => format!(
                "nothing says which {what} it is of: name the file by its ARN, `arn:aws:…:targetgroup/NAME/ID.json`, with folders for its parts or with %3A and %2F"
            ),
            None => format!("it holds no call that we read{keys}"),
        });
    }
    Ok(())
}

/// What an answer is of that says it nowhere itself, by its key.
fn read_by_path(keys: &[String]) -> Option<&'static str> {
    keys.iter().find_map(|key| match key.as_str() {
        "TargetHealthDescriptions" => Some("target group"),
        "Attributes" => Some("target group or load balancer"),
        _ => None,
    })
}

fn all_keys(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_object).flat_map(|o| o.keys().cloned()).collect()
}

/// The top-level keys of a file, for people who wonder why it was not used.
fn keys(values: &[Value]) -> String {
    let objects = values.iter().filter_map(Value::as_object);
    let mut keys: Vec<&str> = objects.flat_map(|o| o.keys().map(String::as_str)).collect();
    keys.sort_unstable();
    keys.dedup();
    let more = if keys.len() > MOST_KEYS { ", …" } else { "" };
    keys.truncate(MOST_KEYS);
    match keys.as_slice() {
        [] => String::new(),
        keys => format!(": its keys are {}{more}", keys.join(", ")),
    }
}

/// Keys that are named of a file that was not used.
const MOST_KEYS: usize = 4;

fn document(file: &File, value: Value, unit: &mut Unit, used: &mut Vec<CallKind>) {
    match value {
        Value::Array(mut pages) => match bare::answer(&mut pages) {
            Some(fields) => {
                let before = used.len();
                document(file, Value::Object(fields), unit, used);
                // A query may have left out rows, and nothing here says whether it did.
                for kind in &used[before..] {
                    unit.bad(*kind, "a bare list, as --query prints it".into());
                }
            }
            // `jq -s` and some collectors wrap the pages in a list.
            None => pages.into_iter().for_each(|page| document(file, page, unit, used)),
        },
        Value::Object(fields) => {
            if let Some(account) = fields.get("Account").and_then(Value::as_str)
                && fields.contains_key("UserId")
            {
                unit.votes.caller(account);
                unit.made(CallKind::CallerIdentity).items = 1;
                used.push(CallKind::CallerIdentity);
            }
            // A page that names the next one is not the last.
            let more = ["NextToken", "NextMarker", "Marker"]
                .iter()
                .any(|key| fields.get(*key).and_then(Value::as_str).is_some_and(|t| !t.is_empty()));
            let cut = fields.get(MORE_ROUTES) == Some(&Value::Bool(true));
            for (key, value) in fields {
                if let Some(kind) = list(file, &key, value, unit) {
                    if cut {
                        unit.bad(kind, "the table has more routes".into());
                    }
                    unit.made(kind).pages.add(more);
                    if let Some(list) = unit.list.clone() {
                        unit.pending.lists.entry((kind, list)).or_default().pages.add(more);
                    }
                    used.push(kind);
                }
            }
        }
        _ => {}
    }
}

/// Reads rows of one kind into their list.
fn rows<T: DeserializeOwned>(
    unit: &mut Unit,
    kind: CallKind,
    values: Vec<Value>,
    id: &str,
    mut put: impl FnMut(&mut Unit, T),
) -> CallKind {
    unit.made(kind).items += values.len();
    for value in values {
        unit.votes.count(&value);
        let name = text(&value, id).filter(|name| !name.is_empty());
        let read = match (flaw(kind, &value), name) {
            (Some(why), Some(name)) => Err(format!("{name}: {why}")),
            _ => row(value, id),
        };
        match read {
            Ok(row) => put(unit, row),
            Err(why) => unit.bad(kind, why),
        }
    }
    kind
}

/// Whether a row is an object at all; what is not is noted and left out.
fn is_object(unit: &mut Unit, kind: CallKind, value: &Value) -> bool {
    if !value.is_object() {
        unit.bad(kind, "a row is no object".into());
    }
    value.is_object()
}

/// Folds one top-level key; the call it belongs to, where it is one.
fn list(file: &File, key: &str, value: Value, unit: &mut Unit) -> Option<CallKind> {
    use CallKind as K;
    if key == "VpcBlockPublicAccessOptions" {
        unit.made(K::VpcBpaOptions).items += 1;
        match row::<BpaOptions>(value, "InternetGatewayBlockMode") {
            // One region has one mode: files of two regions in one folder do not say which is whose.
            Ok(options) if unit.view.bpa_options.as_ref().is_some_and(|o| *o != options) => {
                unit.bad(K::VpcBpaOptions, "two answers differ".into());
            }
            Ok(options) => unit.view.bpa_options = Some(options),
            Err(why) => unit.bad(K::VpcBpaOptions, why),
        }
        return Some(K::VpcBpaOptions);
    }
    let Value::Array(values) = value else {
        // Answers about one resource leave it unread; a list of rows that is none is a page lost.
        let alone = ["Entries", "Routes", "Rules", "Attributes", "TargetHealthDescriptions"];
        // A classic balancer's attributes are one object, and nothing is judged by them.
        let classic = key == "LoadBalancerAttributes" && value.is_object();
        if alone.contains(&key) || classic || key == "TransitGatewayRouteTablePropagations" {
            return None;
        }
        let kind = list(file, key, Value::Array(Vec::new()), unit)?;
        unit.bad(kind, format!("{key} is no list"));
        return Some(kind);
    };
    macro_rules! plain {
        ($kind:ident, $id:literal, $list:ident) => {
            rows(unit, K::$kind, values, $id, |u, r| u.view.$list.push(r))
        };
    }
    Some(match key {
        "Reservations" => reservations(unit, values),
        "NetworkInterfaces" => plain!(NetworkInterfaces, "NetworkInterfaceId", network_interfaces),
        "SecurityGroups" => plain!(SecurityGroups, "GroupId", security_groups),
        "NetworkAcls" => plain!(NetworkAcls, "NetworkAclId", network_acls),
        "RouteTables" => plain!(RouteTables, "RouteTableId", route_tables),
        "Subnets" => plain!(Subnets, "SubnetId", subnets),
        "Vpcs" => plain!(Vpcs, "VpcId", vpcs),
        "InternetGateways" => plain!(InternetGateways, "InternetGatewayId", internet_gateways),
        "EgressOnlyInternetGateways" => plain!(
            EgressOnlyInternetGateways,
            "EgressOnlyInternetGatewayId",
            egress_only_internet_gateways
        ),
        "NatGateways" => plain!(NatGateways, "NatGatewayId", nat_gateways),
        "Addresses" => plain!(Addresses, "PublicIp", addresses),
        "PrefixLists" => prefix_lists(unit, values),
        "Entries" => {
            let Some(list) = named(file, "pl-") else {
                // A list of another service has the key too, and no blocks.
                let blocks = values.first().is_some_and(|v| v.get("Cidr").is_some());
                let kind = blocks.then_some(K::ManagedPrefixListEntries)?;
                let why = "nothing says of which prefix list: put its id (pl-…) into the name";
                unit.bad(kind, why.into());
                return Some(kind);
            };
            unit.made(K::ManagedPrefixListEntries).items += values.len();
            for value in values {
                match row(value, "Cidr") {
                    Ok(e) => unit.pending.prefix_entries.entry(list.clone()).or_default().push(e),
                    Err(why) => unit.bad(K::ManagedPrefixListEntries, why),
                }
            }
            unit.pending.prefix_entries.entry(list).or_default();
            K::ManagedPrefixListEntries
        }
        "VpcPeeringConnections" => {
            plain!(VpcPeeringConnections, "VpcPeeringConnectionId", vpc_peering_connections)
        }
        "VpcEndpoints" => plain!(VpcEndpoints, "VpcEndpointId", vpc_endpoints),
        "TransitGateways" => plain!(TransitGateways, "TransitGatewayId", transit_gateways),
        "TransitGatewayAttachments" => {
            let values = values.into_iter().map(association).collect();
            rows(
                unit,
                K::TransitGatewayAttachments,
                values,
                "TransitGatewayAttachmentId",
                |u, r| {
                    u.view.transit_gateway_attachments.push(r);
                },
            )
        }
        "TransitGatewayVpcAttachments" => {
            let values = values.into_iter().map(vpc_attachment).collect();
            let kind = K::TransitGatewayVpcAttachments;
            rows(unit, kind, values, "TransitGatewayAttachmentId", |u, r| {
                u.view.transit_gateway_attachments.push(r);
            })
        }
        "TransitGatewayRouteTables" => plain!(
            TransitGatewayRouteTables,
            "TransitGatewayRouteTableId",
            transit_gateway_route_tables
        ),
        "TransitGatewayStaticRoutes" => {
            for mut value in values {
                if !is_object(unit, K::TransitGatewayRoutes, &value) {
                    continue;
                }
                let table = text(&value, "TransitGatewayRouteTableId").unwrap_or_default();
                let routes = take_list(&mut value, "Routes");
                if value.get(MORE_ROUTES) == Some(&Value::Bool(true)) {
                    unit.bad(K::TransitGatewayRoutes, format!("{table} has more routes"));
                    unit.half(K::TransitGatewayRoutes, table.clone());
                }
                transit_routes(unit, table, routes);
            }
            unit.made(K::TransitGatewayRoutes);
            K::TransitGatewayRoutes
        }
        "Routes" => {
            let table = named(file, "tgw-rtb-")?;
            transit_routes(unit, table, values);
            K::TransitGatewayRoutes
        }
        "TransitGatewayPropagations" => {
            for mut value in values {
                if !is_object(unit, K::TransitGatewayPropagations, &value) {
                    continue;
                }
                let table = text(&value, "TransitGatewayRouteTableId").unwrap_or_default();
                let list = take_list(&mut value, "TransitGatewayRouteTablePropagations");
                propagations(unit, table, list);
            }
            unit.made(K::TransitGatewayPropagations);
            K::TransitGatewayPropagations
        }
        "TransitGatewayRouteTablePropagations" => {
            let table = named(file, "tgw-rtb-")?;
            propagations(unit, table, values);
            K::TransitGatewayPropagations
        }
        "VpnConnections" => plain!(VpnConnections, "VpnConnectionId", vpn_connections),
        "VpcBlockPublicAccessExclusions" => {
            plain!(VpcBpaExclusions, "ExclusionId", bpa_exclusions)
        }
        "LoadBalancers" => plain!(LoadBalancers, "LoadBalancerArn", load_balancers),
        "LoadBalancerDescriptions" => {
            for value in values {
                if !is_object(unit, K::ClassicLoadBalancers, &value) {
                    continue;
                }
                unit.votes.count(&value);
                classic(unit, value);
            }
            unit.made(K::ClassicLoadBalancers);
            K::ClassicLoadBalancers
        }
        "LoadBalancerListeners" => {
            let mut listeners = Vec::new();
            for mut value in values {
                if is_object(unit, K::Listeners, &value) {
                    unit.pending.asked_listeners.extend(text(&value, "LoadBalancerArn"));
                    listeners.extend(take_list(&mut value, "Listeners"));
                }
            }
            return list(file, "Listeners", Value::Array(listeners), unit);
        }
        "Listeners" => {
            unit.pending.asked_listeners.extend(arn(file));
            let values = values.into_iter().map(listener).collect();
            rows(unit, K::Listeners, values, "ListenerArn", |u, r| u.view.listeners.push(r))
        }
        "Rules" => {
            unit.made(K::Rules).items += values.len();
            for value in values {
                rule(unit, value);
            }
            K::Rules
        }
        "TargetGroups" => plain!(TargetGroups, "TargetGroupArn", target_groups),
        "LoadBalancerAttributes" => {
            for mut value in values {
                if !is_object(unit, K::LoadBalancerAttributes, &value) {
                    continue;
                }
                let arn = text(&value, "LoadBalancerArn").unwrap_or_default();
                let list = attributes(&take_list(&mut value, "Attributes"));
                unit.about(&arn);
                unit.pending.balancer_attributes.insert(arn, list);
            }
            unit.made(K::LoadBalancerAttributes);
            K::LoadBalancerAttributes
        }
        "Attributes" => {
            let arn = arn(file)?;
            let list = attributes(&values);
            unit.about(&arn);
            if arn.contains(":targetgroup/") {
                unit.pending.target_group_attributes.insert(arn, list);
                unit.made(K::TargetGroupAttributes);
                K::TargetGroupAttributes
            } else if arn.contains(":loadbalancer/") {
                unit.pending.balancer_attributes.insert(arn, list);
                unit.made(K::LoadBalancerAttributes);
                K::LoadBalancerAttributes
            } else {
                return None;
            }
        }
        "LoadBalancerTargetHealth" => {
            for mut value in values {
                if !is_object(unit, K::TargetHealth, &value) {
                    continue;
                }
                let arn = text(&value, "TargetGroupArn").unwrap_or_default();
                let list = take_list(&mut value, "TargetHealthDescriptions");
                health(unit, arn, list);
            }
            unit.made(K::TargetHealth);
            K::TargetHealth
        }
        "TargetHealthDescriptions" => {
            health(unit, arn(file)?, values);
            K::TargetHealth
        }
        "AutoScalingGroups" => {
            plain!(AutoScalingGroups, "AutoScalingGroupName", auto_scaling_groups)
        }
        "DBInstances" | "RdsInstances" => {
            plain!(DbInstances, "DBInstanceIdentifier", db_instances)
        }
        "Volumes" => plain!(Volumes, "VolumeId", volumes),
        "LaunchTemplates" => plain!(LaunchTemplates, "LaunchTemplateId", launch_templates),
        "LaunchTemplateVersions" => template_versions(unit, values),
        "LaunchConfigurations" => {
            plain!(LaunchConfigurations, "LaunchConfigurationName", launch_configurations)
        }
        _ => return None,
    })
}

/// Versions, to be put into their templates.
fn template_versions(unit: &mut Unit, values: Vec<Value>) -> CallKind {
    let kind = CallKind::LaunchTemplateVersions;
    unit.made(kind).items += values.len();
    for value in values {
        let template = text(&value, "LaunchTemplateId").unwrap_or_default();
        let read = match flaw(kind, &value) {
            Some(why) => Err(format!("{template}: {why}")),
            None => row::<LaunchTemplateVersion>(value, "LaunchTemplateId"),
        };
        match read {
            Ok(version) => {
                unit.pending.template_versions.entry(template).or_default().push(version);
            }
            Err(why) => unit.bad(kind, why),
        }
    }
    kind
}

fn reservations(unit: &mut Unit, values: Vec<Value>) -> CallKind {
    let kind = CallKind::Instances;
    unit.made(kind);
    for mut reservation in values {
        if !is_object(unit, kind, &reservation) {
            continue;
        }
        unit.votes.count(&reservation);
        for mut instance in take_list(&mut reservation, "Instances") {
            let id = text(&instance, "InstanceId").unwrap_or_default();
            if let Some(zone) = instance.get("Placement") {
                unit.votes.count(zone);
            }
            for mut interface in take_list(&mut instance, "NetworkInterfaces") {
                let attachment = interface
                    .as_object_mut()
                    .map(|fields| fields.entry("Attachment").or_insert_with(|| json!({})));
                match attachment {
                    Some(Value::Object(fields)) => {
                        fields.insert("InstanceId".into(), json!(id));
                    }
                    Some(other) if other.is_null() => *other = json!({ "InstanceId": id }),
                    _ => {}
                }
                match row::<Interface>(interface, "NetworkInterfaceId") {
                    Ok(row) => unit.embedded.push(row),
                    Err(why) => unit.bad(kind, format!("{id}: {why}")),
                }
            }
            rows(unit, kind, vec![instance], "InstanceId", |u, r| u.view.instances.push(r));
        }
    }
    kind
}

/// Managed lists have no blocks of their own; AWS-owned ones come with them.
fn prefix_lists(unit: &mut Unit, values: Vec<Value>) -> CallKind {
    let kind = CallKind::ManagedPrefixLists;
    let values: Vec<Value> = values
        .into_iter()
        .map(|mut value| {
            if value.get("Cidrs").is_some() {
                let cidrs = take_list(&mut value, "Cidrs");
                value["Entries"] = cidrs.into_iter().map(|c| json!({ "Cidr": c })).collect();
            }
            value
        })
        .collect();
    rows(unit, kind, values, "PrefixListId", |u, r| u.view.prefix_lists.push(r))
}

fn association(mut value: Value) -> Value {
    if let Some(Value::Object(association)) = value.get("Association")
        && association.get("State").and_then(Value::as_str).is_none_or(|s| s == "associated")
        && let Some(table) = association.get("TransitGatewayRouteTableId").cloned()
    {
        value["AssociationRouteTableId"] = table;
    }
    value
}

fn vpc_attachment(mut value: Value) -> Value {
    for (from, to) in [("VpcId", "ResourceId"), ("VpcOwnerId", "ResourceOwnerId")] {
        if let Some(id) = value.get(from).cloned() {
            value[to] = id;
        }
    }
    if let Value::Object(fields) = &mut value {
        fields.insert("ResourceType".into(), json!("vpc"));
    }
    value
}

fn transit_routes(unit: &mut Unit, table: String, values: Vec<Value>) {
    let kind = CallKind::TransitGatewayRoutes;
    unit.made(kind).items += values.len();
    unit.pending.transit_routes.entry(table.clone()).or_default();
    for value in values {
        // A route to a prefix list has no block; the list's blocks follow as rows of their own.
        if value.get("DestinationCidrBlock").is_none() && value.get("PrefixListId").is_some() {
            continue;
        }
        match row(value, "DestinationCidrBlock") {
            Ok(r) => unit.pending.transit_routes.entry(table.clone()).or_default().push(r),
            Err(why) => {
                unit.bad(kind, why);
                unit.half(kind, table.clone());
            }
        }
    }
}

fn propagations(unit: &mut Unit, table: String, values: Vec<Value>) {
    let kind = CallKind::TransitGatewayPropagations;
    unit.made(kind).items += values.len();
    unit.pending.propagations.entry(table.clone()).or_default();
    for value in values {
        if text(&value, "State").is_some_and(|s| s != "enabled") {
            continue;
        }
        match row(value, "TransitGatewayAttachmentId") {
            Ok(r) => unit.pending.propagations.entry(table.clone()).or_default().push(r),
            Err(why) => {
                unit.bad(kind, why);
                unit.half(kind, table.clone());
            }
        }
    }
}

/// Folds the target groups of a weighted forward into one list.
fn action(mut value: Value) -> Value {
    let groups =
        value.get_mut("ForwardConfig").map(|c| take_list(c, "TargetGroups")).unwrap_or_default();
    let arns: Vec<String> = groups.iter().filter_map(|g| text(g, "TargetGroupArn")).collect();
    if !arns.is_empty() {
        value["ForwardTargetGroupArns"] = json!(arns);
    }
    value
}

fn listener(mut value: Value) -> Value {
    let actions = take_list(&mut value, "DefaultActions").into_iter().map(action).collect();
    if let Value::Object(fields) = &mut value {
        fields.insert("DefaultActions".into(), Value::Array(actions));
    }
    value
}

/// A rule's ARN is its listener's with `listener-rule` and one part more.
fn rule(unit: &mut Unit, mut value: Value) {
    let arn = text(&value, "RuleArn").unwrap_or_default();
    let Some((stem, _)) = arn.rsplit_once('/') else {
        return unit.bad(CallKind::Rules, "a row has no RuleArn".into());
    };
    let listener = stem.replace(":listener-rule/", ":listener/");
    let actions = unit.pending.rules.entry(listener).or_default();
    let mut bad = None;
    for value in take_list(&mut value, "Actions") {
        match row(action(value), "Type") {
            Ok(action) => actions.push(action),
            Err(why) => bad = Some(why),
        }
    }
    if let Some(why) = bad {
        unit.bad(CallKind::Rules, why);
    }
}

fn health(unit: &mut Unit, arn: String, values: Vec<Value>) {
    let kind = CallKind::TargetHealth;
    unit.made(kind).items += values.len();
    unit.about(&arn);
    unit.pending.health.entry(arn.clone()).or_default();
    for value in values {
        let state = value.get("TargetHealth").and_then(|h| text(h, "State"));
        match row::<Target>(value.get("Target").cloned().unwrap_or_default(), "Id") {
            Ok(target) => {
                let row = TargetHealth { target, state };
                unit.pending.health.entry(arn.clone()).or_default().push(row);
            }
            Err(why) => unit.bad(kind, why),
        }
    }
}

/// The beginning of a classic balancer's ARN, until its account and region are known.
pub(super) const CLASSIC: &str = "arn:aws:elasticloadbalancing:?:?";

/// A classic balancer as its API tells of it.
fn classic(unit: &mut Unit, value: Value) {
    let strings = |field: &str| -> Vec<String> {
        let list = value.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect()
    };
    let list = |field: &str| value.get(field).and_then(Value::as_array).into_iter().flatten();
    let name = text(&value, "LoadBalancerName").unwrap_or_default();
    let mut listeners = Vec::new();
    for listener in list("ListenerDescriptions").filter_map(|d| d.get("Listener")) {
        let port =
            |f: &str| listener.get(f).and_then(Value::as_u64).and_then(|p| u16::try_from(p).ok());
        match port("LoadBalancerPort") {
            Some(outer) => {
                let (protocol, inner) = (text(listener, "Protocol"), port("InstancePort"));
                listeners.push(Port { outer, protocol, inner });
            }
            None => {
                let why = format!("{name}: a listener without a port");
                unit.bad(CallKind::ClassicLoadBalancers, why);
                return;
            }
        }
    }
    let classic = Classic {
        dns_name: text(&value, "DNSName"),
        scheme: text(&value, "Scheme"),
        vpc_id: text(&value, "VPCId"),
        security_groups: strings("SecurityGroups"),
        subnets: strings("Subnets"),
        instances: list("Instances").filter_map(|i| text(i, "InstanceId")).collect(),
        listeners,
        name,
    };
    unit.made(CallKind::ClassicLoadBalancers).items += 1;
    classic.put_into(&mut unit.view, CLASSIC);
}

/// The list that a file's name says it is about.
fn about(file: &File) -> Option<String> {
    named(file, "pl-").or_else(|| named(file, "tgw-rtb-"))
}

/// The id beginning with `prefix` in a file's path: answers that do not name what they are about
/// are saved under its name, with whatever else stands around it.
fn named(file: &File, prefix: &str) -> Option<String> {
    file.parts.iter().rev().find_map(|part| {
        let from = part.find(prefix)?;
        let rest = part[from + prefix.len()..].chars();
        let id: String = rest.take_while(char::is_ascii_alphanumeric).collect();
        (!id.is_empty()).then(|| format!("{prefix}{id}"))
    })
}

/// The ARN in a file's name, percent-encoded as some collectors write it, or plain with the parts
/// as folders.
fn arn(file: &File) -> Option<String> {
    let joined = file.parts.join("/");
    let decoded =
        joined.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/");
    let arn = &decoded[decoded.rfind("arn:")?..];
    // Folders and names may go on after the ARN: `…/targetgroup/NAME/ID/attributes.json`.
    let (last_colon, _) = arn.match_indices(':').nth(4)?;
    let (head, resource) = arn.split_at(last_colon + 1);
    let parts: Vec<&str> = resource.split('/').collect();
    let own = match parts.as_slice() {
        ["targetgroup", ..] => 3,
        ["loadbalancer", "app" | "net" | "gwy", ..] => 4,
        ["listener", ..] => 5,
        _ => return Some(arn.trim_end_matches(".json").into()),
    };
    let (last, before) = parts.get(..own)?.split_last()?;
    let id: String = last.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!id.is_empty()).then(|| format!("{head}{}/{id}", before.join("/")))
}
