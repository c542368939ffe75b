//! Whole lives of findings in a real file.

use super::*;
use crate::history::{
    Change, Content, End, Fingerprint, Read, Scope, Seen, Standing, State, StoreTrouble,
};
use crate::model::{Confidence, Gap, GapKind, Severity};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

struct Folder(PathBuf);

static FOLDERS: AtomicU32 = AtomicU32::new(0);

impl Folder {
    fn new() -> Self {
        let n = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("portcullis-store-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("history.db")
    }

    fn open(&self) -> Sqlite {
        Sqlite::create(&self.file(), quick()).expect("a history")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn quick() -> Options {
    Options { wait: Duration::from_millis(200), ..Options::default() }
}

fn day(n: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + n * 86_400).expect("a time")
}

fn seen(n: u8, severity: Severity) -> Seen {
    Seen {
        fingerprint: Fingerprint([n; 32]),
        rule: "latent-exposure".into(),
        subject: format!("i-{n} tcp/22"),
        source: Some("internet".into()),
        content: Content {
            severity,
            confidence: Confidence::High,
            measure: None,
            standing: Standing::Open,
            note: String::new(),
            message: format!("message of {n}"),
        },
    }
}

/// A complete run of one region that found these.
fn run(n: i64, found: &[u8]) -> Run {
    Run {
        at: day(n),
        tool: "0.1.0".into(),
        scope: Scope {
            command: "audit".into(),
            specs: ["spec.yaml".to_owned()].into(),
            places: ["1/a".to_owned()].into(),
            ..Scope::default()
        },
        spec: "ab".repeat(32),
        snapshot: Some(Read { digest: "cd".repeat(32), taken_at: day(n) }),
        rules: ["latent-exposure".to_owned()].into(),
        gaps: vec![],
        unseen: vec![],
        unprobed: 0,
        seen: found.iter().map(|n| seen(*n, Severity::Medium)).collect(),
    }
}

fn keep(store: &mut Sqlite, run: &Run) -> Kept {
    store.keep(run, &mut |_| 1).expect("it is kept")
}

fn only(store: &mut Sqlite) -> Life {
    let mut lives = store.lives(&Filter::default()).expect("it is read");
    assert_eq!(lives.len(), 1, "{lives:#?}");
    lives.remove(0)
}

fn sound(store: &Sqlite) {
    let check: String = store
        .connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    assert_eq!(check, "ok");
    let mut broken = store.connection.prepare("PRAGMA foreign_key_check").expect("a check");
    assert!(!broken.exists([]).expect("a check"), "a row points at nothing");
}

fn denied() -> Gap {
    Gap::new(GapKind::SecurityGroups, "1/a", "DescribeSecurityGroups denied: x")
}

/// A run that found one thing, as bad as this.
fn measured(n: i64, measure: Option<u64>) -> Run {
    let mut out = run(n, &[7]);
    out.seen[0].content.measure = measure;
    out
}

#[test]
fn a_measure_is_compared_with_the_last_one_that_was_counted() {
    let folder = Folder::new();
    let mut store = folder.open();
    let mut change =
        |n: i64, measure| keep(&mut store, &measured(n, measure)).seen.remove(0).change;
    let was = |measure| Change::Updated {
        severity: Severity::Medium,
        measure: Some(measure),
        standing: Standing::Open,
    };
    assert_eq!(change(1, Some(2)), Change::New);
    assert_eq!(change(2, Some(2)), Change::Unchanged);
    assert_eq!(change(3, Some(4)), was(2));
    assert_eq!(change(4, None), Change::Unchanged, "nothing was counted, nothing is compared");
    assert_eq!(change(5, Some(4)), Change::Unchanged, "it is as it was when it was last counted");
    assert_eq!(change(6, None), Change::Unchanged);
    assert_eq!(change(7, Some(u64::try_from(i64::MAX).expect("a number"))), was(4));
    let measures = only(&mut store).spans.iter().map(|s| s.content.measure).collect::<Vec<_>>();
    let most = Some(i64::MAX as u64);
    assert_eq!(measures, [Some(2), Some(4), None, Some(4), None, most]);
}

/// The file that a portcullis without measures left behind.
fn version_1(folder: &Folder) {
    keep(&mut folder.open(), &run(1, &[7]));
    let old = Connection::open(folder.file()).expect("the file");
    old.execute_batch(
        "ALTER TABLE content DROP COLUMN measure; ALTER TABLE current DROP COLUMN measure;
         PRAGMA user_version = 1",
    )
    .expect("as it was");
}

#[test]
fn a_history_from_before_measures_is_carried_on_and_nothing_is_compared_at_first() {
    let folder = Folder::new();
    version_1(&folder);
    let mut store = folder.open();
    assert_eq!(only(&mut store).content.measure, None);
    let carried = keep(&mut store, &measured(2, Some(2)));
    assert_eq!(carried.against.map(|a| a.at), Some(day(1)));
    assert_eq!((&carried.seen[0].change, carried.seen[0].first_seen), (&Change::Unchanged, day(1)));
    let worse = keep(&mut store, &measured(3, Some(4)));
    assert!(matches!(worse.seen[0].change, Change::Updated { measure: Some(2), .. }));
    sound(&store);
}

#[test]
fn a_finding_from_its_first_run_to_its_last() {
    let folder = Folder::new();
    let mut store = folder.open();
    let first = keep(&mut store, &run(1, &[7]));
    assert_eq!((first.run, first.against, &first.seen[0].change), (1, None, &Change::New));
    let second = keep(&mut store, &run(2, &[7]));
    assert_eq!(second.against.map(|a| (a.run, a.at)), Some((1, day(1))));
    assert_eq!(second.seen[0].change, Change::Unchanged);
    assert_eq!(second.seen[0].first_seen, day(1));

    let mut worse = run(3, &[]);
    worse.seen = vec![seen(7, Severity::Critical)];
    let third = keep(&mut store, &worse);
    assert_eq!(
        third.seen[0].change,
        Change::Updated { severity: Severity::Medium, measure: None, standing: Standing::Open }
    );
    assert_eq!(only(&mut store).state, State::Open);

    // Unknown is never no: a run that could not read the groups resolves nothing.
    let blind = Run { gaps: vec![denied()], ..run(4, &[]) };
    let fourth = keep(&mut store, &blind);
    let why = fourth.gone[0].unseen.clone().expect("not resolved");
    assert!(why.contains("DescribeSecurityGroups denied"), "{why}");
    assert_eq!(fourth.gone[0].last_seen, day(3));
    assert!(matches!(only(&mut store).state, State::Unseen(_)));
    // Nor does one that could not see this finding of all.
    let one = Gap::new(GapKind::Probe, seen(7, Severity::Medium).subject, "not probed");
    let still = keep(&mut store, &Run { unseen: vec![one], ..run(5, &[]) });
    assert_eq!(still.gone, [], "it is told once");
    assert!(matches!(only(&mut store).state, State::Unseen(_)));

    let sixth = keep(&mut store, &run(6, &[]));
    assert_eq!((sixth.gone.len(), &sixth.gone[0].unseen), (1, &None));
    assert_eq!(only(&mut store).state, State::Resolved(day(6)));

    let seventh = keep(&mut store, &run(7, &[7]));
    assert_eq!(seventh.seen[0].change, Change::Reopened { resolved_at: day(6) });
    assert_eq!(seventh.seen[0].first_seen, day(1));
    assert!(!seventh.seen[0].flapping);
    assert!(keep(&mut store, &run(8, &[])).gone[0].flapping, "gone, back, gone");

    let life = only(&mut store);
    assert_eq!((life.first_seen, life.last_seen, life.times_seen), (day(1), day(7), 4));
    assert!(life.flapping);
    let spans: Vec<(u64, u64, Severity)> =
        life.spans.iter().map(|s| (s.from, s.to, s.content.severity)).collect();
    use Severity::{Critical, Medium};
    assert_eq!(spans, [(1, 2, Medium), (3, 3, Critical), (7, 7, Medium)]);
    assert_eq!(life.spans[0].end, End::Changed);
    assert_eq!(life.spans[1].end, End::Resolved { by: 6, at: day(6) });
    let runs = store.runs(&Filter::default()).expect("runs");
    let told: Vec<(u64, u64, u64, bool)> =
        runs.iter().map(|r| (r.id, r.new, r.resolved, r.complete)).collect();
    assert_eq!(told[..2], [(8, 0, 1, true), (7, 1, 0, true)]);
    assert_eq!(told[4], (4, 0, 0, false));
    let (_, gaps) = store.run(4).expect("it is read").expect("run 4");
    assert_eq!(gaps, [denied()]);
    sound(&store);
}

#[test]
fn a_gap_that_was_there_before_hides_nothing_it_did_not_hide_then() {
    let folder = Folder::new();
    let mut store = folder.open();
    let with = |n, found: &[u8]| Run { gaps: vec![denied()], ..run(n, found) };
    keep(&mut store, &with(1, &[7]));
    assert_eq!(keep(&mut store, &with(2, &[])).gone[0].unseen, None);
    let cut = Gap::new(GapKind::Instances, "1/a", "DescribeInstances truncated: page 2");
    let cut = |n, found: &[u8]| Run { gaps: vec![cut.clone()], ..run(n, found) };
    keep(&mut store, &cut(3, &[8]));
    assert!(keep(&mut store, &cut(4, &[])).gone[0].unseen.is_some(), "another part may be lost");
}

#[test]
fn a_narrower_run_says_nothing_of_what_it_did_not_look_at() {
    let folder = Folder::new();
    let mut store = folder.open();
    let wide = |n, found: &[u8]| {
        let mut run = run(n, found);
        run.scope.places.insert("1/b".into());
        run
    };
    keep(&mut store, &wide(1, &[7, 8]));
    let narrow = keep(&mut store, &run(2, &[7]));
    assert_eq!((narrow.against, narrow.gone.len()), (None, 0), "another series");
    let again = keep(&mut store, &wide(3, &[7, 8]));
    assert_eq!(again.against.map(|a| a.run), Some(1));
    assert!(again.seen.iter().all(|s| s.change == Change::Unchanged));
    // Another spec, too, is another matter.
    let mut other = wide(4, &[]);
    other.scope.specs = ["other.yaml".to_owned()].into();
    assert_eq!(keep(&mut store, &other).gone, []);
}

#[test]
fn a_run_that_looks_at_more_continues_the_series() {
    let folder = Folder::new();
    let mut store = folder.open();
    keep(&mut store, &run(1, &[7]));
    let mut more = run(2, &[]);
    more.scope.places.insert("1/b".into());
    more.scope.vantages.insert("local".into());
    let kept = keep(&mut store, &more);
    assert_eq!(kept.against.map(|a| a.run), Some(1));
    assert_eq!(kept.gone[0].unseen, None);
    // From here on the narrow one is a series of its own.
    assert_eq!(keep(&mut store, &run(3, &[7])).against, None);
    sound(&store);
}

#[test]
fn the_exit_code_may_rest_on_what_changed() {
    let folder = Folder::new();
    let mut store = folder.open();
    let mut new = |run: &Run| {
        let exit = &mut |kept: &Kept| u8::from(kept.seen.iter().any(|s| s.change == Change::New));
        store.keep(run, exit).expect("it is kept");
    };
    new(&run(1, &[7]));
    new(&run(2, &[7]));
    let exits: Vec<u8> =
        store.runs(&Filter::default()).expect("runs").iter().map(|r| r.exit).collect();
    assert_eq!(exits, [0, 1]);
}

#[test]
fn filters_let_through_what_holds_of_all_of_them() {
    let folder = Folder::new();
    let mut store = folder.open();
    keep(&mut store, &run(1, &[7, 8]));
    keep(&mut store, &run(2, &[8]));
    let mut asked = |filter: Filter| {
        let lives = store.lives(&filter).expect("it is read");
        lives.iter().map(|l| l.fingerprint.0[0]).collect::<Vec<_>>()
    };
    let all = Filter::default;
    assert_eq!(asked(all()), [8, 7], "what is not resolved comes first");
    assert_eq!(asked(Filter { open: true, ..all() }), [8]);
    assert_eq!(asked(Filter { subject: Some("i-7".into()), ..all() }), [7]);
    assert_eq!(asked(Filter { prefix: Some("0808".into()), ..all() }), [8]);
    assert_eq!(asked(Filter { rule: Some("other".into()), ..all() }), [0; 0]);
    assert_eq!(asked(Filter { since: Some(day(2)), ..all() }), [8, 7]);
    assert_eq!(asked(Filter { since: Some(day(3)), ..all() }), [0; 0]);
    assert_eq!(asked(Filter { subject: Some("%".into()), ..all() }), [0; 0], "no pattern");
}

#[test]
fn pruning_forgets_old_runs_and_nothing_that_is_open() {
    let folder = Folder::new();
    let mut store = folder.open();
    keep(&mut store, &Run { gaps: vec![denied()], ..run(1, &[1, 2, 3]) });
    keep(&mut store, &run(2, &[1, 3]));
    keep(&mut store, &run(3, &[1, 3]));
    let mut dead = run(3, &[9]);
    dead.scope.specs = ["gone.yaml".to_owned()].into();
    keep(&mut store, &dead);
    keep(&mut store, &run(8, &[1, 4]));
    keep(&mut store, &run(9, &[1, 4]));
    let retention = Retention { since: Some(day(7)), max_runs: None };
    let pruned = store.prune(&retention).expect("it is pruned");
    assert_eq!(
        (pruned.runs, pruned.findings),
        (4, 2),
        "2, resolved long ago, and 9 of a dead series"
    );
    let lives = store.lives(&Filter::default()).expect("it is read");
    let left: Vec<(u8, Timestamp)> =
        lives.iter().map(|l| (l.fingerprint.0[0], l.first_seen)).collect();
    assert_eq!(left, [(1, day(1)), (4, day(8)), (3, day(1))]);
    sound(&store);
    let kept = keep(&mut store, &run(10, &[1, 2, 4]));
    assert_eq!(kept.against.map(|a| a.at), Some(day(9)));
    assert_eq!(kept.seen[1].change, Change::New, "what was forgotten is new");
    sound(&store);

    let pruned = store.prune(&Retention { since: None, max_runs: Some(1) }).expect("it is pruned");
    assert_eq!(pruned.runs, 2);
    assert_eq!(store.prune(&retention).expect("it is pruned"), Pruned::default());
    let far = Retention { since: Some(day(1000)), max_runs: None };
    assert_eq!(store.prune(&far).expect("it is pruned"), Pruned::default(), "the last run stays");
    sound(&store);
}

#[test]
fn a_run_prunes_by_itself_when_enough_has_come_together() {
    let folder = Folder::new();
    let options = Options { max_runs: Some(20), ..quick() };
    let mut store = Sqlite::create(&folder.file(), options).expect("a history");
    for n in 1..=60 {
        keep(&mut store, &run(n, &[1]));
        let runs = store.runs(&Filter::default()).expect("runs").len();
        assert!(runs <= 21, "{runs} after run {n}");
    }
    assert_eq!(only(&mut store).first_seen, day(1));
}

#[test]
fn a_second_writer_waits_and_then_says_so() {
    let folder = Folder::new();
    let mut store = folder.open();
    keep(&mut store, &run(1, &[7]));
    let mut other = folder.open();
    let lock =
        Transaction::new(&mut other.connection, TransactionBehavior::Immediate).expect("a lock");
    let error = store.keep(&run(2, &[7]), &mut |_| 0).expect_err("it is locked");
    assert_eq!(error.trouble, StoreTrouble::Locked { waited_ms: 200 });
    assert_eq!(store.runs(&Filter::default()).expect("readers do not wait").len(), 1);
    drop(lock);
    assert_eq!(keep(&mut store, &run(2, &[7])).run, 2);
}

#[test]
fn two_writers_lose_nothing_between_them() {
    let folder = Folder::new();
    let file = folder.file();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let file = file.clone();
            // Patient: on a busy machine a commit may take its time.
            let options = Options { wait: Duration::from_secs(60), ..quick() };
            std::thread::spawn(move || {
                for n in 0..25 {
                    // Opened anew each time, as each audit does: the first two make the file at once.
                    let mut store = Sqlite::create(&file, options).expect("a history");
                    store.keep(&run(n, &[7]), &mut |_| 0).expect("it is kept");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("it wrote");
    }
    let mut store = folder.open();
    let runs = store.runs(&Filter::default()).expect("runs");
    assert_eq!(runs.len(), 50);
    let places: Vec<u64> = runs.iter().rev().map(|r| r.seq).collect();
    assert_eq!(places, (1..=50).collect::<Vec<_>>(), "each has a place of its own");
    assert_eq!(only(&mut store).times_seen, 50);
    sound(&store);
}

fn refused(folder: &Folder) -> StoreTrouble {
    let before = std::fs::read(folder.file()).expect("the file");
    let error = Sqlite::create(&folder.file(), quick()).expect_err("it is refused");
    assert_eq!(std::fs::read(folder.file()).expect("the file"), before, "it was touched");
    let names = std::fs::read_dir(&folder.0).expect("the folder").count();
    assert_eq!(names, 1, "a file was left beside it");
    assert!(error.to_string().starts_with("use the history /"), "{error}");
    error.trouble
}

/// Of an older version, it is read and stays of it; nothing that reading asks for may need a new column.
#[test]
fn reading_changes_nothing() {
    let folder = Folder::new();
    version_1(&folder);
    let before = std::fs::read(folder.file()).expect("the file");
    let mut store = Sqlite::reading(&folder.file(), quick()).expect("it reads");
    assert_eq!(store.runs(&Filter::default()).expect("runs").len(), 1);
    let life = only(&mut store);
    assert_eq!((life.content.measure, life.spans.len()), (None, 1));
    assert!(store.keep(&run(2, &[7]), &mut |_| 0).is_err(), "it is open to be read");
    drop(store);
    assert_eq!(std::fs::read(folder.file()).expect("the file"), before);
    assert_eq!(std::fs::read_dir(&folder.0).expect("the folder").count(), 1);
    // One that holds nothing yet is read as that.
    std::fs::write(folder.file(), "").expect("an empty file");
    let mut empty = Sqlite::reading(&folder.file(), quick()).expect("it reads");
    assert_eq!(empty.runs(&Filter::default()).expect("runs"), []);
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let folder = Folder::new();
    std::fs::write(folder.file(), "not a database, whatever its name").expect("a file");
    assert!(matches!(refused(&folder), StoreTrouble::NotAHistory(_)));
    std::fs::remove_file(folder.file()).expect("it goes");
    let other = Connection::open(folder.file()).expect("another program's");
    other.execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 3").expect("a table");
    drop(other);
    assert!(matches!(refused(&folder), StoreTrouble::NotAHistory(_)));
}

#[test]
fn a_newer_version_is_left_alone() {
    let folder = Folder::new();
    keep(&mut folder.open(), &run(1, &[7]));
    let newer = Connection::open(folder.file()).expect("ours");
    newer.pragma_update(None, "user_version", 99).expect("from the future");
    drop(newer);
    assert_eq!(refused(&folder), StoreTrouble::Newer { found: 99, known: 2 });
}

#[test]
fn a_newer_version_that_stands_in_the_log_is_seen_too() {
    let folder = Folder::new();
    let mut store = folder.open();
    keep(&mut store, &run(1, &[7]));
    // Not closed, so nothing has been brought from the log into the file.
    store.connection.pragma_update(None, "user_version", 99).expect("from the future");
    let error = Sqlite::create(&folder.file(), quick()).expect_err("it is refused");
    assert_eq!(error.trouble, StoreTrouble::Newer { found: 99, known: 2 });
}

#[test]
fn damage_is_told_and_not_written_over() {
    let folder = Folder::new();
    let mut store = folder.open();
    for n in 1..=5 {
        keep(&mut store, &run(n, &(1..=200).collect::<Vec<_>>()));
    }
    drop(store);
    let mut bytes = std::fs::read(folder.file()).expect("the file");
    let half = bytes.len() / 2;
    bytes[4096..half].fill(0x5a);
    std::fs::write(folder.file(), &bytes).expect("damage");
    let error = Sqlite::create(&folder.file(), quick())
        .and_then(|mut s| s.keep(&run(6, &[1]), &mut |_| 0))
        .expect_err("it is damaged");
    assert!(matches!(error.trouble, StoreTrouble::Corrupt(_)), "{error}");
    assert!(error.hint().contains("move"), "{}", error.hint());
    // Cut off in the middle of its header, it is no database at all.
    std::fs::write(folder.file(), &bytes[..50]).expect("damage");
    assert!(Sqlite::create(&folder.file(), quick()).is_err());
}

#[test]
fn the_folder_ignores_itself_and_the_file_is_the_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let file = folder.0.join(".portcullis").join("history.db");
    keep(&mut Sqlite::create(&file, quick()).expect("a history"), &run(1, &[]));
    let ignore = std::fs::read_to_string(file.with_file_name(".gitignore")).expect("it is there");
    assert!(ignore.lines().any(|l| l == "*"), "{ignore}");
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    // A folder that was there is not ours to write into.
    keep(&mut folder.open(), &run(1, &[]));
    assert!(!folder.0.join(".gitignore").exists());
}
