use super::*;
use crate::model::{Endpoint, Expect, Protocol, Stop};
use crate::observation::{Begin, End, Observation, SAID, Said, State};
use crate::survey::{Hope, Survey, Target, Why};
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn survey(ports: &[u16]) -> Survey {
    let target = |port: &u16| Target {
        endpoint: Endpoint { address: address(), protocol: Protocol::Tcp, port: *port },
        why: Why::Declared,
        expect: Expect::Connect,
        hope: Hope::Answer,
    };
    Survey { targets: ports.iter().map(target).collect(), ..Survey::default() }
}

fn address() -> IpAddr {
    [203, 0, 113, 7].into()
}

fn line(said: &Said) -> String {
    format!("{}\n", serde_json::to_string(said).expect("a line"))
}

fn begin(at: Timestamp) -> Begin {
    Begin {
        format: SAID.into(),
        survey: NONCE.into(),
        version: "0".into(),
        at,
        reflected_v4: Some([198, 51, 100, 7].into()),
        reflected_v6: None,
    }
}

fn seen(port: u16) -> Said {
    let endpoint = Endpoint { address: address(), protocol: Protocol::Tcp, port };
    Said::Seen(Box::new(Observation {
        confirmed: true,
        tries: 1,
        ..Observation::new(endpoint, State::Open, "somebody else")
    }))
}

fn end() -> Said {
    Said::End(End {
        at: Timestamp::now(),
        reflected_v4: Some([198, 51, 100, 7].into()),
        reflected_v6: None,
        troubles: vec!["it refused to probe 10.0.0.1: not ours".into()],
    })
}

/// What is heard of a vantage that prints `said` and then runs `then` in a shell.
fn heard(said: &str, then: &str, timeout: Duration) -> Told {
    let script = format!("cat >/dev/null; printf %s \"$1\"; {then}");
    let argv = ["sh", "-c", &script, "sh", said].map(str::to_owned);
    let remote = Remote { name: "office", argv: &argv, folder: Path::new("/"), timeout };
    let input = vec![b'x'; 300_000];
    ask(&remote, input, NONCE, &survey(&[22, 443]), &Stop::default(), &mut || {})
}

const LONG: Duration = Duration::from_secs(60);

fn open() -> String {
    line(&Said::Begin(begin(Timestamp::now())))
}

#[test]
fn what_a_whole_answer_says_stands_under_our_name_of_the_vantage() {
    let said = [open(), line(&seen(443)), line(&seen(22)), line(&end())].concat();
    let told = heard(&said, "exit 3", LONG);
    assert_eq!(told.troubles, ["it refused to probe 10.0.0.1: not ours"]);
    assert_eq!(told.reflected_v4, Some([198, 51, 100, 7].into()));
    let rows: Vec<_> = told.rows.iter().map(|r| (r.port, r.vantage.as_str())).collect();
    assert_eq!(rows, [(443, "office"), (22, "office")]);
}

#[test]
fn every_way_to_break_off_is_told_and_what_was_said_before_stands() {
    let (open, one, end) = (open(), line(&seen(443)), line(&end()));
    let half = &one[..one.len() / 2];
    let other = line(&Said::Begin(Begin { survey: "f".repeat(32), ..begin(Timestamp::now()) }));
    let newer = line(&Said::Begin(Begin {
        format: "portcullis/vantage/v9".into(),
        ..begin(Timestamp::now())
    }));
    let part = "1 of 2 endpoints have no answer from it";
    let cases: &[(&str, String, &str, usize, &[&str])] = &[
        ("nothing", String::new(), "", 0, &["ended before its answer did"]),
        (
            "a failure",
            String::new(),
            "echo no route >&2; exit 255",
            0,
            &["`sh` ended with exit code 255: no route"],
        ),
        ("no end", format!("{open}{one}"), "", 1, &["ended before its answer did", part]),
        ("killed", format!("{open}{one}"), "kill -9 $$", 1, &["was ended by signal 9", part]),
        (
            "half a line",
            format!("{open}{one}{half}"),
            "",
            1,
            &["it ends in the middle of a line", "ended before its answer did", part],
        ),
        (
            "half of its first line",
            open[..open.len() / 2].to_owned(),
            "",
            0,
            &["it ends in the middle of a line", "ended before its answer did"],
        ),
        ("a banner", format!("Welcome!\n{open}{one}"), "", 0, &["its first line is nothing"]),
        (
            "garbage",
            format!("{open}{one}\u{1b}[2J\n{end}"),
            "",
            1,
            &["its line 3 is nothing", part],
        ),
        ("a newer version", format!("{newer}{one}"), "", 0, &["it speaks `portcullis/vantage/v9`"]),
        ("another survey", format!("{other}{one}"), "", 0, &["another survey"]),
        (
            "more than asked",
            format!("{open}{one}{}", line(&seen(25))),
            "",
            1,
            &["it was not asked of 203.0.113.7 tcp/25", part],
        ),
        ("twice", format!("{open}{one}{one}"), "", 1, &["or says it twice", part]),
        (
            "more after its end",
            format!("{open}{one}{end}{one}"),
            "",
            1,
            &["it refused to probe", "more after its end", part],
        ),
        (
            "an exit code",
            format!("{open}{one}{}{end}", line(&seen(22))),
            "exit 4",
            2,
            &["it refused to probe", "`sh` ended with exit code 4"],
        ),
    ];
    for (name, said, then, rows, troubles) in cases {
        let told = heard(said, then, LONG);
        assert_eq!(told.rows.len(), *rows, "{name}: {told:?}");
        assert_eq!(told.troubles.len(), troubles.len(), "{name}: {:#?}", told.troubles);
        for (said, wanted) in told.troubles.iter().zip(*troubles) {
            assert!(said.contains(wanted), "{name}: {:#?}", told.troubles);
        }
    }
}

#[test]
fn one_that_hangs_is_ended_with_what_it_started() {
    let mark = std::env::temp_dir().join(format!("portcullis-hang-{}", std::process::id()));
    let then = format!("(sleep 3; touch {}) & sleep 600", mark.display());
    let began = Instant::now();
    let told = heard(&format!("{}{}", open(), line(&seen(22))), &then, Duration::from_secs(1));
    assert!(began.elapsed() < Duration::from_secs(60));
    assert!(told.troubles[0].contains("did not end within 1s"), "{:?}", told.troubles);
    assert_eq!(told.rows.len(), 1, "what it said before stands");
    std::thread::sleep(Duration::from_secs(4));
    assert!(!mark.exists(), "its child outlived it");
}

#[test]
fn one_whose_child_holds_its_output_is_not_waited_for() {
    let said = [open(), line(&seen(443)), line(&seen(22)), line(&end())].concat();
    let told = heard(&said, "sleep 20 & exit 0", Duration::from_secs(600));
    assert_eq!((told.troubles.len(), told.rows.len()), (1, 2), "{:?}", told.troubles);
}

#[test]
fn a_clock_that_is_wrong_is_told_either_way() {
    for (seconds, word) in [(-90, "behind"), (90, "ahead of")] {
        let at = Timestamp::now() + SignedDuration::from_secs(seconds);
        let said = [line(&Said::Begin(begin(at))), line(&seen(22)), line(&seen(443)), line(&end())];
        let told = heard(&said.concat(), "", LONG);
        assert_eq!(told.rows.len(), 2);
        assert!(told.troubles[0].contains("its clock is"), "{:?}", told.troubles);
        assert!(told.troubles[0].ends_with(&format!("{word} ours")), "{:?}", told.troubles);
    }
}

#[test]
fn a_command_that_is_not_there_says_so_and_an_interrupt_ends_one_that_is() {
    let argv = ["/nonexistent/ssh".to_owned()];
    let remote = Remote { name: "office", argv: &argv, folder: Path::new("/"), timeout: LONG };
    let told = ask(&remote, Vec::new(), NONCE, &survey(&[22]), &Stop::default(), &mut || {});
    assert!(told.troubles[0].contains("cannot be run"), "{:?}", told.troubles);
    let stop = Stop::default();
    stop.raise();
    let argv = ["sleep".to_owned(), "600".to_owned()];
    let remote = Remote { argv: &argv, timeout: Duration::from_secs(600), ..remote };
    let told = ask(&remote, Vec::new(), NONCE, &survey(&[22]), &stop, &mut || {});
    assert!(told.troubles[0].contains("interrupted"), "{:?}", told.troubles);
}
