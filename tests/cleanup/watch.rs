//! Health from outside: what a spec declares must answer between batches as it did before the first.

use crate::common::stun::stun;
use crate::job::Job;
use crate::simworld::Sim;
use portcullis::cleanup::journal::Event;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A service that customers use, as a process of its own, so that an act can end it.
struct Service {
    child: Child,
    port: u16,
}

const LISTEN: &str = "import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(64)
print(s.getsockname()[1], flush=True)
while True:
    s.accept()[0].close()
";

impl Service {
    fn up(port: u16) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", LISTEN, &port.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut out, &mut line).expect("it says its port");
        Self { port: line.trim().parse().expect("a port"), child }
    }

    fn down(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.down();
    }
}

/// Two servos of which the first one's stop takes a declared service down with it, and what it takes
/// to see that from outside: a control, and a server that says where we are.
struct Stage {
    job: Job,
    service: Service,
    control: TcpListener,
}

impl Stage {
    fn new(kills: bool) -> Self {
        let service = Service::up(0);
        let mut sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {});
        if kills {
            let end = format!("kill -9 {} ; sleep 0.1", service.child.id());
            sim = sim.fault(json!({"at": "after-act", "do": "run", "command": end}));
        }
        let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
        let control = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stage = Self { job, service, control };
        stage.spec(stage.service.port);
        stage.config(&format!(
            "vantages: {{ local: {{ reflect: \"127.0.0.2:{}\" }} }}\n",
            stun("127.0.0.2", Ipv4Addr::new(192, 88, 98, 7))
        ));
        stage
    }

    fn spec(&self, port: u16) {
        self.spec_with(port, self.control.local_addr().expect("bound").port());
    }

    fn spec_with(&self, port: u16, control: u16) {
        self.job.sim.folder.file(
            "spec.yaml",
            format!(
                "version: 1\nhosts:\n  a: {{ addresses: [127.0.0.1], tags: {{ role: edge }} }}\n\
                 roles:\n  edge:\n    select: {{ tags: {{ role: edge }} }}\n    services:\n      \
                 web: {{ port: tcp/{port}, from: internet }}\n\
                 controls: [{{ address: 127.0.0.1, port: tcp/{control} }}]\n"
            ),
        );
    }

    fn config(&self, vantages: &str) {
        self.job.sim.folder.file("portcullis.yaml", format!("scope: [127.0.0.1]\n{vantages}"));
    }

    #[track_caller]
    fn stops(&self, more: &[&str], code: i32, reason: &str) -> Value {
        let (ran, told) = self.job.apply(more);
        assert_eq!((ran.code, &told["class"]), (Some(code), &json!(14)), "{ran}");
        assert_eq!(told["reason"], reason, "{ran}");
        told
    }
}

#[test]
fn a_batch_that_takes_a_declared_service_down_is_the_last() {
    let stage = Stage::new(true);
    assert!(stage.service.answers());
    let told = stage.stops(&["--attached", "--spec=spec.yaml"], 5, "unhealthy");
    let says = told["says"].as_str().expect("text");
    let name = format!("a tcp/{} from internet at 127.0.0.1", stage.service.port);
    assert!(says.contains(&name) && says.contains("it is refused"), "{says}");
    assert_eq!(stage.job.acted(), ["sv-1"]);
    // Still down: nothing more is done, however often it is tried.
    stage.stops(&["--attached", "--spec=spec.yaml"], 5, "unhealthy");
    assert_eq!(stage.job.acted(), ["sv-1"]);
}

/// What it is for: nobody else would have noticed.
#[test]
fn without_it_the_next_batch_runs() {
    let stage = Stage::new(true);
    let (ran, told) = stage.job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert!(!stage.service.answers(), "customers are out");
    assert_eq!(stage.job.acted(), ["sv-1", "sv-2"], "and the next one is gone as well");
}

#[test]
fn steps_compare_with_what_the_journal_keeps() {
    let mut stage = Stage::new(false);
    let (ran, _) = stage.job.apply(&["--step", "--spec=spec.yaml"]);
    assert_eq!((ran.code, stage.job.acted().len()), (Some(0), 1), "{ran}");
    let kept = |job: &Job| {
        let lines = job.chain().records;
        let watched: Vec<_> = lines
            .into_iter()
            .filter_map(|r| match r.what {
                Event::Watched { answering } => Some(answering.into_iter().collect::<Vec<_>>()),
                _ => None,
            })
            .collect();
        watched
    };
    let name = format!("a tcp/{} from internet at 127.0.0.1", stage.service.port);
    assert_eq!(kept(&stage.job), [[name]]);
    // A quarter of an hour later, in a process of its own.
    stage.service.down();
    stage.stops(&["--step", "--spec=spec.yaml"], 5, "unhealthy");
    assert_eq!(stage.job.acted(), ["sv-1"]);
    // Once watched, always watched: leaving the spec out loosens nothing, and neither does one that
    // declares something else.
    let told = stage.stops(&["--step"], 5, "health-unknown");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("the same --spec")), "{told}");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    stage.spec(other.local_addr().expect("bound").port());
    let told = stage.stops(&["--step", "--spec=spec.yaml"], 5, "health-unknown");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("not declared any more")), "{told}");
    assert_eq!(stage.job.acted(), ["sv-1"]);
    // It comes back, and so the plan goes on.
    stage.spec(stage.service.port);
    stage.service = Service::up(stage.service.port);
    let (ran, told) = stage.job.apply(&["--step", "--spec=spec.yaml"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(stage.job.acted(), ["sv-1", "sv-2"]);
    assert_eq!(kept(&stage.job).len(), 1, "the first look stays the measure");
}

#[test]
fn what_cannot_be_asked_begins_nothing() {
    // Nobody told where we are.
    let stage = Stage::new(false);
    stage.config("vantages: { local: { address: 192.88.98.7 } }\n");
    let told = stage.stops(&["--spec=spec.yaml"], 4, "health-unknown");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("nothing outside told")), "{told}");
    assert!(stage.job.acted().is_empty());

    // It is not ours to ask.
    let stage = Stage::new(false);
    stage.job.sim.folder.file("portcullis.yaml", "scope: [127.0.0.2]\n");
    stage.stops(&["--spec=spec.yaml"], 4, "health-unknown");
    assert!(stage.job.acted().is_empty());

    // Nothing of it answers to begin with.
    let mut stage = Stage::new(false);
    stage.service.down();
    let told = stage.stops(&["--spec=spec.yaml"], 4, "health-unknown");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("nothing could tell")), "{told}");
    assert!(stage.job.acted().is_empty());

    // Asking is forbidden.
    let (ran, _) = Stage::new(false).job.apply(&["--spec=spec.yaml", "--offline"]);
    assert!(ran.code == Some(4) && ran.stderr.contains("--offline"), "{ran}");
}

/// A port that drops what comes, as a filter does: a queue that is full.
fn dropping(port: u16) -> (SocketAddr, socket2::Socket, Vec<TcpStream>) {
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let full = full.expect("a socket");
    full.set_reuse_address(true).expect("set");
    full.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).expect("bound");
    full.listen(0).expect("listening");
    let at = full.local_addr().expect("bound").as_socket().expect("of IPv4");
    let mut queue = Vec::new();
    while let Ok(queued) = TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
        queue.push(queued);
        assert!(queue.len() < 64, "the queue never fills");
    }
    (at, full, queue)
}

/// Silence is no death where the vantage's own way out is not proven.
#[test]
fn silence_without_a_control_is_unknown_and_with_one_is_a_stop() {
    for (control_answers, reason) in [(false, "health-unknown"), (true, "unhealthy")] {
        let mut stage = Stage::new(false);
        let (ran, _) = stage.job.apply(&["--step", "--spec=spec.yaml"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        stage.service.down();
        let _dropping = dropping(stage.service.port);
        let mute = dropping(0);
        if !control_answers {
            stage.spec_with(stage.service.port, mute.0.port());
        }
        let told = stage.stops(&["--step", "--spec=spec.yaml"], 5, reason);
        assert_eq!(stage.job.acted(), ["sv-1"], "{told}");
    }
}
