#!/bin/sh
# An old cleanup job, as many have one: it stops every servo whose project is gone.
#
#   reap.sh                    stops them
#   reap.sh --list             says which, as candidates of `portcullis cleanup plan` (level 1)
#   PLAN=sha256-… reap.sh      asks before each (level 2)
#
# The platform is a folder here, $PLATFORM: servos/ID/{uuid,project,host,host_gen,status},
# projects (one a line), tombstones (PROJECT TIME, one a line), stopped (what was stopped).
set -eu
platform=${PLATFORM:?where the platform is}

stop() {
    echo stopped > "$platform/servos/$1/status"
    echo "$1" >> "$platform/stopped"
}

for servo in "$platform"/servos/*; do
    id=${servo##*/}
    project=$(cat "$servo/project")
    [ "$(cat "$servo/status")" = running ] || continue
    grep -qxF "$project" "$platform/projects" && continue
    if [ "${1:-}" = --list ]; then
        printf '{"type": "servo", "id": "%s", "action": "stop"}\n' "$id"
        continue
    fi
    if [ -n "${PLAN:-}" ]; then
        portcullis cleanup permit "$PLAN" --id "$id" --action stop || continue
    fi
    stop "$id"
done
