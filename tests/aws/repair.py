"""Builds an account in which a web server's group lacks a permission that its spec declares.

Usage: repair.py ENDPOINT build        prints the ids by name, as one JSON object
       repair.py ENDPOINT show         prints the permissions of the group
       repair.py ENDPOINT spread       gives the group to the other server too

Only ever talks to a loopback endpoint.
"""

import json
import sys
import urllib.parse

import boto3

REGION = "us-east-1"


def main():
    endpoint, verb = sys.argv[1:]
    if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
        sys.exit(f"refused: {endpoint} is not on loopback")
    ec2, elb, scaling = (
        boto3.client(service, region_name=REGION, endpoint_url=endpoint)
        for service in ("ec2", "elbv2", "autoscaling")
    )
    made = {"build": build, "show": show, "spread": spread}[verb](ec2, elb, scaling)
    print(json.dumps(made, sort_keys=True))


def build(ec2, elb, scaling):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    def group(name, *ports):
        made = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for port in ports:
            ec2.authorize_security_group_ingress(
                GroupId=made, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="192.0.2.0/24"
            )
        return made

    web, other = group("web", 22), group("other", *range(8001, 8013))

    def server(role, groups):
        made = ec2.run_instances(
            ImageId="ami-03cf127a", InstanceType="t3.micro", MinCount=1, MaxCount=1,
            SubnetId=subnet, SecurityGroupIds=groups,
        )["Instances"][0]
        instance = made["InstanceId"]
        ec2.create_tags(Resources=[instance], Tags=[{"Key": "role", "Value": role}])
        address = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(InstanceId=instance, AllocationId=address["AllocationId"])
        return instance, address["PublicIp"]

    (server_, ip), (second, _) = server("web", [web]), server("none", [other])
    # A list that is empty keeps nothing: a target group, and a group of Auto Scaling.
    targets = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": server_, "Port": 80}])
    scaling.create_launch_configuration(
        LaunchConfigurationName="none", ImageId="ami-03cf127a", InstanceType="t3.micro"
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="none", LaunchConfigurationName="none",
        MinSize=0, MaxSize=1, DesiredCapacity=0, VPCZoneIdentifier=subnet,
    )
    return {"web": web, "other": other, "server": server_, "ip": ip, "second": second}


def show(ec2, elb, scaling):
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    names = {g["GroupId"]: g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]}
    return sorted(
        [names[r["GroupId"]], r["FromPort"], r.get("CidrIpv4"), r.get("Description", "")]
        for r in rules
        if not r["IsEgress"] and names[r["GroupId"]] == "web"
    )


def spread(ec2, elb, scaling):
    groups = {g["GroupName"]: g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"]}
    pages = ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["none"]}])
    instance = pages["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.modify_instance_attribute(InstanceId=instance, Groups=[groups["web"], groups["other"]])
    return instance


main()
