//! Real sockets on loopback, no privileges.

use super::servers::{answers, drain, local, says, stun};
use crate::common::World;
use portcullis::model::{Endpoint, Expect, HttpExpect, Protocol, TlsExpect};
use portcullis::observation::{Observation, State};
use portcullis::probe::{self, AddressMap, Options};
use portcullis::survey::{Hope, Survey, Target, Why};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn target(at: SocketAddr, protocol: Protocol, expect: Expect) -> Target {
    let endpoint = Endpoint { address: at.ip(), protocol, port: at.port() };
    Target { endpoint, why: Why::Declared, expect, hope: Hope::Either }
}

/// Probes one TCP endpoint.
pub(super) fn tcp(at: SocketAddr, expect: Expect) -> Observation {
    one(target(at, Protocol::Tcp, expect), &Options::default())
}

fn one(target: Target, options: &Options) -> Observation {
    let survey = Survey { targets: vec![target], ..Survey::default() };
    let mut settled = 0;
    let mut seen = probe::run(&survey, options, &mut |_| settled += 1);
    assert_eq!((settled, seen.rows.len()), (1, 1));
    seen.rows.remove(0)
}

/// A listener whose accept queue is full: the kernel drops every further SYN.
fn full() -> (TcpListener, Vec<TcpStream>) {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    socket.listen(0).expect("a listener");
    let listener: TcpListener = socket.into();
    let at = listener.local_addr().expect("bound");
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
        held.push(stream);
        assert!(held.len() < 64, "the queue never fills");
    }
    (listener, held)
}

#[test]
fn open_refused_and_silent_are_told_apart() {
    let ssh = local(says(b"SSH-2.0-test\r\n"));
    let closed = {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a free port");
        gone.local_addr().expect("bound")
    };
    let (listener, _held) = full();
    let silent = listener.local_addr().expect("bound");
    let survey = Survey {
        targets: [ssh, closed, silent]
            .map(|at| target(at, Protocol::Tcp, Expect::Connect))
            .into_iter()
            .collect(),
        ..Survey::default()
    };
    let seen = probe::run(&survey, &Options::default(), &mut |_| {});
    let state = |at: SocketAddr| {
        let row = seen.rows.iter().find(|r| r.port == at.port()).expect("a row");
        (row.state, row.confirmed, row.service.as_deref())
    };
    assert_eq!(state(ssh), (State::Open, true, Some("ssh")));
    assert_eq!(state(closed), (State::Refused, false, None));
    assert_eq!(state(silent), (State::Silent, false, None));
    let silent = seen.rows.iter().find(|r| r.port == silent.port()).expect("a row");
    assert!(silent.tries >= 2, "silence after {} tries", silent.tries);
}

#[test]
fn udp_is_open_only_when_our_question_comes_back() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let server = socket.local_addr().expect("bound");
    stun(socket);
    let mute = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let silent = mute.local_addr().expect("bound");
    let closed = UdpSocket::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    let udp = |at, expect| target(at, Protocol::Udp, expect);
    let survey = Survey {
        targets: vec![
            udp(server, Expect::Stun),
            udp(silent, Expect::Stun),
            udp(closed, Expect::Stun),
        ],
        ..Survey::default()
    };
    let seen = probe::run(&survey, &Options::default(), &mut |_| {});
    let state = |at: SocketAddr| {
        seen.rows.iter().find(|r| r.port == at.port()).map(|r| (r.state, r.confirmed))
    };
    assert_eq!(state(server), Some((State::Open, true)));
    assert_eq!(state(silent), Some((State::Silent, false)));
    assert_eq!(state(closed), Some((State::Refused, false)));
    assert_eq!(seen.vantages[0].outside_v4, Some([127, 0, 0, 1].into()), "reflected by STUN");
    let mute = one(udp(silent, Expect::Connect), &Options::default());
    assert_eq!(mute.state, State::Unproven, "nothing can prove a mute port");
}

#[test]
fn another_service_than_the_one_expected_is_named() {
    let smtp = local(says(b"220 mail ESMTP\r\n"));
    for (expect, state) in [
        (Expect::Ssh, State::WrongService),
        (Expect::Banner("ESMTP".into()), State::Open),
        (Expect::Banner("XMPP".into()), State::WrongService),
        (Expect::Tls(TlsExpect::default()), State::WrongService),
        (Expect::Http(HttpExpect::default()), State::WrongService),
        (Expect::Connect, State::Open),
    ] {
        let seen = tcp(smtp, expect.clone());
        assert_eq!(seen.state, state, "{expect:?}: {:?}", seen.detail);
        assert_eq!(seen.service.as_deref(), Some("smtp"), "{expect:?}");
    }
    let mute = tcp(local(drain), Expect::Ssh);
    assert_eq!((mute.state, mute.confirmed), (State::Open, false), "{:?}", mute.detail);
}

#[test]
fn http_is_judged_by_status_and_body() {
    let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nnothing here";
    let server = local(answers(answer.into()));
    let http = |status: &[u16], body: Option<&str>| {
        let expect = HttpExpect {
            status: status.to_vec(),
            body: body.map(Into::into),
            ..HttpExpect::default()
        };
        tcp(server, Expect::Http(expect))
    };
    assert!(http(&[], None).confirmed, "any status below 500");
    assert!(http(&[404], Some("nothing")).confirmed);
    let other = http(&[200], None);
    assert_eq!(other.state, State::WrongService);
    assert!(other.detail.is_some_and(|d| d.contains("404")));
    assert_eq!(http(&[404], Some("something")).state, State::WrongService);
}

/// A TLS server with a certificate of its own making.
fn tls(names: &[&str], lifetime_over: bool) -> SocketAddr {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = rcgen::CertificateParams::new(names).expect("names");
    let year = if lifetime_over { 2021 } else { 2999 };
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
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
    local(move |mut stream| {
        let Ok(mut connection) = rustls::ServerConnection::new(config.clone()) else { return };
        while connection.complete_io(&mut stream).is_ok_and(|(r, w)| r + w > 0) {}
    })
}

#[test]
fn tls_is_proven_by_a_handshake_and_judged_by_its_certificate() {
    let good = tls(&["a.media.example", "b.example"], false);
    let expect = |e: TlsExpect| Expect::Tls(e);
    let named = |n: &str| TlsExpect { names: vec![n.into()], ..TlsExpect::default() };
    let seen = tcp(good, expect(named("a.media.example")));
    assert_eq!((seen.state, seen.confirmed), (State::Open, true), "{:?}", seen.detail);
    let shown = seen.tls.expect("what the handshake showed");
    assert_eq!(shown.names, ["a.media.example", "b.example"]);
    assert_eq!(shown.version.as_deref(), Some("1.3"));
    assert_eq!(shown.chain_sha256.len(), 1);
    assert_ne!(shown.trusted, Some(true), "nobody trusts a certificate of our own making");
    assert!(tcp(good, expect(named("*.media.example"))).confirmed);
    assert_eq!(tcp(good, expect(named("c.example"))).state, State::WrongService);
    let trusted = TlsExpect { trusted: true, ..TlsExpect::default() };
    assert_eq!(tcp(good, expect(trusted)).state, State::WrongService);
    let old = tls(&["a.example"], true);
    let days = TlsExpect { days_left: Some(21), ..TlsExpect::default() };
    let seen = tcp(old, expect(days));
    assert_eq!(seen.state, State::WrongService);
    assert!(seen.detail.is_some_and(|d| d.contains("expired")));
    assert_eq!(tcp(old, Expect::Connect).service.as_deref(), Some("tls"), "identified");
}

#[test]
fn a_replay_probes_loopback_in_the_name_of_real_addresses() {
    let ssh = local(says(b"SSH-2.0-test\r\n"));
    let real = SocketAddr::from(([192, 0, 2, 7], 22));
    let map = AddressMap::only().socket(real.ip(), real.port(), ssh);
    let options = Options { map, ..Options::default() };
    let seen = one(target(real, Protocol::Tcp, Expect::Ssh), &options);
    assert_eq!((seen.address, seen.state), (real.ip(), State::Open));
    let other = SocketAddr::from(([192, 0, 2, 8], 22));
    let seen = one(target(other, Protocol::Tcp, Expect::Ssh), &options);
    assert_eq!(seen.state, State::Failed, "nothing stands for it, so nothing is sent");
}

#[test]
fn what_contradicts_is_looked_at_twice_and_what_agrees_is_not() {
    let ssh = local(says(b"SSH-2.0-test\r\n"));
    let options = Options { second_look: true, ..Options::default() };
    let look = |hope| one(Target { hope, ..target(ssh, Protocol::Tcp, Expect::Ssh) }, &options);
    let wanted = look(Hope::Answer);
    assert_eq!((wanted.state, wanted.tries), (State::Open, 1));
    let forbidden = look(Hope::NoAnswer);
    assert_eq!((forbidden.state, forbidden.tries), (State::Open, 2));
    assert!(forbidden.detail.is_some_and(|d| d.contains("seen twice")));
}

#[test]
fn a_service_that_comes_up_between_two_looks_is_not_an_alarm() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = socket.local_addr().expect("bound");
    drop(socket);
    let options = Options { second_look: true, ..Options::default() };
    let declared = Target { hope: Hope::Answer, ..target(at, Protocol::Tcp, Expect::Connect) };
    // A second target settles when the first look is over; its answer starts the service.
    let other = local(says(b"hello\r\n"));
    let survey = Survey {
        targets: vec![declared, target(other, Protocol::Tcp, Expect::Connect)],
        ..Survey::default()
    };
    let mut started = false;
    let seen = probe::run(&survey, &options, &mut |settled| {
        if settled.port == other.port() && !started {
            started = true;
            super::servers::serve(TcpListener::bind(at).expect("the same port"), drain);
        }
    });
    let row = seen.rows.iter().find(|r| r.port == at.port()).expect("a row");
    assert_eq!(row.state, State::Open);
    assert!(row.detail.as_ref().is_some_and(|d| d.contains("first look: refused")), "{row:?}");
}

#[test]
fn controls_prove_each_family_and_protocol_by_an_answer() {
    let up = local(drain);
    let down = TcpListener::bind("[::1]:0").expect("a free port");
    let down = {
        let at = down.local_addr().expect("bound");
        drop(down);
        at
    };
    let mute = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mute = (mute.local_addr().expect("bound"), mute);
    let control =
        |at, protocol, expect| Target { why: Why::Control, ..target(at, protocol, expect) };
    let tcp_up = control(up, Protocol::Tcp, Expect::Connect);
    let run = |targets: Vec<Target>| {
        let survey = Survey { targets, ..Survey::default() };
        let vantage = probe::run(&survey, &Options::default(), &mut |_| {}).vantages.remove(0);
        (vantage.controls_v4, vantage.controls_v6)
    };
    assert_eq!(run(vec![tcp_up.clone()]), (Some(true), None));
    // A refusal by the control itself proves the way there and back.
    assert_eq!(run(vec![control(down, Protocol::Tcp, Expect::Connect)]), (None, Some(true)));
    let udp = control(mute.0, Protocol::Udp, Expect::Stun);
    assert_eq!(run(vec![tcp_up, udp]), (Some(false), None), "UDP is not proven by TCP");
}

#[test]
fn the_command_refuses_what_is_not_in_scope_and_says_so() {
    let ssh = local(says(b"SSH-2.0-test\r\n"));
    let world = World::new();
    let ports = format!("tcp/{}", ssh.port());
    let ran = world.run(&["probe", "127.0.0.1", "--ports", &ports]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran}");
    assert!(ran.stderr.contains("127.0.0.1"), "{ran}");
    world.file("portcullis.yaml", "version: 1\nscope: [127.0.0.0/8]\n");
    let ran = world.run(&["probe", "127.0.0.1", "192.0.2.1", "--ports", &ports]);
    assert!(ran.stderr.contains("192.0.2.1") && ran.stdout.lines().count() == 1, "{ran}");
    assert_eq!(ran.code, Some(3), "part of what was asked was not looked at");
    let line: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a JSON line");
    assert_eq!((&line["state"], &line["service"]), (&"open".into(), &"ssh".into()));
    let keys: Vec<&str> = ran.stdout.split('"').skip(1).step_by(2).collect();
    let order =
        ["address", "protocol", "port", "state", "confirmed", "service", "by", "vantage", "rtt_us"];
    let places: Vec<_> = order.iter().map(|k| keys.iter().position(|have| have == k)).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{}", ran.stdout);
    let offline = world.run(&["--offline", "probe", "127.0.0.1", "--ports", &ports]);
    assert_eq!((offline.code, offline.stdout.as_str()), (Some(4), ""));
}

/// A block is one mistake: `10.77.0.0/8` for `10.77.0.0/16` is no wish to probe what is ours of the /8.
#[test]
fn nothing_is_sent_to_a_block_that_is_ours_in_part() {
    let ssh = local(says(b"SSH-2.0-test\r\n"));
    let world = World::new();
    let ports = format!("tcp/{}", ssh.port());
    world.file("portcullis.yaml", "version: 1\nscope: [127.0.0.1]\n");
    let ran = world.run(&["probe", "127.0.0.1", "127.0.0.0/30", "--ports", &ports]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran}");
    assert!(ran.stderr.contains("of 127.0.0.0/30 may be probed 127.0.0.1"), "{ran}");
    let whole = world.run(&["probe", "127.0.0.1/32", "--ports", &ports]);
    assert_eq!(whole.code, Some(0), "{whole}");
    for command in [
        &["probe", "127.0.0.1/8", "--ports", &ports][..],
        &["reach", "--snapshot", "none", "--from", "127.0.0.1/8"],
        &["explain", "--snapshot", "none", "--to", "a", "--from", "127.0.0.1/8"],
    ] {
        let ran = world.run(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran}");
        assert!(ran.stderr.contains("127.0.0.0/8, or the address 127.0.0.1?"), "{ran}");
    }
}

#[test]
fn a_stale_snapshot_may_not_direct_probes() {
    let world = World::new();
    world.file(
        "snapshot.json",
        r#"{"format":"portcullis/snapshot/v1","taken_at":"2020-01-01T00:00:00Z","calls":[],"regions":[]}"#,
    );
    let ran =
        world.run(&["probe", "192.0.2.1", "--snapshot", "snapshot.json", "--ports", "tcp/22"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran}");
    assert!(ran.stderr.contains("recycled"), "{ran}");
}
