//! Three network namespaces: outside, packet filter, inside. Torn down when dropped.
//!
//! The addresses are documentation blocks that exist in the namespaces only; no link leads out of
//! them. Outside is 192.0.2.50, the packet filter 192.0.2.1; inside is all of 203.0.113.0/24 and
//! 10.20.0.0/16.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct Lab {
    tag: String,
    pub(crate) dir: PathBuf,
    servers: Vec<Child>,
}

static LABS: AtomicU32 = AtomicU32::new(0);

impl Lab {
    /// Builds the lab with nftables statements for what is forwarded, in order; or says why it
    /// cannot be had here.
    pub(crate) fn up(filter: &str) -> Option<Self> {
        if let Some(lack) = crate::common::no_namespaces() {
            crate::common::skip(&format!("the lab of a real network: {lack}"));
            return None;
        }
        let tag = format!("pa{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(format!("portcullis-{tag}"));
        std::fs::create_dir_all(&dir).expect("a folder");
        let lab = Self { tag, dir, servers: Vec::new() };
        lab.build();
        lab.filter(filter);
        Some(lab)
    }

    fn namespace(&self, which: &str) -> String {
        format!("{}-{which}", self.tag)
    }

    /// A command inside one namespace: `out`, `fw` or `in`.
    pub(crate) fn within(&self, which: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(which), program]);
        command
    }

    /// The binary, run in a namespace and in the lab's folder.
    pub(crate) fn portcullis(&self, which: &str, arguments: &[&str]) -> Command {
        let mut command = self.within(which, env!("CARGO_BIN_EXE_portcullis"));
        command.args(arguments).current_dir(&self.dir).stdin(Stdio::null());
        command.env("HOME", &self.dir).env_remove("PORTCULLIS_CONFIG").env("COLUMNS", "100");
        command
    }

    fn build(&self) {
        let (out, fw, inside) = (self.namespace("out"), self.namespace("fw"), self.namespace("in"));
        for namespace in [&out, &fw, &inside] {
            run(&["ip", "netns", "add", namespace]);
            run(&["ip", "-n", namespace, "link", "set", "lo", "up"]);
        }
        for (a, left, b, right) in [("o0", &out, "f0", &fw), ("f1", &fw, "i0", &inside)] {
            run(&[
                "ip", "link", "add", a, "netns", left, "type", "veth", "peer", "name", b, "netns",
                right,
            ]);
            run(&["ip", "-n", left, "link", "set", a, "up"]);
            run(&["ip", "-n", right, "link", "set", b, "up"]);
        }
        run(&["ip", "-n", &out, "addr", "add", "192.0.2.50/24", "dev", "o0"]);
        run(&["ip", "-n", &fw, "addr", "add", "192.0.2.1/24", "dev", "f0"]);
        run(&["ip", "-n", &fw, "addr", "add", "10.78.0.1/30", "dev", "f1"]);
        run(&["ip", "-n", &inside, "addr", "add", "10.78.0.2/30", "dev", "i0"]);
        run(&["ip", "-n", &out, "route", "add", "default", "via", "192.0.2.1"]);
        run(&["ip", "-n", &inside, "route", "add", "default", "via", "10.78.0.1"]);
        for block in ["203.0.113.0/24", "10.20.0.0/16"] {
            run(&["ip", "-n", &inside, "route", "add", "local", block, "dev", "lo"]);
        }
        run(&["ip", "-n", &fw, "route", "add", "203.0.113.0/24", "via", "10.78.0.2"]);
        let forward = self.within("fw", "sysctl").args(["-qw", "net.ipv4.ip_forward=1"]).status();
        assert!(forward.is_ok_and(|s| s.success()), "cannot forward");
    }

    /// Adds a fourth namespace, `office`: 198.51.100.7 behind a link of its own to the packet filter.
    pub(crate) fn office(&self) {
        let (office, fw) = (self.namespace("office"), self.namespace("fw"));
        run(&["ip", "netns", "add", &office]);
        run(&["ip", "-n", &office, "link", "set", "lo", "up"]);
        run(&[
            "ip", "link", "add", "b0", "netns", &office, "type", "veth", "peer", "name", "f2",
            "netns", &fw,
        ]);
        run(&["ip", "-n", &office, "link", "set", "b0", "up"]);
        run(&["ip", "-n", &fw, "link", "set", "f2", "up"]);
        run(&["ip", "-n", &office, "addr", "add", "198.51.100.7/24", "dev", "b0"]);
        run(&["ip", "-n", &fw, "addr", "add", "198.51.100.1/24", "dev", "f2"]);
        run(&["ip", "-n", &office, "route", "add", "default", "via", "198.51.100.1"]);
    }

    /// The command of a vantage in another namespace, as a list of YAML: the binary there, with a
    /// configuration of its own, told of the auditor.
    pub(crate) fn via(&self, which: &str, config: &str) -> String {
        let (namespace, binary) = (self.namespace(which), env!("CARGO_BIN_EXE_portcullis"));
        format!(
            "[ip, netns, exec, {namespace}, {binary}, -c, {config}, probe, --survey, \"-\", --auditor, auditor.pub, --answered, answered]"
        )
    }

    /// Packets that a `counter` statement of the filter counted.
    pub(crate) fn counted(&self) -> u64 {
        let rules = self.within("fw", "nft").args(["list", "table", "ip", "lab"]).output();
        let text = String::from_utf8_lossy(&rules.expect("nft runs").stdout).into_owned();
        let (_, rest) = text.split_once("counter packets ").expect("a counter");
        rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    }

    /// Puts these statements in place of what the packet filter did before.
    pub(crate) fn filter(&self, statements: &str) {
        let rules = format!(
            "table ip lab\ndelete table ip lab\ntable ip lab {{ chain forward {{ type filter hook forward priority 0; policy accept;\n{statements}\n}}\n}}\n"
        );
        let file = self.dir.join("lab.nft");
        std::fs::write(&file, rules).expect("the rules are written");
        let loaded = self.within("fw", "nft").arg("-f").arg(&file).status();
        assert!(loaded.is_ok_and(|s| s.success()), "cannot load {}", file.display());
    }

    /// Starts servers in a namespace, `ADDRESS PROTO PORT BEHAVIOUR` each, and waits for them.
    pub(crate) fn serve(&mut self, which: &str, servers: &[String]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core/lab/serve.py");
        let mut child = self
            .within(which, "python3")
            .arg(script)
            .current_dir(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the servers start");
        let stdin = child.stdin.as_mut().expect("their input");
        writeln!(stdin, "{}\n{}", servers.len(), servers.join("\n"))
            .expect("their input is written");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("their output");
        self.servers.push(child);
        BufReader::new(stdout).read_line(&mut line).expect("they answer");
        assert_eq!(line.trim(), "ready", "the servers listen");
    }

    /// Starts tinyproxy outside, on 192.0.2.50 port 3128, and waits until it listens; false where
    /// it is not installed.
    pub(crate) fn tinyproxy(&mut self) -> bool {
        let text = "Port 3128\nListen 192.0.2.50\nTimeout 20\nMaxClients 200\nAllow 0.0.0.0/0\nLogLevel Critical\n";
        self.file("tinyproxy.conf", text);
        if !Command::new("tinyproxy").arg("-v").output().is_ok_and(|o| o.status.success()) {
            crate::common::skip("the customers behind a web proxy need tinyproxy");
            return false;
        }
        let child = self
            .within("out", "tinyproxy")
            .args(["-d", "-c", "tinyproxy.conf"])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy starts");
        self.servers.push(child);
        let wait = "import socket, time\nfor _ in range(500):\n  try: socket.create_connection((\"192.0.2.50\", 3128)); break\n  except OSError: time.sleep(0.02)\nelse: raise SystemExit(1)";
        let up = self.within("out", "python3").args(["-c", wait]).status();
        assert!(up.is_ok_and(|s| s.success()), "tinyproxy listens");
        true
    }

    /// Writes a file into the lab's folder.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.dir.join(name), text).expect("a file for the test");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for mut child in self.servers.drain(..) {
            // Its input closes with it, which ends it; the kill is for a server that hangs.
            drop(child.stdin.take());
            let _ = child.kill();
            let _ = child.wait();
        }
        let office = self.namespace("office");
        if Path::new("/run/netns").join(&office).exists() {
            let _ = Command::new("ip").args(["netns", "del", &office]).status();
        }
        for which in ["out", "fw", "in"] {
            let _ = Command::new("ip").args(["netns", "del", &self.namespace(which)]).status();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn run(command: &[&str]) {
    let output = Command::new(command[0]).args(&command[1..]).output().expect(command[0]);
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
