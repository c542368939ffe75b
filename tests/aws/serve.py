"""Serves until its standard input ends, so that it never outlives the test that started it.

Usage: serve.py moto
       serve.py moto-with-sessions   that keeps session policies, which moto ignores
       serve.py moto-with-bpa        that also answers, as off, what moto lacks: block-public-access
       serve.py microburst UPSTREAM RULES_JSON
       serve.py afterwards UPSTREAM ACTION CODE STATUS   that has ACTION carried out, and answers CODE

Binds a free port of 127.0.0.1 and prints its number on the first line.
"""

import asyncio
import json
import logging
import os
import sys
import threading


# The servers greet on standard output too: theirs goes to standard error.
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(port):
    print(port, file=OUT, flush=True)


def moto():
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    say(port)
    sys.stdin.read()
    # Its requests are threads that would be waited for.
    os._exit(0)


def answer_bpa():
    """A mock: moto has no VPC block public access, and what it opens is unknown without."""
    from moto.ec2.responses import EC2Response

    def answer(name, inside):
        xmlns = "http://ec2.amazonaws.com/doc/2016-11-15/"
        return f'<{name} xmlns="{xmlns}"><requestId>1</requestId>{inside}</{name}>'

    def options(self):
        return answer(
            "DescribeVpcBlockPublicAccessOptionsResponse",
            "<vpcBlockPublicAccessOptions><awsAccountId>123456789012</awsAccountId>"
            "<awsRegion>us-east-1</awsRegion><state>default-state</state>"
            "<internetGatewayBlockMode>off</internetGatewayBlockMode>"
            "</vpcBlockPublicAccessOptions>",
        )

    def exclusions(self):
        return answer(
            "DescribeVpcBlockPublicAccessExclusionsResponse",
            "<vpcBlockPublicAccessExclusionSet/>",
        )

    EC2Response.describe_vpc_block_public_access_options = options
    EC2Response.describe_vpc_block_public_access_exclusions = exclusions


def keep_session_policies():
    """A mock: moto takes the policy of AssumeRole and never asks it. Here a call with the credentials of
    such a session is refused unless some statement allows the action on each thing that the call names.
    """
    import fnmatch
    import re

    from moto.core.exceptions import AccessDeniedError
    from moto.core.responses import BaseResponse
    from moto.sts.models import STSBackend

    policies = {}
    assume = STSBackend.assume_role
    authorize = BaseResponse._authenticate_and_authorize_normal_action
    kinds = {
        "i": "instance", "eni": "network-interface", "vol": "volume", "sg": "security-group",
        "eipalloc": "elastic-ip", "snap": "snapshot",
    }

    def assume_role(self, *args, **kwargs):
        role = assume(self, *args, **kwargs)
        if role.policy:
            policies[role.access_key_id] = json.loads(role.policy)
        return role

    def named(response):
        for values in response.querystring.values():
            for value in values:
                found = re.fullmatch("(i|eni|vol|sg|eipalloc|snap)-[0-9a-f]{8,17}", str(value))
                if found and response.service_name == "ec2":
                    account = "" if found[1] == "snap" else response.current_account
                    place = f"arn:aws:ec2:{response.region}:{account}"
                    yield f"{place}:{kinds[found[1]]}/{value}"
                elif str(value).startswith("arn:aws:elasticloadbalancing:"):
                    yield str(value)

    def permitted(response, policy):
        service = {"elbv2": "elasticloadbalancing"}.get(response.service_name, response.service_name)
        action = f"{service}:{response._get_action()}"

        def allows(statement, resource):
            resources = statement["Resource"]
            resources = resources if isinstance(resources, list) else [resources]
            actions = any(fnmatch.fnmatchcase(action, a) for a in statement["Action"])
            # A call that names an attachment names no thing: then the action alone is asked.
            matches = resource is None or any(fnmatch.fnmatchcase(resource, r) for r in resources)
            return actions and matches

        return all(
            any(allows(s, resource) for s in policy["Statement"])
            for resource in list(named(response)) or [None]
        )

    def check(self, resource="*"):
        policy = policies.get(self.get_access_key())
        if policy is not None and not permitted(self, policy):
            raise AccessDeniedError(user_arn="the session", action=self._get_action())
        return authorize(self, resource)

    STSBackend.assume_role = assume_role
    BaseResponse._authenticate_and_authorize_normal_action = check


def microburst(upstream, rules):
    from aiohttp import web
    from microburst.app import make_app
    from microburst.core.pipeline import Microburst

    async def serve():
        runner = web.AppRunner(make_app(Microburst(upstream, rules=rules, resign=False)))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        say(runner.addresses[0][1])
        await asyncio.Event().wait()

    def until_the_end():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=until_the_end, daemon=True).start()
    asyncio.run(serve())


def afterwards(upstream, action, code, status):
    """A front end that gives up after what is behind it has done the work, the first time."""
    import http.client
    import http.server
    import urllib.parse

    behind = urllib.parse.urlparse(upstream).netloc
    lock, left = threading.Lock(), [1]

    class Front(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = http.client.HTTPConnection(behind, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            asked.request(self.command, self.path, body, headers)
            answer = asked.getresponse()
            said, content = answer.status, answer.read()
            kind = answer.getheader("Content-Type", "text/xml")
            with lock:
                if b"Action=" + action.encode() + b"&" in body and left[0]:
                    left[0] -= 1
                    said = status
                    content = (f"<Response><Errors><Error><Code>{code}</Code><Message>told to"
                               "</Message></Error></Errors></Response>").encode()
            self.send_response(said)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(server.server_address[1])
    sys.stdin.read()
    os._exit(0)


if sys.argv[1] == "moto":
    moto()
elif sys.argv[1] == "moto-with-sessions":
    keep_session_policies()
    moto()
elif sys.argv[1] == "moto-with-bpa":
    answer_bpa()
    moto()
elif sys.argv[1] == "afterwards":
    afterwards(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
else:
    microburst(sys.argv[2], json.loads(sys.argv[3]))
