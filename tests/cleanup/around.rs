//! Ways around a guard that no flag, variable or order of commands may open, by the binary.

use crate::job::Job;
use crate::planned::{fleet, plan, told};
use crate::simworld::Sim;
use portcullis::cleanup::plan::{Places, Plan};
use serde_json::json;

fn two() -> Sim {
    ["sv-1", "sv-2"].into_iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}))
}

/// A look from outside that is switched off sees no life.
#[test]
fn a_live_thing_is_seen_whatever_is_left_out_of_the_command() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let reach = listener.local_addr().expect("its address").to_string();
    let job = || {
        let sim = two();
        sim.folder.file("portcullis.yaml", "scope: [\"127.0.0.1/32\"]\n");
        let mut job = Job::new(sim, &["sv-1", "sv-2"], |plan| {
            plan.pins.scope = vec!["127.0.0.1/32".into()];
        });
        job.sim.data["resources"][0]["attributes"]["addresses"] = json!(reach);
        job.sim.write();
        job
    };
    let seen = job();
    let (_, said) = seen.apply(&["--attached"]);
    assert_eq!(said["held"][0]["reason"], "came-alive");
    assert!(seen.acted().is_empty());
    let (ran, _) = seen.apply(&["--attached", "--offline"]);
    assert!(ran.code == Some(4) && ran.stderr.contains("--offline"), "{ran}");
    // Where nothing says that it is ours to ask, it is not silent: nobody asked.
    std::fs::remove_file(seen.sim.path("portcullis.yaml")).expect("another folder's");
    let (ran, _) = seen.apply(&["--attached"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("127.0.0.1/32 could be probed"), "{ran}");
    assert!(seen.acted().is_empty());
}

/// The plan's command is all of it: its digest is of the files, and another argument is another world.
#[test]
fn another_command_than_the_plan_pins_does_nothing() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    let mut words = job.sim.command();
    words.push("--elsewhere".into());
    let other = format!("--adapter={}", json!(words));
    let (ran, _) = job.apply(&["--attached", &other]);
    assert!(ran.code == Some(4) && ran.stderr.contains("another command"), "{ran}");
    assert!(job.acted().is_empty());
    let same = format!("--adapter={}", json!(job.sim.command()));
    assert_eq!(job.apply(&["--attached", &same]).0.code, Some(0));
}

/// Whatever an interpreter is given first is what runs.
#[test]
fn a_script_without_an_ending_is_pinned_and_a_program_on_the_command_line_is_not_taken() {
    use portcullis::apply::AdapterCommand;
    let sim = two();
    let script = sim.folder.file("adapter", "print(1)\n");
    let words = |first: &str| vec!["python3".to_owned(), first.to_owned(), "x".to_owned()];
    let digest = |first: &str| AdapterCommand::new(&words(first)).expect("a command").digest();
    let path = script.display().to_string();
    let before = digest(&path).expect("pinned");
    sim.folder.file("adapter", "print(2)\n");
    assert_ne!(digest(&path).expect("pinned"), before);
    for loose in ["-c", "-m", "nowhere.py"] {
        assert!(digest(loose).is_err_and(|e| e.to_string().contains("pinned")), "{loose}");
    }
}

/// The places that the policy names are the places.
#[test]
fn a_claim_or_a_halt_elsewhere_is_none() {
    let places = |claim: Option<&str>, halt: Option<&str>| {
        let places = Places { claim: claim.map(Into::into), halt: halt.map(Into::into) };
        Job::new(two(), &["sv-1", "sv-2"], |plan: &mut Plan| plan.pins.places = places)
    };
    let job = places(Some("git:/srv/claims.git"), None);
    let (ran, _) = job.apply(&["--attached"]);
    assert!(
        ran.code == Some(2)
            && ran.stderr.contains("claim is at git:/srv/claims.git, and not at file"),
        "{ran}"
    );
    let job = places(None, Some("git:/srv/claims.git"));
    let (ran, _) = job.apply(&["--attached"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("halt is at git:/srv/claims.git"), "{ran}");
    assert!(job.acted().is_empty());
    // A name of a checkout is nobody's place.
    let job = places(None, None);
    let (ran, _) = job.apply(&["--attached", "--claim=git:origin"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("only a checkout knows"), "{ran}");
    let job = places(Some("file"), Some("halt.json"));
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
}

/// A plan takes the places from its policy.
#[test]
fn a_plan_pins_the_places_of_its_policy() {
    let fleet = fleet(|_| {});
    let policy = format!(
        "{}places: {{ claim: \"git:/srv/claims.git\", halt: \"git:/srv/claims.git\" }}\n",
        crate::fleet::POLICY
    );
    fleet.sim.folder.file("policy.yaml", policy);
    plan(&fleet, &[]);
    let told = told(&plan(&fleet, &["--format=json"]));
    let folder = fleet.sim.path(told["folder"].as_str().expect("a folder"));
    let sealed = std::fs::read(folder.join("plan.json")).expect("sealed");
    let sealed: serde_json::Value = serde_json::from_slice(&sealed).expect("JSON");
    assert_eq!(
        sealed["pins"]["places"],
        json!({"claim": "git:/srv/claims.git", "halt": "git:/srv/claims.git"})
    );
}

/// D08, by who only reads: a journal that is gone is no journal of nothing.
#[test]
fn d08_a_journal_that_is_gone_is_told() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    let place = job.place.display().to_string();
    let words = ["cleanup", "log", "verify", &place, "--state=state"];
    let said = job.sim.folder.run(&words);
    assert!(said.code == Some(0) && said.stdout.contains("nothing was done"), "{said}");
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    std::fs::remove_file(job.journal()).expect("gone");
    let said = job.sim.folder.run(&words);
    assert!(said.code == Some(4) && said.stderr.contains("log-rollback"), "{said}");
}

/// Addresses tell no class: each thing has its own.
#[test]
fn things_that_tell_where_they_are_make_no_strata_of_it() {
    let fleet = fleet(|fleet| {
        for (id, address) in [("sv-2-0", "192.0.2.7"), ("sv-2-1", "192.0.2.8")] {
            fleet.servo(id)["attributes"]["addresses"] = json!(address);
        }
    });
    plan(&fleet, &[]);
    let ran = plan(&fleet, &["--format=json"]);
    assert_eq!(told(&ran)["items"].as_array().map(Vec::len), Some(2), "{ran}");
}
