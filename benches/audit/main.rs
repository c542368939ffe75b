//! Offline audit on synthetic snapshots: time and peak memory at 10,000, 30,000 and 100,000
//! interfaces, side by side. `cargo bench --no-default-features --bench audit`.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its own memory")]

mod estate;

use portcullis::model::{AddressSet, PortSet, Protocol};
use portcullis::reach::{Options, Reach};
use std::time::{Duration, Instant};

/// Interfaces, in the order of their measuring: memory only ever grows.
const SIZES: [usize; 3] = [10_000, 30_000, 100_000];

fn main() {
    println!(
        "interfaces  groups  permissions  index      exposed    slices     total      us/interface  ratio  peak MB  rows"
    );
    let mut base = None;
    for interfaces in SIZES {
        let groups = interfaces / 5;
        let snapshot = estate::snapshot(interfaces, groups, 20);
        let before = Instant::now();
        let reach = Reach::new(&snapshot, &Options::default());
        let index = before.elapsed();
        let at = Instant::now();
        let rows = reach.exposed(&AddressSet::outside()).len();
        let exposed = at.elapsed();
        let at = Instant::now();
        let asked = slices(&reach, &snapshot);
        let slices = at.elapsed();
        let total = index + exposed + slices;
        let each = total.as_secs_f64() * 1e6 / interfaces as f64;
        let ratio = each / *base.get_or_insert(each);
        println!(
            "{interfaces:>10}  {groups:>6}  {:>11}  {:>9}  {:>9}  {:>9}  {:>9}  {each:>12.1}  {ratio:>5.2}  {:>7.0}  {rows} rows, {asked} slices",
            groups * 20,
            show(index),
            show(exposed),
            show(slices),
            show(total),
            peak_mb(),
        );
    }
}

/// Asks every public address for tcp from the internet, as the join of an audit does.
fn slices(reach: &Reach<'_>, snapshot: &portcullis::snapshot::Snapshot) -> usize {
    let from = AddressSet::outside();
    let all = PortSet::all();
    let mut count = 0;
    for nic in &snapshot.regions[0].network_interfaces {
        if let Some(address) = nic.association.as_ref().and_then(|a| a.public_ip) {
            count += reach.slices(address, None, &from, Protocol::Tcp, &all).len();
        }
    }
    count
}

fn show(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The peak resident memory of this process so far; 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kb.unwrap_or(0.0) / 1024.0
}
