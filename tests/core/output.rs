//! `--format`, `--export` and the exit code, on the library's own functions and on the binary.

use crate::common::World;
use clap::Parser;
use portcullis::audit::{AuditReport, Coverage};
use portcullis::cli::ExitStatus;
use portcullis::cli::output::OutputArgs;
use portcullis::model::{GapKind, Severity};
use portcullis::report::Format;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    output: OutputArgs,
}

fn parse(arguments: &[&str]) -> Result<OutputArgs, String> {
    Line::try_parse_from(std::iter::once(&"x").chain(arguments))
        .map(|line| line.output)
        .map_err(|error| error.to_string())
}

fn empty() -> AuditReport {
    AuditReport {
        at: jiff::Timestamp::UNIX_EPOCH,
        snapshot_at: None,
        findings: vec![],
        journeys: Vec::new(),
        gaps: vec![],
        accepted_gaps: [].into(),
        vantages: vec![],
        facts: Vec::new(),
        coverage: Coverage::default(),
        not_judged: vec![],
        fail_on: Severity::Low,
        compared: None,
        baseline: None,
    }
}

#[test]
fn flags_read_with_their_defaults() {
    let plain = parse(&[]).expect("no flag is needed");
    assert_eq!((plain.format, plain.fail_on), (Format::Text, None));
    assert!(plain.export.is_empty() && plain.accepted_gaps().is_empty());

    let all = parse(&["--allow-gaps"]).expect("a value is not needed").accepted_gaps();
    assert_eq!(all.len(), GapKind::ALL.len());
    let named = parse(&["--allow-gaps=vpc-bpa,control", "--allow-gaps=probe"]).expect("kinds");
    assert_eq!(
        named.accepted_gaps().into_iter().collect::<Vec<_>>(),
        ["control", "probe", "vpc-bpa"]
    );
    let exports = parse(&["--export", "json=a.json", "--export=sarif=b=c"]).expect("two");
    assert_eq!(exports.export.len(), 2);
    assert_eq!(exports.export[1].path.to_str(), Some("b=c"));
}

#[test]
fn wrong_values_are_told_with_what_was_meant() {
    for (arguments, word) in [
        (&["--allow-gaps=vpc-bap"][..], "vpc-bpa"),
        (&["--format=jsno"], "json"),
        (&["--fail-on=hihg"], "high"),
        (&["--export=jsno=x"], "one of text, json"),
        (&["--export=x.json"], "FORMAT=PATH"),
        (&["--export=json="], "names no file"),
    ] {
        let error = parse(arguments).expect_err("a usage error");
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
}

#[test]
fn exports_are_whole_or_not_there() {
    let world = World::new();
    let (json, sarif) = (world.folder().join("a.json"), world.folder().join("b.sarif"));
    let flags = [
        format!("--export=json={}", json.display()),
        format!("--export=sarif={}", sarif.display()),
    ];
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let output = parse(&flags).expect("two exports");

    // Nothing is there during the work either: whoever ends it then need not clean up.
    let exports = output.open().expect("files of our own");
    assert_eq!(std::fs::read_dir(world.folder()).expect("our folder").count(), 1, "only the home");
    drop(exports);
    assert_eq!(std::fs::read_dir(world.folder()).expect("our folder").count(), 1, "only the home");

    std::fs::write(&json, "an older report").expect("our file");
    let exports = output.open().expect("files of our own");
    assert_eq!(std::fs::read_to_string(&json).expect("our file"), "an older report");
    exports.write(&empty()).expect("our folder");
    for path in [&json, &sarif] {
        let text = std::fs::read_to_string(path).expect("the export");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }
    assert_eq!(
        std::fs::read_dir(world.folder()).expect("our folder").count(),
        3,
        "no part is left"
    );
}

#[test]
fn a_link_stays_a_link_and_a_pipe_is_written_in_place() {
    let world = World::new();
    let (file, link) = (world.file("real.json", "old"), world.folder().join("link.json"));
    std::os::unix::fs::symlink(&file, &link).expect("our folder");
    let flag = format!("--export=json={}", link.display());
    let output = parse(&[&flag, "--export=text=/dev/null"]).expect("two exports");
    output.open().expect("both are there").write(&empty()).expect("both can be written");
    assert!(std::fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(std::fs::read_to_string(&file).expect("the file").starts_with('{'));
}

#[test]
fn a_wrong_path_is_told_before_the_work() {
    let world = World::new();
    let here = world.folder().display();
    for (paths, word) in [
        (vec![format!("{here}/no/such/folder.json")], "No such file"),
        (vec![format!("{here}")], "it is a folder"),
        (vec![format!("{here}/same"), format!("{here}/./same")], "another --export"),
    ] {
        let flags: Vec<_> = paths.iter().map(|p| format!("--export=json={p}")).collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let error = parse(&flags).expect("a path").open().err().expect("it is refused");
        assert_eq!(error.status, ExitStatus::Error);
        assert!(error.cannot.starts_with("write ") && error.causes[0].contains(word), "{error}");
    }
    assert_eq!(
        std::fs::read_dir(world.folder()).expect("our folder").count(),
        1,
        "no part is left"
    );
}
