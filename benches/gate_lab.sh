#!/usr/bin/env bash
# Times a gate of 3 hosts x 10 services x 3 client profiles in network namespaces of its own: without
# the sweep, and with every TCP port of the 3 hosts looked at (`--rate 0`). Each run must say PASS.
#
#   PORTCULLIS_BIN=target/release/portcullis benches/gate_lab.sh [RUNS]
#
# Needs root, iproute2, nftables, openssl, python3 and tinyproxy. Touches no network but its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=$(realpath "${PORTCULLIS_BIN:?name the release binary}")
root=$PWD
serve=$PWD/tests/core/lab/serve.py
runs=${1:-5}
tag=pg$$
dir=$(mktemp -d)
pids=()

end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for which in out fw in; do ip netns del "$tag-$which" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap end EXIT

for which in out fw in; do
    ip netns add "$tag-$which"
    ip -n "$tag-$which" link set lo up
done
ip link add o0 netns "$tag-out" type veth peer name f0 netns "$tag-fw"
ip link add f1 netns "$tag-fw" type veth peer name i0 netns "$tag-in"
ip -n "$tag-out" link set o0 up
ip -n "$tag-fw" link set f0 up
ip -n "$tag-fw" link set f1 up
ip -n "$tag-in" link set i0 up
ip -n "$tag-out" addr add 192.0.2.50/24 dev o0
ip -n "$tag-fw" addr add 192.0.2.1/24 dev f0
ip -n "$tag-fw" addr add 10.78.0.1/30 dev f1
ip -n "$tag-in" addr add 10.78.0.2/30 dev i0
ip -n "$tag-out" route add default via 192.0.2.1
ip -n "$tag-in" route add default via 10.78.0.1
ip -n "$tag-in" route add local 203.0.113.0/24 dev lo
ip -n "$tag-fw" route add 203.0.113.0/24 via 10.78.0.2
ip netns exec "$tag-fw" sysctl -qw net.ipv4.ip_forward=1

cd "$dir"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out chain.pem \
    -days 90 -subj /CN=lab -addext 'subjectAltName=DNS:*.media.example' 2>/dev/null

# What the groups let in is what the packet filter lets in: the rest is dropped.
ip netns exec "$tag-fw" nft -f - <<'N'
table ip lab {
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname f0 ip daddr 203.0.113.0/24 tcp dport { 443, 8443, 8001-8006 } accept
        iifname f0 ip daddr 203.0.113.0/24 udp dport { 3478, 3479 } accept
        iifname f0 ip daddr 203.0.113.0/24 drop
    }
}
N

servers() {
    for n in 11 12 13 14; do
        for port in 443 8443; do echo "203.0.113.$n tcp $port tls"; done
        for port in 8001 8002 8003 8004 8005 8006; do echo "203.0.113.$n tcp $port http"; done
        for port in 3478 3479; do echo "203.0.113.$n udp $port stun"; done
    done
}

# start NAMESPACE FILE: servers of a file, in the background, until this script ends.
start() {
    mkfifo "$2.in"
    ip netns exec "$1" python3 "$serve" <"$2.in" >"$2.out" &
    pids+=($!)
    exec {hold}>"$2.in"
    { wc -l <"$2" && cat "$2"; } >&"$hold"
    until grep -q ready "$2.out"; do sleep 0.1; done
}
servers >inside
printf '192.0.2.1 tcp 443 mute\n192.0.2.1 udp 3478 stun\n' >outside
start "$tag-in" inside
start "$tag-fw" outside
printf 'Port 3128\nListen 192.0.2.50\nTimeout 20\nMaxClients 200\nAllow 0.0.0.0/0\nLogLevel Critical\n' >proxy.conf
ip netns exec "$tag-out" tinyproxy -d -c proxy.conf >/dev/null 2>&1 &
pids+=($!)
sleep 1

{
    echo 'version: 1'
    echo 'profiles: { open: {}, udp-blocked: { block: [udp] }, https-only: { allow: [tcp/443, tcp/8443], via: http-connect } }'
    echo 'roles:'
    echo '  edge:'
    echo '    select: { tags: { role: edge } }'
    echo '    services:'
    for port in 443 8443; do echo "      tls-$port: { port: tcp/$port, from: internet, expect: { tls: { names: ['*.media.example'] } } }"; done
    for port in 8001 8002 8003 8004 8005 8006; do echo "      http-$port: { port: tcp/$port, from: internet, expect: http }"; done
    for port in 3478 3479; do echo "      stun-$port: { port: udp/$port, from: internet, expect: stun }"; done
    echo '    journeys:'
    echo '      media: { any_of: [stun-3478, stun-3479, tls-443, tls-8443, http-8001, http-8002, http-8003, http-8004, http-8005, http-8006] }'
    echo 'controls: [ { address: 192.0.2.1, port: tcp/443 } ]'
} >spec.yaml
printf 'vantages: { local: { reflect: "192.0.2.1:3478" } }\nscope: [192.0.2.1]\nproxies: { http-connect: "192.0.2.50:3128" }\n' >portcullis.yaml
python3 - "$root/fixtures/incidents/tokbox-2019/snapshot.json" <<'P'
import datetime, json, sys
ANY = "0.0.0.0/0"
def permission(protocol, low, high):
    return {"IpProtocol": protocol, "FromPort": low, "ToPort": high, "IpRanges": [{"CidrIp": ANY}]}
hosts = range(11, 15)
account, region = "111122223333", "eu-west-1"
entry = lambda egress: {"RuleNumber": 100, "Egress": egress, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": ANY}
view = {
    "Account": account, "Region": region,
    "Vpcs": [{"VpcId": "vpc-0", "CidrBlock": "10.77.0.0/16"}],
    "Subnets": [{"SubnetId": "subnet-0", "VpcId": "vpc-0", "CidrBlock": "10.77.0.0/24"}],
    "InternetGateways": [{"InternetGatewayId": "igw-0", "Attachments": [{"VpcId": "vpc-0", "State": "available"}]}],
    "RouteTables": [{"RouteTableId": "rtb-0", "VpcId": "vpc-0", "Associations": [{"Main": True}], "Routes": [
        {"DestinationCidrBlock": "10.77.0.0/16", "GatewayId": "local", "State": "active"},
        {"DestinationCidrBlock": ANY, "GatewayId": "igw-0", "State": "active"}]}],
    "NetworkAcls": [{"NetworkAclId": "acl-0", "VpcId": "vpc-0", "Associations": [{"SubnetId": "subnet-0"}],
                     "Entries": [entry(False), entry(True)]}],
    "SecurityGroups": [{"GroupId": "sg-0", "GroupName": "edge", "VpcId": "vpc-0", "IpPermissions": [
        permission("tcp", 443, 443), permission("tcp", 8443, 8443), permission("tcp", 8001, 8006), permission("udp", 3478, 3479)],
        "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANY}]}]}],
    "Instances": [{"InstanceId": f"i-{n}", "State": {"Name": "running"}, "SubnetId": "subnet-0", "VpcId": "vpc-0",
                   "PrivateIpAddress": f"10.77.0.{n}", "PublicIpAddress": f"203.0.113.{n}",
                   "Tags": [{"Key": "role", "Value": "edge"}]} for n in hosts],
    "NetworkInterfaces": [{"NetworkInterfaceId": f"eni-{n}", "Status": "in-use", "InterfaceType": "interface",
                           "SubnetId": "subnet-0", "VpcId": "vpc-0", "PrivateIpAddress": f"10.77.0.{n}",
                           "PrivateIpAddresses": [{"PrivateIpAddress": f"10.77.0.{n}", "Primary": True,
                                                   "Association": {"PublicIp": f"203.0.113.{n}"}}],
                           "Association": {"PublicIp": f"203.0.113.{n}"},
                           "Attachment": {"InstanceId": f"i-{n}", "Status": "attached", "DeviceIndex": 0},
                           "Groups": [{"GroupId": "sg-0", "GroupName": "edge"}]} for n in hosts],
    "BpaOptions": {"InternetGatewayBlockMode": "off"},
}
# Every call was made and answered: as in the incident's own snapshot, of this account and region.
fixture = json.load(open(sys.argv[1]))
calls = [dict(c, **{k: v for k, v in (("Account", account), ("account", account), ("Region", region), ("region", region)) if k in c})
         for c in fixture["calls"]]
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
json.dump({"format": "portcullis/snapshot/v1", "taken_at": now, "calls": calls, "regions": [view]}, open("snapshot.json", "w"))
P

# time_of NAME ARGUMENTS...: the median of the runs, in seconds.
time_of() {
    local name=$1 seconds=()
    shift
    for ((run = 0; run < runs; run++)); do
        local from=$EPOCHREALTIME
        ip netns exec "$tag-out" "$bin" gate --role edge --snapshot snapshot.json --peers 1 \
            "$@" --host i-11 i-12 i-13 >answer 2>&1 || { cat answer; exit 1; }
        grep -q '^PASS: 3 of 3' answer || { cat answer; exit 1; }
        seconds+=("$(python3 -c "print(f'{$EPOCHREALTIME - $from:.2f}')")")
    done
    printf '%-32s %s s (median of %s: %s)\n' "$name" \
        "$(printf '%s\n' "${seconds[@]}" | sort -n | sed -n "$(((runs + 1) / 2))p")" "$runs" "${seconds[*]}"
}
time_of "without the sweep" --no-sweep
time_of "all TCP ports, --rate 0" --rate 0
