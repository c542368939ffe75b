//! Every observed state, in IPv4 and IPv6, through a real packet filter.

use super::namespace::Row;
use crate::common::{World, no_namespaces, skip};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Observations by address and `proto/port`.
struct Seen(BTreeMap<(String, String), Value>);

impl Seen {
    fn of(output: &[u8]) -> Self {
        let text = std::str::from_utf8(output).expect("UTF-8");
        let row = |line: &str| {
            let seen: Value = serde_json::from_str(line).expect("a JSON line");
            let address = seen["address"].as_str().expect("an address").to_owned();
            let port = format!("{}/{}", seen["protocol"].as_str().expect("one"), seen["port"]);
            ((address, port), seen)
        };
        Self(text.lines().map(row).collect())
    }

    fn row(&self, address: &str, port: &str) -> &Value {
        let key = (address.to_owned(), port.to_owned());
        self.0.get(&key).unwrap_or_else(|| panic!("nothing said of {address} {port}"))
    }

    fn state(&self, address: &str, port: &str) -> &str {
        self.row(address, port)["state"].as_str().expect("a state")
    }
}

fn probe(row: &Row, before: &[&str], arguments: &[&str]) -> Seen {
    probe_in(row, "[10.77.0.0/16, \"fd77::/16\"]", before, arguments)
}

fn probe_in(row: &Row, scope: &str, before: &[&str], arguments: &[&str]) -> Seen {
    let world = World::new();
    world.file("portcullis.yaml", format!("version: 1\nscope: {scope}\n"));
    let output = Command::new("ip")
        .args(["netns", "exec", &row.outside()])
        .args(before)
        .arg(env!("CARGO_BIN_EXE_portcullis"))
        .arg("probe")
        .args(arguments)
        .current_dir(world.folder())
        .output()
        .expect("the binary starts");
    let seen = Seen::of(&output.stdout);
    assert!(!seen.0.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    seen
}

const HOSTS: [&str; 2] = ["10.77.2.2", "fd77:2::2"];
/// Addresses that the gate has no way to.
const NOWHERE: [&str; 2] = ["10.77.3.1", "fd77:3::1"];

#[test]
fn each_state_is_told_apart_in_both_families() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("observed states through a packet filter: {lack}"));
    }
    let row = Row::new();
    let ports = "tcp/22,1000-1006,udp/2000,2001,2003,2004,2006,3478";
    let seen = probe(&row, &[], &[&HOSTS[..], &["--ports", ports]].concat());
    for (host, gate) in [("10.77.2.2", "10.77.1.2"), ("fd77:2::2", "fd77:1::2")] {
        for (port, state) in [
            ("tcp/22", "open"),
            ("tcp/1000", "open"),
            ("tcp/1001", "silent"),
            ("tcp/1002", "rejected"),
            ("tcp/1003", "rejected"),
            ("tcp/1004", "rejected"),
            ("tcp/1005", "unreachable"),
            ("tcp/1006", "refused"),
            ("udp/2000", "unproven"),
            ("udp/2001", "unproven"),
            ("udp/2003", "rejected"),
            ("udp/2004", "rejected"),
            ("udp/2006", "refused"),
            ("udp/3478", "open"),
        ] {
            assert_eq!(seen.state(host, port), state, "{}", seen.row(host, port));
        }
        for port in ["tcp/1003", "tcp/1004", "tcp/1005", "udp/2003", "udp/2004"] {
            assert_eq!(seen.row(host, port)["by"], gate, "who rejected {host} {port}");
        }
        for port in ["tcp/1006", "udp/2006"] {
            assert_eq!(seen.row(host, port)["by"], host, "who refused {host} {port}");
        }
        assert_eq!(seen.row(host, "tcp/22")["service"], "ssh");
        assert_eq!(seen.row(host, "udp/3478")["service"], "stun");
        assert_eq!(seen.row(host, "udp/3478")["confirmed"], true);
    }
    // One port: routers limit these errors to one a second, and no switch of ours turns that off.
    let seen = probe(&row, &[], &[&NOWHERE[..], &["--ports", "tcp/22"]].concat());
    for nowhere in NOWHERE {
        assert_eq!(seen.state(nowhere, "tcp/22"), "unreachable", "{}", seen.row(nowhere, "tcp/22"));
    }
}

/// Two endpoints tell little of a path's loss; what answered is asked again until they tell enough.
#[test]
fn a_small_survey_soon_knows_what_silence_is_worth() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("evidence in small surveys: {lack}"));
    }
    let row = Row::new();
    let seen = probe(&row, &[], &["10.77.2.2", "--ports", "tcp/22,1001"]);
    let silent = seen.row("10.77.2.2", "tcp/1001");
    assert_eq!(silent["state"], "silent", "{silent}");
    assert!(silent["tries"].as_u64().is_some_and(|n| n < 10), "{silent}");
    let detail = silent["detail"].as_str().expect("what it is worth");
    let (_, miss) = detail.split_once("chance of a miss ").expect("a chance");
    let miss: f64 = miss.split(';').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(miss <= 1e-5, "{silent}");
}

#[test]
fn an_expectation_decides_what_silence_and_other_services_are() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("expectations through a packet filter: {lack}"));
    }
    let row = Row::new();
    for host in ["10.77.2.2", "fd77:2::2"] {
        let stun = probe(&row, &[], &[host, "--ports", "udp/2001,3478", "--expect", "stun"]);
        assert_eq!(stun.state(host, "udp/2001"), "silent");
        assert_eq!(stun.state(host, "udp/3478"), "open");
        let http = probe(&row, &[], &[host, "--ports", "tcp/22,1000", "--expect", "http"]);
        assert_eq!(http.state(host, "tcp/22"), "wrong-service");
        assert_eq!(http.row(host, "tcp/22")["service"], "ssh");
        assert_eq!(http.state(host, "tcp/1000"), "open");
        assert_eq!(http.row(host, "tcp/1000")["confirmed"], false);
    }
}

#[test]
fn without_raw_sockets_it_says_that_a_rst_is_not_told_apart() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("probing without privileges: {lack}"));
    }
    let without = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];
    if !Command::new("setpriv").arg("--version").output().is_ok_and(|o| o.status.success()) {
        return skip("probing without privileges: no setpriv");
    }
    let row = Row::new();
    let seen = probe(&row, &without, &[&HOSTS[..], &["--ports", "tcp/1000,1002-1006"]].concat());
    for host in ["10.77.2.2", "fd77:2::2"] {
        let reset = seen.row(host, "tcp/1002");
        assert_eq!(reset["state"], "refused");
        assert!(reset["detail"].as_str().is_some_and(|d| d.contains("cannot be told apart")));
        // ICMP needs no privilege: the kernel tells who sent it.
        for (port, state) in
            [("tcp/1003", "rejected"), ("tcp/1004", "rejected"), ("tcp/1005", "unreachable")]
        {
            assert_eq!(seen.state(host, port), state, "{}", seen.row(host, port));
        }
    }
}

#[test]
fn a_port_that_only_answers_because_we_send_from_it_is_closed() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("connections of a port to itself: {lack}"));
    }
    let row = Row::new();
    // The kernel has one port to send from, and it is the one asked: connecting to it succeeds.
    row.sysctl(&row.outside(), &["net.ipv4.ip_local_port_range=40000 40000"]);
    for own in ["127.0.0.1", "10.77.1.1"] {
        let one = ["--ports", "tcp/40000", "--no-identify"];
        let seen = probe_in(&row, "[127.0.0.0/8, 10.77.0.0/16]", &[], &[&[own], &one[..]].concat());
        assert_eq!(seen.state(own, "tcp/40000"), "refused", "{}", seen.row(own, "tcp/40000"));
    }
}

#[test]
fn no_route_from_here_is_our_own_trouble_and_not_silence() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("trouble of the vantage itself: {lack}"));
    }
    let row = Row::new();
    let down = Command::new("ip")
        .args(["-n", &row.outside(), "route", "del", "default"])
        .status()
        .expect("ip starts");
    assert!(down.success());
    let seen = probe(&row, &[], &["10.77.2.2", "--ports", "tcp/22,udp/3478"]);
    assert_eq!(seen.state("10.77.2.2", "tcp/22"), "failed");
    assert_eq!(seen.state("10.77.2.2", "udp/3478"), "failed");
}
