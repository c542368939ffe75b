#!/usr/bin/env python3
"""The servos' adapter: the five verbs of adapters.md over the folder of reap.sh, in one page.

    adapter.py PLATFORM
"""

import datetime
import json
import pathlib
import sys

PLATFORM = pathlib.Path(sys.argv[1])
ACTS = [
    {"action": "stop", "type": "servo", "undo": "start", "risk": "reversible", "identity": ["uuid"],
     "changes": ["status"], "rehearsed": True},
    {"action": "start", "type": "servo", "undo": "stop", "risk": "reversible", "identity": ["uuid"],
     "changes": ["status"], "rehearsed": True},
]
BECOMES = {"stop": "stopped", "start": "running"}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def lines(name):
    path = PLATFORM / name
    return path.read_text().splitlines() if path.exists() else []


def servo(folder):
    read = {p.name: p.read_text().strip() for p in folder.iterdir()}
    found = {
        "type": "servo",
        "id": folder.name,
        "immutable": {"uuid": read["uuid"]},
        "attributes": {"host_gen": read["host_gen"], "region": "us-east-1"},
        "state": {"status": read["status"]},
        "owner": read["project"],
        "domain": read["host"],
        "action": "stop",
        "dead": [],
        "live": [],
        "protected": [],
    }
    # Two sources that fail differently say that it is dead, and two others that it lives.
    for line in lines("tombstones"):
        project, at = line.split()
        if project == read["project"]:
            found["dead"].append({"kind": "project-tombstone", "source": "tombstones", "at": at})
    for line in lines("idle"):
        servo_id, at = line.split()
        if servo_id == folder.name:
            found["dead"].append({"kind": "no-traffic-14d", "source": "traffic", "at": at})
    for line in lines("answers"):
        servo_id, at = line.split()
        if servo_id == folder.name and read["status"] == "running":
            found["live"].append({"kind": "answers-probe", "source": "probe", "at": at})
    if (PLATFORM / "protected" / folder.name).exists():
        found["protected"].append({"kind": "opt-out", "source": "owners", "at": now()})
    return found


def folder_of(item):
    folder = PLATFORM / "servos" / item["id"]
    # An id is no path: nothing outside of the folder is a servo.
    return folder if folder.parent == PLATFORM / "servos" and folder.is_dir() else None


def change(request):
    folder = folder_of(request["item"])
    if folder is None or (folder / "uuid").read_text().strip() != request["immutable"].get("uuid"):
        return {"outcome": "failed", "why": "it is another servo now"}
    (folder / "status").write_text(BECOMES[request["action"]] + "\n")
    with open(PLATFORM / "stopped", "a") as done:
        done.write(folder.name + "\n")
    return {"outcome": "done", "item": request["item"], "action": request["action"]}


def answer(asked):
    verb = asked["verb"]
    if verb == "hello":
        target = {"provider": "servos", "account": "prod", "regions": ["us-east-1"],
                  "scope": asked["scope"]}
        yield {"hello": {"protocol": 1, "adapter": "servos", "clock": now(), "target": target,
                         "acts": ACTS}}
    elif verb == "list":
        folders = sorted((PLATFORM / "servos").iterdir())
        for name, rows, keeps in [("servos", len(folders), False), ("traffic", len(folders), False),
                                  ("probe", len(folders), False),
                                  ("tombstones", len(lines("tombstones")), False),
                                  ("projects", len(lines("projects")), True)]:
            yield {"source": {"name": name, "fetched_at": now(), "complete": True, "rows": rows,
                              "keeps": keeps, "selector": asked.get("selector", {})}}
        for folder in folders:
            yield {"resource": servo(folder)}
    elif verb == "observe":
        folder = folder_of(asked["item"])
        yield {"observed": {"exists": "yes", "resource": servo(folder)} if folder
               else {"exists": "no"}}
    elif verb in ("act", "undo"):
        yield {"acted": change(asked["request"])}
    elif verb == "health":
        yield {"health": {"healthy": not (PLATFORM / "unwell").exists(), "checks": ["unwell"]}}


for line in sys.stdin:
    question = json.loads(line)
    for part in answer(question):
        print(json.dumps({"id": question["id"], **part}))
    print(json.dumps({"id": question["id"], "done": True}), flush=True)
