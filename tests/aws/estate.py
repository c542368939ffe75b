"""Builds the estate that the collection tests and the collection bench read.

Usage: estate.py ENDPOINT [--small]

Two accounts, two regions each; over all of them at least 3 VPCs, 300 groups and 1,000 instances,
with one of everything else that moto knows. Only ever talks to a loopback endpoint. Prints, as one
JSON object, what it made.
"""

import collections
import json
import sys
import urllib.parse

import boto3
from botocore.config import Config

REGIONS = ["us-east-1", "eu-west-1"]
OTHER_ACCOUNT = "210987654321"
ROLE = "portcullis-read"
IMAGE = "ami-03cf127a"


def main():
    endpoint = sys.argv[1]
    host = urllib.parse.urlsplit(endpoint).hostname
    if host not in ("127.0.0.1", "::1", "localhost"):
        sys.exit(f"refused: {endpoint} is not on loopback")
    small = "--small" in sys.argv[2:]

    first = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/{ROLE}"
    keys = client(first, "sts", REGIONS[0], endpoint).assume_role(
        RoleArn=role, RoleSessionName="estate"
    )["Credentials"]
    other = boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    made = collections.Counter()
    for number, session in enumerate([first, other]):
        for region in REGIONS:
            made.update(build(session, region, endpoint, number, small))
    print(json.dumps({"role": role, "regions": REGIONS, "made": dict(sorted(made.items()))}))


def client(session, service, region, endpoint):
    return session.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(retries={"max_attempts": 3}, max_pool_connections=4),
    )


def build(session, region, endpoint, number, small):
    """Fills one account's region; `number` keeps the address ranges of the accounts apart."""
    made = collections.Counter()
    ec2 = client(session, "ec2", region, endpoint)
    groups_per_vpc, instances_per_vpc = (4, 4) if small else (40, 130)
    vpcs = []
    for index in range(2):
        net = f"10.{number * 10 + index + 1}"
        vpc = ec2.create_vpc(CidrBlock=f"{net}.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        vpc_id = vpc["VpcId"]
        tag(ec2, vpc_id, Name=f"net-{index}", env="prod" if index == 0 else "stage")
        made["vpcs"] += 1
        subnets = [
            ec2.create_subnet(
                VpcId=vpc_id, CidrBlock=f"{net}.{zone}.0/24", AvailabilityZone=f"{region}{letter}"
            )["Subnet"]["SubnetId"]
            for zone, letter in enumerate("ab")
        ]
        made["subnets"] += len(subnets)
        public_ways(ec2, vpc_id, subnets, made)
        groups = [group(ec2, vpc_id, index, n) for n in range(groups_per_vpc)]
        made["groups"] += len(groups)
        # A few large calls: moto takes most of its time per call.
        left = instances_per_vpc
        instances = []
        while left > 0:
            batch = min(left, 26)
            answer = ec2.run_instances(
                ImageId=IMAGE,
                InstanceType="t3.micro",
                MinCount=batch,
                MaxCount=batch,
                SubnetId=subnets[left % 2],
                SecurityGroupIds=groups[(left // 26) % 10 : (left // 26) % 10 + 3],
                TagSpecifications=[
                    {
                        "ResourceType": "instance",
                        "Tags": [
                            {"Key": "role", "Value": ["video", "api", "db"][left % 3]},
                            {"Key": "Name", "Value": f"host-{index}-{left}"},
                        ],
                    }
                ],
            )
            instances += [i["InstanceId"] for i in answer["Instances"]]
            left -= batch
        made["instances"] += len(instances)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_address(AllocationId=address, InstanceId=instances[0])
        made["addresses"] += 1
        vpcs.append((vpc_id, subnets, groups, instances))

    between(ec2, vpcs, made)
    balance(session, region, endpoint, vpcs[0], made)
    scale(session, region, endpoint, vpcs[0], made)
    database(session, region, endpoint, vpcs[0], made)
    return made


def tag(ec2, resource, **tags):
    ec2.create_tags(Resources=[resource], Tags=[{"Key": k, "Value": v} for k, v in tags.items()])


def public_ways(ec2, vpc, subnets, made):
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    egress = ec2.create_egress_only_internet_gateway(VpcId=vpc)["EgressOnlyInternetGateway"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.create_route(
        RouteTableId=table,
        DestinationIpv6CidrBlock="::/0",
        EgressOnlyInternetGatewayId=egress["EgressOnlyInternetGatewayId"],
    )
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]
    private = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(
        RouteTableId=private,
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=nat["NatGatewayId"],
    )
    ec2.associate_route_table(RouteTableId=private, SubnetId=subnets[1])
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    for egress_entry in (False, True):
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=100,
            Protocol="6",
            RuleAction="allow",
            Egress=egress_entry,
            CidrBlock="0.0.0.0/0",
            PortRange={"From": 443, "To": 443},
        )
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=110,
            Protocol="1",
            RuleAction="deny",
            Egress=egress_entry,
            CidrBlock="0.0.0.0/0",
            IcmpTypeCode={"Type": 8, "Code": 0},
        )
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{ec2.meta.region_name}.s3",
        RouteTableIds=[private],
        VpcEndpointType="Gateway",
    )
    made.update(internet_gateways=1, nat_gateways=1, addresses=1, endpoints=1, acls=1)


def group(ec2, vpc, index, number):
    group = ec2.create_security_group(
        GroupName=f"edge-{index}-{number}", Description="estate", VpcId=vpc
    )["GroupId"]
    ranges = [{"CidrIp": "0.0.0.0/0"}] if number % 4 == 0 else [{"CidrIp": "198.51.100.0/24"}]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": ranges,
                "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "all of v6"}],
            },
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "UserIdGroupPairs": [{"GroupId": group}],
            },
            {
                "IpProtocol": "udp",
                "FromPort": 40000 + number,
                "ToPort": 49999,
                "IpRanges": [{"CidrIp": "203.0.113.0/24", "Description": "partner"}],
            },
        ],
    )
    return group


def between(ec2, vpcs, made):
    peering = ec2.create_vpc_peering_connection(VpcId=vpcs[0][0], PeerVpcId=vpcs[1][0])[
        "VpcPeeringConnection"
    ]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    made["peerings"] += 1
    prefixes = ec2.create_managed_prefix_list(
        PrefixListName="partners",
        AddressFamily="IPv4",
        MaxEntries=10,
        Entries=[{"Cidr": f"192.0.2.{n * 16}/28", "Description": f"p{n}"} for n in range(5)],
    )["PrefixList"]["PrefixListId"]
    ec2.authorize_security_group_ingress(
        GroupId=vpcs[0][2][0],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 8443,
                "ToPort": 8443,
                "PrefixListIds": [{"PrefixListId": prefixes}],
            }
        ],
    )
    gateway = ec2.create_transit_gateway(Description="core")["TransitGateway"]["TransitGatewayId"]
    table = ec2.create_transit_gateway_route_table(TransitGatewayId=gateway)[
        "TransitGatewayRouteTable"
    ]["TransitGatewayRouteTableId"]
    for vpc, subnets, _, _ in vpcs:
        attachment = ec2.create_transit_gateway_vpc_attachment(
            TransitGatewayId=gateway, VpcId=vpc, SubnetIds=subnets
        )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
        made["attachments"] += 1
    ec2.create_transit_gateway_route(
        DestinationCidrBlock="10.99.0.0/16",
        TransitGatewayRouteTableId=table,
        TransitGatewayAttachmentId=attachment,
    )
    ec2.enable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment
    )
    made["transit_gateways"] += 1


def balance(session, region, endpoint, vpc, made):
    vpc_id, subnets, groups, instances = vpc
    elb = client(session, "elbv2", region, endpoint)
    for name, kind, protocol in [("web", "application", "HTTP"), ("turn", "network", "TCP")]:
        arguments = {"SecurityGroups": groups[:1]} if kind == "application" else {}
        balancer = elb.create_load_balancer(
            Name=name, Subnets=subnets, Scheme="internet-facing", Type=kind, **arguments
        )["LoadBalancers"][0]["LoadBalancerArn"]
        target = elb.create_target_group(
            Name=f"{name}-hosts", Protocol=protocol, Port=8080, VpcId=vpc_id, TargetType="instance"
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=target, Targets=[{"Id": i} for i in instances[:4]])
        listener = elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol=protocol,
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
        )["Listeners"][0]["ListenerArn"]
        if kind == "application":
            elb.create_rule(
                ListenerArn=listener,
                Priority=10,
                Conditions=[{"Field": "path-pattern", "Values": ["/old/*"]}],
                Actions=[{"Type": "forward", "TargetGroupArn": target}],
            )
        made.update(balancers=1, listeners=1, target_groups=1)
    classic = client(session, "elb", region, endpoint)
    classic.create_load_balancer(
        LoadBalancerName="older",
        Subnets=subnets[:1],
        SecurityGroups=groups[:1],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 8443, "InstancePort": 9443}],
    )
    classic.register_instances_with_load_balancer(
        LoadBalancerName="older", Instances=[{"InstanceId": i} for i in instances[:3]]
    )
    made.update(classic_balancers=1)


def scale(session, region, endpoint, vpc, made):
    scaling = client(session, "autoscaling", region, endpoint)
    scaling.create_launch_configuration(
        LaunchConfigurationName="hosts",
        ImageId=IMAGE,
        InstanceType="t3.micro",
        SecurityGroups=vpc[2][:1],
    )
    ec2 = client(session, "ec2", region, endpoint)
    template = ec2.create_launch_template(
        LaunchTemplateName="workers", LaunchTemplateData={"SecurityGroupIds": vpc[2][:1]}
    )["LaunchTemplate"]["LaunchTemplateId"]
    # The latest version is not the default one, and one lies between them.
    for group in vpc[2][1:3]:
        ec2.create_launch_template_version(
            LaunchTemplateId=template,
            LaunchTemplateData={"NetworkInterfaces": [{"DeviceIndex": 0, "Groups": [group]}]},
        )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="hosts",
        LaunchConfigurationName="hosts",
        MinSize=2,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=vpc[1][0],
    )
    made["auto_scaling_groups"] += 1
    made["instances"] += 2


def database(session, region, endpoint, vpc, made):
    rds = client(session, "rds", region, endpoint)
    rds.create_db_subnet_group(
        DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=vpc[1]
    )
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="admin1",
        MasterUserPassword="only-in-memory",
        DBSubnetGroupName="data",
        VpcSecurityGroupIds=vpc[2][:1],
        PubliclyAccessible=True,
    )
    made["databases"] += 1


main()
