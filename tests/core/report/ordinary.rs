//! A small report as people meet it, shown in every format as a snapshot.

use super::render;
use portcullis::audit::{AuditReport, Coverage};
use portcullis::fact::SourceRead;
use portcullis::finding::{Evidence, Finding, FindingStatus, Mend, Side};
use portcullis::model::{Confidence, Gap, GapKind, Severity};
use portcullis::observation::VantageSeen;
use portcullis::reach::{Hop, HopVerdict, Layer};
use portcullis::report::Format;

pub(super) fn report() -> AuditReport {
    AuditReport {
        at: "2026-01-02T03:04:05Z".parse().expect("an instant"),
        snapshot_at: Some("2026-01-02T03:00:00Z".parse().expect("an instant")),
        findings: vec![blocked(), drift()],
        journeys: Vec::new(),
        gaps: vec![
            Gap::new(
                GapKind::VpcBpa,
                "111122223333/us-west-1",
                "the server does not know the call",
            ),
            Gap::new(GapKind::Vantage, "network office", "no vantage lies in it"),
        ],
        accepted_gaps: ["vpc-bpa".to_owned()].into(),
        vantages: vec![VantageSeen {
            outside_v4: "198.51.100.9".parse().ok(),
            controls_v4: Some(true),
            ..VantageSeen::new("here")
        }],
        facts: vec![SourceRead {
            name: "facts.json".into(),
            read_at: "2026-01-02T03:03:00Z".parse().ok(),
            hosts: 3,
        }],
        coverage: Coverage {
            hosts: 3,
            roles: 1,
            interfaces: 3,
            groups: 2,
            not_live: 0,
            exposures: 9,
            probed: 9,
            unprobed: 0,
            ok: 7,
        },
        not_judged: vec!["profile https-only".into()],
        fail_on: Severity::High,
        compared: None,
        baseline: None,
    }
}

fn hop(layer: Layer, id: &str, entry: Option<&str>, verdict: HopVerdict) -> Hop {
    Hop { layer, id: id.into(), entry: entry.map(Into::into), verdict }
}

fn blocked() -> Finding {
    Finding {
        rule: "declared-blocked".into(),
        title: "A required service is blocked".into(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        measure: None,
        subject: "i-0a11 udp/3478".into(),
        source: Some("internet".into()),
        message: "turn-udp is required from internet, and sg-0a1b2c has no line that lets it in"
            .into(),
        why: "Customers cannot reach it.".into(),
        evidence: vec![
            Evidence {
                side: Side::Declared,
                text: "turn-udp of role enterprise-video".into(),
                file: Some("specs/video.yaml".into()),
                line: Some(12),
                column: Some(17),
                resource: None,
            },
            Evidence {
                side: Side::Configured,
                text: "no ingress line for udp/3478".into(),
                file: None,
                line: None,
                column: None,
                resource: Some("sg-0a1b2c".into()),
            },
            Evidence {
                side: Side::Observed,
                text: "silent after 3 tries".into(),
                file: None,
                line: None,
                column: None,
                resource: Some("here".into()),
            },
        ],
        path: vec![
            hop(Layer::InternetGateway, "igw-1", None, HopVerdict::Passes),
            hop(Layer::NetworkAcl, "acl-1", Some("rule 100 allow"), HopVerdict::Passes),
            hop(Layer::SecurityGroup, "sg-0a1b2c", Some("no matching line"), HopVerdict::Blocks),
        ],
        mends: vec![Mend {
            text: "let udp/3478 in from 0.0.0.0/0".into(),
            command: Some(
                "aws ec2 authorize-security-group-ingress --group-id sg-0a1b2c --protocol udp --port 3478 --cidr 0.0.0.0/0"
                    .into(),
            ),
            terraform: Some(
                "resource \"aws_vpc_security_group_ingress_rule\" \"turn_udp\" {\n  from_port = 3478\n}\n"
                    .into(),
            ),
        }],
        diff: None,
        fingerprint: "ab".repeat(32),
        status: FindingStatus::Open,
    }
}

fn drift() -> Finding {
    Finding {
        rule: "group-drift".into(),
        title: "A group differs from its declaration".into(),
        severity: Severity::Medium,
        confidence: Confidence::High,
        measure: None,
        subject: "sg-0a1b2c".into(),
        source: None,
        message: "one line is live that nobody declared".into(),
        why: "Somebody changed it by hand.".into(),
        evidence: vec![],
        path: vec![],
        mends: vec![],
        diff: Some("--- declared\n+++ live\n@@ -1 +1,2 @@\n ingress udp/3478 0.0.0.0/0\n+ingress tcp/22 0.0.0.0/0\n".into()),
        fingerprint: "cd".repeat(32),
        status: FindingStatus::Waived {
            owner: "ops@example.org".into(),
            reason: "migration".into(),
            until: "2026-12-31T00:00:00Z".into(),
        },
    }
}

#[test]
fn every_format_as_people_meet_it() {
    for format in Format::ALL {
        insta::assert_snapshot!(format!("report-{format}"), render(format, &report()));
    }
}
