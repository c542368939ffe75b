//! The examples of `docs/rollout/`: their commands are commands of this binary, and the script runs.

use crate::attested::{made, signed};
use crate::common::{World, checkout, systemd};
use clap::Parser;
use portcullis::attestation::Outcome;
use portcullis::cli::Cli;
use std::path::Path;
use std::process::Command;

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

/// The words of every command that starts with `portcullis`, from prose, units, scripts and workflows.
pub(crate) fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let starts = |line: &str| -> Option<usize> {
        let line = line.trim_start();
        line.starts_with("portcullis ").then_some(0).or_else(|| {
            line.strip_prefix("ExecStart=/usr/bin/").map(|_| "ExecStart=/usr/bin/".len())
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
    assert!(found >= 9, "{found} commands were found");
}

#[test]
fn the_examples_are_well_formed() {
    for (name, text) in files() {
        match Path::new(&name).extension().and_then(|e| e.to_str()) {
            Some("json") => drop(serde_json::from_str::<serde_json::Value>(&text).expect("JSON")),
            Some("yml") => {
                let value: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
                assert!(value["jobs"]["gate"]["steps"].as_array().is_some_and(|s| s.len() > 4));
            }
            _ => {}
        }
    }
}

#[test]
fn systemd_takes_the_units() {
    let files = files();
    let units: Vec<_> = files
        .iter()
        .filter(|(name, _)| name.ends_with(".service"))
        .map(|(name, text)| (name.as_str(), text.clone()))
        .collect();
    assert_eq!(units.len(), 2);
    let binary = Path::new(env!("CARGO_BIN_EXE_portcullis"));
    systemd::takes(&World::new(), &units, "/usr/bin/portcullis", binary);
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
