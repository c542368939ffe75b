"""Builds an account in which one address, interface, group and volume are used by nothing, among others
of their types that are used.

Usage: quarantine.py ENDPOINT build                prints the ids by name, as one JSON object
       quarantine.py ENDPOINT show                 prints what is there of each type
       quarantine.py ENDPOINT untag ID             takes the mark off, as an owner would
       quarantine.py ENDPOINT start ID             starts an instance, as an owner would
       quarantine.py ENDPOINT restart ID           starts and stops it
       quarantine.py ENDPOINT retype ID            gives a stopped instance another type
       quarantine.py ENDPOINT borrow ID            attaches a volume to a live instance, and detaches it
       quarantine.py ENDPOINT hang ID INSTANCE     attaches a volume to an instance, and stops that
       quarantine.py ENDPOINT where ID             tells where a volume is attached
       quarantine.py ENDPOINT register ID          has a balancer of the older API send clients to it
       quarantine.py ENDPOINT moves ID DAYS BYTES  tells that it moved so much each hour of so many days

Only ever talks to a loopback endpoint.
"""

import datetime
import json
import sys
import time
import urllib.parse

import boto3

REGION = "us-east-1"
MARK = "portcullis:condemned"


def main():
    endpoint, verb, *rest = sys.argv[1:]
    if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
        sys.exit(f"refused: {endpoint} is not on loopback")
    ec2, elb, metrics = (
        boto3.client(service, region_name=REGION, endpoint_url=endpoint)
        for service in ("ec2", "elbv2", "cloudwatch")
    )
    if verb == "build":
        made = build(ec2, elb, metrics)
    elif verb == "moves":
        made = moves(metrics, *rest)
    else:
        verbs = {
            "show": show, "untag": untag, "start": start, "register": register,
            "restart": restart, "retype": retype, "borrow": borrow, "hang": hang,
            "where": where,
        }
        made = verbs[verb](ec2, *rest)
    print(json.dumps(made, sort_keys=True))


def build(ec2, elb, metrics):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]

    def group(name):
        return ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]

    carried = [group(f"carried-{n}") for n in range(12)]
    unused, templated = group("unused"), group("templated")
    template = ec2.create_launch_template(
        LaunchTemplateName="old", LaunchTemplateData={"SecurityGroupIds": [templated]}
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={})
    instances = ec2.run_instances(
        ImageId="ami-03cf127a",
        InstanceType="t3.micro",
        MinCount=14,
        MaxCount=14,
        SubnetId=subnet,
        SecurityGroupIds=carried,
    )["Instances"]
    ids = [i["InstanceId"] for i in instances]
    ec2.create_tags(Resources=ids[1:], Tags=[{"Key": "role", "Value": "web"}])
    # Of Auto Scaling groups, databases and NAT gateways it has none, as many accounts have.
    targets = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": ids[1], "Port": 80}])
    # What is used shows that the judgement sees use.
    for i in ids[1:]:
        moves(metrics, i, 1, 3_000_000)
    for i in ids[1:7]:
        held = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.associate_address(AllocationId=held, InstanceId=i)
    # The orphan is to be stopped, so its public address must not be a lent one.
    held = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=held, InstanceId=ids[0])
    free_eni = ec2.create_network_interface(SubnetId=subnet, Groups=carried[:1])
    free_volume = ec2.create_volume(Size=1, AvailabilityZone=f"{REGION}a")["VolumeId"]
    return {
        "orphan": ids[0],
        "group": unused,
        "templated": templated,
        "interface": free_eni["NetworkInterface"]["NetworkInterfaceId"],
        "volume": free_volume,
        "address": ec2.allocate_address(Domain="vpc")["AllocationId"],
    }


def register(ec2, instance):
    classic = boto3.client("elb", region_name=REGION, endpoint_url=ec2.meta.endpoint_url)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    classic.create_load_balancer(
        LoadBalancerName="older",
        Subnets=[subnet],
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}],
    )
    classic.register_instances_with_load_balancer(
        LoadBalancerName="older", Instances=[{"InstanceId": instance}]
    )


def show(ec2):
    reservations = ec2.describe_instances()["Reservations"]
    marks = ec2.describe_tags(Filters=[{"Name": "key", "Values": [MARK]}])["Tags"]
    return {
        "instances": {
            i["InstanceId"]: i["State"]["Name"] for r in reservations for i in r["Instances"]
        },
        "marks": {t["ResourceId"]: t["Value"] for t in marks},
        "there": sorted(
            [g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"]]
            + [v["VolumeId"] for v in ec2.describe_volumes()["Volumes"]]
            + [a["AllocationId"] for a in ec2.describe_addresses()["Addresses"]]
            + [
                i["NetworkInterfaceId"]
                for i in ec2.describe_network_interfaces()["NetworkInterfaces"]
            ]
        ),
        "snapshots": sorted(
            s["SnapshotId"]
            for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
            # moto has many of its own.
            if any(t["Key"].startswith("portcullis:") for t in s.get("Tags", []))
        ),
    }


def moves(metrics, instance, days, each):
    """Both ways together, each hour."""
    last = datetime.datetime.now(datetime.timezone.utc).replace(minute=0, second=0, microsecond=0)
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "InstanceId", "Value": instance}],
            "Timestamp": last - datetime.timedelta(hours=hour, minutes=-30),
            "Value": float(each) / 2,
            "Unit": "Bytes",
        }
        for name in ("NetworkIn", "NetworkOut")
        for hour in range(1, 24 * int(days) + 1)
    ]
    for start in range(0, len(data), 500):
        metrics.put_metric_data(Namespace="AWS/EC2", MetricData=data[start : start + 500])
    return len(data)


def untag(ec2, resource):
    ec2.delete_tags(Resources=[resource], Tags=[{"Key": MARK}])
    return resource


def start(ec2, instance):
    ec2.start_instances(InstanceIds=[instance])
    return instance


def restart(ec2, instance):
    ec2.start_instances(InstanceIds=[instance])
    # moto tells when it was stopped by the second.
    time.sleep(1.1)
    ec2.stop_instances(InstanceIds=[instance])
    return instance


def retype(ec2, instance):
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "m5.large"})
    return instance


def hang(ec2, volume, instance):
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    ec2.stop_instances(InstanceIds=[instance])
    return where(ec2, volume)


def where(ec2, volume):
    found = ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"]
    return [[a["InstanceId"], a["Device"]] for a in found]


def borrow(ec2, volume):
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    live = ec2.describe_instances(Filters=running)["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=live, Device="/dev/sdx")
    ec2.detach_volume(VolumeId=volume, InstanceId=live)
    return volume


main()
