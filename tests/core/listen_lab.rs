//! Path proof in a network of its own: a host whose application has not started, a packet filter
//! before it, an auditor outside.
//!
//! The addresses are documentation blocks that exist in the namespaces only; no link leads out.

use crate::common::{World, no_namespaces, skip};
use serde_json::Value;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const SPEC: &str = r#"version: 1
hosts:
  new-1: { addresses: [203.0.113.7, "2001:db8:77::7"], tags: { role: video } }
roles:
  video:
    select: { tags: { role: video } }
    services:
      rtp:  { port: udp/40000-49999, from: internet }
      turn: { port: udp/3478, from: internet, expect: stun }
      web:  { port: tcp/443, from: internet, expect: tls }
      api:  { port: tcp/8080, from: internet, expect: path }
      lost: { port: udp/5004, from: internet }
      gone: { port: tcp/8443, from: internet, expect: path }
controls:
  - { address: 203.0.113.7, port: tcp/8080 }
  - { address: "2001:db8:77::7", port: tcp/8080 }
"#;

const CONFIG: &str = r#"scope: [203.0.113.0/24, "2001:db8:77::/48"]
auditor: { key: auditor }
vantages: { local: { address: 198.51.100.9, address_v6: "2001:db8:9::9" } }
limits: { samples: 12 }
"#;

struct Lab {
    tag: String,
    world: World,
    listener: Option<Child>,
}

impl Lab {
    fn up() -> Option<Self> {
        if let Some(lack) = no_namespaces() {
            skip(&format!("path proof through a packet filter: {lack}"));
            return None;
        }
        static LABS: AtomicU32 = AtomicU32::new(0);
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let lab = Self {
            tag: format!("pl{number}-{}", std::process::id()),
            world: World::new(),
            listener: None,
        };
        lab.build();
        let pair = Ed25519Keypair::from_seed(&[1; 32]);
        let key = PrivateKey::new(KeypairData::Ed25519(pair), "auditor").expect("a key");
        let path =
            lab.world.file("auditor", key.to_openssh(LineEnding::LF).expect("PEM").as_bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        lab.world.file("auditor.pub", key.public_key().to_openssh().expect("a line"));
        lab.world.file("spec.yaml", SPEC);
        lab.world.file("portcullis.yaml", CONFIG);
        Some(lab)
    }

    fn build(&self) {
        let (out, fw, new) = (self.name("out"), self.name("fw"), self.name("new"));
        for namespace in [&out, &fw, &new] {
            ip(&["netns", "add", namespace]);
            ip(&["-n", namespace, "link", "set", "lo", "up"]);
        }
        for (a, left, b, right) in [("o0", &out, "f0", &fw), ("f1", &fw, "n0", &new)] {
            ip(&[
                "link", "add", a, "netns", left, "type", "veth", "peer", "name", b, "netns", right,
            ]);
            for (namespace, link) in [(left, a), (right, b)] {
                ip(&["-n", namespace, "link", "set", link, "up"]);
            }
        }
        for (namespace, address, link) in [
            (&out, "198.51.100.9/24", "o0"),
            (&fw, "198.51.100.1/24", "f0"),
            (&fw, "203.0.113.1/24", "f1"),
            (&new, "203.0.113.7/24", "n0"),
            (&out, "2001:db8:9::9/64", "o0"),
            (&fw, "2001:db8:9::1/64", "f0"),
            (&fw, "2001:db8:77::1/64", "f1"),
            (&new, "2001:db8:77::7/64", "n0"),
        ] {
            let nodad: &[&str] = if address.contains("::") { &["nodad"] } else { &[] };
            let mut words = vec!["-n", namespace, "addr", "add", address, "dev", link];
            words.extend(nodad);
            ip(&words);
        }
        for (namespace, v4, v6) in
            [(&out, "198.51.100.1", "2001:db8:9::1"), (&new, "203.0.113.1", "2001:db8:77::1")]
        {
            ip(&["-n", namespace, "route", "add", "default", "via", v4]);
            ip(&["-n", namespace, "-6", "route", "add", "default", "via", v6]);
        }
        run(self.within("fw", "sysctl").args([
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1",
        ]));
        // One port of each protocol is blocked.
        let rules = "table inet lab { chain forward { type filter hook forward priority 0; policy accept;\n\
                     udp dport 5004 drop\ntcp dport 8443 drop\n }\n}\n";
        let file = self.world.file("lab.nft", rules);
        run(self.within("fw", "nft").arg("-f").arg(&file));
    }

    fn name(&self, which: &str) -> String {
        format!("{}-{which}", self.tag)
    }

    fn within(&self, which: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name(which), program])
            .current_dir(self.world.folder());
        command
    }

    fn portcullis(&self, which: &str, arguments: &[&str]) -> Command {
        let mut command = self.within(which, env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(arguments)
            .env_remove("PORTCULLIS_CONFIG")
            .env_remove("PORTCULLIS_AUDITOR_KEY");
        command
    }

    /// Starts the listener on the new host; what it said once it was ready.
    fn listen(&mut self, more: &[&str]) -> String {
        let mut arguments = vec!["listen", "--role", "video", "--auditor", "auditor.pub"];
        arguments.extend(more);
        let mut child = self
            .portcullis("new", &arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the listener starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its stderr"));
        let mut said = String::new();
        while !said.contains("listening on") {
            assert_ne!(lines.read_line(&mut said).expect("it says so"), 0, "it ended: {said}");
        }
        // Kept open: a closed pipe would end it when it says something.
        std::thread::spawn(move || lines.lines().map_while(Result::ok).for_each(drop));
        self.listener = Some(child);
        said
    }

    /// What one probe from outside saw, by `address protocol/port`.
    fn probe(&self, ports: &str, expect: &str) -> Vec<Value> {
        let arguments =
            ["probe", "203.0.113.7", "2001:db8:77::7", "-p", ports, "--expect", expect, "--sorted"];
        let ran = self.portcullis("out", &arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        let rows: Vec<Value> = String::from_utf8_lossy(&ran.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("a row"))
            .collect();
        assert!(!rows.is_empty(), "{said}");
        rows
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut child) = self.listener.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        for which in ["out", "fw", "new"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name(which)]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments));
}

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `state confirmed service` of a row.
fn seen(row: &Value) -> (String, bool, String) {
    let text = |key: &str| row[key].as_str().unwrap_or("").to_owned();
    (text("state"), row["confirmed"] == true, text("service"))
}

fn all(rows: &[Value], state: &str, confirmed: bool, service: &str) {
    for row in rows {
        assert_eq!(seen(row), (state.into(), confirmed, service.into()), "{row}");
    }
}

/// The host refuses where nothing listens and the path is open: the kernel's own word is proof. Then
/// the listener proves what the kernel cannot, over both families, and the blocked port stays silent.
#[test]
fn an_open_path_is_proven_before_the_application_starts() {
    let Some(mut lab) = Lab::up() else { return };
    // Nothing listens: TCP and UDP are refused by the host itself, the blocked port says nothing.
    all(&lab.probe("tcp/8080,udp/40000", "path"), "refused", false, "");
    all(&lab.probe("udp/5004", "path"), "unproven", false, "");

    let said = lab.listen(&[]);
    assert!(said.contains("tcp/443,8080,8443"), "{said}");
    assert!(said.contains("udp/3478,5004,40000-49999"), "all ten thousand: {said}");
    assert!(!said.contains("not answered"), "{said}");

    // Sampled over the whole range, and its edges.
    all(&lab.probe("udp/40000,41234,45000,49998-49999", "path"), "open", true, "portcullis-listen");
    all(&lab.probe("tcp/8080", "path"), "open", true, "portcullis-listen");
    // Its handshake is none of the service's.
    all(&lab.probe("tcp/8080", "connect"), "wrong-service", false, "portcullis-listen");
    // The path is proven, the service is not.
    for (port, expect) in
        [("udp/3478", "stun"), ("tcp/443", "tls"), ("tcp/443", "https"), ("tcp/443", "ssh")]
    {
        let rows = lab.probe(port, expect);
        all(&rows, "open", false, "portcullis-listen");
        for row in rows {
            let detail = row["detail"].as_str().unwrap_or("");
            assert!(detail.contains("the path is proven, the service is not"), "{row}");
        }
    }
    // Blocked: the listener is there and cannot hear.
    all(&lab.probe("udp/5004", "path"), "unproven", false, "");

    // Without the key, and with a key that the listener does not know, nothing is proven.
    std::fs::write(
        lab.world.folder().join("portcullis.yaml"),
        CONFIG.replace("auditor: { key: auditor }\n", ""),
    )
    .expect("the configuration");
    all(&lab.probe("udp/40000", "path"), "unproven", false, "");
    let pair = Ed25519Keypair::from_seed(&[2; 32]);
    let other = PrivateKey::new(KeypairData::Ed25519(pair), "other").expect("a key");
    lab.world.file("auditor", other.to_openssh(LineEnding::LF).expect("PEM").as_bytes());
    lab.world.file("portcullis.yaml", CONFIG);
    all(&lab.probe("udp/40000", "path"), "unproven", false, "");
}

/// An audit of the spec itself: what the listener proves is fine, what it cannot prove is told.
#[test]
fn an_audit_takes_the_listeners_word_for_paths_alone() {
    let Some(mut lab) = Lab::up() else { return };
    lab.listen(&[]);
    let ran = lab
        .portcullis("out", &["audit", "spec.yaml", "--no-cloud", "--format", "json"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    let report: Value = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}\n{said}", String::from_utf8_lossy(&ran.stdout)));
    let mut findings: Vec<String> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|f| {
            format!("{} {}", f["rule"].as_str().unwrap_or(""), f["subject"].as_str().unwrap_or(""))
        })
        .collect();
    findings.sort();
    findings.dedup();
    let about = |words: &str| findings.iter().any(|f| f.contains(words));
    assert!(
        about("unconfirmed new-1 udp/3478") && about("unconfirmed new-1 tcp/443"),
        "{findings:?}"
    );
    assert!(about("declared-silent new-1 tcp/8443"), "{findings:?}");
    assert!(!about("udp/40000") && !about("tcp/8080"), "{findings:?}");
}
