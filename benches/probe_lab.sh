#!/usr/bin/env bash
# Recall, precision, states and time of `portcullis probe` in the shared probe lab, case by case.
#
#   sudo PORTCULLIS_SHARED=../shared benches/probe_lab.sh [BINARY] [CASE...]
#
# BINARY defaults to a release build without the AWS SDKs. Needs root, gcc, python3, iproute2 and
# nftables; everything happens in network namespaces with no link to the machine's network.
# Behind the lab's default ICMP limit most of `rejected-icmp` is silent in a sweep: `slow` shows what
# the slow lane makes of declared ports.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${PORTCULLIS_SHARED:-$PWD/../shared}
lab=$shared/lab/lab.sh
[ -f "$lab" ] || { echo "skipped: no lab at $lab" >&2; exit 0; }
binary=${1:-}
[ $# -gt 0 ] && shift
if [ -z "$binary" ]; then
  cargo build --release --no-default-features --quiet
  binary=${CARGO_TARGET_DIR:-target}/release/portcullis
fi
binary=$(readlink -f "$binary")
export LAB_NS=pcb$$ LAB_STATE
LAB_STATE=$(mktemp -d)
work=$(mktemp -d)
trap 'bash "$lab" down; rm -rf "$LAB_STATE" "$work"' EXIT
printf 'version: 1\nscope: [10.66.0.0/16]\n' >"$work/portcullis.yaml"

cat >"$work/score.py" <<'PY'
import collections, json, sys
truth, default = {}, None
for line in open(sys.argv[1]):
    if line.startswith("#"):
        default = line.split()[2]
        continue
    a, proto, port, state, _ = line.rstrip("\n").split("\t")
    truth[a, proto, int(port)] = state
right = {"open": "open", "closed": "refused", "filtered": "silent", "rejected-rst": "rejected",
         "rejected-icmp": "rejected"}
cells, hit, opens, false_open, same, total = collections.Counter(), 0, 0, 0, 0, 0
for line in open(sys.argv[2]):
    seen = json.loads(line)
    key = seen["address"], seen["protocol"], seen["port"]
    true = truth.get(key, default if seen["protocol"] == "tcp" else None)
    if true is None:
        continue
    state = seen["state"]
    total += 1
    opens += true == "open"
    hit += true == "open" and state == "open"
    false_open += true != "open" and state in ("open", "wrong-service")
    # A UDP port that says nothing is unproven, whether somebody listens or not.
    mute = seen["protocol"] == "udp" and true in ("open", "filtered") and state == "unproven"
    same += mute or right[true] == state
    cells[true, state] += 1
print(f"  recall {hit}/{opens}  false open {false_open}  right state {same}/{total}")
for (true, state), count in sorted(cells.items()):
    print(f"    {true:14} {state:12} {count}")
PY

bench() { # NAME "LAB OPTIONS" "PROBE OPTIONS" (PORTS stands for the lab's list)
  local name=$1 options=$2 probe=$3
  if [ ${#cases[@]} -gt 0 ] && [[ ! " ${cases[*]} " == *" $name "* ]]; then return; fi
  # shellcheck disable=SC2086
  bash "$lab" up $options >/dev/null
  local ports="" start end
  [ -f "$LAB_STATE/ports.txt" ] && ports=tcp/$(<"$LAB_STATE/ports.txt")
  start=$(date +%s.%N)
  # shellcheck disable=SC2086
  (cd "$work" && bash "$lab" exec "$binary" probe ${probe/PORTS/$ports} >"$work/out.jsonl") || true
  end=$(date +%s.%N)
  printf '%s (%s): %.2f s\n' "$name" "$options" "$(echo "$end - $start" | bc)"
  python3 "$work/score.py" "$LAB_STATE/truth.tsv" "$work/out.jsonl"
}

cases=("$@")
bench polite "--hosts 254 --profile mixed" "10.66.1.0/24 --ports PORTS"
bench rst "--hosts 1 --profile plain" "10.66.1.1 --ports tcp --rate 0"
bench dark "--hosts 1 --profile dark" "10.66.1.1 --ports tcp --rate 0"
bench mixed "--hosts 254 --profile mixed" "10.66.1.0/24 --ports PORTS --rate 0"
bench delay "--hosts 254 --profile mixed --delay 10" "10.66.1.0/24 --ports PORTS --rate 0"
bench loss1 "--hosts 254 --profile mixed --loss 1" "10.66.1.0/24 --ports PORTS --rate 0"
bench loss5 "--hosts 254 --profile mixed --loss 5" "10.66.1.0/24 --ports PORTS --rate 0"
bench police "--hosts 254 --profile mixed --police 5000" "10.66.1.0/24 --ports PORTS --rate 0"
bench icmp "--hosts 254 --profile mixed --icmp-limit off" "10.66.1.0/24 --ports PORTS --rate 0"
bench udp "--hosts 16 --profile mixed --icmp-limit off" "10.66.1.1/28 --ports udp/53,123,3478,7000-7004"
# Forty rejected ports behind the kernel's own ICMP limit: asked by nobody's expectation, and by one.
bench sweep "--hosts 1 --profile reject" "10.66.1.1 --ports tcp/1-40"
bench slow "--hosts 1 --profile reject" "10.66.1.1 --ports tcp/1-40 --expect path"
