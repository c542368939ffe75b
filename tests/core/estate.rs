//! Audits of a synthetic estate: however the work is divided, the answers are the same.

#[path = "../../benches/audit/estate.rs"]
mod made;

use portcullis::audit::{self, AuditReport, Options};
use portcullis::finding::Finding;
use portcullis::model::AddressSet;
use portcullis::observation::Observations;
use portcullis::reach::{self, ExposedEndpoint, Reach};
use portcullis::snapshot::Snapshot;
use portcullis::spec::{self, Source, Spec};
use portcullis::{resolve, rule};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Sources inside each other, services that some hosts lack, forbids with narrower permits, and
/// waivers of hosts on both sides of the line.
const SPEC: &str = "
version: 1
networks: { office: [198.51.100.0/24], desk: [198.51.100.64/26] }
roles:
  fleet:
    select: { names: [\"i-*\"] }
    allow: [ { port: tcp/1-30000, from: office }, { port: udp, from: desk } ]
    forbid: [ { port: tcp/3000-4000, from: internet } ]
  edge:
    select: { names: [\"i-0000000?\"] }
    services:
      web: { port: tcp/443, from: internet, expect: connect }
      db: { port: tcp/5432, from: edge, expect: connect }
waivers:
  - { finding: declared-blocked, endpoint: i-00000003 tcp/443, source: internet, owner: ops, reason: tried, until: 2030-01-01T00:00:00Z }
  - { finding: declared-blocked, endpoint: i-00000003 tcp/444, source: internet, owner: ops, reason: unmatched, until: 2030-01-01T00:00:00Z }
  - { finding: declared-blocked, endpoint: i-00000005 tcp/444, source: internet, owner: ops, reason: unmatched, until: 2030-01-01T00:00:00Z }
";

fn small() -> (Snapshot, Spec) {
    let spec = spec::load(&[Source::new("spec.yaml", SPEC)]).unwrap_or_else(|e| panic!("{e}"));
    (made::snapshot(300, 60, 20), spec)
}

fn audited(snapshot: &Snapshot, spec: &Spec, only: Option<BTreeSet<String>>) -> AuditReport {
    audit::run(&audit::Input {
        spec,
        snapshot,
        resolution: &resolve::resolve(spec, snapshot),
        reach: &Reach::new(snapshot, &reach::Options::default()),
        observations: &Observations::default(),
        facts: &portcullis::fact::Facts::default(),
        rules: &rule::builtin().expect("the built-in rules"),
        gaps: &[],
        options: &Options { only, ..Options::default() },
        now: snapshot.taken_at,
    })
}

fn some() -> BTreeSet<String> {
    ["i-00000003", "i-00000007", "i-000000f4"].map(String::from).into()
}

/// Whether the host, or a waiver of the host, is what the finding is about.
fn of(hosts: &BTreeSet<String>, finding: &Finding) -> bool {
    finding.subject.split(' ').any(|word| hosts.contains(word))
}

#[test]
fn narrowed_to_a_few_hosts_an_audit_says_the_same_of_them_and_nothing_of_others() {
    let (snapshot, spec) = small();
    let whole = audited(&snapshot, &spec, None);
    let narrow = audited(&snapshot, &spec, Some(some()));
    // Mends are of a report: what another of its findings mends is not mended twice.
    let but_for_mends = |f: &Finding| Finding { mends: Vec::new(), ..f.clone() };
    let expected: Vec<Finding> =
        whole.findings.iter().filter(|f| of(&some(), f)).map(but_for_mends).collect();
    assert!(expected.len() > 5 && whole.findings.len() > 10 * expected.len());
    assert!(expected.iter().any(|f| f.rule == "waiver-unmatched"), "{expected:#?}");
    assert_eq!(narrow.findings.iter().map(but_for_mends).collect::<Vec<_>>(), expected);
    assert!(narrow.findings.iter().any(|f| f.mends.iter().any(|m| m.command.is_some())));
    assert!(narrow.coverage.exposures * 50 < whole.coverage.exposures);
}

#[test]
fn a_narrowed_listing_is_the_whole_one_without_the_others() {
    let (snapshot, _) = small();
    let reach = Reach::new(&snapshot, &reach::Options::default());
    for from in [AddressSet::outside(), AddressSet::all()] {
        let whole = reach.exposed(&from);
        let few: BTreeSet<String> = [whole.first(), whole.last()]
            .into_iter()
            .flatten()
            .map(|e| e.host.to_string())
            .collect();
        let expected: Vec<&ExposedEndpoint> =
            whole.iter().filter(|e| few.contains(&*e.host)).collect();
        assert!(few.len() == 2 && expected.len() < whole.len());
        let narrow = reach.exposed_of(&from, Some(&few));
        assert_eq!(narrow.iter().collect::<Vec<_>>(), expected);
        let places: BTreeSet<_> = expected.iter().map(|e| (e.address, &e.interface)).collect();
        let at = |(address, nic): (_, &Arc<str>)| reach.exposed_at(address, nic, &from);
        let each: Vec<ExposedEndpoint> = places.into_iter().flat_map(at).collect();
        assert_eq!(each.iter().collect::<Vec<_>>(), expected);
    }
}
