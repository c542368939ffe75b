//! Whole offline audits of synthetic estates, side by side: time by stage and peak memory at
//! 10,000, 30,000 and 100,000 interfaces. `cargo bench --no-default-features --bench audit`.
//!
//! Each size is measured in a process of its own that starts with the snapshot as a file and ends
//! with the JSON report written, so that the peak is that of the audit and not of making the estate.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its own memory")]

mod estate;

use portcullis::audit::{self, Options};
use portcullis::model::AddressSet;
use portcullis::observation::Observations;
use portcullis::reach::{self, Reach};
use portcullis::report::{self, Format, Style};
use portcullis::snapshot::Snapshot;
use portcullis::spec::{self, Source};
use portcullis::{resolve, rule};
use std::process::Command;
use std::time::{Duration, Instant};

/// As in the binary.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Interfaces of each run; groups are a fifth, with twenty permissions each.
const SIZES: [usize; 3] = [10_000, 30_000, 100_000];

/// Hosts of each run of `init`.
// The spec of twice as many would hold more values than one is read with.
const INIT_SIZES: [usize; 3] = [1_000, 4_000, 8_000];

/// Runs of each size, in turn; the median is shown.
const RUNS: usize = 3;

/// What an office may reach is declared for every host; two hundred and fifty-six hosts must serve.
/// What stays is about one undeclared exposure for every public address.
const SPEC: &str = "
version: 1
networks: { office: [198.51.100.0/24] }
roles:
  fleet:
    select: { names: [\"i-*\"] }
    allow: [ { port: tcp, from: office }, { port: udp, from: office } ]
    forbid: [ { port: tcp/3389, from: internet } ]
  edge:
    select: { names: [\"i-000000??\"] }
    services:
      web: { port: tcp/443, from: internet, expect: connect }
";

fn main() {
    let mut arguments = std::env::args().skip_while(|a| a != "measure");
    if arguments.next().is_some() {
        return measure(&arguments.next().expect("a snapshot"));
    }
    let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    println!(
        "interfaces  groups  permissions  snapshot  read ms  reach ms  audit ms  report ms  total ms  us/interface  ratio  peak MB  rows  findings"
    );
    let mut base = None;
    for interfaces in SIZES {
        let groups = interfaces / 5;
        let file = folder.join(format!("{interfaces}.json"));
        let snapshot = estate::snapshot(interfaces, groups, 20);
        std::fs::write(&file, serde_json::to_vec(&snapshot).expect("JSON")).expect("a file");
        drop(snapshot);
        let bytes = std::fs::metadata(&file).expect("the file").len();
        let mut runs: Vec<Vec<f64>> = (0..RUNS).map(|_| child(&file)).collect();
        runs.sort_by(|a, b| total(a).total_cmp(&total(b)));
        let run = &runs[RUNS / 2];
        let each = total(run) * 1e3 / interfaces as f64;
        let ratio = each / *base.get_or_insert(each);
        println!(
            "{interfaces:>10}  {groups:>6}  {:>11}  {:>5} MB  {:>7.0}  {:>8.0}  {:>8.0}  {:>9.0}  {:>8.0}  {each:>12.1}  {ratio:>5.2}  {:>7.0}  {:>5}  {:>8}",
            groups * 20,
            bytes / 1_000_000,
            run[0],
            run[1],
            run[2],
            run[3],
            total(run),
            run[4],
            run[5],
            run[6],
        );
    }
    init(&folder);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// `portcullis init` of estates whose permissions name ever more networks: the ratio of the time for one
/// host stays about one.
fn init(folder: &std::path::Path) {
    println!("hosts  init ms  us/host  ratio");
    let mut base = None;
    for hosts in INIT_SIZES {
        let file = folder.join(format!("init-{hosts}.json"));
        let snapshot = estate::snapshot(hosts, hosts / 5, 20);
        std::fs::write(&file, serde_json::to_vec(&snapshot).expect("JSON")).expect("a file");
        let mut runs: Vec<f64> = (0..RUNS)
            .map(|_| {
                let at = Instant::now();
                let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
                let output = command.args(["init", "--from"]).arg(&file).output().expect("a run");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                ms(at.elapsed())
            })
            .collect();
        runs.sort_by(f64::total_cmp);
        let each = runs[RUNS / 2] * 1e3 / hosts as f64;
        let ratio = each / *base.get_or_insert(each);
        println!("{hosts:>5}  {:>7.0}  {each:>7.1}  {ratio:>5.2}", runs[RUNS / 2]);
    }
}

/// Milliseconds of all stages.
fn total(run: &[f64]) -> f64 {
    run[..4].iter().sum()
}

/// One measurement: four stages in milliseconds, peak megabytes, rows, findings.
fn child(file: &std::path::Path) -> Vec<f64> {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this).arg("measure").arg(file).output().expect("a run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace().map(|n| n.parse().expect("a number")).collect()
}

fn measure(file: &str) {
    let mut at = Instant::now();
    let mut lap = || {
        let passed = at.elapsed();
        at = Instant::now();
        ms(passed)
    };
    let bytes = std::fs::read(file).expect("the snapshot");
    let snapshot: Snapshot = serde_json::from_slice(&bytes).expect("a snapshot");
    drop(bytes);
    let spec = spec::load(&[Source::new("spec.yaml", SPEC)]).expect("a spec");
    let rules = rule::builtin().expect("the rules");
    let read = lap();
    let reach = Reach::new(&snapshot, &reach::Options::default());
    let exposed = reach.exposed(&AddressSet::outside()).len();
    let reached = lap();
    let resolution = resolve::resolve(&spec, &snapshot);
    let report = audit::run(&audit::Input {
        spec: &spec,
        snapshot: &snapshot,
        resolution: &resolution,
        reach: &reach,
        observations: &Observations::default(),
        facts: &portcullis::fact::Facts::default(),
        rules: &rules,
        gaps: &[],
        options: &Options::default(),
        now: snapshot.taken_at,
    });
    let judged = lap();
    let mut out = std::io::sink();
    report::write(Format::Json, &report, &Style::default(), &mut out).expect("a report");
    let written = lap();
    assert!(
        exposed > 0 && !report.findings.is_empty(),
        "an audit that finds nothing measures nothing"
    );
    println!(
        "{read} {reached} {judged} {written} {} {} {}",
        peak_mb(),
        report.coverage.exposures,
        report.findings.len()
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The peak resident memory of this process so far; 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}
