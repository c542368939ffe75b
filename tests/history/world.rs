//! The estate of TokBox 2019, whose security group can be mended and broken between two runs.

use crate::common::{Ran, World, checkout};
use serde_json::{Value, json};

pub(crate) struct Estate {
    pub(crate) world: World,
    snapshot: Value,
}

impl Estate {
    /// As it was on that day: three hosts whose tcp/443 the internet cannot reach.
    pub(crate) fn new() -> Self {
        Self::of("tokbox-2019")
    }

    /// The estate of an incident.
    pub(crate) fn of(incident: &str) -> Self {
        let folder = checkout().join("fixtures/incidents").join(incident);
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the fixture");
        let world = World::new().with("NO_COLOR", "1");
        world.file("spec.yaml", read("spec.yaml"));
        let snapshot = serde_json::from_str(&read("snapshot.json")).expect("JSON");
        let estate = Self { world, snapshot };
        estate.write();
        estate
    }

    pub(crate) fn write(&self) {
        self.world.file("s.json", self.snapshot.to_string());
    }

    /// Lets the internet reach a port of the new group.
    pub(crate) fn open(&mut self, port: u16) {
        self.permissions().push(json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "IpRanges": [{ "CidrIp": "0.0.0.0/0" }], "Ipv6Ranges": [], "PrefixListIds": [],
            "UserIdGroupPairs": [] }));
        self.write();
    }

    pub(crate) fn close(&mut self, port: u16) {
        self.permissions().retain(|p| p["FromPort"] != port);
        self.write();
    }

    fn permissions(&mut self) -> &mut Vec<Value> {
        self.snapshot["regions"][0]["SecurityGroups"][1]["IpPermissions"]
            .as_array_mut()
            .expect("permissions")
    }

    /// Has the account deny a call, or answer it again.
    pub(crate) fn deny(&mut self, kind: &str, denied: bool) {
        let calls = self.snapshot["calls"].as_array_mut().expect("calls");
        let call = calls.iter_mut().find(|c| c["kind"] == kind).expect("the call");
        call["outcome"] = match denied {
            true => json!({ "is": "denied", "why": "UnauthorizedOperation" }),
            false => json!({ "is": "complete" }),
        };
        self.write();
    }

    /// An offline audit, in which the gaps of an old snapshot that nothing probes are accepted.
    pub(crate) fn audit(&self, more: &[&str]) -> Ran {
        let mut arguments = vec!["audit", "spec.yaml", "--snapshot", "s.json", "--no-probe"];
        arguments.push("--allow-gaps=vantage,stale-snapshot");
        arguments.extend(more);
        self.world.run(&arguments)
    }

    pub(crate) fn history(&self, more: &[&str]) -> Ran {
        let mut arguments = vec!["history"];
        arguments.extend(more);
        self.world.run(&arguments)
    }

    pub(crate) fn findings(&self) -> Vec<Value> {
        let ran = self.history(&["--format", "json", "--limit", "0"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        json_of(&ran.stdout)["findings"].as_array().expect("findings").clone()
    }
}

pub(crate) fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}
