//! Exit codes: the same for every format and every command.

use crate::audit::AuditReport;
use std::process::ExitCode;

/// How a run ended. The number never depends on the output format.
///
/// Where several apply, the order is 2 over 1 over 3 over 0, so that tolerating incomplete evidence
/// never hides a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: clean and complete.
    Clean,
    /// 1: findings at or above `--fail-on`.
    Findings,
    /// 2: usage or tool error.
    Error,
    /// 3: incomplete evidence that `--allow-gaps` did not accept.
    Incomplete,
    /// 4: refused; nothing was changed.
    Refused,
    /// 5: stopped after something was changed.
    PartlyApplied,
    /// 130: interrupted.
    Interrupted,
}

impl ExitStatus {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Error => 2,
            Self::Incomplete => 3,
            Self::Refused => 4,
            Self::PartlyApplied => 5,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

impl ExitStatus {
    /// How an audit ended: findings over gaps over nothing. The only place that decides it.
    #[must_use]
    pub fn of(report: &AuditReport) -> Self {
        if report.failing().next().is_some() {
            Self::Findings
        } else if report.open_gaps().next().is_some() {
            Self::Incomplete
        } else {
            Self::Clean
        }
    }

    /// The status of two runs together: 130 over 4 over 2 over 1 over 3 over 0.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Incomplete => 1,
            Self::Findings => 2,
            Self::Error => 3,
            Self::Refused => 4,
            Self::PartlyApplied => 5,
            Self::Interrupted => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Finding, FindingStatus};
    use crate::model::{Confidence, Gap, GapKind, Severity};

    fn report() -> AuditReport {
        AuditReport {
            at: jiff::Timestamp::UNIX_EPOCH,
            snapshot_at: None,
            findings: vec![],
            journeys: Vec::new(),
            gaps: vec![],
            accepted_gaps: std::collections::BTreeSet::new(),
            vantages: vec![],
            facts: vec![],
            coverage: crate::audit::Coverage::default(),
            not_judged: vec![],
            fail_on: Severity::Medium,
            compared: None,
            baseline: None,
        }
    }

    fn finding(severity: Severity, status: FindingStatus) -> Finding {
        Finding {
            rule: "r".into(),
            title: "t".into(),
            severity,
            confidence: Confidence::High,
            measure: None,
            subject: "s".into(),
            source: None,
            message: "m".into(),
            why: "w".into(),
            evidence: vec![],
            path: vec![],
            mends: vec![],
            diff: None,
            fingerprint: String::new(),
            status,
        }
    }

    fn waived() -> FindingStatus {
        FindingStatus::Waived { owner: "o".into(), reason: "r".into(), until: "u".into() }
    }

    #[test]
    fn findings_over_gaps_over_clean() {
        let mut it = report();
        assert_eq!(ExitStatus::of(&it), ExitStatus::Clean);
        it.gaps.push(Gap::new(GapKind::VpcBpa, "a/b", "denied"));
        assert_eq!(ExitStatus::of(&it), ExitStatus::Incomplete);
        it.findings.push(finding(Severity::Low, FindingStatus::Open));
        it.findings.push(finding(Severity::Critical, waived()));
        assert_eq!(ExitStatus::of(&it), ExitStatus::Incomplete, "below the threshold, or waived");
        it.findings.push(finding(Severity::Medium, FindingStatus::Open));
        assert_eq!(ExitStatus::of(&it), ExitStatus::Findings, "the threshold itself fails");
        it.accepted_gaps.insert("vpc-bpa".into());
        assert_eq!(ExitStatus::of(&it), ExitStatus::Findings, "tolerating gaps hides no finding");
        it.findings.clear();
        assert_eq!(ExitStatus::of(&it), ExitStatus::Clean, "an accepted gap");
        it.gaps.push(Gap::new(GapKind::Subnets, "a/b", "denied"));
        assert_eq!(ExitStatus::of(&it), ExitStatus::Incomplete, "another kind is not accepted");
    }

    #[test]
    fn the_worse_of_two() {
        use ExitStatus::{Clean, Error, Findings, Incomplete};
        let worst_first = [Error, Findings, Incomplete, Clean];
        for (n, worse) in worst_first.into_iter().enumerate() {
            for better in &worst_first[n..] {
                assert_eq!(worse.and(*better), worse);
                assert_eq!(better.and(worse), worse);
            }
        }
        assert_eq!(worst_first.map(ExitStatus::code), [2, 1, 3, 0]);
    }
}
