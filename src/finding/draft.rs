use super::{Evidence, Finding, FindingStatus, Measure, Mend, Side, fingerprint};
use crate::model::{Confidence, Severity};
use crate::reach::Hop;
use std::fmt;

/// A finding being put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub rule: String,
    pub title: String,
    pub severity: Severity,
    pub confidence: Confidence,
    pub measure: Option<Measure>,
    pub subject: String,
    pub source: Option<String>,
    pub message: String,
    pub why: String,
    pub evidence: Vec<Evidence>,
    pub path: Vec<Hop>,
    pub mends: Vec<Mend>,
    pub diff: Option<String>,
}

/// What a draft lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomplete {
    Rule,
    Subject,
    Message,
    Why,
    /// What was declared, or that nothing was.
    Declared,
    /// What the cloud, the probes or the inventory say.
    Seen,
    Mend,
}

impl Draft {
    /// Makes the finding, open and with its fingerprint.
    ///
    /// # Errors
    /// What is missing: a finding without both sides or without a way to mend it helps nobody.
    pub fn finish(self) -> Result<Finding, Incomplete> {
        let blank = |text: &str| text.trim().is_empty();
        let declared = |e: &Evidence| e.side == Side::Declared;
        let lack = [
            (blank(&self.rule) || blank(&self.title), Incomplete::Rule),
            (blank(&self.subject), Incomplete::Subject),
            (blank(&self.message), Incomplete::Message),
            (blank(&self.why), Incomplete::Why),
            (!self.evidence.iter().any(declared), Incomplete::Declared),
            (self.evidence.iter().all(declared), Incomplete::Seen),
            (self.mends.is_empty(), Incomplete::Mend),
        ];
        if let Some((_, what)) = lack.into_iter().find(|(lacks, _)| *lacks) {
            return Err(what);
        }
        let fingerprint = fingerprint(&self.rule, &self.subject, self.source.as_deref());
        let Self {
            rule,
            title,
            severity,
            confidence,
            measure,
            subject,
            source,
            message,
            why,
            evidence,
            path,
            mends,
            diff,
        } = self;
        Ok(Finding {
            rule,
            title,
            severity,
            confidence,
            measure: measure.as_ref().map(Measure::number),
            subject,
            source,
            message,
            why,
            evidence,
            path,
            mends,
            diff,
            fingerprint,
            status: FindingStatus::Open,
        })
    }
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule => "the rule or its title is missing",
            Self::Subject => "the subject is missing",
            Self::Message => "the message is missing",
            Self::Why => "the reason is missing",
            Self::Declared => "the declared side is missing",
            Self::Seen => "the configured or observed side is missing",
            Self::Mend => "there is no way to mend it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let evidence = |side| Evidence {
            side,
            text: "text".into(),
            file: None,
            line: None,
            column: None,
            resource: None,
        };
        Draft {
            rule: "declared-blocked".into(),
            title: "title".into(),
            severity: Severity::High,
            confidence: Confidence::High,
            measure: None,
            subject: "i-0abc tcp/443".into(),
            source: Some("internet".into()),
            message: "message".into(),
            why: "why".into(),
            evidence: vec![evidence(Side::Declared), evidence(Side::Configured)],
            path: Vec::new(),
            mends: vec![Mend { text: "mend".into(), command: None, terraform: None }],
            diff: None,
        }
    }

    #[test]
    fn an_incomplete_finding_is_refused_by_what_it_lacks() {
        assert!(draft().finish().is_ok());
        let cut = |change: &dyn Fn(&mut Draft)| {
            let mut draft = draft();
            change(&mut draft);
            draft.finish().expect_err("incomplete")
        };
        assert_eq!(cut(&|d| d.subject.clear()), Incomplete::Subject);
        assert_eq!(cut(&|d| d.why.clear()), Incomplete::Why);
        assert_eq!(cut(&|d| d.evidence.truncate(1)), Incomplete::Seen);
        assert_eq!(cut(&|d| drop(d.evidence.remove(0))), Incomplete::Declared);
        assert_eq!(cut(&|d| d.mends.clear()), Incomplete::Mend);
    }

    #[test]
    fn a_fingerprint_is_of_the_tuple_alone() {
        let one = draft().finish().map(|f| f.fingerprint);
        let mut other = draft();
        other.message = "another day, another address".into();
        other.severity = Severity::Low;
        assert_eq!(one, other.clone().finish().map(|f| f.fingerprint));
        other.source = None;
        assert_ne!(one, other.finish().map(|f| f.fingerprint));
        // Parts do not run into each other.
        assert_ne!(fingerprint("a", "bc", None), fingerprint("ab", "c", None));
        assert_ne!(fingerprint("a", "b", None), fingerprint("a", "b", Some("")));
        assert_eq!(one.map(|f| f.len()), Ok(64));
    }
}
