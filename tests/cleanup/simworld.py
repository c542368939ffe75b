#!/usr/bin/env python3
"""A simulated world behind the adapter protocol of docs/cleanup/adapters.md, for tests and demos.

    simworld.py --world WORLD.json --recorder CALLS.jsonl [--faults FAULTS.json]

The world is a file, so that it outlives processes and two appliers see the same one:

    {"adapter": "simworld", "target": {..Target..}, "clock_offset_s": 0,
     "acts": [..Act..],
     "effects": {"stop": {"status": "stopped"}, "delete": null},
     "sources": [..Source..], "resources": [..Resource..],
     "probes": {ID: true}, "lb": {ID: "healthy"}, "dns": {ID: "name"}, "asg": {ID: "group"},
     "tombstones": {ID: {"source": S, "at": T, "record": {..}}},
     "in_use": [ID, ..], "feels": [ID, ..],
     "health": {"healthy": true, "checks": []}}

Views become claims of life with the view's name as their source, tombstones claims of death. What is
really in use is said by `in_use` and by the views; it is nothing that an adapter could tell, and is
written into the recorder beside every call, so that a test can count the live things that were hit.
Where one that it `feels` is gone or does not run, the world is not healthy.

Faults are a list; each holds at a point, at the nth time that point is passed (counted beside the
faults file, so that it holds once and not again after a restart) or from then on:

    {"at": POINT, "nth": 1, "from": false, "id": ID?, "do": DO, ..}

Points: hello, list, observe, before-act, after-act, before-undo, after-undo, health.
`do`: die (SIGKILL to itself) | hang (says so in `CALLS.jsonl.hung`, then waits for ever)
    | exit (status 3) | silent (answers nothing) | garbage | error | throttle (429, `retry_after_ms`)
    | fail (the act fails; at after-act both are said of what was done) | unknown (the act is done and its outcome lost)
    | wider (does and reports `action` on `item` instead) | cut (list leaves out rows after `rows`)
    | unhealthy | patch (`item` or `id`, `set`: merged into that resource before going on)
    | remove (`item`) | run (a shell command, waited for).
"""

import argparse
import datetime
import fcntl
import json
import os
import signal
import subprocess
import sys
import time


class World:
    def __init__(self, arguments):
        self.path = arguments.world
        self.recorder = arguments.recorder
        self.faults_path = arguments.faults
        self.faults = []
        if arguments.faults and os.path.exists(arguments.faults):
            with open(arguments.faults, encoding="utf-8") as file:
                self.faults = json.load(file)
        self.lock = open(self.path + ".lock", "w", encoding="utf-8")
        self.data = None

    def __enter__(self):
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        with open(self.path, encoding="utf-8") as file:
            self.data = json.load(file)
        return self.data

    def __exit__(self, *_):
        fcntl.flock(self.lock, fcntl.LOCK_UN)

    def save(self):
        temporary = self.path + ".new"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
        os.replace(temporary, self.path)

    def record(self, **call):
        with open(self.recorder, "ab", buffering=0) as file:
            file.write(json.dumps(call).encode() + b"\n")

    # Which faults hold here, counting that the point was passed.
    def passed(self, point, item=None):
        hit = []
        for number, fault in enumerate(self.faults):
            if fault["at"] != point or ("id" in fault and (item or {}).get("id") != fault["id"]):
                continue
            counter = f"{self.faults_path}.{number}.count"
            count = 1
            with open(counter, "a+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                count += int(file.read() or 0)
                file.truncate(0)
                file.write(str(count))
            nth = fault.get("nth", 1)
            if count == nth or (fault.get("from") and count > nth):
                hit.append(fault)
        return hit


def find(data, item):
    # A world that takes one thing's id for another's: a site's where an application's was meant.
    item = data.get("aliases", {}).get(item["type"] + ":" + item["id"], item)
    for resource in data["resources"]:
        if resource["type"] == item["type"] and resource["id"] == item["id"]:
            return resource
    return None


def now(data):
    offset = datetime.timedelta(seconds=data.get("clock_offset_s", 0))
    return datetime.datetime.now(datetime.timezone.utc) + offset


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_use(data, identity):
    return (
        identity in data.get("in_use", [])
        or bool(data.get("probes", {}).get(identity))
        or data.get("lb", {}).get(identity) == "healthy"
        or identity in data.get("dns", {})
        or identity in data.get("asg", {})
    )


def runs(data, identity):
    return any(r["id"] == identity and r.get("state", {}).get("status") == "running"
               for r in data["resources"])


def shown(data, resource):
    """A resource as the adapter lists it: with what the views say of it."""
    resource = json.loads(json.dumps(resource))
    identity, at = resource["id"], stamp(now(data))
    live = resource.setdefault("live", [])
    if data.get("probes", {}).get(identity):
        live.append({"kind": "answers-probe", "source": "probe", "at": at})
    if data.get("lb", {}).get(identity) == "healthy":
        live.append({"kind": "in-target-group", "source": "lb", "at": at})
    if identity in data.get("dns", {}):
        live.append({"kind": "dns-record", "source": "dns", "at": at, "detail": data["dns"][identity]})
    if identity in data.get("asg", {}):
        live.append({"kind": "in-asg", "source": "asg", "at": at, "detail": data["asg"][identity]})
    grave = data.get("tombstones", {}).get(identity)
    if grave:
        resource.setdefault("dead", []).append({"kind": "tombstone", **grave})
    return resource


def suffer(world, faults):
    """What a fault does to the process or the world; gives back what it does to the answer."""
    for fault in faults:
        do = fault["do"]
        if do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif do == "hang":
            # As long as somebody waits for it. Asked first: whoever reads the mark may kill at once.
            parent = os.getppid()
            with open(world.recorder + ".hung", "a", encoding="utf-8") as file:
                file.write(fault["at"] + "\n")
            while os.getppid() == parent:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        elif do == "exit":
            print("simworld: told to exit", file=sys.stderr)
            sys.exit(3)
        elif do == "run":
            ran = subprocess.run(["sh", "-c", fault["command"]], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, check=False)
            if ran.returncode:
                sys.exit(f"simworld: {fault['command']}: {ran.stdout} {ran.stderr}".replace("\n", " "))
        elif do in ("patch", "remove"):
            with world as data:
                resource = find(data, fault["item"])
                if resource is None:
                    continue
                if do == "remove":
                    data["resources"].remove(resource)
                else:
                    for key, value in fault["set"].items():
                        if isinstance(value, dict) and isinstance(resource.get(key), dict):
                            resource[key].update(value)
                        else:
                            resource[key] = value
                world.save()
        else:
            return fault
    return None


def say(identity, done=True, **answer):
    answer = {"id": identity, **answer}
    if done:
        answer["done"] = True
    sys.stdout.write(json.dumps(answer) + "\n")
    if done:
        sys.stdout.flush()


def do_act(world, data, verb, request, wider):
    """Does an act on the world and records it."""
    item, action = request["item"], request["action"]
    if wider:
        item, action = wider.get("item", item), wider.get("action", action)
    done = data.setdefault("tokens", {})
    token = verb + ":" + request["token"]
    known = {"plan": request["plan"], "n": request["n"], "token": request["token"],
             "fence": request["fence"]}
    if token in done and not wider:
        world.record(verb=verb, applied=False, why="token", item=item, action=action, **known)
        return done[token]

    def failed(why):
        world.record(verb=verb, applied=False, why=why, item=item, action=action, **known)
        return {"outcome": "failed", "why": why}

    resource = find(data, item)
    row = next((a for a in data["acts"] if a["action"] == request["action"]), {})
    if resource is None:
        return failed("gone")
    if row.get("precondition") and not wider:
        # A provider holds what it is told to hold.
        if any(resource["immutable"].get(k) != v for k, v in request["immutable"].items()):
            return failed("precondition: another identity")
        if any(resource.get("state", {}).get(k) != v for k, v in request["state"].items()):
            return failed("precondition: another state")
    effects = {"stop": {"status": "stopped"}, "start": {"status": "running"}, "delete": None,
               **data.get("effects", {})}
    if action not in effects:
        return failed(f"no act {action}")
    before = dict(resource.get("state", {}))
    live = in_use(data, resource["id"])
    if effects[action] is None:
        data["resources"].remove(resource)
    else:
        resource.setdefault("state", {}).update(effects[action])
    outcome = {"outcome": "done", "item": item, "action": action,
               "undo": {f"was-{k}": v for k, v in before.items()} if verb == "act" else {}}
    done[token] = outcome
    world.save()
    world.record(verb=verb, applied=True, live=live, item=item, action=action, before=before, **known)
    return outcome


def act(world, identity, verb, request, handed):
    if not world.may_act:
        say(identity, acted={"outcome": "failed", "why": "denied: these credentials read alone"})
        return
    fault = suffer(world, world.passed(f"before-{verb}", request["item"]))
    do = fault["do"] if fault else None
    if do == "silent":
        return
    if do == "garbage":
        print("{nonsense", flush=True)
        return
    if do == "throttle":
        world.record(verb=verb, applied=False, why="throttled", item=request["item"],
                     action=request["action"], n=request["n"], token=request["token"])
        acted = {"outcome": "throttled", "retry_after_ms": fault.get("retry_after_ms")}
        say(identity, acted=acted)
        return
    if do == "fail":
        world.record(verb=verb, applied=False, why="fault", item=request["item"],
                     action=request["action"], n=request["n"], token=request["token"])
        say(identity, acted={"outcome": "failed", "why": "told to fail"})
        return
    with world as data:
        acted = do_act(world, data, verb, request, fault if do == "wider" else None)
    fault = suffer(world, world.passed(f"after-{verb}", request["item"]))
    if do == "unknown":
        acted = {"outcome": "unknown", "why": "the answer was lost"}
    if fault and fault["do"] == "throttle":
        acted = {"outcome": "throttled", "retry_after_ms": 1}
    if fault and fault["do"] == "fail":
        acted = {"outcome": "failed", "why": "told to say so"}
    if do == "error" or (fault and fault["do"] == "error"):
        say(identity, error="told to err")
        return
    say(identity, acted=acted)


def listing(world, identity, question):
    fault = suffer(world, world.passed("list"))
    with world as data:
        cut = fault.get("rows") if fault and fault["do"] == "cut" else None
        if fault and fault["do"] == "error":
            return say(identity, error="told to err")
        for source in data["sources"]:
            if cut is not None and fault.get("source", source["name"]) == source["name"]:
                source = {**source, "rows": min(source["rows"], cut)}
            say(identity, done=False, source=source)
        selector = question.get("selector") or {}
        rows = 0
        for resource in data["resources"]:
            attributes = resource.get("attributes", {})
            wanted = all(attributes.get(k) == v for k, v in selector.items())
            if not wanted and not data.get("ignores_selector"):
                continue
            rows += 1
            if cut is not None and rows > cut:
                break
            say(identity, done=False, resource=shown(data, resource))
    say(identity)


def answer(world, question):
    identity, verb = question["id"], question["verb"]
    if verb in ("act", "undo"):
        act(world, identity, verb, question["request"], question.get("handed"))
        return
    if verb == "list":
        listing(world, identity, question)
        return
    fault = suffer(world, world.passed(verb, question.get("item")))
    do = fault["do"] if fault else None
    if do == "silent":
        return
    if do == "garbage":
        print("{nonsense", flush=True)
        return
    if do == "error":
        say(identity, error="told to err")
        return
    with world as data:
        if verb == "hello":
            target = {**data["target"], "scope": question["scope"]}
            hello = {"protocol": 1, "adapter": data.get("adapter", "simworld"),
                     "target": target, "clock": stamp(now(data)), "acts": data["acts"]}
            if data.get("clockless"):
                del hello["clock"]
            say(identity, hello=hello)
        elif verb == "observe":
            resource = find(data, question["item"])
            if do == "unknown":
                say(identity, observed={"exists": "unknown", "why": "told not to know"})
            elif resource is None:
                say(identity, observed={"exists": "no"})
            else:
                say(identity, observed={"exists": "yes", "resource": shown(data, resource)})
        elif verb == "health":
            health = data.get("health", {"healthy": True, "checks": []})
            hurt = [name for name in data.get("feels", []) if not runs(data, name)]
            if hurt:
                health = {"healthy": False, "checks": [f"{name} is down" for name in hurt]}
            if do == "unhealthy":
                health = {"healthy": False, "checks": ["told to be ill"]}
            say(identity, health=health)
        else:
            say(identity, error=f"no verb {verb}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--world", required=True)
    parser.add_argument("--recorder", required=True)
    parser.add_argument("--faults")
    parser.add_argument("--may-not-act", action="store_true",
                        help="credentials that read alone, as a job has them after a hand-over")
    arguments = parser.parse_args()
    world = World(arguments)
    world.may_act = not arguments.may_not_act
    for line in sys.stdin:
        answer(world, json.loads(line))


if __name__ == "__main__":
    main()
