//! Ctrl-C, and the bar it takes away: each test sends the signal while the command provably waits
//! for a server that never answers.

use crate::common::World;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A STUN server that takes every request and answers none unless told to.
struct Mute(UdpSocket);

impl Mute {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        Self(socket)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("bound").port()
    }

    /// Waits for a request: from then on its sender waits for us.
    fn asked(&self) -> ([u8; 20], SocketAddr) {
        let mut bytes = [0; 20];
        let (_, from) = self.0.recv_from(&mut bytes).expect("a request within a minute");
        (bytes, from)
    }

    /// Answers a request (RFC 8489): a success that reflects 192.0.2.1.
    fn answer(&self, (request, to): ([u8; 20], SocketAddr)) {
        let mut out = vec![1, 1, 0, 12];
        out.extend(&request[4..]);
        out.extend([0, 0x20, 0, 8, 0, 1, 0x21, 0x12]);
        out.extend([192 ^ 0x21, 0x12, 2 ^ 0xa4, 1 ^ 0x42]);
        self.0.send_to(&out, to).expect("an answer");
    }
}

fn send(child: &Child, signal: i32) {
    let id = i32::try_from(child.id()).expect("a process id");
    // SAFETY: a child of ours that nobody has waited for.
    assert_eq!(unsafe { libc::kill(id, signal) }, 0, "the signal is sent");
}

/// Starts with `signal` as `now` says, whatever the test's own caller made of it.
fn disposed(command: &mut Command, signal: i32, now: libc::sighandler_t) -> &mut Command {
    // SAFETY: one system call between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::signal(signal, now);
            Ok(())
        })
    }
}

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Starts the binary, sends `signal` once the server is asked, and waits for the end.
fn interrupted(world: &World, arguments: &[&str], server: &Mute, signal: i32) -> Ended {
    let mut command = world.command(arguments);
    let child = disposed(&mut command, signal, libc::SIG_DFL)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    server.asked();
    send(&child, signal);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A world in which one declared host of loopback is to serve STUN.
fn world(server: &Mute) -> World {
    let world = World::new();
    world.file("portcullis.yaml", "version: 1\nscope: [127.0.0.0/8]\n");
    let port = server.port();
    let service = format!("turn: {{ port: udp/{port}, from: internet, expect: stun }}");
    let spec = format!(
        "version: 1\nhosts:\n  a: {{ addresses: [127.0.0.1], tags: {{ role: edge }} }}\nroles:\n  edge:\n    select: {{ tags: {{ role: edge }} }}\n    services:\n      {service}\n"
    );
    world.file("spec.yaml", spec);
    world
}

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let name = |e: std::io::Result<std::fs::DirEntry>| e.expect("an entry").file_name();
    let mut names: Vec<String> = entries.map(|e| name(e).into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

#[test]
fn a_probe_ends_with_whole_lines_and_says_how_far_it_came() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let server = Mute::new();
        let world = world(&server);
        // A closed port may settle before the signal comes: then its line is there, and whole.
        let closed = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let closed = closed.local_addr().expect("bound");
        let ports = format!("udp/{},{}", server.port(), closed.port());
        let arguments = ["probe", "127.0.0.1", "--ports", &ports, "--expect", "stun"];
        let ended = interrupted(&world, &arguments, &server, signal);
        assert_eq!(ended.code, Some(130), "{}", ended.stderr);
        let lines = ended.stdout.lines().count();
        let told = format!("interrupted: {lines} of 2 endpoints were probed\n");
        assert_eq!(ended.stderr, told);
        assert!(ended.stdout.is_empty() || ended.stdout.ends_with("}\n"), "{}", ended.stdout);
    }
}

/// Refusals wait until it is known who sent them; whoever ends the run early gets them as they are.
#[test]
fn a_probe_of_closed_ports_says_what_it_knows_when_interrupted() {
    let Some(lab) = crate::lab::Lab::up("") else { return };
    lab.file("portcullis.yaml", "version: 1\nscope: [203.0.113.0/24]\n");
    let arguments = ["probe", "203.0.113.10", "--ports", "tcp/1-20000", "--rate", "200"];
    let mut command = lab.portcullis("out", &arguments);
    let child = disposed(&mut command, libc::SIGINT, libc::SIG_DFL)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    std::thread::sleep(Duration::from_secs(3));
    send(&child, libc::SIGINT);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let refused = stdout.lines().filter(|l| l.contains("\"refused\"")).count();
    assert!(refused > 0, "{stdout}{stderr}");
    assert_eq!(refused, stdout.lines().count(), "{stdout}");
    assert!(stderr.contains(&format!("{refused} of 20000 endpoints were probed")), "{stderr}");
}

#[test]
fn an_audit_leaves_no_file_and_no_half_report() {
    let server = Mute::new();
    let world = world(&server);
    world.file("old.sarif", "as it was");
    let before = names(world.folder());
    let arguments =
        ["audit", "--no-cloud", "--export", "json=new.json", "--export", "sarif=old.sarif"];
    let ended = interrupted(&world, &arguments, &server, libc::SIGINT);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{}", ended.stderr);
    assert_eq!(ended.stderr, "interrupted: 0 of 1 endpoints were probed, no report was written\n");
    assert_eq!(names(world.folder()), before);
    let old = std::fs::read_to_string(world.folder().join("old.sarif")).expect("the old report");
    assert_eq!(old, "as it was");
}

/// What a gate is to attest is stated and signed at its end: before it, nothing lies about.
#[test]
fn a_gate_leaves_no_attestation_and_no_part_of_one() {
    let attest = ["--attest", "gate.json", "--sign-key", "key", "--no-cloud", "--no-sweep"];
    let gate = [&["gate", "--role", "edge", "--host", "a"][..], &attest].concat();

    let server = Mute::new();
    let looking = world(&server);
    crate::attested::key(&looking, "key", 1);
    let before = names(looking.folder());
    let ended = interrupted(&looking, &gate, &server, libc::SIGINT);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""), "{}", ended.stderr);
    assert_eq!(ended.stderr, "interrupted: 0 of 1 endpoints were probed, no report was written\n");
    assert_eq!(names(looking.folder()), before);

    // Nobody listens there once the socket is gone: the first look ends at once, and it waits.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let waiting = world(&server);
    crate::attested::key(&waiting, "key", 1);
    let spec = std::fs::read_to_string(waiting.folder().join("spec.yaml")).expect("the spec");
    let udp = format!("port: udp/{}, from: internet, expect: stun", server.port());
    let tcp = format!("port: tcp/{port}, from: internet, expect: connect");
    assert!(spec.contains(&udp), "{spec}");
    waiting.file("spec.yaml", spec.replace(&udp, &tcp));
    let before = names(waiting.folder());
    let mut command = waiting.command(&[&gate[..], &["--wait", "10m", "--every", "5m"]].concat());
    let mut child = disposed(&mut command, libc::SIGTERM, libc::SIG_DFL)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("its stderr")).lines();
    let said = stderr.next().expect("a line").expect("UTF-8");
    assert!(said.contains("0 of 1 hosts pass"), "{said}");
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let rest: Vec<String> = stderr.map(|l| l.expect("UTF-8")).collect();
    assert_eq!(rest, ["interrupted: the gate gave no answer"]);
    assert_eq!(names(waiting.folder()), before);
}

/// Whether a process has a handler for SIGINT of its own, which is when its work begins.
fn handles_interrupts(child: &Child) -> bool {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("its status");
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:")).expect("its signals");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask");
    caught & (1 << (libc::SIGINT - 1)) != 0
}

#[test]
fn what_waits_for_a_person_ends_too() {
    let world = World::new();
    let mut command = world.command(&["audit", "--no-cloud", "-"]);
    let child = disposed(&mut command, libc::SIGINT, libc::SIG_DFL)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The spec never comes: whatever it does before, it cannot end by itself.
    while !handles_interrupts(&child) {
        std::thread::yield_now();
    }
    send(&child, libc::SIGINT);
    let mut child = child;
    let held = child.stdin.take();
    let output = child.wait_with_output().expect("it ends");
    drop(held);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "interrupted: the audit did not finish\n");
}

#[test]
fn a_signal_that_the_caller_ignores_stays_ignored() {
    let server = Mute::new();
    let world = world(&server);
    let ports = format!("udp/{}", server.port());
    let arguments = ["probe", "127.0.0.1", "--ports", &ports, "--expect", "stun"];
    let mut command = world.command(&arguments);
    let child = disposed(&mut command, libc::SIGINT, libc::SIG_IGN)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let request = server.asked();
    send(&child, libc::SIGINT);
    server.answer(request);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"state\":\"open\""));
}

/// A terminal of 100 columns: the end that a person looks at, and the end that a program has.
fn terminal() -> (File, OwnedFd) {
    let (mut person, mut program) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: two places for descriptors and a size; name and modes are optional.
    let made = unsafe {
        libc::openpty(
            &raw mut person,
            &raw mut program,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        )
    };
    assert_eq!(made, 0, "a terminal");
    // SAFETY: fresh descriptors that nobody else owns. They are not to leak into children.
    unsafe {
        for fd in [person, program] {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        (File::from_raw_fd(person), OwnedFd::from_raw_fd(program))
    }
}

/// Makes the terminal at stderr the one that the child's keys come from.
fn at_the_keyboard(command: &mut Command) -> &mut Command {
    // SAFETY: two system calls between fork and exec.
    unsafe {
        command.pre_exec(|| {
            if libc::setsid() < 0 || libc::ioctl(2, libc::TIOCSCTTY, 0) < 0 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        })
    }
}

/// Everything a terminal shows until its last program is gone, from `shown` on.
fn rest(mut person: File, mut shown: String) -> String {
    let mut bytes = [0; 4096];
    loop {
        match person.read(&mut bytes) {
            Ok(n) if n > 0 => shown += &String::from_utf8_lossy(&bytes[..n]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            // Linux says EIO where nobody holds the other end.
            _ => return shown,
        }
    }
}

#[test]
fn the_bar_shows_on_a_terminal_and_is_gone_when_interrupted() {
    let server = Mute::new();
    let world = world(&server);
    let ports = format!("udp/{}", server.port());
    for arguments in [
        vec!["probe", "127.0.0.1", "--ports", &ports, "--expect", "stun"],
        vec!["audit", "--no-cloud"],
    ] {
        let (mut person, program) = terminal();
        let mut command = world.command(&arguments);
        let child = at_the_keyboard(disposed(&mut command, libc::SIGINT, libc::SIG_DFL))
            .env("TERM", "xterm")
            .stdout(Stdio::piped())
            .stderr(Stdio::from(program))
            .spawn()
            .expect("the binary starts");
        // Dropped here, or our own copy would keep the terminal open.
        drop(command);
        let mut shown = String::new();
        let mut bytes = [0; 4096];
        while !shown.contains("0 of 1 endpoints") {
            let n = person.read(&mut bytes).expect("a bar before the command ends");
            shown += &String::from_utf8_lossy(&bytes[..n]);
        }
        // As a person does it: the terminal sends the signal, and echoes.
        person.write_all(b"\x03").expect("a key");
        let shown = rest(person, shown);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{shown}");
        let (before, last) = shown.split_once("interrupted: ").expect("a last line");
        let bar = before.strip_suffix("\r\u{1b}[2K").expect("the line is erased at last");
        let line = bar.rsplit("\u{1b}[2K").next().unwrap_or_default();
        assert!(line.contains("^C"), "the echo: {shown:?}");
        // One cell more, and the erased line would not be the bar's.
        assert!(line.chars().count() <= 100, "{line:?}");
        assert!(last.starts_with("0 of 1 endpoints were probed"), "{shown:?}");
        assert!(!shown.contains("\u{1b}[?25l"), "the cursor is never hidden: {shown:?}");
    }
}

#[test]
fn no_bar_where_nobody_wants_one() {
    for flag in ["--no-progress", "--quiet"] {
        let server = Mute::new();
        let world = world(&server);
        let ports = format!("udp/{}", server.port());
        let (person, program) = terminal();
        let arguments = ["probe", "127.0.0.1", "--ports", &ports, "--expect", "stun", flag];
        let mut command = world.command(&arguments);
        let child = command
            .env("TERM", "xterm")
            .stdout(Stdio::null())
            .stderr(Stdio::from(program))
            .spawn()
            .expect("the binary starts");
        drop(command);
        // Until the third request two redraws and more would have been due.
        server.asked();
        server.asked();
        server.answer(server.asked());
        assert_eq!(rest(person, String::new()), "", "{flag}");
        assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(0));
    }
}

#[test]
fn lines_and_bar_on_one_terminal_never_run_into_each_other() {
    let server = Mute::new();
    let world = world(&server);
    // Closed ports settle while the mute one is waited for, with the bar on the screen.
    let closed: Vec<String> = (0..4)
        .map(|_| UdpSocket::bind("127.0.0.1:0").expect("a free port"))
        .map(|s| s.local_addr().expect("bound").port().to_string())
        .collect();
    let ports = format!("udp/{},{}", server.port(), closed.join(","));
    let (person, program) = terminal();
    let both = program.try_clone().expect("a second descriptor");
    let arguments = ["probe", "127.0.0.1", "--ports", &ports, "--expect", "stun"];
    let mut command = world.command(&arguments);
    let child = command
        .env("TERM", "xterm")
        .stdout(Stdio::from(both))
        .stderr(Stdio::from(program))
        .spawn()
        .expect("the binary starts");
    drop(command);
    server.asked();
    server.asked();
    server.answer(server.asked());
    let shown = rest(person, String::new());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{shown:?}");
    assert!(shown.contains("of 5 endpoints"), "a bar was there: {shown:?}");
    // What stays on the screen: of each line what follows its last erasure.
    let left: Vec<&str> = shown
        .split("\r\n")
        .map(|line| line.rsplit("\u{1b}[2K").next().unwrap_or(line).trim_start_matches('\r'))
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(left.len(), 5, "{left:#?}");
    assert!(left.iter().all(|l| l.starts_with('{') && l.ends_with('}')), "{left:#?}");
}
