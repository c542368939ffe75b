//! The README's examples of the history, in the order in which they stand and in one folder: an
//! estate on Monday, when three hosts were blocked, and on Tuesday, when they no longer were.

use super::world::Estate;
use crate::common::checkout;
use crate::common::examples::{examples, matches};

#[test]
fn the_readme_shows_what_the_history_says() {
    let mut estate = Estate::new();
    let copy = |estate: &Estate, name: &str| {
        let bytes = std::fs::read(estate.world.folder().join("s.json")).expect("a snapshot");
        estate.world.file(name, bytes);
    };
    copy(&estate, "monday.json");
    estate.open(443);
    estate.open(8080);
    copy(&estate, "tuesday.json");
    let readme = std::fs::read_to_string(checkout().join("README.md")).expect("the README");
    let examples = examples(&readme, "console,history");
    assert!(examples.len() >= 4, "the README has examples of the history");
    for example in examples {
        let ran = estate.world.run(&example.arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let lines: Vec<&str> = said.trim_end().lines().collect();
        let expected = example.output.join("\n");
        let expected: Vec<String> = expected.trim_end().lines().map(str::to_owned).collect();
        assert!(
            ran.code == Some(example.code) && matches(&expected, &lines),
            "README.md:{}: portcullis {} says:\n{ran}",
            example.line,
            example.arguments.join(" ")
        );
    }
}
