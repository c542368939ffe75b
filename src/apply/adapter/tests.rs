use super::*;
use std::time::Duration;

/// An adapter of one line of shell, which answers every question with `reply`.
fn shell(reply: &str) -> Adapter {
    let limits = AdapterLimits {
        // A loaded machine starts a shell in less.
        look: Duration::from_secs(3),
        list: Duration::from_secs(20),
        act: Duration::from_secs(20),
        line: 4096,
        lines: 50,
        end: Duration::from_millis(100),
    };
    let words = ["sh", "-c", reply].map(String::from);
    let command = AdapterCommand::new(&words).expect("a command");
    Adapter::start(&command, "servos", limits).expect("sh starts")
}

fn why(error: Result<impl std::fmt::Debug, WorldError>) -> String {
    error.expect_err("no answer").to_string()
}

#[test]
fn an_answer_is_read_and_the_next_question_has_the_next_number() {
    let mut world = shell(
        r#"while read q; do n=$((n+1)); echo "{\"id\":$n,\"health\":{\"healthy\":true},\"done\":true}"; done"#,
    );
    assert!(world.health().expect("an answer").healthy);
    assert!(world.health().expect("a second answer").healthy);
}

#[test]
fn what_breaks_the_protocol_is_said_and_ends_the_adapter() {
    let cases = [
        ("read q; sleep 30", "did not answer in time"),
        (
            "read q; echo last words >&2; exit 7",
            "it ended (exit status: 7); its last words: last words",
        ),
        ("read q; printf '{\"id\":1'", "in the middle of a line"),
        ("read q; echo nonsense", "no answer"),
        (r#"read q; echo '{"id":9,"health":{"healthy":true},"done":true}'"#, "question 9 where 1"),
        (
            r#"read q; echo '{"id":1,"health":{"healthy":true,"well":1},"done":true}'"#,
            "unknown field",
        ),
        (r#"read q; echo '{"id":1,"done":true}'"#, "without saying \"health\""),
        (
            r#"read q; h='{"id":1,"health":{"healthy":true}'; echo "$h}"; echo "$h,\"done\":true}""#,
            "answered twice",
        ),
        (r"read q; head -c 9000 /dev/zero | tr '\0' x; echo", "above 4096 bytes"),
    ];
    for (reply, expected) in cases {
        let mut world = shell(reply);
        let said = why(world.health());
        assert!(said.starts_with("health: ") && said.contains(expected), "{reply}: {said}");
        let after = why(world.health());
        assert!(after.contains("was ended before"), "{reply}: {after}");
    }
}

#[test]
fn lines_are_counted() {
    let mut world = shell(r#"read q; while echo '{"id":1}'; do :; done"#);
    let said = why(world.list("servos", &BTreeMap::new()));
    assert!(said.contains("more than 50 lines"), "{said}");
}

#[test]
fn an_adapter_that_says_no_can_be_asked_again() {
    let mut world = shell(
        r#"read q; echo '{"id":1,"error":"denied","done":true}'; read q; echo '{"id":2,"health":{"healthy":true},"done":true}'"#,
    );
    assert_eq!(why(world.health()), "health: denied");
    assert!(world.health().expect("an answer").healthy);
}

#[test]
fn its_own_children_end_with_it() {
    let folder = std::env::temp_dir().join(format!("portcullis-adapter-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("pid");
    let mut world = shell(&format!("sleep 300 & echo $! > {}; read q; wait", file.display()));
    assert!(why(world.health()).contains("in time"));
    let pid: i32 =
        std::fs::read_to_string(&file).expect("the child's id").trim().parse().expect("a number");
    // It is gone, or it waits for init to collect it: a moment after the signal, which nobody waits
    // for but this test. By itself it would go on for minutes.
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while !(state().is_empty() || state().contains(") Z ")) {
        assert!(std::time::Instant::now() < until, "{}", state());
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
