//! Three network namespaces in a row, outside, gate and inside, with nftables in the gate and no
//! link to the machine's own network.

use super::servers::{drain, says, serve, stun};
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

pub(super) struct Row {
    name: String,
}

/// What the gate does with each port, in both families.
const GATE: &str = "table inet gate {
  chain between {
    type filter hook forward priority 0; policy accept;
    tcp dport 1001 drop
    tcp dport 1002 reject with tcp reset
    tcp dport 1003 reject with icmpx type admin-prohibited
    tcp dport 1004 reject with icmpx type port-unreachable
    tcp dport 1005 reject with icmpx type host-unreachable
    udp dport 2001 drop
    udp dport 2003 reject with icmpx type admin-prohibited
    udp dport 2004 reject with icmpx type port-unreachable
    tcp dport 3000 drop
    tcp dport 3001-3012 reject with icmpx type admin-prohibited
    udp dport 3001-3002 reject with icmpx type admin-prohibited
  }
}";

static ROWS: AtomicU32 = AtomicU32::new(0);

impl Row {
    /// Makes the namespaces and starts the servers inside: 22 ssh, 1000 mute, udp 3478 stun, udp
    /// 2000 mute; every other port is closed.
    pub(super) fn new() -> Self {
        // Every ICMP error is sent: its limits are not what most tests are about.
        Self::with(&["net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"])
    }

    /// The same, with the kernel's own limits of ICMP errors: for one address six at once, then one
    /// a second.
    pub(super) fn limited() -> Self {
        Self::with(&["net.ipv4.icmp_ratelimit=1000", "net.ipv4.icmp_ratemask=6168"])
    }

    fn with(limits: &[&str]) -> Self {
        let number = ROWS.fetch_add(1, Ordering::Relaxed);
        let row = Self { name: format!("pc-{}-{number}", std::process::id()) };
        let (out, gate, inside) = (row.outside(), row.end("gate"), row.end("in"));
        for name in [&out, &gate, &inside] {
            ip(&["netns", "add", name]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
            row.sysctl(name, limits);
        }
        for (a, b, net) in [(&out, &gate, 1), (&gate, &inside, 2)] {
            let (left, right) = (format!("l{net}"), format!("r{net}"));
            ip(&[
                "-n", a, "link", "add", &left, "type", "veth", "peer", "name", &right, "netns", b,
            ]);
            for (end, link, host) in [(a, &left, 1), (b, &right, 2)] {
                ip(&["-n", end, "addr", "add", &format!("10.77.{net}.{host}/24"), "dev", link]);
                let v6 = format!("fd77:{net}::{host}/64");
                ip(&["-n", end, "addr", "add", &v6, "dev", link, "nodad"]);
                ip(&["-n", end, "link", "set", link, "up"]);
            }
        }
        for (end, v4, v6) in [(&out, "10.77.1.2", "fd77:1::2"), (&inside, "10.77.2.1", "fd77:2::1")]
        {
            ip(&["-n", end, "route", "add", "default", "via", v4]);
            ip(&["-n", end, "-6", "route", "add", "default", "via", v6]);
        }
        row.sysctl(&gate, &["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
        ip(&["-n", &gate, "route", "add", "unreachable", "10.77.3.0/24"]);
        ip(&["-n", &gate, "-6", "route", "add", "unreachable", "fd77:3::/64"]);
        row.nft(GATE);
        row.serve_inside();
        row
    }

    fn end(&self, end: &str) -> String {
        format!("{}-{end}", self.name)
    }

    pub(super) fn outside(&self) -> String {
        self.end("out")
    }

    pub(super) fn sysctl(&self, name: &str, values: &[&str]) {
        ip(&[&["netns", "exec", name, "sysctl", "-qw"], values].concat());
    }

    fn nft(&self, rules: &str) {
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.end("gate"), "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("nft starts");
        nft.stdin.take().expect("a pipe").write_all(rules.as_bytes()).expect("nft reads");
        assert!(nft.wait().expect("nft ends").success(), "nft takes the rules");
    }

    /// Does something on a thread that has entered one of the namespaces (`out`, `gate`, `in`), and
    /// so do the threads that it starts.
    pub(super) fn inside<T: Send + 'static>(
        &self,
        end: &str,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let path = format!("/var/run/netns/{}", self.end(end));
        let run = move || {
            let namespace = File::open(path).expect("the namespace");
            // SAFETY: only this thread changes namespaces, and it ends with what it does.
            let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(entered, 0, "entering the namespace");
            what()
        };
        thread::spawn(run).join().expect("what is done in a namespace")
    }

    /// Binds the servers in the inner namespace: a socket stays where it was made.
    fn serve_inside(&self) {
        self.inside("in", || {
            // Dual stack: [::] takes IPv4 too.
            serve(TcpListener::bind("[::]:22").expect("a port"), says(b"SSH-2.0-test\r\n"));
            serve(TcpListener::bind("[::]:1000").expect("a port"), drain);
            stun(UdpSocket::bind("10.77.2.2:3478").expect("a port"));
            stun(UdpSocket::bind("[fd77:2::2]:3478").expect("a port"));
            let mute = UdpSocket::bind("[::]:2000").expect("a port");
            thread::spawn(move || {
                let mut some = [0; 64];
                while mute.recv(&mut some).is_ok() {}
            });
        });
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        for end in ["out", "gate", "in"] {
            let _ = Command::new("ip").args(["netns", "del", &self.end(end)]).status();
        }
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {said}");
}
