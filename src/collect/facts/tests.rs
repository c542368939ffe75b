use super::*;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("portcullis-facts-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn source(from: From) -> Source {
    Source { name: "src".into(), from, rename: BTreeMap::new() }
}

fn bytes(text: impl AsRef<[u8]>) -> Gathered {
    read(&source(From::Bytes(text.as_ref().into())), &Wanted::new())
}

fn command(script: &str, timeout: i64) -> Gathered {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    let timeout = SignedDuration::from_millis(timeout);
    read(&source(From::Command { argv, folder: "/".into(), timeout }), &Wanted::new())
}

/// Each record as `key key: fact=value fact=value`, with its time where it has one.
fn said(gathered: &Gathered) -> Vec<String> {
    gathered
        .records
        .iter()
        .map(|r| {
            let facts: Vec<String> = r.facts.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let at = r.gathered_at.map(|t| format!(" @{t}")).unwrap_or_default();
            format!("{}: {}{at}", r.keys.join(" "), facts.join(" "))
        })
        .collect()
}

/// A version with a trailing zero is another one than without, and JSON has no versions.
#[test]
fn numbers_are_kept_as_they_are_written() {
    let text = r#"[{"host": "a", "version": 1.10, "n": 3, "list": [1.0, 2.50], "in": {"b": 1e3, "c": 0.5}},
        {"host": "b", "build": 123456789012345678901234567890, "load": -0.0, "version": 1.20}]"#;
    let told = [
        "a: in.b=1e3 in.c=0.5 list=1.0,2.50 n=3 version=1.10",
        "b: build=123456789012345678901234567890 load=-0.0 version=1.20",
    ];
    assert_eq!(said(&bytes(text)), told);
    assert_eq!(
        said(&bytes("{\"host\": \"a\", \"v\": 1.10}\n{\"host\": \"b\", \"v\": 2.0}\n")),
        ["a: v=1.10", "b: v=2.0",]
    );
    let deep = format!("{{\"host\": \"a\", \"v\": {}1.10{}}}", "[".repeat(500), "]".repeat(500));
    assert!(gaps(&bytes(deep)).contains("recursion limit"));
}

fn gaps(gathered: &Gathered) -> String {
    gathered.gaps.iter().map(|g| format!("{}: {}\n", g.scope, g.why)).collect()
}

#[test]
fn every_shape_that_people_have_is_read() {
    for (text, says) in [
        // By host.
        (
            r#"{"web-1": {"jdk": "8u45", "java": {"vendor": "x"}}, "web-2": {"jdk": 17}}"#,
            &["web-1: java.vendor=x jdk=8u45", "web-2: jdk=17"][..],
        ),
        // A list of records, and the same under a heading, and by line.
        (
            r#"[{"host": "web-1", "jdk": "8u45"}, {"instance_id": "i-1", "address": "10.0.0.1", "b": true}]"#,
            &["web-1: jdk=8u45", "i-1 10.0.0.1: b=true"],
        ),
        (r#"{"hosts": [{"name": "web-1", "jdk": "8u45"}]}"#, &["web-1: jdk=8u45"]),
        ("{\"host\": \"a\", \"v\": 1}\n\n{\"host\": \"b\", \"v\": 2}\n", &["a: v=1", "b: v=2"]),
        // When it was gathered.
        (
            r#"[{"host": "a", "v": 1, "gathered_at": "2026-11-22T10:00:00Z"}]"#,
            &["a: v=1 @2026-11-22T10:00:00Z"],
        ),
        (
            r#"[{"host": "a", "facts": {"v": 1}, "timestamp": 1795341600}]"#,
            &["a: v=1 @2026-11-22T10:00:00Z"],
        ),
        // Ansible: the setup module's answer, an inventory, package facts.
        (
            r#"{"ansible_facts": {"ansible_hostname": "web-1", "ansible_default_ipv4": {"address": "10.0.0.1"},
             "ansible_date_time": {"iso8601": "2026-11-22T10:00:00Z"},
             "ansible_local": {"jdk": {"version": "8u45"}},
             "packages": {"ssl": [{"name": "ssl", "version": "3.0.2-1"}]}}, "changed": false}"#,
            &[
                "web-1 10.0.0.1: ansible_date_time.iso8601=2026-11-22T10:00:00Z ansible_default_ipv4.address=10.0.0.1 ansible_hostname=web-1 ansible_local.jdk.version=8u45 changed=false packages.ssl.name=ssl packages.ssl.version=3.0.2-1 @2026-11-22T10:00:00Z",
            ],
        ),
        (
            r#"{"_meta": {"hostvars": {"web-1": {"jdk": "8u45"}}}, "all": {"children": ["x"]}}"#,
            &["web-1: jdk=8u45"],
        ),
        // osquery: a differential log, a snapshot, and what went away.
        (
            r#"{"name": "jdk", "hostIdentifier": "web-1", "unixTime": 1795341600, "columns": {"version": "8u45"}, "action": "added"}
            "#,
            &["web-1: jdk.version=8u45 @2026-11-22T10:00:00Z"],
        ),
        (
            "{\"name\":\"debs\",\"hostIdentifier\":\"w\",\"unixTime\":\"1795341600\",\"columns\":{\"name\":\"ssl\",\"version\":\"3.0\"},\"action\":\"added\"}\n{\"name\":\"debs\",\"hostIdentifier\":\"w\",\"columns\":{\"name\":\"ssl\",\"version\":\"2.0\"},\"action\":\"removed\"}",
            &["w: debs.ssl=3.0 @2026-11-22T10:00:00Z"],
        ),
        (
            r#"{"name":"debs","hostIdentifier":"w","snapshot":[{"name":"a","version":"1"},{"name":"b","version":"2"}],"action":"snapshot"}"#,
            &["w: debs.a=1 debs.b=2"],
        ),
        ("{}", &[]),
        ("\u{feff}[]", &[]),
    ] {
        let gathered = bytes(text);
        assert_eq!(said(&gathered), says, "{text}");
        assert_eq!(gaps(&gathered), "", "{text}");
    }
}

/// A log of osquery tells changes: what is there is what all of them leave.
#[test]
fn what_osquery_says_went_away_is_not_there() {
    let event = |at: u32, columns: &str, action: &str| {
        format!(
            r#"{{"name":"q","hostIdentifier":"w","unixTime":{at},"columns":{columns},"action":"{action}"}}"#
        )
    };
    let all = |at: u32, rows: &str| {
        format!(
            r#"{{"name":"q","hostIdentifier":"w","unixTime":{at},"snapshot":{rows},"action":"snapshot"}}"#
        )
    };
    let (old, new) = (r#"{"jdk":"8u45"}"#, r#"{"jdk":"8u200"}"#);
    let (first, second) = ("@2026-11-22T10:00:00Z", "@2026-11-22T10:00:01Z");
    let (t, u) = (1_795_341_600, 1_795_341_601);
    for (events, says) in [
        // Gone; and changed, in whichever order the two halves stand.
        (vec![event(t, old, "added"), event(u, old, "removed")], vec![]),
        (
            vec![event(t, old, "added"), event(u, new, "added"), event(u, old, "removed")],
            vec![format!("w: q.jdk=8u200 {second}")],
        ),
        (vec![event(u, old, "removed"), event(t, old, "added")], vec![]),
        // What comes back is there.
        (
            vec![event(t, old, "added"), event(t, old, "removed"), event(u, old, "added")],
            vec![format!("w: q.jdk=8u45 {second}")],
        ),
        (vec![all(t, &format!("[{old}]")), all(u, "[]")], vec![]),
        (
            vec![all(u, &format!("[{new}]")), all(t, &format!("[{old}]"))],
            vec![format!("w: q.jdk=8u200 {second}")],
        ),
        // Two that are there at once are two, whichever came first.
        (
            vec![event(t, old, "added"), event(u, new, "added")],
            vec![format!("w: q.jdk=8u45 {first}"), format!("w: q.jdk=8u200 {first}")],
        ),
        (
            vec![
                r#"{"name":"q","hostIdentifier":"w","unixTime":1795341600,"diffResults":{"added":[{"jdk":"8u45"}],"removed":""}}"#.into(),
                r#"{"name":"q","hostIdentifier":"w","unixTime":1795341601,"diffResults":{"added":[{"jdk":"8u200"}],"removed":[{"jdk":"8u45"}]}}"#.into(),
            ],
            vec![format!("w: q.jdk=8u200 {second}")],
        ),
    ] {
        let text = events.join("\n");
        let gathered = bytes(&text);
        assert_eq!(said(&gathered), says, "{text}");
        assert_eq!(gaps(&gathered), "", "{text}");
    }
    let two = all(t, &format!("[{old},{new}]"));
    let renamed = Source {
        rename: [("jdk".to_owned(), "q.jdk".to_owned())].into(),
        ..source(From::Bytes(two.as_bytes().into()))
    };
    let values: Vec<String> = read(&renamed, &Wanted::new())
        .records
        .iter()
        .filter_map(|r| r.facts.get("jdk").cloned())
        .collect();
    assert_eq!(values, ["8u45", "8u200"], "both, so that none wins");
}

#[test]
fn what_cannot_be_read_is_a_gap_and_the_rest_stands() {
    for (text, says, gap) in [
        // Half a line: the others were read.
        (&b"{\"host\": \"a\", \"v\": 1}\n{\"host\": \"b\", \"v\":"[..], &["a: v=1"][..], "src line 2: it is not JSON: EOF"),
        (b"{\"host\": \"a\", \"v\": 1}\n{\"host\": \"\xff\"}\n{\"host\": \"c\", \"v\": 3}", &["a: v=1", "c: v=3"], "src line 2: it is not UTF-8"),
        (b"{\"host\": \"a\", \"v\"", &[], "src: it is not JSON: EOF while parsing"),
        (b"\xff\xfe{}", &[], "src: it is not UTF-8, from byte 0 on"),
        (b"", &[], "src: it is empty"),
        (b"<html>", &[], "src: it is not JSON: expected value at line 1 column 1"),
        (b"7", &[], "src: it is neither a map nor a list"),
        (b"[{\"jdk\": \"8u45\"}, {\"host\": \"a\", \"v\": 1}]", &["a: v=1"], "src: 1 of 2 records say of no host"),
        (b"{\"jdk\": \"8u45\"}", &[], "src: its facts say of no host"),
        (b"{\"web-1\": {\"jdk\": \"8u45\"}, \"web-2\": {\"unreachable\": true, \"msg\": \"timed out\"}}", &["web-1: jdk=8u45"], "web-2 was not asked: timed out"),
    ] {
        let gathered = bytes(text);
        let text = String::from_utf8_lossy(text);
        assert_eq!(said(&gathered), says, "{text}");
        assert!(gaps(&gathered).contains(gap), "{text}: {}", gaps(&gathered));
    }
}

/// Of a key that an object has twice nobody can tell which is meant, and one of them may be the wrong host's.
#[test]
fn what_stands_twice_is_not_chosen_from() {
    for text in [
        r#"{"i-1": {"build": "7"}, "i-1": {"build": "8"}}"#,
        r#"[{"host": "i-1", "build": "7", "build": "8"}]"#,
        r#"{"i-1": {"java": {"version": "8", "version": "9.5"}}}"#,
    ] {
        let read = bytes(text);
        assert!(said(&read).is_empty(), "{text}: {read:?}");
        let told = gaps(&read);
        assert!(told.contains("stands twice in one object at line 1"), "{told}");
    }
    let lines = "{\"host\": \"i-1\", \"build\": \"7\", \"build\": \"8\"}\n{\"host\": \"i-2\", \"build\": \"7\"}\n";
    let read = bytes(format!("{{\"host\": \"i-0\", \"build\": \"7\"}}\n{lines}"));
    assert_eq!(said(&read), ["i-0: build=7", "i-2: build=7"]);
    assert!(gaps(&read).contains("line 2"), "{}", gaps(&read));
}

/// A time that nobody can read may be of years ago: its record says nothing.
#[test]
fn a_time_that_cannot_be_read_is_a_gap_and_no_fresh_fact() {
    let read = |field: &str, at: &str| {
        let good = "{\"host\": \"i-0\", \"v\": 1}";
        bytes(format!("{good}\n{{\"host\": \"i-1\", \"v\": 2, \"{field}\": {at}}}\n"))
    };
    for at in ["1600000000000", "\"yesterday\"", "\"01.10.2026 10:00\"", "\"inf\"", "{}", "true"] {
        let gathered = read("gathered_at", at);
        assert_eq!(said(&gathered), ["i-0: v=1"], "{at}");
        let gaps = gaps(&gathered);
        assert!(gaps.contains("i-1 is not believed: its gathered_at is"), "{gaps}");
    }
    for at in ["1600000000", "1600000000.0", "\"1600000000\"", "\"2020-09-13T12:26:40Z\""] {
        assert_eq!(said(&read("unixTime", at))[1], "i-1: v=2 @2020-09-13T12:26:40Z", "{at}");
    }
    for at in ["null", "\"\""] {
        assert_eq!(read("gathered_at", at).gaps, [], "{at} is no time");
    }
    // Other things may be called so.
    assert_eq!(said(&read("time", "\"five o'clock\""))[1], "i-1: time=five o'clock v=2");
}

#[test]
fn a_folder_is_read_by_the_names_of_its_files() {
    let folder = Folder::new("tree");
    folder.file(
        "web-1",
        r#"{"ansible_facts": {"ansible_local": {"jdk": "8u45"}}, "changed": false}"#,
    );
    folder.file("web-2.json", r#"{"ansible_local": {"jdk": "8u152"}}"#);
    folder.file("web-3", r#"{"unreachable": true, "msg": "no route to host"}"#);
    folder.file("web-4", "{\"ansible_facts\": {\"ansib");
    folder.file(".cache", "nothing of ours");
    let gathered = read(&source(From::Path(folder.0.clone())), &Wanted::new());
    let keys: Vec<&str> = gathered.records.iter().map(|r| r.keys[0].as_str()).collect();
    assert_eq!(keys, ["web-1", "web-2"]);
    assert_eq!(gathered.records[1].facts["ansible_local.jdk"], "8u152");
    // A record without a time of its own is no younger than its file.
    assert!(gathered.records[0].gathered_at.is_some_and(|t| t <= Timestamp::now()));
    let gaps = gaps(&gathered);
    assert!(gaps.contains("src web-3: web-3 was not asked: no route to host"), "{gaps}");
    assert!(gaps.contains("src web-4: it is not JSON") && gathered.gaps.len() == 2, "{gaps}");
    assert_eq!(gathered.sources[0].hosts, 2);
}

#[test]
fn a_missing_file_names_itself_and_was_not_read() {
    let gathered = read(&source(From::Path("/nonexistent/facts.json".into())), &Wanted::new());
    assert!(
        gaps(&gathered).contains("src: it cannot be read: No such file"),
        "{}",
        gaps(&gathered)
    );
    assert_eq!(gathered.sources[0].read_at, None);
    assert!(Path::new("/").is_dir(), "a folder without permission is told the same way");
}

#[test]
fn of_many_facts_those_asked_for_are_kept_under_the_names_asked_for() {
    let many: Vec<String> = (0..100).map(|i| format!("\"f{i}\": {i}")).collect();
    let text = format!("{{\"a\": {{ {} }}}}", many.join(", "));
    let mut source = source(From::Bytes(text.into_bytes().into()));
    source.rename.insert("jdk".into(), "f7".into());
    let gathered = read(&source, &Wanted::from(["f99".to_owned()]));
    assert_eq!(said(&gathered), ["a: f7=7 f99=99 jdk=7"]);
}

#[test]
fn a_command_that_works_says_when_it_was_read() {
    let before = now();
    let gathered = command("echo '{\"a\": {\"v\": 1}}'; echo noise >&2", 20_000);
    assert_eq!((said(&gathered), gaps(&gathered)), (vec!["a: v=1".to_owned()], String::new()));
    assert!(gathered.sources[0].read_at.is_some_and(|t| t >= before));
}

#[test]
fn a_command_that_fails_is_a_gap_and_what_it_said_stands() {
    let gathered = command(
        "echo '{\"a\": {\"v\": 1}}'; echo first >&2; echo 'no credentials' >&2; exit 3",
        20_000,
    );
    assert_eq!(said(&gathered), ["a: v=1"]);
    assert_eq!(gaps(&gathered), "src: `sh` ended with exit code 3: no credentials\n");
    let gathered = command("kill -9 $$", 20_000);
    assert_eq!(gaps(&gathered), "src: `sh` was ended by signal 9 and said nothing of why\n");
    assert_eq!(gathered.sources[0].read_at, None);
    let argv = vec!["/nonexistent/inventory".to_owned()];
    let from = From::Command { argv, folder: "/".into(), timeout: SignedDuration::from_secs(1) };
    assert!(
        gaps(&read(&source(from), &Wanted::new()))
            .contains("`/nonexistent/inventory` cannot be run in /: No such file")
    );
}

/// A program that hangs is ended with all that it started, and what it had said stands.
#[test]
fn a_command_that_hangs_is_ended_with_its_children() {
    let folder = Folder::new("hang");
    let pid = folder.0.join("pid");
    // The grandchild keeps the pipe open: ending the shell alone would not be enough.
    let script = format!(
        "echo '{{\"host\": \"a\", \"v\": 1}}'; sleep 1000 & echo $! > {}; wait",
        pid.display()
    );
    let gathered = command(&script, 1500);
    assert_eq!(said(&gathered), ["a: v=1"]);
    assert!(
        gaps(&gathered).contains("said nothing more within 1s, and was ended"),
        "{}",
        gaps(&gathered)
    );
    let child: i32 = fs::read_to_string(pid).expect("it started").trim().parse().expect("a pid");
    let state = || fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    // Gone, or dead and not yet collected by whoever adopts it.
    let dead =
        |s: &str| s.is_empty() || s.rsplit(')').next().is_some_and(|r| r.trim().starts_with('Z'));
    let until = Instant::now() + std::time::Duration::from_secs(30);
    while !dead(&state()) && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(dead(&state()), "the grandchild lives on: {}", state());
}

#[test]
fn a_command_that_prints_without_end_is_cut_off() {
    let gathered = command("while :; do head -c 1048576 /dev/zero | tr '\\0' x; done", 120_000);
    assert!(
        gaps(&gathered).contains("`sh` printed more than 64 MiB, and was ended"),
        "{}",
        gaps(&gathered)
    );
    // Its lines up to there stand.
    let gathered =
        command("echo '{\"host\": \"a\", \"v\": 1}'; head -c 1073741824 /dev/zero", 120_000);
    assert_eq!(said(&gathered), ["a: v=1"]);
    assert!(gaps(&gathered).contains("more than 64 MiB"), "{}", gaps(&gathered));
}
