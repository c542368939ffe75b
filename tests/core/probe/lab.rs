//! The shared probe lab: many hosts behind a packet filter, with the truth of every port written
//! down. Larger cases are in `benches/probe_lab.sh`.

use crate::common::{World, checkout, no_namespaces, skip};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

struct Lab {
    script: PathBuf,
    name: String,
    state: PathBuf,
}

impl Lab {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("bash");
        command.arg(&self.script).args(arguments);
        command.env("LAB_NS", &self.name).env("LAB_STATE", &self.state);
        command
    }

    /// What is true of each port: address, protocol, port, state.
    fn truth(&self) -> BTreeMap<(String, String, u16), String> {
        let text = std::fs::read_to_string(self.state.join("truth.tsv")).expect("the truth");
        let row = |line: &str| {
            let mut cells = line.split('\t').map(str::to_owned);
            let (address, protocol) = (cells.next()?, cells.next()?);
            let port = cells.next()?.parse().ok()?;
            Some(((address, protocol, port), cells.next()?))
        };
        text.lines().filter(|l| !l.starts_with('#')).filter_map(row).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.command(&["down"]).output();
    }
}

fn lab(world: &World, arguments: &[&str]) -> Result<Lab, String> {
    let shared = std::env::var_os("PORTCULLIS_SHARED")
        .map_or_else(|| checkout().join("../shared"), PathBuf::from);
    let script = shared.join("lab/lab.sh");
    if !script.exists() {
        return Err("no shared lab beside the checkout".into());
    }
    if let Some(lack) = no_namespaces() {
        return Err(lack.into());
    }
    let name = format!("pcl{}", std::process::id());
    let lab = Lab { script, name, state: world.folder().join("lab") };
    let up = lab.command(&[&["up"], arguments].concat()).output().expect("bash starts");
    if up.status.success() {
        Ok(lab)
    } else {
        Err(format!("the lab does not start: {}", String::from_utf8_lossy(&up.stderr)))
    }
}

#[test]
fn finds_every_open_port_of_a_lossy_lab_and_tells_firewall_from_host() {
    let world = World::new();
    world.file("portcullis.yaml", "version: 1\nscope: [10.66.0.0/16]\n");
    let options = ["--hosts", "12", "--profile", "mixed", "--loss", "5", "--icmp-limit", "off"];
    let lab = match lab(&world, &options) {
        Ok(lab) => lab,
        Err(why) => return skip(&format!("the probe lab: {why}")),
    };
    let ports = std::fs::read_to_string(lab.state.join("ports.txt")).expect("the lab's ports");
    let ports = format!("tcp/{}", ports.trim());
    let output = lab
        .command(&["exec", env!("CARGO_BIN_EXE_portcullis"), "probe", "10.66.1.0/28"])
        .args(["--ports", &ports, "--no-identify"])
        .current_dir(world.folder())
        .output()
        .expect("the binary starts");
    let truth = lab.truth();
    let (mut judged, mut wrong) = (0, Vec::new());
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let seen: Value = serde_json::from_str(line).expect("a JSON line");
        let text = |key: &str| seen[key].as_str().expect("text").to_owned();
        let port = u16::try_from(seen["port"].as_u64().expect("a port")).expect("a port");
        let Some(true_state) = truth.get(&(text("address"), text("protocol"), port)) else {
            continue;
        };
        judged += 1;
        let right = match true_state.as_str() {
            "open" => "open",
            "closed" => "refused",
            "filtered" => "silent",
            _ => "rejected",
        };
        if text("state") != right {
            wrong.push(format!("{true_state}: {line}"));
        }
    }
    assert_eq!(judged, 1200, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
