//! Nasty text from outside, and a report that holds it everywhere it can stand.

use portcullis::audit::{AuditReport, Coverage};
use portcullis::exposure::{JourneyCell, JourneyOutcome, LeftOut, Tried};
use portcullis::fact::SourceRead;
use portcullis::finding::{Evidence, Finding, FindingStatus, Mend, Side};
use portcullis::model::{Confidence, Endpoint, Gap, GapKind, Protocol, Severity};
use portcullis::observation::{State, VantageSeen};
use portcullis::reach::{Hop, HopVerdict, Layer};
use portcullis::spec::Place;

/// What a tag, a name, a banner or a certificate may hold.
pub(crate) const NASTY: [&str; 24] = [
    "\x1b[2J\x1b[31mowned",
    "\u{9b}31m\u{9d}0;title\u{9c}",
    "abc\u{202e}gpj.exe\u{2066}\u{2069}",
    "line\nbreak\r\nand\rmore\u{2028}x\u{85}y",
    "\n::error file=x,line=1::injected\n",
    "::stop-commands::x ##[error]y ##[set-env name=PATH]z",
    "100%0A::warning::decoded %25 a,b:c",
    "<script>alert(1)</script><img src=x onerror=y>",
    "</failure></testcase>]]><x/>&amp;&lt;&#0;",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png) <http://evil.example>",
    "| cell | cell |\n|---|---|",
    "`code` ``` fence ~~~ **bold** _em_ ~~del~~",
    "@everyone #1 GH-2 https://evil.example www.evil.example",
    "- [ ] item\n# heading\n> quote\n1. one\n    code",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{7f}\u{fffe}\u{ffff}\u{1fffe}",
    "zero\u{200b}width\u{200d}\u{feff}\u{ad}tag\u{e0041}",
    "{0} {{1}} $(id) `id` ; rm -rf / && \"quoted\" 'single' \\",
    "$x^2$ \\(a\\) $$b$$",
    "   ",
    "",
    "===\n---\n***",
    "&lt; &#x1b; &nbsp;",
    "Grüße 日本語 🦀",
    "trailing\\",
];

/// A report with every kind of status, severity and gap, in which every text is nasty.
pub(crate) fn report() -> AuditReport {
    let mut findings = Vec::new();
    for (n, nasty) in NASTY.iter().enumerate() {
        findings.push(finding(n, nasty));
    }
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let mut gaps: Vec<Gap> = GapKind::ALL
        .iter()
        .enumerate()
        .map(|(n, kind)| {
            let nasty = NASTY[n % NASTY.len()];
            Gap::new(*kind, format!("{n} {nasty}"), nasty)
        })
        .collect();
    gaps.sort();
    AuditReport {
        at: "2026-01-02T03:04:05Z".parse().expect("an instant"),
        snapshot_at: Some("2026-01-02T03:00:00Z".parse().expect("an instant")),
        findings,
        journeys: NASTY.iter().enumerate().flat_map(|(n, nasty)| journeys(n, nasty)).collect(),
        gaps,
        accepted_gaps: ["vpc-bpa".to_owned()].into(),
        vantages: vec![VantageSeen {
            outside_v4: "198.51.100.9".parse().ok(),
            controls_v4: Some(true),
            ..VantageSeen::new(NASTY[0])
        }],
        facts: vec![SourceRead { name: NASTY[1].into(), read_at: None, hosts: 0 }],
        coverage: Coverage {
            hosts: 3,
            roles: 1,
            interfaces: 4,
            groups: 2,
            not_live: 0,
            exposures: 9,
            probed: 7,
            unprobed: 0,
            ok: 5,
        },
        not_judged: vec!["profile video".into(), format!("journey {}", NASTY[7])],
        fail_on: Severity::Medium,
        compared: None,
        baseline: None,
    }
}

/// A host of two profiles, with every outcome among them.
fn journeys(n: usize, nasty: &str) -> [JourneyCell; 2] {
    let endpoint =
        Endpoint { address: [203, 0, 113, 7].into(), protocol: Protocol::Tcp, port: 443 };
    let tried = Tried {
        service: nasty.into(),
        endpoint,
        state: State::Silent,
        confirmed: false,
        why: nasty.into(),
    };
    [0, 1].map(|p| JourneyCell {
        host: format!("{n:02} {nasty}").into(),
        role: NASTY[5].into(),
        journey: NASTY[10].into(),
        profile: format!("{p} {}", NASTY[7]).into(),
        vantage: (p == 0 || n > 3).then(|| NASTY[0].into()),
        outcome: match (n + p) % 4 {
            0 => JourneyOutcome::Works { service: nasty.into() },
            1 => JourneyOutcome::Broken,
            2 => JourneyOutcome::Unproven,
            _ => JourneyOutcome::Unknown(Gap::new(GapKind::Probe, nasty, nasty)),
        },
        tried: vec![tried.clone()],
        left_out: vec![LeftOut { service: nasty.into(), why: nasty.into() }],
        place: Place { file: nasty.into(), line: 1, column: 1 },
    })
}

fn finding(n: usize, nasty: &str) -> Finding {
    let nasty = nasty.to_owned();
    Finding {
        // Every third finding shares a rule, to be counted in one row of the summary.
        rule: format!("rule-{}", n / 3),
        title: "A rule's title".into(),
        severity: Severity::ALL[n % 5],
        confidence: [Confidence::Low, Confidence::Medium, Confidence::High][n % 3],
        measure: None,
        subject: format!("{n} {nasty}"),
        source: n.is_multiple_of(2).then(|| nasty.clone()),
        message: nasty.clone(),
        why: "Because.".into(),
        evidence: vec![
            Evidence {
                side: Side::Declared,
                text: nasty.clone(),
                // Every fourth finding was declared nowhere.
                file: (n % 4 != 3).then(|| format!("specs/{n} {nasty}.yaml")),
                line: (n % 4 != 3).then_some(n as u32 + 1),
                column: (n % 4 != 3).then_some(7),
                resource: None,
            },
            Evidence {
                side: Side::Configured,
                text: nasty.clone(),
                file: None,
                line: None,
                column: None,
                resource: Some(nasty.clone()),
            },
        ],
        path: vec![Hop {
            layer: Layer::SecurityGroup,
            id: nasty.as_str().into(),
            entry: Some(nasty.as_str().into()),
            verdict: HopVerdict::Blocks,
        }],
        mends: vec![Mend {
            text: nasty.clone(),
            command: Some(nasty.clone()),
            terraform: Some(nasty.clone()),
        }],
        diff: (n % 2 == 1).then(|| format!("--- declared\n+++ live\n-{nasty}\n+{nasty}\n")),
        fingerprint: format!("{n:064x}"),
        status: if n % 6 == 5 {
            FindingStatus::Waived {
                owner: nasty.clone(),
                reason: nasty.clone(),
                until: "2026-12-31T00:00:00Z".into(),
            }
        } else {
            FindingStatus::Open
        },
    }
}
