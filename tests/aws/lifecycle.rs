//! A gate that continues an Auto Scaling lifecycle action, against a server of the test's own on
//! loopback: moto keeps no lifecycle actions. What it is asked is written down, word for word.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// Every request's form, as it was sent.
type Asked = Arc<Mutex<Vec<String>>>;

/// Answers Auto Scaling's query API; `complete` is what it answers to a completion.
fn service(complete: &'static str, status: &'static str) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let noted = Arc::clone(&noted);
            std::thread::spawn(move || answer(stream, &noted, complete, status));
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, asked: &Asked, complete: &str, status: &str) {
    loop {
        let Some(form) = request(&mut stream) else { return };
        let (status, body) = if form.contains("Action=DescribeLifecycleHooks") {
            (
                "200 OK",
                "<DescribeLifecycleHooksResponse><DescribeLifecycleHooksResult><LifecycleHooks><member>\
                 <LifecycleHookName>gate</LifecycleHookName><AutoScalingGroupName>video</AutoScalingGroupName>\
                 <LifecycleTransition>autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition>\
                 <HeartbeatTimeout>15</HeartbeatTimeout><DefaultResult>ABANDON</DefaultResult>\
                 </member></LifecycleHooks></DescribeLifecycleHooksResult></DescribeLifecycleHooksResponse>"
                    .to_owned(),
            )
        } else if form.contains("Action=CompleteLifecycleAction") {
            (status, complete.to_owned())
        } else {
            let action = "RecordLifecycleActionHeartbeat";
            ("200 OK", format!("<{action}Response><{action}Result/></{action}Response>"))
        };
        asked.lock().unwrap().push(form);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of one request; `None` when the client has gone.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length =
        head.lines().find_map(|l| l.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    // With whose key it was signed, and for where: `Credential=KEY/date/region/…`.
    let (_, scope) = head.split_once("credential=")?;
    let scope: Vec<&str> = scope.split('/').take(3).collect();
    let [key, _, region] = scope.as_slice() else { return None };
    Some(format!("{}&in={region}&by={key}", String::from_utf8(body).ok()?))
}

/// Where the vantage lies, as the test's STUN server has it: a gate believes no other word of that.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);

/// A STUN server that tells whoever asks that it is [`OUTSIDE`].
fn reflector() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut asked = [0; 64];
        while let Ok((20.., SocketAddr::V4(from))) = socket.recv_from(&mut asked) {
            let mut reply = vec![1, 1, 0, 12];
            reply.extend(&asked[4..20]);
            reply.extend([0, 0x20, 0, 8, 0, 1]);
            reply.extend((from.port() ^ 0x2112).to_be_bytes());
            reply.extend((u32::from(OUTSIDE) ^ 0x2112_a442).to_be_bytes());
            socket.send_to(&reply, from).unwrap();
        }
    });
    at
}

struct Gated {
    output: Output,
    asked: Vec<String>,
}

/// Gates two declared hosts of loopback, `i-good` (whose port answers) and the one named.
fn gate(
    name: &str,
    host: &str,
    complete: &'static str,
    status: &'static str,
    more: &[&str],
) -> Gated {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("lifecycle-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = open.local_addr().unwrap().port();
    let closed = TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().port();
    let spec = format!(
        "version: 1\nnetworks: {{ here: [198.51.100.0/24] }}\n\
         hosts:\n  i-good: {{ addresses: [127.0.0.1], tags: {{ role: video }} }}\n  \
         i-bad: {{ addresses: [127.0.0.2], tags: {{ role: other }} }}\n\
         roles:\n  video:\n    select: {{ tags: {{ role: video }} }}\n    \
         services: {{ web: {{ port: tcp/{port}, from: here }} }}\n  \
         other:\n    select: {{ tags: {{ role: other }} }}\n    \
         services: {{ web: {{ port: tcp/{closed}, from: here }} }}\n\
         controls: [ {{ address: 127.0.0.1, port: tcp/{port} }} ]\n"
    );
    std::fs::write(folder.join("spec.yaml"), spec).unwrap();
    std::fs::write(
        folder.join("portcullis.yaml"),
        format!(
            "scope: [127.0.0.0/8]\nvantages: {{ local: {{ reflect: \"{}\" }} }}\n\
             history: {{ off: true }}\nlifecycle: {{ asg: video{} }}\n{}",
            reflector(),
            match name {
                "profile" => ", profile: rollout",
                "west" => ", region: us-west-1",
                _ => "",
            },
            // A look that takes longer than a third of the hook's time.
            if name == "slow" {
                "facts: [ { command: [sh, -c, \"sleep 6; echo {}\"], timeout: 30s } ]\n"
            } else if matches!(name, "west" | "several") {
                "regions: [us-east-1, us-west-1]\n"
            } else {
                ""
            },
        ),
    )
    .unwrap();
    let keys = "[profile rollout]\naws_access_key_id = ofrollout\naws_secret_access_key = x\n";
    std::fs::write(folder.join("aws"), keys).unwrap();
    let (url, asked) = service(complete, status);
    let role = if host == "i-bad" { "other" } else { "video" };
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["gate", "spec.yaml", "--role", role, "--host", host, "--no-cloud", "--no-sweep"])
        .args(["--peers", "0", "--lifecycle-hook", "gate"])
        .args(more)
        .current_dir(&folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &folder)
        .env("AWS_ENDPOINT_URL", &url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", folder.join("aws"))
        .output()
        .unwrap();
    drop(open);
    let _ = std::fs::remove_dir_all(&folder);
    let asked = asked.lock().unwrap().clone();
    Gated { output, asked }
}

impl Gated {
    fn said(&self) -> String {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        format!(
            "{:?}\n{}\n{}",
            self.output.status,
            text(&self.output.stdout),
            text(&self.output.stderr)
        )
    }

    fn completions(&self) -> Vec<&String> {
        self.asked.iter().filter(|f| f.contains("Action=CompleteLifecycleAction")).collect()
    }
}

const DONE: &str = "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>";
const GONE: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
    <Message>No active Lifecycle Action found with instance ID i-good</Message></Error></ErrorResponse>";

#[test]
fn a_host_that_passes_is_continued_once() {
    let it = gate("pass", "i-good", DONE, "200 OK", &[]);
    let said = it.said();
    assert_eq!(it.output.status.code(), Some(0), "{said}");
    assert!(said.contains("i-good was continued into service"), "{said}");
    let made = it.completions();
    assert_eq!(made.len(), 1, "{made:?}");
    for part in [
        "AutoScalingGroupName=video",
        "LifecycleHookName=gate",
        "InstanceId=i-good",
        "LifecycleActionResult=CONTINUE",
    ] {
        assert!(made[0].contains(part), "{part}: {made:?}");
    }
}

/// A profile that is named is meant, whatever keys the environment of a CI job holds.
#[test]
fn a_hook_is_continued_with_the_keys_of_its_own_profile() {
    for (name, key) in [("pass", "testing"), ("profile", "ofrollout")] {
        let it = gate(name, "i-good", DONE, "200 OK", &[]);
        assert_eq!(it.output.status.code(), Some(0), "{}", it.said());
        let by = format!("&by={key}");
        assert!(it.asked.iter().all(|form| form.ends_with(&by)), "{name}: {:?}", it.asked);
    }
}

/// Of several regions the group's own is asked, and where nothing tells which that is, none.
#[test]
fn a_hook_is_continued_in_the_region_of_its_group() {
    let it = gate("west", "i-good", DONE, "200 OK", &[]);
    assert_eq!(it.output.status.code(), Some(0), "{}", it.said());
    assert!(!it.asked.is_empty() && it.asked.iter().all(|f| f.contains("&in=us-west-1&")));
    let it = gate("several", "i-good", DONE, "200 OK", &[]);
    assert_eq!(it.output.status.code(), Some(2), "{}", it.said());
    assert!(it.said().contains("which of us-east-1, us-west-1"), "{}", it.said());
    assert!(it.asked.is_empty(), "{:?}", it.asked);
}

/// The hook's time runs while a look does: heartbeats do not wait for its end.
#[test]
fn an_instance_is_kept_waiting_through_a_look_that_takes_long() {
    let it = gate("slow", "i-good", DONE, "200 OK", &[]);
    let said = it.said();
    assert_eq!(it.output.status.code(), Some(0), "{said}");
    let actions: Vec<&str> = it
        .asked
        .iter()
        .map(|f| {
            if f.contains("Heartbeat") {
                "heartbeat"
            } else if f.contains("Complete") {
                "complete"
            } else {
                "describe"
            }
        })
        .collect();
    assert_eq!(actions, ["describe", "heartbeat", "heartbeat", "complete"], "{said}");
}

#[test]
fn a_host_that_is_held_is_withheld_and_nothing_is_completed() {
    let it = gate("hold", "i-bad", DONE, "200 OK", &["--wait", "2s", "--every", "1s"]);
    let said = it.said();
    assert_eq!(it.output.status.code(), Some(1), "{said}");
    assert!(said.contains("i-bad is withheld from the hook gate of video"), "{said}");
    assert!(said.contains("Auto Scaling does ABANDON by itself"), "{said}");
    assert!(it.completions().is_empty(), "{:?}", it.asked);
    assert!(
        it.asked
            .iter()
            .any(|f| f.contains("Action=RecordLifecycleActionHeartbeat") && f.contains("i-bad")),
        "{:?}",
        it.asked
    );
    assert!(it.asked.iter().all(|f| !f.contains("ABANDON")), "{:?}", it.asked);
}

#[test]
fn a_pass_that_could_not_be_continued_is_no_success() {
    let it = gate("gone", "i-good", GONE, "400 Bad Request", &[]);
    let said = it.said();
    assert_eq!(it.output.status.code(), Some(2), "{said}");
    assert!(said.contains("its time is over, it was completed, or it never waited"), "{said}");
    assert!(!said.contains("was continued"), "{said}");
    assert!(it.asked.iter().all(|f| !f.contains("ABANDON")), "{:?}", it.asked);
}
