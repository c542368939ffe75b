//! D: crashes and two at once.

use crate::ground::no_files;
use crate::job::{Fake, Job, Parts, stopped};
use crate::simworld::Sim;
use portcullis::apply::{
    Claim, Claimant, FileRegister, GitRegister, JournalStore, Mode, Register, Swapped,
};
use portcullis::cleanup::claim::Purpose;
use portcullis::cleanup::journal::ItemState;
use portcullis::cleanup::{Digest, Guards, Reason};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

fn two() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {})
}

/// Applies with the real binary until the world hangs at this point, kills the binary with a signal
/// that nobody can catch, and gives back the job as the crash has left it.
fn killed_at(point: &str, nth: u32) -> Option<Job> {
    let sim = two().fault(json!({"at": point, "nth": nth, "do": "hang"}));
    let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    // Of a claim in a file the system says when its holder is gone; any other is waited for.
    if no_files(job.sim.folder.folder()) {
        return None;
    }
    let mut child = job.sim.folder.command(&job.apply_words(&["--attached"])).spawn().expect("up");
    let hung = job.sim.path("calls.jsonl.hung");
    while !hung.exists() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before {point} {nth}");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    Some(job)
}

/// Goes on, and everything ends up done once.
fn goes_on(job: &Job) -> Value {
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(job.acted(), ["sv-1", "sv-2"], "each once, in order");
    for n in [1, 2] {
        assert_eq!(job.state(n), ItemState::Confirmed);
    }
    told
}

fn events(job: &Job) -> Vec<String> {
    job.chain()
        .records
        .iter()
        .map(|r| serde_json::to_value(&r.what).expect("JSON")["event"].as_str().expect("it").into())
        .collect()
}

#[test]
fn d01_killed_before_the_act() {
    let Some(job) = killed_at("before-act", 1) else { return };
    assert_eq!(events(&job).last().map(String::as_str), Some("intent"));
    assert!(job.acted().is_empty());
    goes_on(&job);
    assert!(events(&job).contains(&"reconciled".to_owned()), "it was looked at first");
}

#[test]
fn d02_killed_after_the_act() {
    let Some(job) = killed_at("after-act", 1) else { return };
    assert_eq!(events(&job).last().map(String::as_str), Some("intent"));
    assert_eq!(job.acted(), ["sv-1"], "done, and nobody wrote it down");
    // Until somebody can look at it, nothing else is done.
    job.sim.folder.file("faults.json", r#"[{"at":"observe","do":"unknown","id":"sv-1"}]"#);
    let _ = std::fs::remove_file(job.sim.path("faults.json.0.count"));
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["class"]), (Some(3), &json!(16)), "{ran}");
    assert_eq!(job.acted(), ["sv-1"]);
    goes_on(&job);
    let calls = job.sim.calls();
    assert_eq!(calls.iter().filter(|c| c.item.id == "sv-1").count(), 1, "never asked for again");
}

/// The adapter ends with its run: it does not go on with the act while another run looks at it.
#[test]
fn d02_a_killed_run_leaves_no_adapter_behind() {
    let command = "echo $PPID > adapter; while [ ! -e release ]; do sleep 0.02; done";
    let sim = two().fault(json!({"at": "before-act", "do": "run", "command": command}));
    let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    if no_files(job.sim.folder.folder()) {
        return;
    }
    let mut child = job.sim.folder.command(&job.apply_words(&["--attached"])).spawn().expect("up");
    let adapter = || std::fs::read_to_string(job.sim.path("adapter")).unwrap_or_default();
    while !adapter().ends_with('\n') {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before its act");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    goes_on(&job);
    std::fs::write(job.sim.path("release"), "").expect("released");
    while Path::new("/proc").join(adapter().trim()).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = job.sim.calls().iter().filter(|c| c.item.id == "sv-1").count();
    assert_eq!(asked, 1, "by the second run alone");
}

/// What was cut off is looked at under a halt as well, and is in the receipt then: so it can be taken back.
#[test]
fn d02_killed_after_the_act_and_halted() {
    let Some(job) = killed_at("after-act", 1) else { return };
    let halt = ["cleanup", "halt", "--trust=trust.yaml", "--halt=halt.json", "--state=state"];
    let ran = job.sim.folder.run(&halt);
    assert_eq!(ran.code, Some(0), "{ran}");
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("halt")), "{ran}");
    assert_eq!(job.acted(), ["sv-1"], "and nothing more");
    assert_eq!(job.state(1), ItemState::Confirmed);
    let receipt = job.place.join("receipt.json").display().to_string();
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(job.state(1), ItemState::Undone);
}

/// The same token goes with every try of one act.
#[test]
fn d02_a_try_that_was_not_done_is_repeated_under_its_token() {
    let sim = two().fault(json!({"at": "before-act", "do": "throttle"}));
    let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    job.with(Guards::all()).expect("it begins");
    let calls = job.sim.calls();
    let tokens: Vec<_> = calls.iter().filter(|c| c.item.id == "sv-1").map(|c| &c.token).collect();
    assert_eq!((tokens.len(), tokens[0]), (2, tokens[1]));
}

/// A kill at every other state of the journal.
#[test]
fn d03_killed_at_every_state() {
    for (point, nth, last, acted) in [
        ("hello", 1, None, 0),
        ("health", 1, Some("claimed"), 0),
        ("observe", 1, Some("batch"), 0),
        ("observe", 2, Some("acted"), 1),
        ("health", 2, Some("confirmed"), 1),
        ("health", 3, Some("soak"), 1),
        ("observe", 4, Some("acted"), 2),
        ("health", 4, Some("confirmed"), 2),
    ] {
        let Some(job) = killed_at(point, nth) else { return };
        assert_eq!(job.acted().len(), acted, "{point} {nth}");
        match last {
            None => assert_eq!(std::fs::read(job.journal()).expect("it"), b"", "nothing yet"),
            Some(last) => assert_eq!(events(&job).last().map(String::as_str), Some(last)),
        }
        goes_on(&job);
    }
}

#[test]
fn d03_a_torn_line_is_cut() {
    let Some(job) = killed_at("after-act", 1) else { return };
    let whole = std::fs::read(job.journal()).expect("the journal");
    let mut torn = whole.clone();
    torn.extend(br#"{"seq":5,"prev":"sha256:"#);
    std::fs::write(job.journal(), torn).expect("written");
    goes_on(&job);
    assert!(
        std::fs::read(job.journal()).expect("it").starts_with(&whole),
        "nothing before it lost"
    );
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git").args(arguments).current_dir(folder).output().expect("git");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A repository that everybody can push to.
fn remote(job: &Job) -> String {
    let path = job.sim.path("remote.git");
    std::fs::create_dir_all(&path).expect("a folder");
    git(&path, &["init", "--quiet", "--bare", "."]);
    path.display().to_string()
}

#[test]
fn d04_two_appliers_race() {
    for round in 0..3 {
        // The winner is held in its act until the loser is done.
        let release = format!("while [ ! -e release-{round} ]; do sleep 0.02; done");
        let sim = two().fault(json!({"at": "before-act", "do": "run", "command": release}));
        let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
        let claim = format!("--claim=git:{}", remote(&job));
        let start = |state: &str| {
            let mut words = job.apply_words(&[&claim, "--attached"]);
            words.iter_mut().filter(|w| *w == "--state=state").for_each(|w| *w = state.into());
            let mut command = job.sim.folder.command(&words);
            command.env("CI", "true").stdout(std::process::Stdio::piped());
            command.spawn().expect("up")
        };
        let mut both = [start("--state=state-1"), start("--state=state-2")];
        // One ends by itself: the loser.
        let loser = loop {
            if let Some(n) = (0..2).find(|n| both[*n].try_wait().expect("its state").is_some()) {
                break n;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        std::fs::write(job.sim.path(&format!("release-{round}")), "").expect("released");
        let mut told = both.iter_mut().map(|child| {
            let mut text = String::new();
            let mut stdout = child.stdout.take().expect("piped");
            io::Read::read_to_string(&mut stdout, &mut text).expect("text");
            let code = child.wait().expect("gone").code();
            (code, serde_json::from_str::<Value>(&text).expect("JSON"))
        });
        let told = [told.next().expect("one"), told.next().expect("two")];
        let (code, no) = &told[loser];
        assert_eq!((*code, &no["class"]), (Some(4), &json!(15)), "{told:?}");
        assert_eq!(told[1 - loser].0, Some(0), "{told:?}");
        assert_eq!(job.acted(), ["sv-1", "sv-2"]);
    }
}

#[test]
fn d04_one_winner_of_a_ref_in_every_round() {
    let job = Job::new(two(), &["sv-1"], |_| {});
    let remote = remote(&job);
    for round in 0..8 {
        let reference = format!("refs/portcullis/claims/{round}");
        let won: usize = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..2)
                .map(|n| {
                    let (remote, reference) = (&remote, &reference);
                    let scratch = job.sim.path(&format!("scratch-{n}"));
                    scope.spawn(move || {
                        let mut it = GitRegister::open(&scratch, remote, reference).expect("git");
                        let paper = format!("{{\"nonce\":{n}}}");
                        let swapped = it.swap(None, paper.as_bytes());
                        usize::from(matches!(swapped, Ok(Swapped::Yes { .. })))
                    })
                })
                .collect();
            tries.into_iter().map(|t| t.join().expect("joined")).sum()
        });
        assert_eq!(won, 1, "round {round}");
    }
}

#[test]
fn d04_a_file_is_no_claim_in_ci() {
    let job = Job::new(two(), &["sv-1"], |_| {});
    let words = job.apply_words(&["--claim=file"]);
    let ran = job.sim.folder.command(&words).env("CI", "true").output().expect("ran");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("--claim git:REMOTE"), "{stderr}");
    assert!(job.acted().is_empty());
}

#[test]
fn d05_a_stale_holder_wakes() {
    let job = Job::new(two(), &["sv-1"], |_| {});
    let (remote, digest) = (remote(&job), Digest::of(b"plan"));
    let open = |n: u32| {
        let scratch = job.sim.path(&format!("scratch-{n}"));
        GitRegister::open(&scratch, &remote, "refs/portcullis/claims/x").expect("git")
    };
    let (mut one, mut two) = (open(1), open(2));
    let who = |nonce: &'static str| Claimant {
        plan: &digest,
        nonce,
        by: nonce,
        lease: jiff::SignedDuration::from_mins(10),
        purpose: Purpose::Apply,
    };
    let now = jiff::Timestamp::now();
    let mut first = Claim::take(&mut one, who("one"), now).expect("the first");
    let refused = Claim::take(&mut two, who("two"), now).err().expect("it is held").reason;
    assert_eq!(refused, Reason::Claimed);
    let hour = now + jiff::SignedDuration::from_hours(1);
    let second = Claim::take(&mut two, who("two"), hour).expect("its time was over");
    assert_eq!((first.fence(), second.fence()), (1, 2));
    assert_eq!(first.check(hour).expect_err("taken over").reason, Reason::Fenced);
    let head = Digest::of(b"head");
    assert_eq!(first.anchor(1, &head, false).expect_err("no anchor").reason, Reason::Fenced);
}

/// A register that another run takes over while this one looks away.
struct Taken {
    inner: FileRegister,
    reads: u32,
    after: u32,
}

impl Register for Taken {
    fn read(&mut self) -> Result<Option<portcullis::apply::Held>, String> {
        self.reads += 1;
        let mut held = self.inner.read()?;
        if self.reads > self.after
            && let Some(held) = &mut held
        {
            let text = String::from_utf8_lossy(&held.bytes).replace("\"one\"", "\"other\"");
            held.bytes = text.replace("\"fence\":1", "\"fence\":2").into_bytes();
        }
        Ok(held)
    }

    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        if self.reads > self.after { Ok(Swapped::No) } else { self.inner.swap(over, bytes) }
    }
}

#[test]
fn d05_a_run_that_lost_its_claim_acts_no_more() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.ramp = vec![25]);
    let report = job
        .run(Guards::all(), |p| {
            let inner = FileRegister::open(&job.sim.path("claim-2")).expect("a file");
            p.register = Box::new(Taken { inner, reads: 0, after: 3 });
        })
        .expect("it begins");
    assert_eq!(stopped(&report), Reason::Fenced);
    assert_eq!(job.acted(), ["sv-1"]);
    assert!(!events(&job).contains(&"halted".to_owned()), "the journal is another run's by now");
}

/// A disk that is full from the nth line on.
struct Full {
    inner: portcullis::apply::JournalFile,
    left: u32,
}

impl JournalStore for Full {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.inner.read()
    }
    fn cut(&mut self, length: usize) -> io::Result<()> {
        self.inner.cut(length)
    }
    fn append(&mut self, length: usize, bytes: &[u8]) -> io::Result<()> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= 1;
        self.inner.append(length, bytes)
    }
}

#[test]
fn d06_no_intent_on_the_disk_no_act() {
    // Claimed, batch, then intent, acted, confirmed of each item: full at every one of them.
    for (left, acts) in [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 1), (6, 2)] {
        let job = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.ramp = vec![25]);
        let report = job
            .run(Guards::all(), |p| {
                let inner = portcullis::apply::JournalFile::open(&job.journal()).expect("a file");
                p.journal = Box::new(Full { inner, left });
            })
            .expect("it begins");
        assert_eq!(stopped(&report), Reason::JournalUnwritable, "{left} lines");
        assert_eq!(job.acted().len(), acts, "{left} lines");
        // And with room again, each is done once.
        job.run(Guards::all(), |p| p.nonce = "two".into()).expect("it goes on");
        assert_eq!(job.acted(), ["sv-1", "sv-2"], "{left} lines");
    }
}

/// The real thing: a limit on the size of files, which the system enforces.
#[test]
fn d06_a_full_disk_under_the_binary() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    if no_files(job.sim.folder.folder()) {
        return;
    }
    let words = job.apply_words(&["--attached"]);
    let mut shell = job.sim.folder.command(&words);
    let program = shell.get_program().to_owned();
    shell = {
        let mut limited = Command::new("sh");
        // 2 blocks of 512 bytes: room for the claim and the first line.
        let script = "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"";
        limited.args(["-c", script]).arg(program).args(&words);
        limited.current_dir(job.sim.folder.folder()).env_clear();
        limited.envs(shell.get_envs().filter_map(|(k, v)| Some((k, v?))));
        limited.env("PYTHONDONTWRITEBYTECODE", "1");
        limited
    };
    let ran = shell.output().expect("it ran");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    let stdout = String::from_utf8_lossy(&ran.stdout);
    assert!(stdout.contains("journal-unwritable") || stderr.contains("write"), "{stdout} {stderr}");
    assert!(job.acted().len() <= 1 && ran.status.code() != Some(0), "{stdout} {stderr}");
}

#[test]
fn d07_an_edited_journal() {
    let done = || {
        let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
        let (ran, _) = job.apply(&["--step"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        job
    };
    let edits: [fn(&mut Vec<String>); 3] = [
        |lines| drop(lines.remove(2)),
        |lines| lines[3] = lines[3].replace("sv-1", "sv-9"),
        |lines| lines.swap(1, 2),
    ];
    for edit in edits {
        let job = done();
        let text = std::fs::read_to_string(job.journal()).expect("the journal");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        edit(&mut lines);
        std::fs::write(job.journal(), lines.join("\n") + "\n").expect("written");
        let place = job.place.display().to_string();
        let words = ["cleanup", "log", "verify", &place, "--state=state"];
        let ran = job.sim.folder.run(&words);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("log-broken"), "{ran}");
        let (ran, _) = job.apply(&["--step"]);
        assert!(ran.code == Some(4) && ran.stderr.contains("log-broken"), "{ran}");
        assert_eq!(job.acted(), ["sv-1"]);
    }
}

#[test]
fn d08_an_older_journal_put_back() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    job.apply(&["--step"]);
    let older = std::fs::read(job.journal()).expect("the journal");
    let text = String::from_utf8(older.clone()).expect("text");
    for (what, copy) in [
        ("the first batch", text.lines().take(2).map(|l| format!("{l}\n")).collect::<String>()),
        ("nothing", String::new()),
    ] {
        std::fs::write(job.journal(), copy).expect("written");
        let (ran, told) = job.apply(&["--step"]);
        assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("log-rollback")), "{what}: {ran}");
        let place = job.place.display().to_string();
        let ran = job.sim.folder.run(&["cleanup", "log", "verify", &place, "--state=state"]);
        assert!(ran.code == Some(4) || what == "nothing", "{what}: {ran}");
    }
    std::fs::remove_file(job.journal()).expect("gone");
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("log-rollback")), "{ran}");
    assert_eq!(job.acted(), ["sv-1"]);
    std::fs::write(job.journal(), older).expect("written");
    goes_on(&job);
}

/// A journal that its register never heard of moves no window.
#[test]
fn d08_a_journal_of_nowhere() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    job.apply(&["--step"]);
    if no_files(job.sim.folder.folder()) {
        return;
    }
    std::fs::remove_dir_all(job.sim.path("state")).expect("another machine");
    // However often it is tried: a claim that nothing came of makes it no journal of this register.
    for _ in 0..3 {
        let (ran, told) = job.apply(&["--step"]);
        assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("log-rollback")), "{ran}");
    }
    assert_eq!(job.acted().len(), 1);
}

/// A plan is applied once, by anybody.
#[test]
fn d08_consumed_is_consumed() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    goes_on(&job);
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("already-consumed")), "{ran}");
    assert_eq!(job.acted().len(), 2);
}

/// A step does one batch and waits for nothing.
#[test]
fn steps_rest_in_between() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.soak_s = vec![3600]);
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("soaking")), "{ran}");
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("soaking")), "{ran}");
    assert_eq!(job.acted(), ["sv-1"]);
    if no_files(job.sim.folder.folder()) {
        return;
    }
    let mut sim = job.sim.now();
    sim["clock_offset_s"] = json!(7200);
    job.sim.folder.file("world.json", sim.to_string());
    let later = |p: &mut Parts| {
        p.mode = Mode::Step;
        p.clock = Box::new(Fake::later(2));
        p.register = Box::new(
            FileRegister::open(&job.sim.path("state/claims").join(job.digest.folder()))
                .expect("it"),
        );
    };
    job.run(Guards::all(), later).expect("it goes on");
    assert_eq!(job.acted(), ["sv-1", "sv-2"]);
}
