//! Facts by Systems Manager in two regions, one of which is denied, with the real binary against a
//! server of the test's own on loopback: moto keeps no inventory.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};

/// Answers Systems Manager's JSON protocol: `us-east-1` has the node `i-one` with build 41, and
/// `eu-west-1` has `i-two` with build 41, or denies whatever it is asked.
fn service(denied: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream, denied));
        }
    });
    url
}

fn answer(mut stream: TcpStream, denied: bool) {
    while let Some(head) = request(&mut stream) {
        // The scope of the signature says which region was meant.
        let europe = head.contains("/eu-west-1/ssm/");
        let node = if europe { "i-two" } else { "i-one" };
        let (status, body) = if europe && denied {
            let says = "is not authorized to perform: ssm:GetInventory";
            let body = format!(r#"{{"__type":"AccessDeniedException","message":"{says}"}}"#);
            ("400 Bad Request", body)
        } else if head.contains("amazonssm.getinventory") {
            let body = format!(
                r#"{{"Entities":[{{"Id":"{node}","Data":{{"AWS:InstanceInformation":{{"TypeName":"AWS:InstanceInformation","SchemaVersion":"1.0","Content":[{{"InstanceStatus":"Active"}}]}}}}}}]}}"#
            );
            ("200 OK", body)
        } else {
            let at = jiff::Timestamp::now();
            let body = format!(
                r#"{{"TypeName":"Custom:Build","InstanceId":"{node}","SchemaVersion":"1.0","CaptureTime":"{at:.0}","Entries":[{{"number":"41"}}]}}"#
            );
            ("200 OK", body)
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// The head of one request in lower case, its body read away; `None` when the client has gone.
fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "))?.trim().parse();
    stream.read_exact(&mut vec![0; length.ok()?]).ok()?;
    Some(head)
}

fn audit(name: &str, denied: bool) -> Output {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("ssm-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let spec = "version: 1\nhosts:\n  i-one: { addresses: [198.51.100.1], tags: { role: web } }\n  \
                i-two: { addresses: [198.51.100.2], tags: { role: web } }\n\
                roles:\n  web:\n    select: { tags: { role: web } }\n    \
                facts: { build: { same_within: role } }\n  \
                newer:\n    select: { names: [i-one] }\n    facts: { build: \">= 42\" }\n";
    std::fs::write(folder.join("spec.yaml"), spec).unwrap();
    let config = "regions: [us-east-1, eu-west-1]\nhistory: { off: true }\n\
                  facts: [{ ssm: [\"Custom:Build\"], rename: { build: \"Custom:Build.number\" } }]\n";
    std::fs::write(folder.join("portcullis.yaml"), config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["audit", "spec.yaml", "--no-cloud", "--no-probe", "--fail-on", "critical"])
        .current_dir(&folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &folder)
        .env("AWS_ENDPOINT_URL", service(denied))
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    output
}

#[test]
fn a_region_that_denies_is_a_gap_of_its_hosts_and_the_other_regions_facts_stand() {
    let said = |o: &Output| {
        format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
    };
    // What the region that answers says is judged, whatever the other one does: 41 is too old.
    let judged = "i-one fact build of role newer is `41` and must be >= 42";
    let whole = audit("whole", false);
    assert!(whole.status.code() == Some(0) && said(&whole).contains(judged), "{}", said(&whole));
    let half = audit("half", true);
    let text = said(&half);
    assert!(half.status.code() == Some(3) && text.contains(judged), "{text}");
    assert!(text.contains("eu-west-1: GetInventory: denied: AccessDeniedException"), "{text}");
    assert!(text.contains("i-two") && !text.contains("us-east-1: GetInventory"), "{text}");
}
