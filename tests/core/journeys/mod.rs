//! Customer configurations on a real network, with the proxies that Debian has: each works where
//! its path does, and is broken where exactly that path is, while the open profile stays well.

mod lab;

use crate::common::Ran;
use lab::{Lab, PROXY, says, serve, stun, tls};
use serde_json::Value;

/// One host with every service twice: at its IPv4 and at its IPv6 address.
fn spec(profiles: &str) -> String {
    format!(
        "version: 1
profiles: {profiles}
roles:
  video:
    select: {{ tags: {{ role: video }} }}
    services:
      turn-udp: {{ port: udp/3478, from: internet, expect: stun }}
      turn-tls: {{ port: tcp/443, from: internet, expect: {{ tls: {{ names: [a.media.example] }} }} }}
      console: {{ port: tcp/22, from: internet, expect: ssh }}
    journeys:
      media: {{ any_of: [turn-udp, turn-tls] }}
hosts:
  video-1: {{ addresses: [203.0.113.11, '2001:db8:1::11'], tags: {{ role: video }} }}
controls:
  - {{ address: 203.0.113.250, port: tcp/22 }}
  - {{ address: '2001:db8:1::250', port: tcp/22 }}
  - {{ address: 203.0.113.250, port: udp/3478 }}
  - {{ address: '2001:db8:1::250', port: udp/3478 }}
"
    )
}

const CONFIG: &str = "vantages: { local: { address: 192.0.2.50, address_v6: '2001:db8:50::50' } }
scope: [203.0.113.0/24, '2001:db8:1::/64']
";

fn build(needs: &[&str], profiles: &str, proxies: &str) -> Option<Lab> {
    let lab = Lab::up(needs)?;
    lab.world.file("spec.yaml", spec(profiles));
    lab.world.file("portcullis.yaml", format!("{CONFIG}{proxies}"));
    lab.gate("");
    lab.within("in", || {
        for address in ["203.0.113.11", "[2001:db8:1::11]"] {
            serve(&format!("{address}:443"), tls("a.media.example", 60));
            serve(&format!("{address}:22"), says(b"SSH-2.0-test\r\n"));
            stun(&format!("{address}:3478"));
        }
        for address in ["203.0.113.250", "[2001:db8:1::250]"] {
            serve(&format!("{address}:22"), says(b"SSH-2.0-control\r\n"));
            stun(&format!("{address}:3478"));
        }
    });
    Some(lab)
}

struct Seen {
    report: Value,
    ran: Ran,
}

fn audit(lab: &Lab, variables: &[(&str, &str)]) -> Seen {
    let ran = lab.audit(variables);
    let report = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"));
    Seen { report, ran }
}

impl Seen {
    /// What became of the journey for a profile: `works turn-tls`, `broken`, …
    fn outcome(&self, profile: &str) -> String {
        let cells: Vec<&Value> = self.report["journeys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|c| c["profile"] == profile)
            .collect();
        let [cell] = cells.as_slice() else { panic!("{profile}: {}", self.ran) };
        match (cell["outcome"].as_str(), cell["service"].as_str(), cell["unknown"].as_str()) {
            (Some(outcome), Some(service), _) => format!("{outcome} {service}"),
            (Some(outcome), None, Some(why)) => format!("{outcome}: {why}"),
            (Some(outcome), None, None) => outcome.into(),
            (None, ..) => panic!("{}", self.ran),
        }
    }

    /// Why an endpoint of a service counts as it does for a profile.
    fn why(&self, profile: &str, service: &str) -> String {
        let cells = self.report["journeys"].as_array().into_iter().flatten();
        let tried = cells.filter(|c| c["profile"] == profile).flat_map(|c| c["tried"].as_array());
        let whys = tried.flatten().filter(|t| t["service"] == service);
        whys.map(|t| {
            format!("{}: {}", t["state"].as_str().unwrap_or(""), t["why"].as_str().unwrap_or(""))
        })
        .collect::<Vec<_>>()
        .join(" / ")
    }

    /// `rule subject` of every finding.
    fn findings(&self) -> Vec<String> {
        let all = self.report["findings"].as_array().into_iter().flatten();
        all.map(|f| {
            format!("{} {}", f["rule"].as_str().unwrap_or(""), f["subject"].as_str().unwrap_or(""))
        })
        .collect()
    }

    fn broken(&self, profile: &str) -> &Value {
        let subject = format!("video-1 journey media as {profile}");
        let all = self.report["findings"].as_array().into_iter().flatten();
        all.into_iter()
            .find(|f| f["rule"] == "journey-broken" && f["subject"] == subject.as_str())
            .unwrap_or_else(|| panic!("no finding of {profile}: {}", self.ran))
    }
}

const FOUR: &str = "{ open: {}, udp-blocked: { block: [udp] }, https-only: { allow: [tcp/443], via: http-connect }, socks: { via: socks5 } }";
const PROXIES: &str =
    "proxies: { http-connect: '198.51.100.7:3128', socks5: '198.51.100.7:1080' }\n";

#[test]
fn every_configuration_works_where_its_path_does() {
    let profiles = "{ open: {}, udp-blocked: { block: [udp] }, https-only: { allow: [tcp/443], via: http-connect }, socks: { via: socks5 }, v6: { family: ipv6 }, small: { mtu: 1280 }, small-tls: { mtu: 1280, block: [udp] } }";
    let Some(mut lab) = build(&["tinyproxy", "danted"], profiles, PROXIES) else { return };
    lab.tinyproxy("");
    lab.dante();
    let seen = audit(&lab, &[]);
    let all = ["open", "udp-blocked", "https-only", "socks", "v6", "small", "small-tls"];
    let outcomes: Vec<String> = all.iter().map(|p| format!("{p} {}", seen.outcome(p))).collect();
    assert_eq!(
        outcomes,
        [
            "open works turn-udp",
            "udp-blocked works turn-tls",
            "https-only works turn-tls",
            "socks works turn-udp",
            "v6 works turn-udp",
            "small works turn-udp",
            "small-tls works turn-tls",
        ],
        "{}",
        seen.ran
    );
    assert_eq!(seen.ran.code, Some(0), "{}", seen.ran);
    // It really went through: what was asked in the tunnel is what answered.
    assert!(seen.why("https-only", "turn-tls").contains("open: tls"), "{}", seen.ran);
}

#[test]
fn a_closed_443_breaks_customers_behind_a_web_proxy_and_nobody_else() {
    let Some(mut lab) = build(&["tinyproxy", "danted"], FOUR, PROXIES) else { return };
    lab.tinyproxy("");
    lab.dante();
    lab.gate("tcp dport 443 drop");
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "{}", seen.ran);
    assert_eq!(seen.outcome("socks"), "works turn-udp", "udp goes through this proxy");
    assert_eq!(seen.outcome("udp-blocked"), "broken");
    assert_eq!(seen.outcome("https-only"), "broken", "{}", seen.ran);
    let finding = seen.broken("https-only");
    assert_eq!(finding["severity"], "high");
    let text = finding.to_string();
    for word in
        ["turn-tls at 203.0.113.11 tcp/443", "turn-udp is not for them", "only tcp/443 is let out"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    // Without the profiles nobody says that these customers are cut off.
    lab.world.file("spec.yaml", spec("{ open: {} }"));
    let blind = audit(&lab, &[]);
    assert!(!blind.findings().iter().any(|f| f.starts_with("journey-")), "{}", blind.ran);
}

#[test]
fn only_the_proxys_way_is_broken() {
    let Some(mut lab) = build(&["tinyproxy", "danted"], FOUR, PROXIES) else { return };
    lab.tinyproxy("");
    lab.dante();
    // What comes from the proxies' network reaches the control and nothing else.
    lab.gate(&format!(
        "ip saddr {PROXY} ip daddr 203.0.113.11 drop\nip6 saddr 2001:db8:51::/64 ip6 daddr 2001:db8:1::11 drop"
    ));
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "{}", seen.ran);
    assert_eq!(seen.outcome("udp-blocked"), "works turn-tls");
    for profile in ["https-only", "socks"] {
        let outcome = seen.outcome(profile);
        assert!(outcome == "broken", "{profile}: {outcome}: {}", seen.ran);
    }
    assert!(seen.findings().iter().all(|f| f.starts_with("journey-broken")), "{}", seen.ran);
}

#[test]
fn a_wrong_name_in_the_tunnel_is_seen_in_the_tunnel() {
    let Some(mut lab) = build(&["tinyproxy", "danted"], FOUR, PROXIES) else { return };
    lab.tinyproxy("");
    lab.dante();
    // Customers behind proxies are led to another server than everybody else.
    lab.within("in", || {
        serve("203.0.113.11:8443", tls("other.example", 60));
        serve("[2001:db8:1::11]:8443", tls("other.example", 60));
    });
    let redirect = format!(
        "table inet steer {{ chain in {{ type nat hook prerouting priority -100\nip saddr {PROXY} tcp dport 443 dnat ip to 203.0.113.11:8443\nip6 saddr 2001:db8:51::/64 tcp dport 443 dnat ip6 to [2001:db8:1::11]:8443\n}}\n}}\n"
    );
    let file = lab.world.file("steer.nft", redirect);
    let loaded = std::process::Command::new("ip")
        .args(["netns", "exec", &lab.end("in"), "nft", "-f"])
        .arg(file)
        .status();
    assert!(loaded.is_ok_and(|s| s.success()), "the redirection");
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "{}", seen.ran);
    assert_eq!(seen.outcome("udp-blocked"), "works turn-tls");
    assert_eq!(seen.outcome("https-only"), "broken", "{}", seen.ran);
    let why = seen.why("https-only", "turn-tls");
    assert!(why.contains("not for a.media.example"), "{why}");
}

#[test]
fn a_proxys_own_trouble_is_a_gap_and_says_nothing_of_the_target() {
    let profiles = "{ unnamed: { via: branch }, locked: { via: http-connect, allow: [tcp/443] }, gone: { via: gone, block: [udp] }, forbidding: { via: forbidding, block: [udp] } }";
    let proxies = "proxies:
  http-connect: { listens: '198.51.100.7:3128', login_env: PROXY_LOGIN }
  gone: { listens: '198.51.100.7:9', kind: socks5 }
  forbidding: { listens: '198.51.100.7:1081', kind: socks5, login_env: PROXY_LOGIN }
";
    let Some(mut lab) = build(&["tinyproxy", "microsocks"], profiles, proxies) else { return };
    lab.tinyproxy("BasicAuth somebody secret\n");
    lab.proxy("microsocks", &["-i", PROXY, "-p", "1081", "-u", "somebody", "-P", "secret"], 1081);
    let seen = audit(&lab, &[("PROXY_LOGIN", "somebody:wrong")]);
    for (profile, words) in [
        ("unnamed", "names no `branch`"),
        ("locked", "the proxy asks for another login"),
        ("gone", "cannot be reached"),
        ("forbidding", "the proxy refuses the login"),
    ] {
        let outcome = seen.outcome(profile);
        assert!(
            outcome.starts_with("unknown: ") && outcome.contains(words),
            "{profile}: {outcome}: {}",
            seen.ran
        );
    }
    assert_eq!(seen.findings(), Vec::<String>::new(), "{}", seen.ran);
    assert_eq!(seen.ran.code, Some(3), "gaps are not clean: {}", seen.ran);
    assert!(!seen.ran.stdout.contains("wrong"), "no login is told");
    // With the login it works.
    let seen = audit(&lab, &[("PROXY_LOGIN", "somebody:secret")]);
    assert_eq!(seen.outcome("locked"), "works turn-tls", "{}", seen.ran);
    assert_eq!(seen.outcome("forbidding"), "works turn-tls", "{}", seen.ran);
    // Without it the machine says so.
    let seen = audit(&lab, &[]);
    assert!(seen.outcome("locked").contains("PROXY_LOGIN is not set"), "{}", seen.ran);
}

/// A proxy that intercepts says yes before it connects, and then to ports where nothing listens too.
#[test]
fn a_proxy_that_says_yes_to_everything_proves_no_connection() {
    let Some(mut lab) = build(&["tinyproxy"], "{}", "") else { return };
    let yes = says(b"HTTP/1.1 200 Connection established\r\n\r\n");
    lab.within("prx", move || serve(&format!("{PROXY}:9001"), yes));
    lab.tinyproxy("");
    lab.world.file(
        "portcullis.yaml",
        format!("{CONFIG}proxies: {{ honest: {{ listens: '{PROXY}:3128', kind: http-connect }}, lying: {{ listens: '{PROXY}:9001', kind: http-connect }} }}\n"),
    );
    for expect in ["connect", "{ tls: { names: [a.media.example] } }"] {
        lab.world.file(
            "spec.yaml",
            format!(
                "version: 1
profiles: {{ honest: {{ via: honest }}, lying: {{ via: lying }} }}
roles:
  video:
    select: {{ tags: {{ role: video }} }}
    services: {{ web: {{ port: tcp/443, from: internet, expect: {expect} }} }}
    journeys: {{ media: {{ any_of: [web] }} }}
hosts: {{ video-1: {{ addresses: [203.0.113.11], tags: {{ role: video }} }} }}
controls: [{{ address: 203.0.113.250, port: tcp/22 }}]
"
            ),
        );
        let seen = audit(&lab, &[]);
        assert_eq!(seen.outcome("honest"), "works web", "{expect}: {}", seen.ran);
        assert!(!seen.outcome("lying").starts_with("works"), "{expect}: {}", seen.ran);
        if expect == "connect" {
            assert_eq!(seen.outcome("lying"), "unproven", "{}", seen.ran);
            assert!(seen.why("lying", "web").contains("its word proves nothing"), "{}", seen.ran);
        }
    }
}

#[test]
fn customers_with_ipv6_only_are_cut_off_where_only_ipv4_is_served() {
    let Some(lab) = build(&[], "{ open: {}, v6: { family: ipv6 } }", "") else { return };
    lab.gate("ip6 daddr 2001:db8:1::11 drop");
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "{}", seen.ran);
    assert_eq!(seen.outcome("v6"), "broken", "{}", seen.ran);
    let text = spec("{ open: {}, v6: { family: ipv6 } }").replace(", '2001:db8:1::11'", "");
    lab.world.file("spec.yaml", text);
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "{}", seen.ran);
    assert_eq!(seen.outcome("v6"), "broken");
    assert!(seen.broken("v6").to_string().contains("no IPv6 address"), "{}", seen.ran);
}

#[test]
fn a_black_hole_for_full_packets_breaks_customers_with_small_links() {
    let profiles = "{ open: {}, small: { mtu: 1280, family: ipv4 }, small-tls: { mtu: 1280, family: ipv4, block: [udp] } }";
    let Some(lab) = build(&[], profiles, "") else { return };
    assert_eq!(audit(&lab, &[]).outcome("small-tls"), "works turn-tls");
    // The gate's link carries less than is sent, and its word of that is lost.
    lab.link_mtu(1100);
    lab.gate("ip daddr 203.0.113.11 udp length > 1000 drop");
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("open"), "works turn-udp", "small questions pass: {}", seen.ran);
    assert_eq!(seen.outcome("small"), "broken", "{}", seen.ran);
    assert_eq!(seen.outcome("small-tls"), "broken", "{}", seen.ran);
    let (udp, tcp) = (seen.why("small", "turn-udp"), seen.why("small-tls", "turn-tls"));
    assert!(udp.contains("dropped on the way and nobody is told"), "{udp}");
    assert!(tcp.contains("dropped on the way, and the server is not told"), "{tcp}");
}

#[test]
fn a_filter_against_small_segments_breaks_customers_with_small_links_only() {
    let profiles = "{ tls: { block: [udp], family: ipv4 }, small-tls: { mtu: 1280, family: ipv4, block: [udp] } }";
    let Some(lab) = build(&[], profiles, "") else { return };
    lab.gate("tcp option maxseg size < 1300 drop");
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("tls"), "works turn-tls", "{}", seen.ran);
    assert_eq!(seen.outcome("small-tls"), "broken", "{}", seen.ran);
}

#[test]
fn what_is_too_short_to_fill_a_packet_proves_nothing_of_full_ones() {
    let text =
        spec("{ small: { mtu: 1280, family: ipv4 } }").replace("[turn-udp, turn-tls]", "[console]");
    let Some(lab) = build(&[], "{}", "") else { return };
    lab.world.file("spec.yaml", text);
    let seen = audit(&lab, &[]);
    assert_eq!(seen.outcome("small"), "unproven", "{}", seen.ran);
    assert!(
        seen.why("small", "console").contains("nothing that it sent filled a packet"),
        "{}",
        seen.ran
    );
}
