//! `spec check`, `spec schema` and `init` as people run them.

use crate::common::{World, skip};
use serde_json::Value;
use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Ten levels of ten aliases each: ten thousand million values in half a kilobyte.
fn alias_bomb() -> String {
    let mut text = "version: 1\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..10 {
        let alias = format!("*a{},", i - 1).repeat(10);
        let _ = writeln!(text, "a{i}: &a{i} [{alias}]");
    }
    text
}

/// Runs `spec check` on `text` in a process that may not hold more than `megabytes`, code included.
fn check_within(megabytes: u32, text: impl AsRef<[u8]>) -> (Option<i32>, String) {
    let world = World::new();
    let file = world.file("spec.yaml", text);
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {} && exec \"$@\"", megabytes * 1024))
        .args(["sh", env!("CARGO_BIN_EXE_portcullis"), "spec", "check"])
        .arg(file)
        .output()
        .expect("sh starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn hostile_files_are_refused_in_bounded_memory() {
    let values: String = std::iter::repeat_n("- {a: b}\n", 800_000).collect();
    let text = |t: &str| t.as_bytes().to_vec();
    for (what, bytes, says) in [
        ("aliases", text(&alias_bomb()), "more than 500000 values"),
        ("depth", text(&"[".repeat(1_000_000)), "32 levels"),
        ("values", text(&values), "more than 500000 values"),
        ("errors", text(&"\"é\": [1]\n? x\n".repeat(100_000)), "200 are shown"),
        ("one long line", text(&format!("a: {}", "x".repeat(8_000_000))), "no key `a`"),
        ("size", vec![b'#'; 10 << 20], "more than 8388608 bytes"),
        ("bytes", [b"version: 1\n# ".as_slice(), &[0xfe; 1000]].concat(), "byte 13 (0xfe)"),
    ] {
        let (code, stderr) = check_within(400, bytes);
        assert_eq!(code, Some(2), "{what}: {stderr:.500}");
        assert!(stderr.contains(says), "{what}: {stderr:.500}");
    }
    // The bound really is one: what fits is less than what the machine would give.
    let (code, _) = check_within(4, "version: 1\n");
    assert_ne!(code, Some(0), "4 MB hold no process at all");
}

#[test]
fn a_folder_is_one_spec_and_its_configuration_is_not_part_of_it() {
    let world = World::new();
    world.file("specs/a/networks.yaml", "version: 1\nnetworks: { office: 198.51.100.0/24 }\n");
    world.file(
        "specs/web.yml",
        "version: 1\nroles: { web: { select: { names: 'w*' }, services: { ssh: { port: tcp/22, from: office } } } }\n",
    );
    world.file("specs/portcullis.yaml", "regions: [us-west-1]\n");
    world.file("specs/.hidden.yaml", "nonsense: [\n");
    world.file("specs/notes.txt", "nonsense: [\n");
    let ran = world.run(&["spec", "check"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("2 files, 1 role, 1 service, 1 network"), "{ran}");
    world.file("specs/b.yaml", "version: 1\nroles: { web: { select: { names: x } } }\n");
    let ran = world.run(&["spec", "check", "specs"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(
        ran.stderr.contains("specs/web.yml:2:10") && ran.stderr.contains("first here"),
        "{ran}"
    );
    let ran = World::new().run(&["spec", "check"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("portcullis init"), "{ran}");
}

#[test]
fn machines_get_every_error_with_its_place() {
    let world = World::new();
    world.file("spec.yaml", "version: 1\nnetworks: { n: 10.0.0.1/8 }\nrols: {}\n");
    let ran = world.run(&["spec", "check", "--format", "json"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    let said: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(said["valid"], false);
    assert_eq!(said["errors"][0]["at"]["line"], 2);
    assert_eq!(said["errors"][0]["hint"], "did you mean `10.0.0.0/8`?");
    assert_eq!(said["errors"][1]["at"]["column"], 1);
    world.file("spec.yaml", "version: 1\n");
    let ran = world.run(&["spec", "check", "--format", "json"]);
    let said: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, &said["valid"]), (Some(0), &Value::Bool(true)));
}

/// Python's `jsonschema`, which editors and pipelines use, takes patterns as Python's `re` does.
fn readable_by_python(schema: &str) {
    assert!(!schema.contains(r"\\p{"), "no validator but those of a few languages reads \\p");
    let program = "import json, re, sys
def walk(value):
    if isinstance(value, dict):
        if isinstance(value.get('pattern'), str):
            re.compile(value['pattern'])
            print(value['pattern'])
        for key in value.get('patternProperties', {}):
            re.compile(key)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            walk(each)
walk(json.load(sys.stdin))";
    let mut python = Command::new("python3");
    let child = python.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return skip("the schema's patterns (needs python3)") };
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(schema.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && !output.stdout.is_empty(), "a pattern that Python refuses");
}

#[test]
fn the_schema_that_is_printed_is_a_schema() {
    let world = World::new();
    for of in ["spec", "config"] {
        let ran = world.run(&["spec", "schema", "--of", of]);
        let schema: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert!(jsonschema::meta::is_valid(&schema), "{of}");
        readable_by_python(&ran.stdout);
    }
}

#[test]
fn the_example_of_the_design_is_valid() {
    let shared = std::env::var("PORTCULLIS_SHARED").unwrap_or_else(|_| "../shared".into());
    let Ok(text) = std::fs::read_to_string(format!("{shared}/design/product.md")) else {
        eprintln!("skipped: no {shared}/design/product.md");
        return;
    };
    let start = text.find("```yaml\nversion: 1").expect("an example") + "```yaml\n".len();
    let end = start + text[start..].find("```").expect("its end");
    let world = World::new();
    world.file("spec.yaml", &text[start..end]);
    let ran = world.run(&["spec", "check"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let value: Value = serde_saphyr::from_str(&text[start..end]).expect("YAML");
    let validator = jsonschema::validator_for(&portcullis::spec::schema()).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn a_waiver_of_a_rule_that_there_is_not_is_an_error_with_what_was_meant() {
    let world = World::new();
    let waive = |rule: &str| {
        format!(
            "version: 1\nwaivers:\n  - {{ finding: {rule}, endpoint: i-1 tcp/22, owner: a@b.example, reason: x, until: 2999-01-01T00:00:00Z }}\n"
        )
    };
    world.file("spec.yaml", waive("latent-exposre"));
    let ran = world.run(&["spec", "check"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stdout.contains("did you mean `latent-exposure`?"), "{ran}");
    assert!(ran.stdout.contains("spec.yaml:3:"), "{ran}");
    let ran = world.run(&["spec", "check", "--format", "json"]);
    let said: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        (&said["valid"], &said["errors"][0]["hint"]),
        (&false.into(), &"did you mean `latent-exposure`?".into())
    );
    world.file("spec.yaml", waive("latent-exposure"));
    assert_eq!(world.run(&["spec", "check"]).code, Some(0));
}
