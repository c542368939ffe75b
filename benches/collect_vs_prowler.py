#!/usr/bin/env python3
"""Times live collection against prowler's five security-group checks, side by side.

Both read the same account of the same moto server (the estate of tests/aws/estate.py: 1,048
instances, 320 groups, 2 accounts, 2 regions), in turns, and each in both regions. Prowler reads one
account a run, so one account is compared. Portcullis reads everything a snapshot holds, at its
polite default rate; prowler what the five checks need, with its own defaults.

    PORTCULLIS_BIN=target/release/portcullis benches/collect_vs_prowler.py [--runs N]

Environment:
    PORTCULLIS_BIN   the binary to time (default: target/release/portcullis)
    PORTCULLIS_VENV  the Python environment with moto (made by ./test; default: .venv)
    PROWLER_VENV     where prowler is or will be installed (default: ~/.cache/portcullis/prowler)

Ends with code 1 when collection is not at least ten times faster.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGIONS = ["us-east-1", "eu-west-1"]
GOAL = 10
CHECKS = [
    "ec2_securitygroup_allow_ingress_from_internet_to_all_ports",
    "ec2_securitygroup_allow_ingress_from_internet_to_any_port",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389",
    "ec2_securitygroup_allow_wide_open_public_ipv4",
]
PROWLER = "prowler==5.46.0"


def main():
    runs = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else 3
    binary = pathlib.Path(os.environ.get("PORTCULLIS_BIN", ROOT / "target/release/portcullis"))
    if not binary.exists():
        sys.exit(f"no {binary}: cargo build --release, or set PORTCULLIS_BIN")
    moto_python = pathlib.Path(os.environ.get("PORTCULLIS_VENV", ROOT / ".venv")) / "bin/python"
    if not moto_python.exists():
        sys.exit(f"no {moto_python}: run ./test first, or set PORTCULLIS_VENV")
    prowler = installed_prowler()

    with tempfile.TemporaryDirectory() as home:
        environment = {
            "HOME": home,
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGIONS[0],
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        server = subprocess.Popen(
            [moto_python, ROOT / "tests/aws/serve.py", "moto"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        try:
            environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{int(server.stdout.readline())}"
            made = subprocess.run(
                [moto_python, ROOT / "tests/aws/estate.py", environment["AWS_ENDPOINT_URL"]],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
            )
            print("estate:", json.loads(made.stdout)["made"])
            ours = [binary, "collect", "-o", f"{home}/snapshot.json", "--allow-gaps=vpc-bpa"]
            ours += ["--regions", ",".join(REGIONS), "--quiet"]
            theirs = [prowler, "aws", "--checks", *CHECKS, "--filter-region", *REGIONS]
            theirs += ["--output-formats", "json-ocsf", "--output-directory", f"{home}/prowler"]
            theirs += ["--no-banner"]
            seconds = {"portcullis": [], "prowler": []}
            for run in range(runs):
                # Prowler ends with 3 when a check fails, which some must here.
                for name, command, good in [("portcullis", ours, [0]), ("prowler", theirs, [3])]:
                    seconds[name].append(timed(command, good, environment))
                    print(f"run {run + 1}: {name:10} {seconds[name][-1]:7.2f} s", flush=True)
        finally:
            server.kill()
            server.wait()

    ours, theirs = (statistics.median(seconds[name]) for name in ("portcullis", "prowler"))
    ratio = theirs / ours
    print(f"median: portcullis {ours:.2f} s, prowler {theirs:.2f} s: {ratio:.1f} times faster")
    sys.exit(0 if ratio >= GOAL else 1)


def timed(command, good, environment):
    start = time.monotonic()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    took = time.monotonic() - start
    if ended.returncode not in good:
        sys.exit(f"{command[0]} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
    return took


def installed_prowler():
    default = pathlib.Path.home() / ".cache/portcullis/prowler"
    folder = pathlib.Path(os.environ.get("PROWLER_VENV", default))
    if not (folder / "bin/prowler").exists():
        print(f"installing {PROWLER} into {folder}", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin/pip", "install", "-q", PROWLER], check=True)
    return folder / "bin/prowler"


main()
