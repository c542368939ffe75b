//! How bad an exposure is, and what a baseline makes of it.

use super::*;

/// A port nobody declared is open to these, by the permissions of one group.
fn latent(blocks: &[&str]) -> AuditReport {
    let mut permissions = vec![open_to(443, "0.0.0.0/0")];
    permissions.extend(blocks.iter().map(|b| open_to(8080, b)));
    let mut report = audit(&spec(""), &snapshot(json!(permissions)), &Observations::default());
    report
        .findings
        .retain(|f| f.rule == "latent-exposure" && f.source.as_deref() == Some("internet"));
    report
}

#[test]
fn an_exposure_is_measured_by_who_may_enter() {
    let measure = |blocks: &[&str]| {
        let report = latent(blocks);
        assert_eq!(told(&report), ["medium latent-exposure i-0abc tcp/8080 from internet"]);
        report.findings[0].measure
    };
    assert_eq!(measure(&["192.0.2.1/32"]), Some(1));
    assert_eq!(measure(&["192.0.2.0/24", "203.0.113.0/24"]), Some(512));
    assert_eq!(measure(&["0.0.0.0/0"]), Some(1 << 32), "the same number whatever IANA hands out");
}

#[test]
fn a_baseline_does_not_cover_what_more_may_enter_than_it_knew() {
    let known = Baseline::of(&latent(&["192.0.2.0/24"]), None);
    let covered = |baseline: &Baseline, blocks: &[&str]| {
        let mut report = latent(blocks);
        baseline.apply("line.json", &mut report);
        report.findings[0].status == FindingStatus::Baselined
    };
    assert!(covered(&known, &["192.0.2.0/24"]));
    assert!(covered(&known, &["192.0.2.7/32"]), "fewer are not worse");
    assert!(!covered(&known, &["192.0.2.0/23"]));
    // A baseline of before there were measures has none, and goes by severity alone.
    let mut old = known;
    old.entries.values_mut().for_each(|e| e.measure = None);
    assert!(covered(&old, &["0.0.0.0/0"]));
}

/// Which addresses a group stands for changes with its machines, so of a network of ours only the whole is
/// told from a part, and of a role nothing.
#[test]
fn an_exposure_to_ourselves_is_a_part_or_the_whole() {
    let text = "version: 1\nnetworks:\n  lan: [10.0.0.0/16]\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: web } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let measures = |block: &str| {
        let mut snapshot = snapshot(json!([open_to(8080, block)]));
        // Another of the role: a host is no client of its own.
        let mut twin = snapshot.regions[0].instances[0].clone();
        twin.instance_id = "i-0def".into();
        snapshot.regions[0].instances.push(twin);
        let nics = &mut snapshot.regions[0].network_interfaces;
        // Others of that network, one of them outside the narrower block: nobody else is let in or shut out.
        for (id, address) in [("eni-2", "10.0.0.100"), ("eni-3", "10.0.0.200")] {
            let mut other = nics[0].clone();
            other.network_interface_id = id.into();
            (other.attachment, other.association) = (None, None);
            other.private_ip_address = address.parse().ok();
            other.private_ip_addresses[0].private_ip_address = other.private_ip_address;
            other.private_ip_addresses[0].association = None;
            if id == "eni-2" {
                other.attachment = nics[0].attachment.clone();
                let attachment = other.attachment.as_mut().expect("an attachment");
                attachment.instance_id = Some("i-0def".into());
            }
            nics.push(other);
        }
        let report = audit(&spec, &snapshot, &Observations::default());
        let latent = report.findings.into_iter().filter(|f| f.rule == "latent-exposure");
        let latent = latent.filter(|f| f.subject.starts_with("i-0abc"));
        latent.map(|f| (f.source.unwrap_or_default(), f.measure)).collect::<Vec<_>>()
    };
    let told = |source: &str, measure| (source.to_owned(), measure);
    assert_eq!(measures("10.0.0.0/25"), [told("lan", Some(1)), told("web", None)]);
    assert_eq!(measures("10.0.0.0/8"), [told("lan", Some(2))]);
}

/// What is required of everybody and part of them gets is as bad as it has clients that get nothing.
#[test]
fn a_part_of_the_clients_is_measured_by_those_who_may_not_enter() {
    let measure = |blocks: &[&str]| {
        let permissions: Vec<Value> = blocks.iter().map(|b| open_to(443, b)).collect();
        let report = audit(&spec(""), &snapshot(json!(permissions)), &Observations::default());
        let partly = report.findings.iter().find(|f| f.rule == "partly-reachable");
        partly.expect("a part").measure.expect("a measure")
    };
    assert!(measure(&["0.0.0.0/1"]) < measure(&["192.0.2.0/24"]));
}
