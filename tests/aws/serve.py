"""Serves until its standard input ends, so that it never outlives the test that started it.

Usage: serve.py moto
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
else:
    microburst(sys.argv[2], json.loads(sys.argv[3]))
