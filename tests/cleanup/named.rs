//! Names that lead to what a job calls dead, by a real DNS server on loopback.

use crate::common::skip;
use crate::job::Job;
use crate::planned::{fleet, plan, told, words};
use crate::simworld::Sim;
use portcullis::cleanup::names::Names;
use portcullis::dns;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A dnsmasq that knows `example` alone: it refuses what is asked of anything else.
struct Dns {
    child: Child,
    at: SocketAddr,
}

impl Drop for Dns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn dnsmasq() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|folder| folder.join("dnsmasq")).find(|file| file.exists())
}

impl Dns {
    /// `hosts` is a folder of files with an address and a name a line, read again when one changes.
    fn up(hosts: &Path) -> Option<Self> {
        let Some(program) = dnsmasq() else {
            skip("names that lead to things: no dnsmasq");
            return None;
        };
        std::fs::create_dir_all(hosts).expect("a folder");
        // Another process may take the port before the server does.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").expect("loopback");
            let at = free.local_addr().expect("its address");
            drop(free);
            let child = Command::new(&program)
                .args(["--keep-in-foreground", "--conf-file=/dev/null", "--bind-interfaces"])
                .args(["--listen-address=127.0.0.1", "--no-resolv", "--no-hosts", "--pid-file"])
                .args([
                    "--local=/example/",
                    "--cname=shop.example,live.example",
                    "--log-facility=-",
                ])
                .arg(format!("--port={}", at.port()))
                .arg(format!("--hostsdir={}", hosts.display()))
                .args(["--user=root", "--address=/any.example/127.0.0.9"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("dnsmasq starts");
            let mut dns = Self { child, at };
            if dns.answers() {
                return Some(dns);
            }
        }
        panic!("dnsmasq did not come up");
    }

    fn answers(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end && self.child.try_wait().expect("its state").is_none() {
            if matches!(self.ask("nothing.example"), Ok(led) if led.is_empty()) {
                return true;
            }
        }
        false
    }

    fn ask(&self, name: &str) -> Result<BTreeSet<IpAddr>, String> {
        ask(self.at, name)
    }
}

fn ask(at: SocketAddr, name: &str) -> Result<BTreeSet<IpAddr>, String> {
    let options = dns::Options {
        resolvers: vec![at],
        timeout: Duration::from_millis(500),
        tries: 2,
        ..dns::Options::default()
    };
    let names = BTreeSet::from([name.to_owned()]);
    dns::ask(&names, &options).expect("asked").remove(name).expect("an answer for the name")
}

fn set(addresses: &[&str]) -> BTreeSet<IpAddr> {
    addresses.iter().map(|a| a.parse().expect("an address")).collect()
}

#[test]
fn no_and_no_answer_are_two_things() {
    let world = crate::common::World::new();
    let hosts = world.folder().join("hosts");
    let Some(dns) = Dns::up(&hosts) else { return };
    std::fs::write(hosts.join("a"), "192.0.2.7 live.example\n2001:db8::7 live.example\n")
        .expect("written");
    wait(|| dns.ask("live.example") == Ok(set(&["192.0.2.7", "2001:db8::7"])));
    assert_eq!(dns.ask("shop.example"), Ok(set(&["192.0.2.7", "2001:db8::7"])), "an alias");
    assert_eq!(dns.ask("gone.example"), Ok(set(&[])), "NXDOMAIN is a no");
    assert_eq!(dns.ask("portcullis-any.any.example"), Ok(set(&["127.0.0.9"])), "any label");
    let refused = dns.ask("live.elsewhere").expect_err("REFUSED is no answer");
    assert!(refused.to_lowercase().contains("refused"), "{refused}");
    // Somebody who never answers, and a port where nobody is.
    let mute = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    assert!(ask(mute.local_addr().expect("its address"), "live.example").is_err());
    // However many there are, it ends.
    let many: BTreeSet<String> = (0..1000).map(|n| format!("n{n}.example")).collect();
    let options = dns::Options {
        resolvers: vec![mute.local_addr().expect("its address")],
        within: Duration::from_secs(1),
        ..dns::Options::default()
    };
    let answers = dns::ask(&many, &options).expect("asked");
    assert_eq!(answers.len(), 1000);
    assert!(answers.values().all(|a| a.as_ref().is_err_and(|why| why.contains("within 1 s"))));
    let nobody = mute.local_addr().expect("its address");
    drop(mute);
    assert!(ask(nobody, "live.example").is_err());
}

fn wait(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !what() {
        assert!(Instant::now() < end, "it did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_name_leads_to_is_not_planned() {
    let fleet = fleet(|fleet| {
        let ids = [("2", 120), ("1", 40)].into_iter();
        let ids = ids.flat_map(|(g, count)| (0..count).map(move |n| format!("sv-{g}-{n}")));
        for (n, id) in ids.enumerate() {
            let address = match n {
                1 => "192.0.2.8:8080".to_owned(),
                _ => format!("192.0.2.{}", 7 + n),
            };
            fleet.servo(&id)["attributes"]["addresses"] = json!(address);
        }
    });
    let hosts = fleet.sim.path("hosts");
    let Some(dns) = Dns::up(&hosts) else { return };
    let resolver = format!("--resolver={}", dns.at);
    let ran = |more: &[&str]| {
        let ran = plan(&fleet, &[&["--format=json", &resolver], more].concat());
        let told = told(&ran);
        let items = told["items"].as_array().expect("items").len();
        (items, told, ran)
    };
    ran(&[]);
    assert_eq!(ran(&[]).0, 2, "without names both are planned");
    fleet.sim.folder.file("names", "live.example\nother.example\n");
    assert_eq!(ran(&["--names=names"]).0, 2, "names that lead nowhere keep nothing");
    std::fs::write(hosts.join("a"), "192.0.2.8 live.example\n").expect("written");
    wait(|| dns.ask("live.example") == Ok(set(&["192.0.2.8"])));
    let (items, told, shown) = ran(&["--names=names"]);
    assert_eq!(items, 0, "who calls that dead is wrong, about its class too: {shown}");
    let why = |id: &str| {
        let all = told["refused"].as_array().expect("refused");
        let of = all.iter().find(|r| r["item"]["id"] == id).expect("refused");
        (of["reason"].as_str().unwrap_or_default(), of["says"].as_str().unwrap_or_default())
    };
    assert_eq!(why("sv-2-1"), ("live", "named (dns): live.example leads to 192.0.2.8"));
    assert_eq!(why("sv-2-0").0, "control-live-hit");
    // A name that nobody answers for may lead anywhere; a record that is written down leads there.
    std::fs::remove_file(hosts.join("a")).expect("removed");
    fleet.sim.folder.file("names", "live.elsewhere\n");
    let (items, told, _) = ran(&["--names=names"]);
    assert_eq!(items, 0);
    let unknown = told["refused"].to_string();
    assert!(unknown.contains("where live.elsewhere leads nobody said"), "{unknown}");
    let zone = r#"{"ResourceRecordSets": [{"Name": "private.example.", "Type": "A",
                   "ResourceRecords": [{"Value": "192.0.2.7"}]}]}"#;
    fleet.sim.folder.file("zone.json", zone);
    let (_, told, _) = ran(&["--names=zone.json"]);
    assert!(told["refused"].to_string().contains("private.example has a record"), "{told}");
    // Standard input says it once.
    let piped = words(&fleet, &["--format=json", &resolver, "--names=-"]);
    let list = std::fs::File::open(fleet.sim.path("zone.json")).expect("the list");
    let ran = fleet.sim.folder.command(&piped).stdin(list).output().expect("the binary starts");
    let shown = String::from_utf8_lossy(&ran.stdout);
    assert!(shown.contains("private.example has a record"), "{ran:?}");
    for (text, says) in [("", "no name"), ("two words\n", "line 1")] {
        fleet.sim.folder.file("names", text);
        let ran = plan(&fleet, &["--names=names", &resolver]);
        assert!(ran.code == Some(2) && ran.stderr.contains(says), "{ran}");
    }
}

/// A name leads to the second thing since the plan was made.
#[test]
fn c03_a_name_that_leads_to_it_meanwhile_keeps_it() {
    let three = ["sv-1", "sv-2", "sv-3"];
    let job = |pinned: bool| {
        let mut sim = three.into_iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}));
        for (n, address) in ["192.0.2.1", "192.0.2.2", "192.0.2.3"].into_iter().enumerate() {
            sim.data["resources"][n]["attributes"]["addresses"] = json!(address);
        }
        let mut names = Names::default();
        names.read(b"live.example\n").expect("a list");
        let digest = pinned.then(|| names.digest());
        Job::new(sim, &three, |plan| plan.pins.names = digest)
    };
    let it = job(true);
    let hosts = it.sim.path("hosts");
    let Some(dns) = Dns::up(&hosts) else { return };
    std::fs::write(hosts.join("a"), "192.0.2.2 live.example\n").expect("written");
    wait(|| dns.ask("live.example") == Ok(set(&["192.0.2.2"])));
    it.sim.folder.file("names", "live.example\n");
    let resolver = format!("--resolver={}", dns.at);
    let (ran, _) = it.apply(&["--attached", &resolver]);
    assert!(ran.code == Some(2) && ran.stderr.contains("flag-loosens"), "{ran}");
    // Another list is no list: what it leaves out may be what leads there.
    it.sim.folder.file("others", "other.example\n");
    let (ran, _) = it.apply(&["--attached", &resolver, "--names=others"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("flag-loosens"), "{ran}");
    assert!(it.acted().is_empty());
    let (ran, told) = it.apply(&["--attached", &resolver, "--names=names"]);
    assert_eq!(told["items"][1]["reason"], "came-alive", "{ran}");
    assert!(told["items"][1]["says"].as_str().unwrap_or_default().contains("dns"), "{ran}");
    assert_eq!(it.acted(), ["sv-1"], "its stratum is held with it");
    // Of a plan that was made without names nobody asks, and the thing in use goes.
    let deaf = job(false);
    let (ran, _) = deaf.apply(&["--attached"]);
    assert_eq!((ran.code, deaf.acted().len()), (Some(0), 3), "{ran}");
}
