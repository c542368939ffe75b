"""Tries what a session may do, and says what was done, as one JSON object.

Usage: session.py ENDPOINT ROLE POLICY|none ITS_INSTANCE ANOTHER

Only ever talks to a loopback endpoint.
"""

import json
import sys
import urllib.parse

import boto3
import botocore.exceptions

REGION = "us-east-1"


def main():
    endpoint, role, policy, own, another = sys.argv[1:]
    if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
        sys.exit(f"refused: {endpoint} is not on loopback")
    where = {"region_name": REGION, "endpoint_url": endpoint}
    narrowed = {} if policy == "none" else {"Policy": policy}
    given = boto3.client("sts", **where).assume_role(
        RoleArn=role, RoleSessionName="abuse", DurationSeconds=900, **narrowed
    )["Credentials"]
    ec2 = boto3.client(
        "ec2",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        **where,
    )
    group = ec2.describe_instances(InstanceIds=[own])["Reservations"][0]["Instances"][0][
        "SecurityGroups"
    ][0]["GroupId"]
    tries = {
        "stop another": lambda: ec2.stop_instances(InstanceIds=[another]),
        "open its group": lambda: ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="0.0.0.0/0"
        ),
        "stop its own": lambda: ec2.stop_instances(InstanceIds=[own]),
        "terminate its own": lambda: ec2.terminate_instances(InstanceIds=[own]),
        "terminate another": lambda: ec2.terminate_instances(InstanceIds=[another]),
    }
    print(json.dumps({name: tried(call) for name, call in tries.items()}))


def tried(call):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "UnauthorizedOperation"):
            raise
        return False
    return True


main()
