use super::{Blindness, Run};
use jiff::Timestamp;

/// What a run's not having a finding means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The run looked, and it is gone.
    Resolved,
    /// The run could not tell: why.
    Unseen(String),
}

/// A finding that a run does not have, and the run that saw it last.
#[derive(Debug, Clone, Copy)]
pub struct LastSeen<'a> {
    pub rule: &'a str,
    pub subject: &'a str,
    pub source: Option<&'a str>,
    /// When the snapshot was taken that it was last seen in.
    pub snapshot_at: Option<Timestamp>,
}

/// Judges an absence by the rules of [`crate::history`]; `blind` is what the run could not see
/// beyond what the last sighting's run could not see either.
#[must_use]
pub fn judge(run: &Run, of: &LastSeen<'_>, blind: &Blindness) -> Absence {
    if !run.rules.contains(of.rule) {
        return Absence::Unseen(format!("the run had no rule {}", of.rule));
    }
    let taken = run.snapshot.as_ref().map(|s| s.taken_at);
    match (of.snapshot_at, taken) {
        (Some(then), Some(now)) if now < then => {
            return Absence::Unseen(format!("the run judged an older snapshot, of {now}"));
        }
        (Some(_), None) => return Absence::Unseen("the run had no snapshot".into()),
        _ => {}
    }
    if of.source.is_some() && run.unprobed > 0 {
        let n = run.unprobed;
        let what = match n {
            1 => "1 endpoint was".to_owned(),
            n => format!("{n} endpoints were"),
        };
        return Absence::Unseen(format!("{what} to be probed and not"));
    }
    match blind.touches(of.subject, of.source) {
        Some(gap) => Absence::Unseen(format!("gap {gap}")),
        None => Absence::Resolved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Before, Read, Scope};
    use crate::model::{Gap, GapKind};

    fn run() -> Run {
        Run {
            at: "2026-01-02T00:00:00Z".parse().expect("a time"),
            tool: "0".into(),
            scope: Scope::default(),
            spec: String::new(),
            snapshot: Some(Read { digest: String::new(), taken_at: at("2026-01-02T00:00:00Z") }),
            rules: ["latent-exposure".to_owned()].into(),
            gaps: vec![],
            unseen: vec![],
            unprobed: 0,
            seen: vec![],
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn judged(run: &Run, then: &[Gap]) -> Absence {
        let of = LastSeen {
            rule: "latent-exposure",
            subject: "i-1 tcp/22",
            source: Some("internet"),
            snapshot_at: Some(at("2026-01-01T00:00:00Z")),
        };
        let then: Before = then.iter().collect();
        let blind = Blindness::new(&run.gaps, &run.scope.vantages, &then).and_of(&run.unseen);
        judge(run, &of, &blind)
    }

    #[test]
    fn only_a_run_that_looked_resolves() {
        assert_eq!(judged(&run(), &[]), Absence::Resolved);
        let denied = Gap::new(GapKind::Vpcs, "1/a", "DescribeVpcs denied: x");
        for (change, why) in [
            ((|r| r.rules.clear()) as fn(&mut Run), "no rule latent-exposure"),
            (|r| r.snapshot = None, "no snapshot"),
            (
                |r| {
                    if let Some(s) = &mut r.snapshot {
                        s.taken_at = "2025-12-31T00:00:00Z".parse().expect("a time");
                    }
                },
                "older snapshot",
            ),
            (|r| r.unprobed = 3, "3 endpoints"),
            (
                |r| r.gaps.push(Gap::new(GapKind::Vpcs, "1/a", "DescribeVpcs denied: x")),
                "gap vpcs: 1/a: DescribeVpcs denied: x",
            ),
            (
                |r| r.unseen.push(Gap::new(GapKind::Probe, "i-1 tcp/22", "its proxy is down")),
                "its proxy is down",
            ),
        ] {
            let mut run = run();
            change(&mut run);
            match judged(&run, &[]) {
                Absence::Unseen(said) => assert!(said.contains(why), "{said}"),
                Absence::Resolved => panic!("resolved by a run that did not look: {why}"),
            }
        }
        let mut blind = run();
        blind.gaps.push(denied.clone());
        assert_eq!(judged(&blind, &[denied]), Absence::Resolved, "it was denied then too");
    }
}
