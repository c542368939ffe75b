"""Makes a user with one policy on a moto server and prints its access key.

Usage: user.py ENDPOINT POLICY_JSON
"""

import sys
import urllib.parse

import boto3

endpoint, policy = sys.argv[1:]
if urllib.parse.urlsplit(endpoint).hostname != "127.0.0.1":
    sys.exit(f"refused: {endpoint} is not on loopback")
iam = boto3.client("iam", endpoint_url=endpoint, region_name="us-east-1")
iam.create_user(UserName="reader")
iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
key = iam.create_access_key(UserName="reader")["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
