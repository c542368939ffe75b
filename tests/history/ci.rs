//! The ready-made files of `docs/ci`: every command in them is run, as they stand, with the real
//! binary. Only the account is made up: `collect` hands out the estate's snapshot, and an audit that
//! would read the cloud is given it, and probes nothing.

use super::world::{Estate, json_of};
use crate::common::{Ran, checkout, systemd};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

fn text(name: &str) -> String {
    std::fs::read_to_string(checkout().join("docs/ci").join(name)).expect("the file is there")
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// An estate with the files that a repository or `/etc` would hold, and `portcullis` on a PATH.
struct Site {
    estate: Estate,
    bin: PathBuf,
}

impl Site {
    fn new() -> Self {
        let estate = Estate::new();
        let spec =
            std::fs::read_to_string(estate.world.folder().join("spec.yaml")).expect("a spec");
        let config = "fail_on: low\n";
        for place in ["", "main/", "etc/"] {
            estate.world.file(&format!("{place}specs/video.yaml"), &spec);
            estate.world.file(&format!("{place}portcullis.yaml"), config);
        }
        std::fs::create_dir_all(estate.world.folder().join("var")).expect("a folder");
        // A snapshot of 2019 directs no probes, and --no-probe sees to it that nothing else does.
        let shim = format!(
            "#!/bin/sh\nset -e\nreal={}\ncase $1 in\n\
             collect)\n  while [ \"$1\" != -o ]; do shift; done\n  cp {} \"$2\";;\n\
             audit)\n  shift\n  case \" $* \" in *' --snapshot '*) ;; *) set -- \"$@\" --snapshot {1};; esac\n\
             exec $real audit \"$@\" --no-probe --allow-gaps=vantage,stale-snapshot;;\n\
             *) exec $real \"$@\";;\nesac\n",
            env!("CARGO_BIN_EXE_portcullis"),
            estate.world.folder().join("s.json").display(),
        );
        let bin = estate.world.file("bin/portcullis", shim);
        std::fs::set_permissions(&bin, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let site = Self { bin: bin.parent().expect("its folder").into(), estate };
        site.draw_a_line();
        site
    }

    /// As docs/ci/README.md has it, so that the estate starts green.
    fn draw_a_line(&self) {
        let readme = text("README.md");
        let block = readme.split("```\n").nth(1).expect("a block of commands");
        assert!(block.contains("--write-baseline portcullis-baseline.json"), "{block}");
        let ran = self.shell("bash", block);
        assert_eq!(ran.code, Some(0), "{ran}");
        let line = std::fs::read(self.path("portcullis-baseline.json")).expect("the baseline");
        assert_eq!(line.split(|b| *b == b'\n').filter(|l| l.starts_with(b"    {")).count(), 3);
        for place in ["main/portcullis-baseline.json", "etc/baseline.json"] {
            self.estate.world.file(place, &line);
        }
        // The line was drawn elsewhere, by somebody else.
        std::fs::remove_dir_all(self.path(".portcullis")).expect("it was kept");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.estate.world.folder().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Runs a script to its end, as the runner of `shell` does.
    fn shell(&self, shell: &str, script: &str) -> Ran {
        let system = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(shell)
            .args(["-e", "-c", script])
            .current_dir(self.estate.world.folder())
            .env_clear()
            .env("PATH", format!("{}:{system}", self.bin.display()))
            .env("HOME", self.path("home"))
            .env("GITHUB_STEP_SUMMARY", self.path("step-summary.md"))
            .env("PORTCULLIS_TOKEN", "a token")
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", self.path(".portcullis-token"))
            .output()
            .expect("a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code(),
        }
    }

    /// Runs the `run:` steps of a workflow's only job, in order, as Actions does: after a failure
    /// only those that say so. Gives the first failure, or the last step.
    fn workflow(&self, name: &str) -> Ran {
        let workflow = yaml(name);
        let jobs = workflow["jobs"].as_object().expect("jobs");
        let steps = jobs.values().next().and_then(|j| j["steps"].as_array()).expect("steps");
        let _ = std::fs::remove_file(self.path("step-summary.md"));
        let mut failed: Option<Ran> = None;
        let mut last = None;
        for step in steps {
            let Some(run) = step["run"].as_str() else {
                assert!(step["uses"].is_string(), "{name}: a step that does nothing: {step}");
                continue;
            };
            // Text of a pull request in a script would be a script of the pull request.
            assert!(!run.contains("${{"), "{name}: an expression inside a script: {run}");
            let always = step["if"].as_str().is_some_and(|c| c.contains("!cancelled()"));
            if failed.is_some() && !always {
                continue;
            }
            let ran = self.shell("bash", run);
            if ran.code != Some(0) && failed.is_none() {
                failed = Some(ran);
            } else {
                last = Some(ran);
            }
        }
        failed.or(last).expect("a step that runs")
    }

    fn sarif(&self) -> serde_sarif::sarif::Sarif {
        serde_json::from_str(&self.read("audit.sarif")).expect("SARIF")
    }
}

#[test]
fn the_scheduled_audit_of_github_starts_green_and_turns_red_once() {
    let mut site = Site::new();
    let green = site.workflow("github-audit.yml");
    assert_eq!(green.code, Some(0), "{green}");
    assert!(site.read("step-summary.md").contains("## Portcullis audit"));
    assert!(site.path(".portcullis/history.db").exists(), "what the cache is to keep");
    assert_eq!(site.sarif().runs[0].results.as_ref().map(Vec::len), Some(3));

    site.estate.open(8080);
    let red = site.workflow("github-audit.yml");
    assert_eq!(red.code, Some(1), "{red}");
    assert_eq!(red.stdout.matches("::error ").count(), 3, "{red}");
    assert!(site.read("step-summary.md").contains("latent-exposure"), "told though the job failed");
    let results = site.sarif().runs[0].results.clone().expect("results");
    assert_eq!(results.len(), 6);
    let again = site.workflow("github-audit.yml");
    assert_eq!(again.code, Some(0), "known from the run before: {again}");

    // A denied call is no success, and closes no alert.
    site.estate.close(8080);
    site.estate.deny("SecurityGroups", true);
    let blind = site.workflow("github-audit.yml");
    assert!(matches!(blind.code, Some(1 | 3)), "{blind}");
    let sarif = json_of(&site.read("audit.sarif"));
    let latent = sarif["runs"][0]["results"].as_array().expect("results").iter();
    let latent: Vec<&Value> = latent.filter(|r| r["ruleId"] == "latent-exposure").collect();
    assert_eq!(latent.len(), 3);
    assert!(latent.iter().all(|r| r["baselineState"] == "unchanged"), "{latent:#?}");
}

#[test]
fn a_pull_request_is_told_what_its_spec_changes() {
    let site = Site::new();
    assert_eq!(site.workflow("github-audit.yml").code, Some(0));
    let same = site.workflow("github-pull-request.yml");
    assert_eq!(same.code, Some(0), "{same}");
    assert!(site.read("step-summary.md").contains("compared with r1"), "the main branch's run");
    let spec = site.read("specs/video.yaml");
    let more = "    services:\n      rtp: { port: tcp/9999, from: internet }\n";
    site.estate.world.file("specs/video.yaml", spec.replacen("    services:\n", more, 1));
    let red = site.workflow("github-pull-request.yml");
    assert_eq!(red.code, Some(1), "{red}");
    assert_eq!(red.stdout.matches("::error ").count(), 5, "one for each host: {red}");
    // What the branch itself says of what may be read and trusted counts for nothing.
    site.estate.world.file("specs/video.yaml", spec);
    site.estate.world.file("portcullis.yaml", "no_such_key: 1\n");
    site.estate.world.file("portcullis-baseline.json", "{}");
    assert_eq!(site.workflow("github-pull-request.yml").code, Some(0));
    site.estate.world.file("specs/video.yaml", "version: 1\nroels: {}\n");
    let wrong = site.workflow("github-pull-request.yml");
    assert!(wrong.code == Some(2) && wrong.stderr.contains("roles"), "{wrong}");
}

#[test]
fn the_pipeline_of_gitlab_leaves_a_junit_report() {
    let mut site = Site::new();
    let job = yaml("gitlab-ci.yml")["portcullis-audit"].clone();
    let script: Vec<&str> =
        job["script"].as_array().expect("a script").iter().filter_map(Value::as_str).collect();
    // As GitLab runs it: one shell for all lines.
    let run = |site: &Site| site.shell("bash", &script.join("\n"));
    let green = run(&site);
    assert_eq!(green.code, Some(0), "{green}");
    assert_eq!(site.read(".portcullis-token"), "a token");
    let after = job["after_script"][0].as_str().expect("a script");
    assert_eq!(site.shell("bash", after).code, Some(0));
    assert!(!site.path(".portcullis-token").exists());
    let failures = |site: &Site| {
        let text = site.read(job["artifacts"]["reports"]["junit"].as_str().expect("a report"));
        let junit = roxmltree::Document::parse(&text).expect("XML");
        junit.descendants().filter(|n| n.has_tag_name("failure")).count()
    };
    assert_eq!(failures(&site), 0);
    site.estate.open(8080);
    assert_eq!(run(&site).code, Some(1));
    assert_eq!(failures(&site), 3);
    assert_eq!(job["cache"]["when"], "always", "failed runs are part of the history");
    assert_eq!(job["allow_failure"]["exit_codes"], serde_json::json!([3]));
}

/// Paths of a machine as folders of the test's.
fn here(command: &str) -> String {
    command
        .replace("/usr/local/bin/portcullis", "portcullis")
        .replace("/etc/portcullis", "etc")
        .replace("cd /var/lib/portcullis && ", "")
        .replace("/var/lib/portcullis", "var")
}

#[test]
fn cron_mails_what_is_new_and_nothing_else() {
    let mut site = Site::new();
    let table = text("portcullis.cron");
    let lines: Vec<&str> =
        table.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit() || c == '*')).collect();
    assert_eq!(lines.len(), 1);
    let fields: Vec<&str> = lines[0].splitn(7, ' ').collect();
    assert_eq!(fields[5], "portcullis", "the user");
    assert!(!fields[6].contains('%'), "cron takes a percent sign for a line break");
    let run = |site: &Site| site.shell("sh", &here(fields[6]));
    let green = run(&site);
    assert_eq!((green.code, green.stdout.as_str()), (Some(0), ""), "{green}");
    site.estate.open(8080);
    let red = run(&site);
    assert!(
        red.stdout.contains("medium[latent-exposure]") && red.stdout.contains("(new)"),
        "{red}"
    );
    assert_eq!(json_of(&site.read("last.json"))["summary"]["failing"], 3);
    assert_eq!(run(&site).stdout, "", "it was told");
    // One that finds the one before still running says that, and leaves what that one says.
    let path = site.path("last.txt");
    std::fs::write(&path, "half a report").expect("written");
    let held = format!("(flock 9; {}) 9>>lock", here(fields[6]));
    let out = site.shell("sh", &held);
    assert_eq!(out.stdout.lines().count(), 1, "{out}");
    assert!(out.stdout.starts_with("no audit of this hour: "), "{out}");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "half a report");
    // One that hangs is ended, and told.
    let line = here(fields[6]).replace("timeout 50m", "timeout 1");
    let hangs = line.replace("sh -c 'portcullis audit", "sh -c 'sleep 60; portcullis audit");
    assert!(hangs != here(fields[6]) && hangs.contains("timeout 1 sh -c 'sleep 60;"), "{hangs}");
    let out = site.shell("sh", &hangs);
    assert!(out.stdout.starts_with("no audit of this hour: "), "{out}");
}

#[test]
fn the_systemd_service_runs_as_it_stands() {
    let mut site = Site::new();
    let unit = text("portcullis-audit.service").replace("\\\n", " ");
    let start: Vec<&str> = unit.lines().filter_map(|l| l.strip_prefix("ExecStart=")).collect();
    assert_eq!(start.len(), 1);
    assert!(start[0].starts_with("/usr/local/bin/portcullis "), "systemd wants a whole path");
    let run = |site: &Site| site.shell("sh", &here(start[0]));
    let green = run(&site);
    assert_eq!(green.code, Some(0), "{green}");
    assert!(site.path("var/history.db").exists());
    site.estate.open(8080);
    assert_eq!(run(&site).code, Some(1));
    assert_eq!(json_of(&site.read("var/last.json"))["summary"]["failing"], 3);
    for path in unit.split_whitespace().filter(|w| w.starts_with("/var/")) {
        assert!(path.starts_with("/var/lib/portcullis"), "ProtectSystem=strict forbids {path}");
    }
}

#[test]
fn systemd_takes_the_units() {
    let site = Site::new();
    let units = ["portcullis-audit.service", "portcullis-audit.timer"];
    let units: Vec<_> = units.iter().map(|name| (*name, text(name))).collect();
    let binary = site.bin.join("portcullis");
    systemd::takes(&site.estate.world, &units, "/usr/local/bin/portcullis", &binary);
}

#[test]
fn every_file_is_told_of_and_every_workflow_keeps_its_promises() {
    let readme = text("README.md");
    let folder = checkout().join("docs/ci");
    for entry in std::fs::read_dir(folder).expect("docs/ci") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        assert!(name == "README.md" || readme.contains(&format!("`{name}`")), "{name}");
    }
    for name in ["github-audit.yml", "github-pull-request.yml"] {
        let workflow = yaml(name);
        assert_eq!(workflow["permissions"], serde_json::json!({ "contents": "read" }), "{name}");
        assert!(!text(name).contains("secrets."), "{name}: a role, and no secret");
    }
    let pull = text("github-pull-request.yml");
    assert!(!pull.contains("pull_request_target") && !pull.contains("cache/save"));
    for command in pull
        .lines()
        .filter(|l| l.contains("portcullis audit") || l.contains("portcullis collect -"))
    {
        assert!(command.contains("--config main/portcullis.yaml"), "{command}");
    }
}
