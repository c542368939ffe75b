"""Serves until its standard input ends, so that it never outlives the test that started it.

Usage: serve.py moto
       serve.py moto-with-bpa        that also answers, as off, what moto lacks: block-public-access
       serve.py microburst UPSTREAM RULES_JSON

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


if sys.argv[1] == "moto":
    moto()
elif sys.argv[1] == "moto-with-bpa":
    answer_bpa()
    moto()
else:
    microburst(sys.argv[2], json.loads(sys.argv[3]))
