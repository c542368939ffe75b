//! The examples of `docs/rollout/`: their commands are commands of this binary, the scripts and what the
//! unit starts say yes to what a real gate attested, and the workflow makes what it uses.

use crate::attested::{made, signed};
use crate::common::{World, checkout, skip, systemd};
use crate::gate::tokbox_2019;
use clap::Parser;
use portcullis::attestation::Outcome;
use portcullis::cli::Cli;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn files() -> Vec<(String, String)> {
    let folder = checkout().join("docs/rollout");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the examples")
        .map(|entry| {
            let path = entry.expect("an example").path();
            let text = std::fs::read_to_string(&path).expect("text");
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

fn text(name: &str) -> String {
    let path = checkout().join("docs/rollout").join(name);
    std::fs::read_to_string(path).expect("an example")
}

/// Where the README puts the scripts.
const SCRIPTS: &str = "/usr/local/lib/portcullis/";

fn script(name: &str) -> PathBuf {
    checkout().join("docs/rollout").join(name)
}

/// The values that a unit has for a key, in order.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let line = |l: &'a str| l.strip_prefix(key).and_then(|rest| rest.strip_prefix('='));
    unit.lines().filter_map(line).collect()
}

/// The parts of units that the README shows.
fn parts() -> Vec<String> {
    let readme = text("README.md");
    let blocks = readme.split("```ini\n").skip(1);
    blocks.map(|b| b.split("```").next().expect("a block").to_owned()).collect()
}

/// The words of every command that starts with `portcullis`, from prose, units, scripts and workflows.
pub(crate) fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let starts = |line: &str| -> Option<usize> {
        let line = line.trim_start();
        line.starts_with("portcullis ").then_some(0).or_else(|| {
            line.strip_prefix("ExecStart=/usr/local/bin/")
                .map(|_| "ExecStart=/usr/local/bin/".len())
        })
    };
    joined
        .lines()
        .filter_map(|line| starts(line).map(|at| &line.trim_start()[at..]))
        .map(|line| {
            let end = [" >> ", " || ", " | "].iter().filter_map(|mark| line.find(mark)).min();
            let line = &line[..end.unwrap_or(line.len())];
            line.split_whitespace().map(|w| w.trim_matches('"').to_owned()).collect()
        })
        .collect()
}

#[test]
fn every_command_of_the_examples_is_one_of_this_binary() {
    let mut found = 0;
    for (name, text) in files() {
        for words in commands(&text) {
            found += 1;
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{name}: {}\n{error}", words.join(" "));
            }
        }
    }
    assert!(found >= 8, "{found} commands were found");
}

#[test]
fn the_examples_are_well_formed() {
    for (name, text) in files() {
        match Path::new(&name).extension().and_then(|e| e.to_str()) {
            Some("json") => drop(serde_json::from_str::<Value>(&text).expect("JSON")),
            Some("yml") => {
                let value: Value = serde_saphyr::from_str(&text).expect("YAML");
                assert!(value["jobs"]["gate"]["steps"].as_array().is_some_and(|s| s.len() > 4));
            }
            _ => {}
        }
    }
}

#[test]
fn systemd_takes_the_units() {
    let (listen, gate) = ("portcullis-listen.service", "portcullis-gate.service");
    let units = files().iter().filter(|(name, _)| name.ends_with(".service")).count();
    assert_eq!(units, 2);
    let (world, binary) = (World::new(), Path::new(env!("CARGO_BIN_EXE_portcullis")));
    systemd::takes(&world, &[(listen, text(listen))], "/usr/local/bin/portcullis", binary);
    let installed = format!("{SCRIPTS}wait-for-pass.sh");
    systemd::takes(&world, &[(gate, text(gate))], &installed, &script("wait-for-pass.sh"));
    // What the README says of the units beside them, which find these two in the same folder.
    let parts = parts();
    assert_eq!(parts.len(), 2);
    for (name, part) in ["application.service", "joins.service"].into_iter().zip(parts) {
        let whole = format!("{part}[Service]\nExecStart=/usr/local/bin/portcullis --version\n");
        systemd::takes(&world, &[(name, whole)], "/usr/local/bin/portcullis", binary);
    }
}

/// systemd.unit(5): neither `Conflicts=` nor `Requires=` is an order.
#[test]
fn whatever_conflicts_or_requires_is_ordered_as_well() {
    let mut seen = 0;
    for part in parts() {
        for key in ["Conflicts", "Requires"] {
            for unit in values(&part, key) {
                seen += 1;
                assert!(values(&part, "After").contains(&unit), "{part}");
            }
        }
    }
    assert_eq!(seen, 2, "both units are told of");
    for (name, text) in files().iter().filter(|(name, _)| name.ends_with(".service")) {
        let needs = text.lines().find(|l| l.contains(" needs: ")).expect("what others need");
        let (_, settings) = needs.split_once(": ").expect("settings");
        assert!(settings.contains(&format!(", After={name}")), "{name}: {needs}");
    }
}

/// A first try that fails would fail the start of what requires the unit, whatever is tried later.
#[test]
fn the_gates_unit_tries_within_one_start_that_ends() {
    let unit = text("portcullis-gate.service");
    assert_eq!(values(&unit, "Type"), ["oneshot"]);
    assert_eq!(values(&unit, "Restart"), [""; 0]);
    assert_eq!(values(&unit, "TimeoutStartSec").len(), 1, "a oneshot has no end by itself");
    for (name, _) in files().iter().filter(|(name, _)| name.ends_with(".sh")) {
        let mode = std::fs::metadata(script(name)).expect("a script").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} can be run");
        let readme = text("README.md");
        assert!(
            readme.lines().any(|l| l.contains(SCRIPTS.trim_end_matches('/')) && l.contains(name)),
            "{name}"
        );
    }
}

/// A PATH with the binary first, and before it what stands in `shims`.
pub(crate) fn path_of(shims: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().expect("its folder");
    let system = std::env::var("PATH").expect("PATH");
    format!("{}:{}:{system}", shims.display(), binary.display())
}

/// A program of the test's, in the folder of `shims`.
pub(crate) fn shim(shims: &Path, name: &str, body: &str) {
    std::fs::create_dir_all(shims).expect("a folder");
    let path = shims.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{body}")).expect("a program");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// An instance's metadata on loopback: no id without a token, as IMDSv2 has it.
fn metadata(id: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    let answer = move |stream: &mut TcpStream| {
        let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
        let head: Vec<String> = (&mut lines)
            .map_while(Result::ok)
            .take_while(|l| !l.is_empty())
            .map(|l| l.to_ascii_lowercase())
            .collect();
        let has = |header: &str| head.iter().any(|l| l.starts_with(header));
        let (status, body) = match head.first().map(String::as_str) {
            Some("put /latest/api/token http/1.1")
                if has("x-aws-ec2-metadata-token-ttl-seconds: ") =>
            {
                ("200 OK", "the-token")
            }
            Some("get /latest/meta-data/instance-id http/1.1")
                if has("x-aws-ec2-metadata-token: the-token") =>
            {
                ("200 OK", id)
            }
            _ => ("401 Unauthorized", ""),
        };
        let length = body.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    };
    // It ends with the test's process.
    std::thread::spawn(move || listener.incoming().flatten().for_each(|mut s| answer(&mut s)));
    format!("http://{at}")
}

pub(crate) fn said(ran: &Output) -> String {
    String::from_utf8_lossy(&[&*ran.stdout, &*ran.stderr].concat()).into_owned()
}

/// What the unit starts, with the unit's own environment, on a machine whose folders are the test's.
/// `sleep` is the test's as well: see [`arrives`].
fn start(folder: &Path, shims: &Path, role: &str) -> Command {
    let unit = text("portcullis-gate.service");
    let here = |text: &str| {
        let scripts = format!("{}/", checkout().join("docs/rollout").display());
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
        text.replace(SCRIPTS, &scripts)
            .replace("/run/portcullis/", "")
            .replace("/etc/portcullis/allowed_signers", "signers")
            .replace("/usr/local/bin/", "")
            .replace("%H", name.trim())
            .replace("video", role)
    };
    let exec = values(&unit, "ExecStart");
    assert_eq!(exec.len(), 1);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec {}", here(exec[0]))])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path_of(shims))
        .env("ALLOWED_SIGNERS", "signers");
    for pair in values(&unit, "Environment") {
        let (name, value) = pair.split_once('=').expect("a variable");
        command.env(name, here(value));
    }
    command
}

/// The attestation arrives while the script sleeps for the first time; a second time there is none,
/// because a script that still waits then would wait for ever.
fn arrives(shims: &Path) {
    let moves = "mv gate.json.sig pass.json.sig && mv gate.json pass.json || kill $PPID\n";
    shim(shims, "sleep", &format!("[ \"$*\" = 10 ] && {moves}"));
}

#[test]
fn the_unit_waits_for_the_attestation_of_its_own_host() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skip("the instance's own id needs curl");
    }
    let Some((lab, host, role)) = tokbox_2019::passed() else { return };
    let shims = lab.dir.join("shims");
    arrives(&shims);
    let imds = metadata(host);
    let mut unit = start(&lab.dir, &shims, role);
    let ran = unit.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    assert!(said(&ran).contains(&format!("PASS {host} for {role}")), "{}", said(&ran));
    assert!(said(&ran).contains("cannot read pass.json"), "it waited: {}", said(&ran));

    // By the same id whatever runs on the server adds it to the pool, and by none of its other names.
    let id = Command::new(script("instance-id.sh"))
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds)
        .output()
        .expect("it runs");
    assert_eq!((id.status.code(), said(&id)), (Some(0), format!("{host}\n")));
    for (asked, code) in
        [(said(&id).trim(), 0), ("vm", 4), ("203.0.113.11", 4), ("video-01", 4), ("i-0video02", 4)]
    {
        let added = lab.dir.join(format!("added-{asked}"));
        let ran = Command::new(script("add-to-pool.sh"))
            .args([asked, "pass.json", "touch"])
            .arg(&added)
            .current_dir(&lab.dir)
            .env("PATH", path_of(&shims))
            .env("ROLE", role)
            .env("ALLOWED_SIGNERS", "signers")
            .output()
            .expect("it runs");
        assert_eq!((ran.status.code(), added.exists()), (Some(code), code == 0), "{}", said(&ran));
    }
}

#[test]
fn a_host_that_the_spec_declares_waits_under_its_own_name() {
    let world = signed(&made(&[("edge-1", Outcome::Pass)], 60));
    let folder = world.folder();
    for (from, to) in
        [("it.json", "gate.json"), ("it.json.sig", "gate.json.sig"), ("allowed_signers", "signers")]
    {
        std::fs::rename(folder.join(from), folder.join(to)).expect("it moves");
    }
    let shims = folder.join("shims");
    arrives(&shims);
    // Nothing asks for an instance id where there is no instance.
    shim(&shims, "curl", "exit 7\n");
    let unit = text("portcullis-gate.service");
    let example = values(&unit, "#Environment")[0].strip_prefix("HOST=").expect("the example");
    let ran = start(folder, &shims, "video").env("HOST", example).output().expect("it runs");
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    // Where neither is known it says so, and goes on until it is ended.
    let ran = start(folder, &shims, "video").output().expect("it runs");
    assert_eq!(ran.status.code(), None, "{}", said(&ran));
    let ran = start(folder, &shims, "video").env_remove("ROLE").output().expect("it runs");
    assert!(matches!(ran.status.code(), Some(1..)), "no role is no reason to wait: {}", said(&ran));
}

/// The script adds a host that was attested, and none else.
#[test]
fn the_script_adds_what_passed_and_nothing_else() {
    let held = [("i-1", Outcome::Pass), ("i-2", Outcome::Hold)];
    let world = signed(&made(&held, 60));
    let script = checkout().join("docs/rollout/add-to-pool.sh");
    let binary = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().expect("its folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").expect("PATH"));
    let add = |host: &str, role: &str| {
        let added = world.folder().join(format!("added-{host}-{role}"));
        let ran = Command::new("sh")
            .arg(&script)
            .args([host, "it.json", "touch"])
            .arg(&added)
            .current_dir(world.folder())
            .env("PATH", &path)
            .env("ROLE", role)
            .env("ALLOWED_SIGNERS", "allowed_signers")
            .output()
            .expect("it runs");
        (ran.status.code(), added.exists())
    };
    assert_eq!(add("i-1", "video"), (Some(0), true));
    assert_eq!(add("i-2", "video"), (Some(4), false), "on HOLD");
    assert_eq!(add("i-3", "video"), (Some(4), false), "never gated");
    assert_eq!(add("i-1", "api"), (Some(4), false), "gated for another role");
}

fn steps(workflow: &Value) -> Vec<Value> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    jobs.values().next().and_then(|j| j["steps"].as_array()).expect("steps").clone()
}

/// Holds that a job builds portcullis as those of `docs/ci` do, before anything calls it.
pub(crate) fn installs(ours: &[Value], first: &str) {
    let ci = std::fs::read_to_string(checkout().join("docs/ci/github-audit.yml")).expect("CI's");
    let theirs = steps(&serde_saphyr::from_str(&ci).expect("YAML"));
    let place = |steps: &[Value], what: &str| {
        steps.iter().position(|s| s.to_string().contains(what)).unwrap_or_else(|| panic!("{what}"))
    };
    for what in ["vars.PORTCULLIS_REPOSITORY", "~/.cargo/bin/portcullis", "cargo install"] {
        let (ours_at, theirs_at) = (place(ours, what), place(&theirs, what));
        assert_eq!(ours[ours_at], theirs[theirs_at], "{what}");
        assert!(ours_at < place(ours, first), "{what}");
    }
}

#[test]
fn the_workflow_installs_what_it_runs() {
    let ours = steps(&serde_saphyr::from_str(&text("github-actions.yml")).expect("YAML"));
    installs(&ours, "portcullis gate ");
}

/// The workflow's steps, run as Actions does: the profile that the README's configuration names is
/// there when the gate is called, nothing in the environment wins over it, and no key is left.
#[test]
fn the_workflow_makes_the_profile_that_continues() {
    let readme = text("README.md");
    let (_, rest) =
        readme.split_once("lifecycle: { asg: video, hook: gate, profile: ").expect("it");
    let profile = rest.split_whitespace().next().expect("a name");
    let world = World::new();
    let (folder, shims) = (world.folder(), world.folder().join("shims"));
    // What a gate with this configuration finds.
    shim(
        &shims,
        "portcullis",
        "env > gate-env\ncat \"$AWS_CONFIG_FILE\" > gate-aws\ncat \"$PORTCULLIS_AUDITOR_KEY\" > gate-auditor\n\
         stat -c %a \"$AWS_CONFIG_FILE\" \"$PORTCULLIS_AUDITOR_KEY\" > gate-modes\n",
    );
    std::fs::create_dir_all(folder.join("temp")).expect("a folder");
    for step in steps(&serde_saphyr::from_str(&text("github-actions.yml")).expect("YAML")) {
        let Some(run) = step["run"].as_str() else { continue };
        assert!(!run.contains("${{"), "an expression inside a script: {run}");
        let mut shell = Command::new("bash");
        shell
            .args(["-e", "-c", run])
            .current_dir(folder)
            .env_clear()
            .env("PATH", path_of(&shims))
            .env("HOME", folder.join("home"))
            .env("RUNNER_TEMP", folder.join("temp"))
            .env("GITHUB_STEP_SUMMARY", folder.join("summary"))
            .env("HOST", "i-1")
            // As aws-actions/configure-aws-credentials leaves them.
            .env("AWS_ACCESS_KEY_ID", "reads")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_REGION", "eu-central-1");
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = value.as_str().expect("text").replace("${{ ", "<").replace(" }}", ">");
            shell.env(name, value);
        }
        let ran = shell.output().expect("it runs");
        assert_eq!(ran.status.code(), Some(0), "{run}: {}", said(&ran));
    }
    let found =
        |name: &str| std::fs::read_to_string(folder.join(name)).expect("the gate was called");
    let wins = |l: &&str| l.starts_with("AWS_ACCESS") || l.starts_with("AWS_S");
    let env = found("gate-env");
    assert_eq!(env.lines().filter(wins).collect::<Vec<_>>(), [""; 0]);
    let aws = found("gate-aws");
    let section = |name: &str| {
        let (_, rest) = aws.split_once(&format!("[{name}]\n")).unwrap_or_else(|| panic!("{aws}"));
        rest.split('[').next().expect("a section").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        section(&format!("profile {profile}")),
        ["role_arn = <vars.PORTCULLIS_ROLLOUT_ROLE_ARN>", "source_profile = default"]
    );
    assert_eq!(
        section("default"),
        [
            "aws_access_key_id = reads",
            "aws_secret_access_key = secret",
            "aws_session_token = token"
        ]
    );
    assert_eq!(found("gate-auditor"), "<secrets.PORTCULLIS_AUDITOR_KEY>\n");
    assert_eq!(found("gate-modes"), "600\n600\n");
    assert_eq!(std::fs::read_dir(folder.join("temp")).expect("a folder").count(), 0, "forgotten");
}
