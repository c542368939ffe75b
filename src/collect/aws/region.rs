use super::client::Clients;
use super::ec2::{
    acls, addresses, bpa, endpoints, gateways, groups, instances, interfaces, peerings,
    prefix_lists, routes, templates, transit, volumes, vpcs, vpn,
};
use super::elb::{balancers, classic, listeners, target_groups};
use super::log::Log;
use super::read::{Read, parts};
use super::{Asked, autoscaling, cloudwatch, rds};
use crate::snapshot::{
    Balancer, CallKind, Instance, LaunchTemplate, Listener, PrefixList, RegionView, TargetGroup,
    Traffic, TransitGateway, TransitGatewayAttachment, TransitGatewayRouteTable,
};
use std::collections::BTreeMap;

/// Reads everything in one account and region, side by side: one call that fails costs the others nothing.
pub(super) async fn read(
    clients: &Clients,
    log: &Log,
    asked: &Asked,
    account: &str,
    region: &str,
) -> RegionView {
    let ec2 = &clients.ec2;
    let mut view =
        RegionView { account: account.into(), region: region.into(), ..RegionView::default() };

    // Boxed: together these futures are larger than a thread's stack likes.
    let hosts = Box::pin(async {
        tokio::join!(
            log.read(CallKind::Instances, instances::read(ec2)),
            log.read(CallKind::NetworkInterfaces, interfaces::read(ec2)),
            log.read(CallKind::SecurityGroups, groups::read(ec2)),
            log.read(CallKind::Addresses, addresses::read(ec2)),
            log.read(CallKind::AutoScalingGroups, autoscaling::read(&clients.autoscaling)),
            log.read(CallKind::DbInstances, rds::read(&clients.rds)),
        )
    });
    let networks = Box::pin(async {
        tokio::join!(
            log.read(CallKind::NetworkAcls, acls::read(ec2)),
            log.read(CallKind::RouteTables, routes::read(ec2)),
            log.read(CallKind::Subnets, vpcs::subnets(ec2)),
            log.read(CallKind::Vpcs, vpcs::vpcs(ec2)),
            log.read(CallKind::VpcPeeringConnections, peerings::read(ec2)),
            log.read(CallKind::VpcEndpoints, endpoints::read(ec2)),
            log.read(CallKind::VpcBpaOptions, bpa::options(ec2)),
            log.read(CallKind::VpcBpaExclusions, bpa::exclusions(ec2)),
        )
    });
    let edges = Box::pin(async {
        tokio::join!(
            log.read(CallKind::InternetGateways, gateways::internet(ec2)),
            log.read(CallKind::EgressOnlyInternetGateways, gateways::egress_only(ec2)),
            log.read(CallKind::NatGateways, gateways::nat(ec2)),
            log.read(CallKind::VpnConnections, vpn::connections(ec2)),
        )
    });
    let lists = Box::pin(prefix_lists(clients, log));
    let transits = Box::pin(transits(clients, log));
    let balancing = Box::pin(async {
        tokio::join!(
            balancing(clients, log),
            log.read(CallKind::ClassicLoadBalancers, classic::read(&clients.classic)),
        )
    });
    let launches = Box::pin(async {
        tokio::join!(
            log.read(CallKind::Volumes, volumes::read(ec2)),
            launch_templates(clients, log),
            log.read(
                CallKind::LaunchConfigurations,
                autoscaling::configurations(&clients.autoscaling)
            ),
        )
    });
    let (hosts, networks, edges, lists, transits, balancing, launches) =
        tokio::join!(hosts, networks, edges, lists, transits, balancing, launches);

    let (instances, interfaces, groups, addresses, auto_scaling, databases) = hosts;
    view.traffic = traffic(clients, log, asked, &instances).await;
    view.instances = instances.rows;
    view.network_interfaces = interfaces.rows;
    view.security_groups = groups.rows;
    view.addresses = addresses.rows;
    view.auto_scaling_groups = auto_scaling.rows;
    view.db_instances = databases.rows;

    let (acls, routes, subnets, vpcs, peerings, endpoints, options, exclusions) = networks;
    view.network_acls = acls.rows;
    view.route_tables = routes.rows;
    view.subnets = subnets.rows;
    view.vpcs = vpcs.rows;
    view.vpc_peering_connections = peerings.rows;
    view.vpc_endpoints = endpoints.rows;
    view.bpa_options = options.rows.into_iter().next();
    view.bpa_exclusions = exclusions.rows;

    let (internet, egress_only, nat, vpns) = edges;
    view.internet_gateways = internet.rows;
    view.egress_only_internet_gateways = egress_only.rows;
    view.nat_gateways = nat.rows;
    view.vpn_connections = vpns.rows;

    view.prefix_lists = lists;
    (view.transit_gateways, view.transit_gateway_attachments, view.transit_gateway_route_tables) =
        transits;
    let (balancing, classic) = balancing;
    (view.load_balancers, view.listeners, view.target_groups) = balancing;
    let stem = format!("arn:aws:elasticloadbalancing:{region}:{account}");
    classic.rows.into_iter().for_each(|row| row.put_into(&mut view, &stem));

    let (volumes, templates, configurations) = launches;
    view.volumes = volumes.rows;
    view.launch_templates = templates;
    view.launch_configurations = configurations.rows;
    view
}

/// What running instances moved, and those that were named; asked after them, because it is asked of each.
async fn traffic(
    clients: &Clients,
    log: &Log,
    asked: &Asked,
    instances: &Read<Instance>,
) -> Vec<Traffic> {
    let among = |id: &String| asked.traffic_of.as_ref().is_none_or(|of| of.contains(id));
    let named = |id: &String| {
        asked.stopped_too.contains(id)
            || asked.traffic_of.as_ref().is_some_and(|of| of.contains(id))
    };
    let all = instances.rows.iter();
    let moving = all.filter(|i| i.state.name == "running" || named(&i.instance_id));
    let ids: Vec<String> = moving.map(|i| i.instance_id.clone()).filter(|id| among(id)).collect();
    if ids.is_empty() && !instances.outcome.is_complete() {
        return Vec::new();
    }
    let read = cloudwatch::traffic(&clients.cloudwatch, ids, asked.now);
    log.read(CallKind::MetricData, Box::pin(read)).await.rows
}

/// Launch templates with every version; one whose versions could not be read keeps `None`.
async fn launch_templates(clients: &Clients, log: &Log) -> Vec<LaunchTemplate> {
    let ec2 = &clients.ec2;
    let mut templates = log.read(CallKind::LaunchTemplates, templates::read(ec2)).await;
    let ids = templates.rows.iter().map(|t| t.launch_template_id.clone()).collect();
    let ids = log.asked(CallKind::LaunchTemplateVersions, ids);
    let versions = parts(ids, |id| templates::versions(ec2.clone(), id)).await;
    log.parts(CallKind::LaunchTemplateVersions, &templates.outcome, &versions);
    for (template, versions) in templates.rows.iter_mut().zip(versions) {
        template.versions = versions.ok();
    }
    templates.rows
}

/// Prefix lists with their entries; a list whose entries could not be read keeps `None`.
async fn prefix_lists(clients: &Clients, log: &Log) -> Vec<PrefixList> {
    let ec2 = &clients.ec2;
    let mut lists = log.read(CallKind::ManagedPrefixLists, prefix_lists::lists(ec2)).await;
    let ids: Vec<String> = lists.rows.iter().map(|l| l.prefix_list_id.clone()).collect();
    let ids = log.asked(CallKind::ManagedPrefixListEntries, ids);
    let entries = parts(ids, |id| prefix_lists::entries(ec2.clone(), id)).await;
    log.parts(CallKind::ManagedPrefixListEntries, &lists.outcome, &entries);
    for (list, entries) in lists.rows.iter_mut().zip(entries) {
        list.entries = entries.ok();
    }
    lists.rows
}

/// Transit gateways, their attachments with subnets, their route tables with routes and propagations.
async fn transits(
    clients: &Clients,
    log: &Log,
) -> (Vec<TransitGateway>, Vec<TransitGatewayAttachment>, Vec<TransitGatewayRouteTable>) {
    let ec2 = &clients.ec2;
    let (gateways, mut attachments, of_vpcs, mut tables) = tokio::join!(
        log.read(CallKind::TransitGateways, transit::gateways(ec2)),
        log.read(CallKind::TransitGatewayAttachments, transit::attachments(ec2)),
        log.read(CallKind::TransitGatewayVpcAttachments, transit::vpc_attachments(ec2)),
        log.read(CallKind::TransitGatewayRouteTables, transit::route_tables(ec2)),
    );
    let mut of_vpcs: BTreeMap<_, _> = of_vpcs.rows.into_iter().collect();
    for attachment in &mut attachments.rows {
        (attachment.subnet_ids, attachment.options) = match attachment.resource_type.as_deref() {
            Some("vpc") => match of_vpcs.remove(&attachment.transit_gateway_attachment_id) {
                Some((subnets, options)) => (Some(subnets), options),
                None => (None, None),
            },
            // Only attachments of VPCs have subnets.
            _ => (Some(Vec::new()), None),
        };
    }
    let ids: Vec<String> =
        tables.rows.iter().map(|t| t.transit_gateway_route_table_id.clone()).collect();
    let (routes, propagations) = tokio::join!(
        parts(log.asked(CallKind::TransitGatewayRoutes, ids.clone()), |id| transit::routes(
            ec2.clone(),
            id
        )),
        parts(log.asked(CallKind::TransitGatewayPropagations, ids), |id| transit::propagations(
            ec2.clone(),
            id
        )),
    );
    log.parts(CallKind::TransitGatewayRoutes, &tables.outcome, &routes);
    log.parts(CallKind::TransitGatewayPropagations, &tables.outcome, &propagations);
    for ((table, routes), propagations) in tables.rows.iter_mut().zip(routes).zip(propagations) {
        table.routes = routes.ok();
        table.propagations = propagations.ok();
    }
    (gateways.rows, attachments.rows, tables.rows)
}

/// Balancers with attributes, listeners with their rules' actions, target groups with attributes and health.
async fn balancing(
    clients: &Clients,
    log: &Log,
) -> (Vec<Balancer>, Vec<Listener>, Vec<TargetGroup>) {
    let elb = &clients.elb;
    let balancers = async {
        let mut balancers = log.read(CallKind::LoadBalancers, balancers::read(elb)).await;
        let arns: Vec<String> =
            balancers.rows.iter().map(|b| b.load_balancer_arn.clone()).collect();
        let (attributes, found) = tokio::join!(
            parts(log.asked(CallKind::LoadBalancerAttributes, arns.clone()), |arn| {
                balancers::attributes(elb.clone(), arn)
            }),
            parts(log.asked(CallKind::Listeners, arns), |arn| listeners::read(elb.clone(), arn)),
        );
        log.parts(CallKind::LoadBalancerAttributes, &balancers.outcome, &attributes);
        log.parts(CallKind::Listeners, &balancers.outcome, &found);
        for (balancer, attributes) in balancers.rows.iter_mut().zip(attributes) {
            balancer.attributes = attributes.ok().map(BTreeMap::from_iter);
        }
        let all_listeners = found.iter().all(Result::is_ok);
        let mut listeners: Vec<Listener> = found.into_iter().flatten().flatten().collect();
        // Only the listeners of application balancers have rules beyond their default actions.
        let (ruled, plain): (Vec<_>, Vec<_>) = listeners
            .iter_mut()
            .partition(|l| matches!(l.protocol.as_deref(), Some("HTTP" | "HTTPS")));
        for listener in plain {
            listener.rule_actions = Some(Vec::new());
        }
        let arns: Vec<String> = ruled.iter().map(|l| l.listener_arn.clone()).collect();
        let arns = log.asked(CallKind::Rules, arns);
        let rules = parts(arns, |arn| listeners::rule_actions(elb.clone(), arn)).await;
        if all_listeners || !rules.is_empty() {
            log.parts(CallKind::Rules, &balancers.outcome, &rules);
        }
        for (listener, rules) in ruled.into_iter().zip(rules) {
            listener.rule_actions = rules.ok();
        }
        (balancers.rows, listeners)
    };
    let groups = async {
        let mut groups = log.read(CallKind::TargetGroups, target_groups::read(elb)).await;
        let arns: Vec<String> = groups.rows.iter().map(|g| g.target_group_arn.clone()).collect();
        let (attributes, health) = tokio::join!(
            parts(log.asked(CallKind::TargetGroupAttributes, arns.clone()), |arn| {
                target_groups::attributes(elb.clone(), arn)
            }),
            parts(log.asked(CallKind::TargetHealth, arns), |arn| target_groups::health(
                elb.clone(),
                arn
            )),
        );
        log.parts(CallKind::TargetGroupAttributes, &groups.outcome, &attributes);
        log.parts(CallKind::TargetHealth, &groups.outcome, &health);
        // Each by itself: what was not asked for has no parts, and takes nothing from the other.
        for (group, attributes) in groups.rows.iter_mut().zip(attributes) {
            group.attributes = attributes.ok().map(BTreeMap::from_iter);
        }
        for (group, health) in groups.rows.iter_mut().zip(health) {
            group.targets = health.ok();
        }
        groups.rows
    };
    let ((balancers, listeners), groups) = tokio::join!(Box::pin(balancers), Box::pin(groups));
    (balancers, listeners, groups)
}
