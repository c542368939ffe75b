"""Builds a small account with something of each type to act on, and shows it.

Usage: reclaim.py ENDPOINT build       makes it and prints the ids by name, as one JSON object
       reclaim.py ENDPOINT show        prints everything that an act could change, as one JSON object
       reclaim.py ENDPOINT start|stop  starts and stops the instance that is stopped

Only ever talks to a loopback endpoint.
"""

import json
import sys
import urllib.parse

import boto3

REGION = "us-east-1"


def main():
    endpoint, verb = sys.argv[1:3]
    if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
        sys.exit(f"refused: {endpoint} is not on loopback")
    made = {"build": build, "show": show, "start": start, "stop": stop}[verb](
        *(boto3.client(s, region_name=REGION, endpoint_url=endpoint) for s in ("ec2", "elbv2"))
    )
    print(json.dumps(made, sort_keys=True))


def build(ec2, elb):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet, other = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}{z}")[
            "Subnet"
        ]["SubnetId"]
        for n, z in enumerate("ab")
    )

    def group(name, *ingress):
        made = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        if ingress:
            ec2.authorize_security_group_ingress(GroupId=made, IpPermissions=list(ingress))
        return made

    def tcp(port, block, words):
        ranges = [{"CidrIp": block, "Description": words}]
        return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}

    used = group("used", tcp(443, "0.0.0.0/0", "clients"), tcp(22, "192.0.2.0/24", "old office"))
    second = group("second", tcp(23, "192.0.2.0/24", "kept"))

    def tag(group, port, **tags):
        rules = ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [group]}]
        )["SecurityGroupRules"]
        made = [{"Key": key, "Value": value} for key, value in tags.items()]
        ids = [r["SecurityGroupRuleId"] for r in rules if r["FromPort"] == port]
        ec2.create_tags(Resources=ids, Tags=made)

    tag(used, 22, empty="", team="a")
    tag(second, 23, keep="for the audit")
    quarantine = group("quarantine")
    for rule in ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [quarantine]}]
    )["SecurityGroupRules"]:
        ec2.revoke_security_group_egress(
            GroupId=quarantine, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]]
        )
    ec2.create_tags(
        Resources=[quarantine], Tags=[{"Key": "portcullis:quarantine", "Value": "true"}]
    )
    unused = group("unused")
    instances = ec2.run_instances(
        ImageId="ami-03cf127a",
        InstanceType="t3.micro",
        MinCount=3,
        MaxCount=3,
        SubnetId=subnet,
        SecurityGroupIds=[used, second],
    )["Instances"]
    one, two, stopped = (i["InstanceId"] for i in instances)
    ec2.create_tags(Resources=[two], Tags=[{"Key": "role", "Value": "web"}])
    ec2.create_tags(Resources=[stopped], Tags=[{"Key": "was", "Value": "stopped"}])

    def interface():
        made = ec2.create_network_interface(SubnetId=subnet, Groups=[used])["NetworkInterface"]
        return made["NetworkInterfaceId"]

    second_eni, free_eni = interface(), interface()
    ec2.attach_network_interface(
        NetworkInterfaceId=second_eni, InstanceId=two, DeviceIndex=1
    )
    zone = f"{REGION}a"
    volume = ec2.create_volume(Size=1, AvailabilityZone=zone)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=two, Device="/dev/sdf")
    free_volume = ec2.create_volume(Size=1, AvailabilityZone=zone)["VolumeId"]
    address = ec2.allocate_address(Domain="vpc")
    targets = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=targets, Targets=[{"Id": two, "Port": 80}, {"Id": stopped, "Port": 80}])
    # moto calls every running target healthy and a stopped one unused.
    ec2.stop_instances(InstanceIds=[stopped])
    images = {i["InstanceId"]: i["ImageId"] for i in instances}
    private = {
        i["NetworkInterfaceId"]: i["PrivateIpAddress"]
        for i in ec2.describe_network_interfaces()["NetworkInterfaces"]
    }
    return {
        "vpc": vpc, "used": used, "second": second, "quarantine": quarantine, "unused": unused,
        "instance": one, "web": two, "stopped": stopped, "image": images[one],
        "eni": second_eni, "eni_ip": private[second_eni],
        "free_eni": free_eni, "free_eni_ip": private[free_eni],
        "volume": volume, "free_volume": free_volume,
        "address": address["AllocationId"], "ip": address["PublicIp"], "targets": targets,
    }


def states(ec2):
    return {i["InstanceId"]: i["State"]["Name"]
            for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]}


def start(ec2, elb):
    ids = [i for i, state in states(ec2).items() if state == "stopped"]
    ec2.start_instances(InstanceIds=ids)
    return ids


def stop(ec2, elb):
    roles = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["was"]}])["Tags"]
    ids = [t["ResourceId"] for t in roles]
    ec2.stop_instances(InstanceIds=ids)
    return ids


def show(ec2, elb):
    reservations = ec2.describe_instances()["Reservations"]
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    return {
        "instances": {
            i["InstanceId"]: i["State"]["Name"] for r in reservations for i in r["Instances"]
        },
        "interfaces": {
            i["NetworkInterfaceId"]: {
                "marks": {
            t["ResourceId"]: t["Value"]
            for t in ec2.describe_tags(
                Filters=[{"Name": "key", "Values": ["portcullis:condemned"]}]
            )["Tags"]
        },
        "groups": sorted(g["GroupId"] for g in i["Groups"]),
                "at": i.get("Attachment", {}).get("InstanceId"),
                "index": i.get("Attachment", {}).get("DeviceIndex"),
            }
            for i in interfaces
        },
        "volumes": {
            v["VolumeId"]: [(a["InstanceId"], a["Device"]) for a in v["Attachments"]]
            for v in ec2.describe_volumes()["Volumes"]
        },
        "snapshots": sorted(
            s["VolumeId"]
            for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
            # moto has many of its own.
            if any(t["Key"].startswith("portcullis:") for t in s.get("Tags", []))
        ),
        "groups": sorted(g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"]),
        # Without their ids: a rule made anew has another.
        "rules": sorted(
            json.dumps({k: v for k, v in r.items() if k != "SecurityGroupRuleId"}, sort_keys=True)
            for r in rules
        ),
        "addresses": sorted(a["AllocationId"] for a in ec2.describe_addresses()["Addresses"]),
        "targets": {
            g["TargetGroupArn"]: sorted(
                f"{d['Target']['Id']}:{d['Target'].get('Port')}"
                for d in elb.describe_target_health(TargetGroupArn=g["TargetGroupArn"])[
                    "TargetHealthDescriptions"
                ]
            )
            for g in elb.describe_target_groups()["TargetGroups"]
        },
    }


main()
