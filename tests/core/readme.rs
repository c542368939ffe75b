//! Holds the examples of README.md to what the binary really says. CONTRIBUTING.md has the
//! convention.

use crate::common::examples::{examples, matches};
use crate::common::{World, checkout};

#[test]
fn the_readme_shows_what_the_binary_says() {
    let Ok(readme) = std::fs::read_to_string(checkout().join("README.md")) else {
        return;
    };
    let mut wrong = Vec::new();
    for example in examples(&readme, "console") {
        let world = World::new();
        let ran = world.run_in(checkout(), &example.arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let lines: Vec<_> = said.trim_end().lines().collect();
        let expected = example.output.join("\n");
        let trimmed: Vec<_> = expected.trim_end().lines().map(str::to_owned).collect();
        if ran.code != Some(example.code) || !matches(&trimmed, &lines) {
            wrong.push(format!(
                "README.md:{}: portcullis {} says, with exit code {:?}:\n{said}",
                example.line,
                example.arguments.join(" "),
                ran.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_are_read_and_compared() {
    let readme = "text\n```console\n$ portcullis --version\nportcullis …\n[exit 3]\n$ ls\nnot ours\n\
                  ```\n```console,norun\n$ portcullis x\n```\n```sh\n$ portcullis y\n```\n";
    let found = examples(readme, "console");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].line, found[0].code), (3, 3));
    assert_eq!(found[0].output, ["portcullis …"]);

    let own = |lines: &[&str]| lines.iter().map(|&l| l.to_owned()).collect::<Vec<_>>();
    assert!(matches(&own(&["a … c", "…", "end"]), &["a b c", "x", "y", "end"]));
    assert!(matches(&own(&["…"]), &[]));
    assert!(!matches(&own(&["a … c"]), &["a b d"]));
    assert!(!matches(&own(&["a"]), &["a", "b"]));
    assert!(!matches(&own(&["a", "b"]), &["a"]));
}

#[test]
fn a_sample_runs_against_the_binary() {
    let ran = World::new().run_in(checkout(), &["--version"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(matches(&["portcullis …".to_owned()], &lines), "{ran}");
    assert!(!matches(&["other …".to_owned()], &lines), "{ran}");
}
