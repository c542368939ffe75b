//! The examples of `docs/cleanup/`: their commands are commands of this binary, the two roles of the
//! workflow stay apart, and its steps do what they say.

use crate::common::{World, checkout, skip};
use crate::rollout_docs::{commands, installs, path_of, said, shim};
use clap::Parser;
use portcullis::cli::Cli;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn file(name: &str) -> String {
    std::fs::read_to_string(checkout().join("docs/cleanup").join(name)).expect("an example")
}

fn takes(words: &[String]) {
    if let Err(error) = Cli::try_parse_from(words) {
        panic!("{}\n{error}", words.join(" "));
    }
}

#[test]
fn every_command_of_the_examples_is_one_of_this_binary() {
    let found = commands(&file("README.md"));
    assert!(found.len() >= 11, "{} commands were found", found.len());
    found.iter().for_each(|words| takes(words));
}

/// What acts says where its claim and its halt are, and by which list of trust, in a place that works
/// from the folder in which claims are made.
#[test]
fn what_acts_in_the_examples_has_every_argument_it_needs() {
    let mut seen = Vec::new();
    for words in commands(&file("README.md")) {
        if !["apply", "undo", "permit"].contains(&words[2].as_str()) {
            continue;
        }
        let of = |name: &str| {
            let at = words.iter().position(|w| w == name);
            at.map(|at| words[at + 1].clone()).unwrap_or_else(|| panic!("{name}: {words:?}"))
        };
        assert!(of("--trust-digest").starts_with("sha256:"), "{words:?}");
        for place in [of("--claim"), of("--halt")] {
            let remote = place.strip_prefix("git:").expect("a repository");
            assert!(remote.contains("://"), "no remote of the checkout is known there: {place}");
        }
        seen.push(words[2].clone());
    }
    assert_eq!(seen, ["permit", "apply", "undo", "apply"]);
}

#[test]
fn planning_has_no_role_that_acts_and_applying_takes_nothing_from_a_branch() {
    let workflow: Value = serde_saphyr::from_str(&file("github-actions.yml")).expect("YAML");
    let job = |name: &str| workflow["jobs"][name].to_string();
    let (plan, apply) = (job("plan"), job("apply"));
    assert!(plan.contains("READ_ROLE") && !plan.contains("APPLY"), "{plan}");
    assert!(apply.contains("APPLY_ROLE") && !apply.contains("cleanup plan"), "{apply}");
    for job in [&plan, &apply] {
        assert!(job.contains("repository.default_branch"), "{job}");
        assert!(job.contains("vars.PORTCULLIS_TRUST_DIGEST"), "{job}");
        assert!(job.contains("\"environment\""), "{job}");
    }
}

#[test]
fn the_policy_of_apply_is_printed_and_an_unknown_action_is_told() {
    let run = World::new().run(&["cleanup", "policy", "--aws", "--actions", "stop"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let policy: Value = serde_json::from_str(&run.stdout).expect("a policy");
    let text = policy.to_string();
    assert!(text.contains("ec2:StopInstances") && text.contains("ec2:StartInstances"), "{text}");
    assert!(!text.contains("ec2:TerminateInstances"), "{text}");
    // Whether it may be started again all of the way to it decides.
    assert!(text.contains("ec2:DescribeSubnets"), "{text}");
    let run = World::new().run(&["cleanup", "policy", "--aws", "--actions", "explode"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("the actions are") && run.stderr.contains("stop"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_policy_of_the_examples_is_one() {
    let text = file("cleanup-policy.yaml");
    let policy = portcullis::cleanup::policy::Policy::read("cleanup-policy.yaml", text.as_bytes());
    let limits = policy.expect("a policy").limits;
    assert_eq!((limits.max_items, limits.max_items_per_day), (25, 25));
}

/// The hook that the README shows lets a switch be made and pulled, and nobody delete it.
#[test]
fn the_hook_of_the_claims_keeps_a_halt() {
    let readme = file("README.md");
    let (_, hook) = readme.split_once("    # hooks/update").expect("the hook");
    let lines = hook.lines().skip(1).take_while(|l| l.starts_with("    "));
    let body: String = lines.map(|l| format!("{}\n", l.trim_start())).collect();
    let world = World::new();
    let remote = world.folder().join("claims.git");
    git(world.folder(), &["init", "--quiet", "--bare", "claims.git"]);
    shim(&remote.join("hooks"), "update", &body);
    let public = format!("{}.pub", crate::attested::key(&world, "bob", 61).display());
    let public = std::fs::read_to_string(public).expect("a line");
    let public = public.trim();
    let row = "{ people: 2, teams: 1, hardware: 0 }";
    world.file(
        "trust.yaml",
        format!(
            "version: 1\npeople:\n  bob: {{ team: ops, roles: [approver], keys: [{{ key: \"{public}\" }}] }}\n\
             quorum:\n  reversible: {{ people: 1, teams: 1, hardware: 0, up_to: 9 }}\n  \
             reversible_large: {row}\n  exposing: {row}\n  irreversible: {row}\n  trust_change: {row}\n\
             hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n"
        ),
    );
    world.file("revoked", "# nobody\n");
    let place = format!("--halt=git:{}", remote.display());
    let halt = |more: &str| {
        let key = "--key=bob";
        world.run(&["cleanup", "halt", &place, "--trust=trust.yaml", "--state=state", key, more])
    };
    let made = halt("--init");
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let pulled = halt("--why=harm");
    assert_eq!(pulled.code, Some(0), "{}", pulled.stderr);
    git(world.folder(), &["init", "--quiet", "anybody"]);
    let at = remote.display().to_string();
    let deleted = git_raw(&world.folder().join("anybody"), &["push", &at, ":refs/portcullis/halt"]);
    assert!(!deleted.status.success(), "{}", said(&deleted));
    assert!(halt("--show").stderr.contains("harm"), "it is still there");
}

fn git_raw(folder: &Path, arguments: &[&str]) -> Output {
    let mut git = Command::new("git");
    for who in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{who}_NAME"), "test").env(format!("GIT_{who}_EMAIL"), "test@invalid");
    }
    git.current_dir(folder)
        .args(["-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git")
}

#[track_caller]
fn git(folder: &Path, arguments: &[&str]) -> String {
    let ran = git_raw(folder, arguments);
    assert!(ran.status.success(), "git {arguments:?}: {}", said(&ran));
    String::from_utf8(ran.stdout).expect("text")
}

fn workflow() -> Value {
    serde_saphyr::from_str(&file("github-actions.yml")).expect("YAML")
}

fn steps(job: &str) -> Vec<Value> {
    workflow()["jobs"][job]["steps"].as_array().expect("steps").clone()
}

fn step(job: &str, name: &str) -> Value {
    let found = steps(job).into_iter().find(|s| s["name"] == name);
    found.unwrap_or_else(|| panic!("{job} has no step {name}"))
}

#[test]
fn each_job_installs_what_it_runs() {
    for job in ["plan", "apply"] {
        installs(&steps(job), "portcullis cleanup ");
    }
    assert!(file("README.md").contains("`github-actions.yml` has two jobs"));
    assert_eq!(workflow()["jobs"].as_object().expect("jobs").len(), 2);
}

/// A checkout of a repository whose default branch has what the test's `cleanup/` has, and programs in
/// place of `portcullis` and `gh`.
struct Runner {
    world: World,
}

/// Says what the test wrote for a command and a plan: `verify-NAME` is a code and a line.
const STAND_IN: &str = r#"printf '%s\0' portcullis "$@" >> "$SAYS/called"; printf '\n' >> "$SAYS/called"
if [ "$2" = plan ]; then
    for folder in $(cat "$SAYS/makes"); do mkdir -p "$folder"; echo '{}' > "$folder/plan.json"; done
    echo learned > cleanup/seen-0.json
    cat "$SAYS/plan"
    exit "$(cat "$SAYS/code")"
fi
name=${3##*/}
case "$2" in
apply) echo line >> "$3/journal.jsonl" ;;
esac
read -r code line < "$SAYS/$2-$name" || { code=0; line=; }
printf '%s' "$line"
exit "$code"
"#;

impl Runner {
    /// `None` where the programs that GitHub's runners have are not here.
    fn new() -> Option<Self> {
        for program in ["jq", "git", "bash"] {
            if Command::new(program).arg("--version").output().is_err() {
                skip(&format!("the workflow's steps need {program}"));
                return None;
            }
        }
        let it = Self { world: World::new() };
        let (shims, says) = (it.path("shims"), it.path("says"));
        shim(&shims, "portcullis", STAND_IN);
        shim(&shims, "gh", "echo \"$@\" >> \"$SAYS/gh\"\n");
        std::fs::create_dir_all(says).expect("a folder");
        std::fs::create_dir_all(it.path("temp")).expect("a folder");
        git(it.world.folder(), &["init", "--quiet", "--bare", "origin.git"]);
        git(it.world.folder(), &["init", "--quiet", "people"]);
        let people = it.path("people");
        it.world.file("people/trust.yaml", "");
        git(&people, &["add", "."]);
        git(&people, &["commit", "--quiet", "-m", "start"]);
        git(&people, &["push", "--quiet", "../origin.git", "HEAD:main"]);
        let origin = format!("file://{}", it.path("origin.git").display());
        // As actions/checkout has it.
        git(it.world.folder(), &["clone", "--quiet", "--depth=1", &origin, "work"]);
        Some(it)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }

    fn says(&self, name: &str, text: &str) {
        self.world.file(&format!("says/{name}"), text);
    }

    /// A plan in the checkout, what `verify` says of it, and how `apply` would end.
    fn plan(&self, name: &str, (code, verdict): (u8, &Value), ends: u8) {
        self.world.file(&format!("work/cleanup/{name}/plan.json"), "{}");
        let line = if verdict.is_null() { String::new() } else { verdict.to_string() };
        self.says(&format!("verify-{name}"), &format!("{code} {line}\n"));
        self.says(&format!("apply-{name}"), &format!("{ends} \n"));
    }

    /// Runs a step as Actions does, and gives back its code.
    fn run(&self, job: &str, name: &str, more: &[(&str, &str)]) -> Option<i32> {
        let step = step(job, name);
        let script = step["run"].as_str().expect("a script");
        assert!(!script.contains("${{"), "an expression inside a script: {script}");
        let mut shell = Command::new("bash");
        shell
            .args(["-e", "-c", script])
            .current_dir(self.path("work"))
            .env_clear()
            .env("PATH", path_of(&self.path("shims")))
            .env("HOME", self.path("home"))
            .env("SAYS", self.path("says"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("GITHUB_OUTPUT", self.path("output"))
            .env("GITHUB_RUN_ID", "7")
            .env("GITHUB_RUN_ATTEMPT", "1");
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = value.as_str().expect("text");
            shell.env(name, if value.contains("PORTCULLIS_CLAIMS }}") { CLAIMS } else { "x" });
        }
        let ran = shell.envs(more.iter().copied()).output().expect("it runs");
        eprintln!("{job}/{name}: {:?}\n{}", ran.status.code(), said(&ran));
        ran.status.code()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What portcullis was called with, each time.
    fn called(&self) -> Vec<Vec<String>> {
        let words = |line: &str| line.split_terminator('\0').map(str::to_owned).collect();
        self.text("says/called").lines().map(words).collect()
    }

    /// Names of the plans that `command` was called for.
    fn of(&self, command: &str) -> Vec<String> {
        let called = self.called();
        let of = called.iter().filter(|words| words[2] == command);
        of.map(|words| words[3].trim_start_matches("cleanup/").to_owned()).collect()
    }
}

const CLAIMS: &str = "git:https://github.com/o/cleanup-claims.git";

#[test]
fn whoever_asks_for_a_plan_is_named_and_a_schedule_is_nobody() {
    let asked = step("plan", "Plan")["env"]["REQUESTED_BY"].clone();
    assert_eq!(asked, "${{ github.event_name == 'workflow_dispatch' && github.actor || '' }}");
    let Some(it) = Runner::new() else { return };
    it.says("makes", "cleanup");
    it.says("code", "0");
    it.says("plan", r#"{"plan": null, "items": []}"#);
    for by in ["octocat", ""] {
        assert_eq!(it.run("plan", "Plan", &[("REQUESTED_BY", by)]), Some(0));
    }
    let called = it.called();
    called.iter().for_each(|words| takes(words));
    let at = called[0].iter().position(|w| w == "--requested-by").expect("whoever asked");
    assert_eq!(called[0][at + 1], "octocat");
    assert!(!called[1].iter().any(|w| w.contains("requested-by")), "{:?}", called[1]);
}

#[test]
fn a_night_without_items_opens_no_pull_request() {
    let Some(it) = Runner::new() else { return };
    let folder = "cleanup/sha256-aa";
    it.says("makes", folder);
    it.says("code", "0");
    let night = |items: Value| {
        it.says(
            "plan",
            &json!({"plan": "sha256:aa", "folder": folder, "items": items}).to_string(),
        );
        let none = [("REQUESTED_BY", "")];
        (it.run("plan", "Plan", &none), it.run("plan", "Propose", &[]))
    };
    assert_eq!(night(json!([])), (Some(0), Some(0)));
    assert_eq!(it.text("says/gh"), "");
    let branches = || git(&it.path("origin.git"), &["branch", "--list", "--format=%(refname)"]);
    assert_eq!(branches(), "refs/heads/main\n");

    assert_eq!(night(json!([{"n": 1}])), (Some(0), Some(0)));
    assert!(it.text("says/gh").starts_with("pr create "), "{}", it.text("says/gh"));
    let branches = branches();
    let branch = branches.lines().find(|b| b.contains("cleanup/")).expect("a branch");
    let changed = git(&it.path("origin.git"), &["diff", "--name-only", "main", branch]);
    // What was learned would be of one night for ever, where a pull request carried it.
    assert_eq!(changed, format!("{folder}/plan.json\n"));
}

#[test]
fn a_night_that_could_not_plan_is_red_and_proposes_nothing() {
    let Some(it) = Runner::new() else { return };
    it.says("makes", "cleanup");
    for (code, said) in [("3", r#"{"plan": null, "folder": null, "items": [{"n": 1}]}"#), ("2", "")]
    {
        it.says("code", code);
        it.says("plan", said);
        assert_eq!(it.run("plan", "Plan", &[("REQUESTED_BY", "")]), code.parse().ok());
        assert_eq!(it.run("plan", "Propose", &[]), Some(0));
    }
    // Nothing ran at all: the build failed.
    std::fs::remove_file(it.path("temp/plan.json")).expect("what was said");
    assert_eq!(it.run("plan", "Propose", &[]), Some(0));
    assert_eq!(it.text("says/gh"), "");
}

/// The cache of the one run is the newest that the next finds, whether anything was merged or not.
#[test]
fn what_a_run_learned_reaches_the_next() {
    let steps = steps("plan");
    let place = |what: &str| {
        let found = steps.iter().position(|s| s.to_string().contains(what));
        found.unwrap_or_else(|| panic!("{what}"))
    };
    let (restore, save) = (place("actions/cache/restore@"), place("actions/cache/save@"));
    let plan = place("portcullis cleanup plan");
    assert!(restore < plan && plan < save);
    let (with, kept) = (&steps[restore]["with"], &steps[save]["with"]);
    assert_eq!((&with["path"], &kept["path"]), (&json!("cleanup/seen-*.json"), &with["path"]));
    let key = kept["key"].as_str().expect("a key");
    let prefix = with["restore-keys"].as_str().expect("a prefix").trim();
    assert!(key.starts_with(prefix) && key != prefix, "{key}");
    // A cache cannot be written over.
    assert!(key.contains("github.run_id") && key.contains("github.run_attempt"), "{key}");
    // A night with an alarm has learned too.
    assert!(steps[save]["if"].as_str().is_some_and(|i| i.contains("!cancelled()")));
}

fn refused(reason: &str) -> Value {
    json!({"dropped": [{"reason": "expired"}], "verdict": "refused", "class": 11, "reason": reason})
}

fn approved() -> Value {
    json!({"dropped": [], "verdict": "approved"})
}

#[test]
fn where_there_is_nothing_to_apply_the_job_is_green() {
    let Some(it) = Runner::new() else { return };
    // Neither folder nor plan: the pattern is no path.
    assert_eq!(it.run("apply", "Step", &[]), Some(0));
    std::fs::create_dir(it.path("work/cleanup")).expect("a folder");
    assert_eq!(it.run("apply", "Step", &[]), Some(0));
    assert_eq!(it.called(), [[""; 0]; 0]);

    for reason in ["superseded", "denied-by", "expired", "quorum"] {
        it.plan(&format!("sha256-{reason}"), (4, &refused(reason)), 4);
    }
    it.plan("sha256-done", (0, &approved()), 4);
    it.world.file("work/cleanup/sha256-done/receipt.json", "{\n  \"finished\": true\n}\n");
    // It was begun, and its own deadline is over as well.
    it.plan("sha256-late", (4, &refused("expired")), 4);
    it.world.file("work/cleanup/sha256-late/journal.jsonl", "line\n");
    assert_eq!(it.run("apply", "Step", &[]), Some(0));
    assert_eq!(it.of("apply"), ["sha256-late"]);
    assert!(!it.of("verify").contains(&"sha256-done".into()));
}

#[test]
fn plans_that_people_agreed_to_are_applied_with_all_that_it_takes() {
    let Some(it) = Runner::new() else { return };
    it.plan("sha256-1", (0, &approved()), 0);
    it.plan("sha256-2", (4, &refused("superseded")), 0);
    // Its 24 hours are over, and it was begun in time.
    it.plan("sha256-3", (4, &refused("expired")), 0);
    it.world.file("work/cleanup/sha256-3/journal.jsonl", "line\n");
    assert_eq!(it.run("apply", "Step", &[]), Some(0));
    assert_eq!(it.of("apply"), ["sha256-1", "sha256-3"]);
    for words in it.called() {
        takes(&words);
        if words[2] == "apply" {
            for name in ["--claim", "--halt"] {
                let at = words.iter().position(|w| w == name).expect(name);
                assert_eq!(words[at + 1], CLAIMS);
            }
        }
    }
    let key = std::fs::metadata(it.path("temp/apply")).expect("the key").permissions();
    assert_eq!(key.mode() & 0o777, 0o600);
}

#[test]
fn the_gravest_end_of_a_plan_is_the_jobs() {
    for (ends, code) in [
        (&[0, 4][..], 4),
        (&[5, 4], 5),
        (&[4, 5, 0], 5),
        (&[3, 4, 0], 3),
        (&[3, 5], 5),
        (&[4, 2], 2),
        (&[130, 0], 1),
    ] {
        let Some(it) = Runner::new() else { return };
        it.plan("sha256-0", (4, &refused("denied-by")), 4);
        for (n, ends) in (1..).zip(ends) {
            it.plan(&format!("sha256-{n}"), (0, &approved()), *ends);
        }
        it.plan("sha256-9", (4, &refused("superseded")), 4);
        assert_eq!(it.run("apply", "Step", &[]), Some(code), "{ends:?}");
        assert_eq!(
            it.of("apply").len(),
            ends.len(),
            "one does not keep the others from their turn"
        );
    }
    // The list of trust is not the pinned one, or there is none: no verdict, and so no silence.
    for code in [4, 2] {
        let Some(it) = Runner::new() else { return };
        it.plan("sha256-1", (code, &Value::Null), 0);
        assert_eq!(it.run("apply", "Step", &[]), Some(code.into()));
        assert_eq!(it.of("apply"), [""; 0]);
    }
}

/// Without its journal a plan that was begun can neither go on nor be taken back.
#[test]
fn journals_are_kept_whatever_became_of_the_step() {
    assert_eq!(step("apply", "Keep")["if"], "always()");
    let Some(it) = Runner::new() else { return };
    assert_eq!(it.run("apply", "Keep", &[]), Some(0), "there is nothing to keep");
    it.plan("sha256-1", (0, &approved()), 5);
    assert_eq!(it.run("apply", "Step", &[]), Some(5));
    // Somebody pushes a signature meanwhile.
    let people = it.path("people");
    it.world.file("people/cleanup/sha256-2/approvals/bob.json", "{}");
    git(&people, &["add", "."]);
    git(&people, &["commit", "--quiet", "-m", "yes"]);
    git(&people, &["push", "--quiet", "../origin.git", "HEAD:main"]);
    assert_eq!(it.run("apply", "Keep", &[]), Some(0));
    let kept = git(&it.path("origin.git"), &["ls-tree", "-r", "--name-only", "main"]);
    for name in ["cleanup/sha256-1/journal.jsonl", "cleanup/sha256-2/approvals/bob.json"] {
        assert!(kept.lines().any(|l| l == name), "{kept}");
    }
    assert!(!it.path("temp/apply").exists(), "the key is forgotten");
}
