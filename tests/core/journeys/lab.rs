//! Four network namespaces: customers outside, proxies of theirs, a gate with nftables, hosts
//! inside. No link leads to the machine's own network, and every address is a documentation one.

use crate::common::{Ran, World, no_namespaces, skip};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Where the proxies listen, and what targets see of them.
pub(super) const PROXY: &str = "198.51.100.7";

pub(super) struct Lab {
    name: String,
    pub(super) world: World,
    proxies: Vec<Child>,
}

static LABS: AtomicU32 = AtomicU32::new(0);

impl Lab {
    /// Makes the namespaces; `None`, and says so, where that cannot be done here.
    pub(super) fn up(needs: &[&str]) -> Option<Self> {
        let name = format!("pj{}x{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let found = |program: &&&str| {
            ["/usr/bin", "/usr/sbin"].iter().any(|f| std::path::Path::new(f).join(program).exists())
        };
        if let Some(lack) = needs.iter().find(|p| !found(p)) {
            skip(&format!("journeys behind a real proxy: no {lack}"));
            return None;
        }
        if let Some(lack) = no_namespaces() {
            skip(&format!("journeys of customer configurations: {lack}"));
            return None;
        }
        let lab = Self { name, world: World::new(), proxies: Vec::new() };
        lab.build();
        Some(lab)
    }

    pub(super) fn end(&self, end: &str) -> String {
        format!("{}-{end}", self.name)
    }

    fn build(&self) {
        let (out, prx, gate, inside) =
            (self.end("out"), self.end("prx"), self.end("gate"), self.end("in"));
        for name in [&out, &prx, &gate, &inside] {
            ip(&["netns", "add", name]);
        }
        for name in [&out, &prx, &gate, &inside] {
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        for (end, left, right, v4, v6) in [
            (
                &out,
                "o0",
                "g0",
                ["192.0.2.50/24", "192.0.2.1/24"],
                ["2001:db8:50::50/64", "2001:db8:50::1/64"],
            ),
            (
                &prx,
                "p0",
                "g1",
                ["198.51.100.7/24", "198.51.100.1/24"],
                ["2001:db8:51::7/64", "2001:db8:51::1/64"],
            ),
            (&inside, "i0", "g2", ["10.78.0.2/30", "10.78.0.1/30"], ["fd78::2/64", "fd78::1/64"]),
        ] {
            ip(&[
                "-n", end, "link", "add", left, "type", "veth", "peer", "name", right, "netns",
                &gate,
            ]);
            for (name, link, v4, v6) in [(end, left, v4[0], v6[0]), (&gate, right, v4[1], v6[1])] {
                ip(&["-n", name, "addr", "add", v4, "dev", link]);
                ip(&["-n", name, "addr", "add", v6, "dev", link, "nodad"]);
                ip(&["-n", name, "link", "set", link, "up"]);
            }
        }
        for (end, v4, v6) in [
            (&out, "192.0.2.1", "2001:db8:50::1"),
            (&prx, "198.51.100.1", "2001:db8:51::1"),
            (&inside, "10.78.0.1", "fd78::1"),
        ] {
            ip(&["-n", end, "route", "add", "default", "via", v4]);
            ip(&["-n", end, "-6", "route", "add", "default", "via", v6]);
        }
        ip(&["-n", &inside, "route", "add", "local", "203.0.113.0/24", "dev", "lo"]);
        for host in ["2001:db8:1::11/128", "2001:db8:1::250/128"] {
            ip(&["-n", &inside, "addr", "add", host, "dev", "lo", "nodad"]);
        }
        ip(&["-n", &gate, "route", "add", "203.0.113.0/24", "via", "10.78.0.2"]);
        ip(&["-n", &gate, "-6", "route", "add", "2001:db8:1::/64", "via", "fd78::2"]);
        self.sysctl("gate", "net.ipv4.ip_forward=1");
        self.sysctl("gate", "net.ipv6.conf.all.forwarding=1");
    }

    pub(super) fn sysctl(&self, end: &str, value: &str) {
        ip(&["netns", "exec", &self.end(end), "sysctl", "-qw", value]);
    }

    /// Replaces what the gate does: lines of a chain that forwards, as nftables writes them.
    pub(super) fn gate(&self, rules: &str) {
        let text = format!(
            "flush ruleset\ntable inet gate {{ chain between {{ type filter hook forward priority 0; policy accept;\n{rules}\n}}\nchain own {{ type filter hook output priority 0; policy accept;\n icmp type destination-unreachable drop\n icmpv6 type packet-too-big drop\n}}\n}}\n"
        );
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.end("gate"), "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("nft starts");
        nft.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("nft reads");
        assert!(nft.wait().expect("nft ends").success(), "nft takes the rules");
    }

    /// What customers' packets of the gate's link outward may hold at most.
    pub(super) fn link_mtu(&self, bytes: u16) {
        ip(&["-n", &self.end("gate"), "link", "set", "g0", "mtu", &bytes.to_string()]);
    }

    /// Runs `make` on a thread inside a namespace: a socket stays where it was made.
    pub(super) fn within<T: Send + 'static>(
        &self,
        end: &str,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let path = format!("/var/run/netns/{}", self.end(end));
        let entered = thread::spawn(move || {
            let namespace = File::open(path).expect("the namespace");
            // SAFETY: only this thread changes namespaces, and it ends below.
            let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0, "entering the namespace");
            make()
        });
        entered.join().expect("what runs inside")
    }

    /// Starts a proxy where the customers' proxies are, and waits until it listens.
    pub(super) fn proxy(&mut self, program: &str, arguments: &[&str], port: u16) {
        let child = Command::new("ip")
            .args(["netns", "exec", &self.end("prx"), program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the proxy starts");
        self.proxies.push(child);
        self.within("prx", move || {
            let deadline = Instant::now() + Duration::from_secs(10);
            while TcpStream::connect((PROXY, port)).is_err() {
                assert!(Instant::now() < deadline, "the proxy listens on {port}");
                thread::sleep(Duration::from_millis(20));
            }
        });
    }

    /// tinyproxy of Debian on port 3128, with lines of its configuration more.
    pub(super) fn tinyproxy(&mut self, more: &str) {
        let text = format!(
            "Port 3128\nListen {PROXY}\nTimeout 20\nMaxClients 200\nAllow 0.0.0.0/0\nLogLevel Critical\n{more}"
        );
        let file = self.world.file("tinyproxy.conf", text);
        self.proxy("tinyproxy", &["-d", "-c", file.to_str().expect("text")], 3128);
    }

    /// Dante's server on port 1080: TCP and UDP.
    pub(super) fn dante(&mut self) {
        let text = format!(
            "logoutput: /dev/null\ninternal: {PROXY} port = 1080\nexternal: p0\nsocksmethod: none\nclientmethod: none\nuser.privileged: root\nuser.unprivileged: nobody\nclient pass {{ from: 0/0 to: 0/0 }}\nsocks pass {{ from: 0/0 to: 0/0 }}\n"
        );
        let file = self.world.file("danted.conf", text);
        self.proxy("danted", &["-f", file.to_str().expect("text")], 1080);
    }

    /// Audits what `spec.yaml` declares from among the customers.
    pub(super) fn audit(&self, variables: &[(&str, &str)]) -> Ran {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.end("out"), env!("CARGO_BIN_EXE_portcullis")])
            .args(["audit", "spec.yaml", "--no-cloud", "-c", "portcullis.yaml", "--format", "json"])
            .current_dir(self.world.folder())
            .env("HOME", self.world.folder())
            .envs(variables.iter().copied())
            .output()
            .expect("the binary starts");
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Ran { stdout: text(output.stdout), stderr: text(output.stderr), code: output.status.code() }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for mut proxy in self.proxies.drain(..) {
            let _ = proxy.kill();
            let _ = proxy.wait();
        }
        for end in ["out", "prx", "gate", "in"] {
            // Workers that a proxy forked live in its namespace only.
            let pids = Command::new("ip").args(["netns", "pids", &self.end(end)]).output();
            let pids = pids.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
            for pid in pids.unwrap_or_default().split_whitespace() {
                if end == "prx" {
                    let _ = Command::new("kill").args(["-9", pid]).status();
                }
            }
            let _ = Command::new("ip").args(["netns", "del", &self.end(end)]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {said}");
}

/// Serves each connection on a thread of its own.
pub(super) fn serve(at: &str, each: impl Fn(TcpStream) + Send + Sync + 'static) {
    let listener = TcpListener::bind(at).unwrap_or_else(|e| panic!("{at}: {e}"));
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let each = Arc::clone(&each);
            thread::spawn(move || each(stream));
        }
    });
}

/// Says `words` first, then reads until the peer goes.
pub(super) fn says(words: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let _ = stream.write_all(words);
        let mut some = [0; 4096];
        while stream.read(&mut some).is_ok_and(|n| n > 0) {}
    }
}

/// A TLS server whose certificate has so many names that it fills several packets.
pub(super) fn tls(name: &str, names: usize) -> impl Fn(TcpStream) + Send + Sync + 'static {
    let mut all = vec![name.to_owned()];
    all.extend((1..names).map(|n| format!("name-{n:03}.with-room-to-fill.media.example")));
    let mut params = rcgen::CertificateParams::new(all).expect("names");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2999, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a server");
    let config = Arc::new(config);
    move |mut stream| {
        let Ok(mut connection) = rustls::ServerConnection::new(config.clone()) else { return };
        while connection.complete_io(&mut stream).is_ok_and(|(r, w)| r + w > 0) {}
    }
}

/// Answers STUN binding requests (RFC 8489) with the sender's own address.
pub(super) fn stun(at: &str) {
    let socket = UdpSocket::bind(at).unwrap_or_else(|e| panic!("{at}: {e}"));
    thread::spawn(move || {
        let mut bytes = [0; 2048];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            if n < 20 || bytes[..2] != [0, 1] {
                continue;
            }
            let key = &bytes[4..20];
            let (family, octets) = match from.ip() {
                std::net::IpAddr::V4(a) => (1, a.octets().to_vec()),
                std::net::IpAddr::V6(a) => (2, a.octets().to_vec()),
            };
            let mut value = vec![0, family];
            value.extend((from.port() ^ 0x2112).to_be_bytes());
            value.extend(octets.iter().zip(key).map(|(a, k)| a ^ k));
            let length = u8::try_from(value.len()).expect("a short attribute");
            let mut out = vec![1, 1, 0, length + 4];
            out.extend(key);
            out.extend([0, 0x20, 0, length]);
            out.extend(value);
            let _ = socket.send_to(&out, from);
        }
    });
}
