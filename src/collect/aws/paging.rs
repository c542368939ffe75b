//! Tests with the SDK's own mock client. They are mocks because moto answers these lists in one
//! page, or does not have the operation at all (block-public-access), and so cannot show what
//! happens between two pages.

use super::ec2::{bpa, groups, instances, transit};
use super::read::Read;
use crate::snapshot::Outcome;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesOutput;
use aws_sdk_ec2::operation::describe_security_groups::DescribeSecurityGroupsOutput;
use aws_sdk_ec2::operation::describe_vpc_block_public_access_exclusions::DescribeVpcBlockPublicAccessExclusionsOutput;
use aws_sdk_ec2::operation::describe_vpc_block_public_access_options::DescribeVpcBlockPublicAccessOptionsOutput;
use aws_sdk_ec2::operation::search_transit_gateway_routes::SearchTransitGatewayRoutesOutput;
use aws_sdk_ec2::types;
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use std::future::Future;

/// A client that answers by `rules` and by nothing else.
fn client(rules: &[&Rule]) -> Client {
    let answers = rules
        .iter()
        .fold(MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny), |all, rule| {
            all.with_rule(rule)
        });
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("dummy", "dummy", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(create_mock_http_client())
        .interceptor(answers)
        .build();
    Client::from_conf(config)
}

fn run<T>(read: impl Future<Output = Read<T>>) -> Read<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(read)
}

/// Three pages of two instances; the second and third are asked for with the token before them.
fn instance_page(token: Option<&str>) -> DescribeInstancesOutput {
    let (page, next) = match token {
        None => (0, Some("page-1")),
        Some("page-1") => (1, Some("page-2")),
        Some(_) => (2, None),
    };
    let instance = |n: i32| types::Instance::builder().instance_id(format!("i-{page}{n}")).build();
    DescribeInstancesOutput::builder()
        .reservations(
            types::Reservation::builder().instances(instance(0)).instances(instance(1)).build(),
        )
        .set_next_token(next.map(str::to_owned))
        .build()
}

#[test]
fn every_page_is_read_to_the_end() {
    let pages =
        mock!(Client::describe_instances).then_compute_output(|i| instance_page(i.next_token()));
    let ec2 = client(&[&pages]);
    let read = run(instances::read(&ec2));
    assert_eq!(read.outcome, Outcome::Complete);
    let ids: Vec<&str> = read.rows.iter().map(|i| i.instance_id.as_str()).collect();
    assert_eq!(ids, ["i-00", "i-01", "i-10", "i-11", "i-20", "i-21"]);
    assert_eq!(pages.num_calls(), 3);
}

#[test]
fn a_page_that_fails_midway_keeps_what_came_and_says_so() {
    let first = mock!(Client::describe_instances)
        .match_requests(|i| i.next_token().is_none())
        .then_output(|| instance_page(None));
    let second = mock!(Client::describe_instances)
        .match_requests(|i| i.next_token() == Some("page-1"))
        .sequence()
        .http_status(
            503,
            Some("<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>".into()),
        )
        .build();
    let ec2 = client(&[&first, &second]);
    let read = run(instances::read(&ec2));
    assert_eq!(read.rows.len(), 2);
    assert_eq!(read.outcome, Outcome::Truncated("page 2 throttled: RequestLimitExceeded".into()));
}

#[test]
fn a_token_that_repeats_is_not_the_end_of_the_list() {
    let same = mock!(Client::describe_instances).then_output(|| instance_page(None));
    let ec2 = client(&[&same]);
    let read = run(instances::read(&ec2));
    assert_eq!(
        read.outcome,
        Outcome::Truncated("page 2 says that there is more, and gives no way on".into())
    );
}

#[test]
fn a_malformed_row_is_left_out_and_named() {
    let group = |id: &str, cidr: &str| {
        types::SecurityGroup::builder()
            .group_id(id)
            .ip_permissions(
                types::IpPermission::builder()
                    .ip_protocol("tcp")
                    .ip_ranges(types::IpRange::builder().cidr_ip(cidr).build())
                    .build(),
            )
            .build()
    };
    let answer = mock!(Client::describe_security_groups).then_output(move || {
        DescribeSecurityGroupsOutput::builder()
            .security_groups(group("sg-1", "10.0.0.0/8"))
            .security_groups(group("sg-2", "10.0.0.0/99"))
            .build()
    });
    let ec2 = client(&[&answer]);
    let read = run(groups::read(&ec2));
    let ids: Vec<&str> = read.rows.iter().map(|g| g.group_id.as_str()).collect();
    assert_eq!(ids, ["sg-1"]);
    let why = r#"1 rows unread: malformed sg-2: CidrIp "10.0.0.0/99""#;
    assert_eq!(read.outcome, Outcome::Truncated(why.into()));
}

#[test]
fn block_public_access_is_read_with_every_page_of_its_exclusions() {
    let options = mock!(Client::describe_vpc_block_public_access_options).then_output(|| {
        DescribeVpcBlockPublicAccessOptionsOutput::builder()
            .vpc_block_public_access_options(
                types::VpcBlockPublicAccessOptions::builder()
                    .internet_gateway_block_mode(types::InternetGatewayBlockMode::BlockIngress)
                    .state(types::VpcBlockPublicAccessState::UpdateComplete)
                    .build(),
            )
            .build()
    });
    let exclusion = |n: i32| {
        types::VpcBlockPublicAccessExclusion::builder()
            .exclusion_id(format!("vpcbpa-exclude-{n}"))
            .internet_gateway_exclusion_mode(types::InternetGatewayExclusionMode::AllowEgress)
            .build()
    };
    let exclusions = mock!(Client::describe_vpc_block_public_access_exclusions)
        .then_compute_output(move |i| {
            let last = i.next_token().is_some();
            DescribeVpcBlockPublicAccessExclusionsOutput::builder()
                .vpc_block_public_access_exclusions(exclusion(i32::from(last)))
                .set_next_token((!last).then(|| "more".into()))
                .build()
        });
    let ec2 = client(&[&options, &exclusions]);
    let read = run(bpa::options(&ec2));
    assert_eq!(read.rows[0].internet_gateway_block_mode.as_deref(), Some("block-ingress"));
    assert_eq!(read.rows[0].state.as_deref(), Some("update-complete"));
    let read = run(bpa::exclusions(&ec2));
    assert_eq!((read.rows.len(), read.outcome), (2, Outcome::Complete));
    assert_eq!(read.rows[1].internet_gateway_exclusion_mode.as_deref(), Some("allow-egress"));
}

#[test]
fn routes_that_are_said_to_be_more_are_not_all() {
    let answer = mock!(Client::search_transit_gateway_routes).then_output(|| {
        SearchTransitGatewayRoutesOutput::builder()
            .routes(
                types::TransitGatewayRoute::builder().destination_cidr_block("10.0.0.0/8").build(),
            )
            .additional_routes_available(true)
            .build()
    });
    let ec2 = client(&[&answer]);
    let read = run(transit::routes(ec2, "tgw-rtb-1".into()));
    assert!(!read.outcome.is_complete());
}
