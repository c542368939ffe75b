use crate::model::{Gap, GapKind};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a run could not see, by what it hides. See [`crate::history`] for the rules.
#[derive(Debug, Default)]
pub struct Blindness {
    /// A gap that hides everything.
    all: Option<Gap>,
    /// One that hides whatever has a source.
    sourced: Option<Gap>,
    /// One that hides whatever has none: facts decide nothing of what can be reached.
    unsourced: Option<Gap>,
    by_source: BTreeMap<String, Gap>,
    /// By a host's or a resource's name.
    by_name: BTreeMap<String, Gap>,
    /// By what exactly a finding is about.
    by_subject: BTreeMap<String, Gap>,
}

impl Blindness {
    /// What `gaps` hide from a run that probed from `vantages`, of findings last seen by a run that
    /// had the gaps `then`.
    #[must_use]
    pub fn new(gaps: &[Gap], vantages: &BTreeSet<String>, then: &Before) -> Self {
        let mut out = Self::default();
        for gap in gaps {
            if then.had(gap) {
                continue;
            }
            match gap.kind {
                // Where nothing was probed, and so nothing was when the finding was last seen, the
                // configuration alone decides, and nothing of the probes can hide anything.
                GapKind::Vantage | GapKind::Control | GapKind::Probe | GapKind::StaleSnapshot
                    if vantages.is_empty() => {}
                GapKind::Vantage if !vantages.contains(&gap.scope) => {
                    out.by_source.entry(gap.scope.clone()).or_insert_with(|| gap.clone());
                }
                GapKind::Probe if names_a_host(&gap.scope) => {
                    out.by_name.entry(head(&gap.scope).into()).or_insert_with(|| gap.clone());
                }
                GapKind::Vantage | GapKind::Control | GapKind::Probe | GapKind::StaleSnapshot => {
                    out.sourced.get_or_insert_with(|| gap.clone());
                }
                GapKind::NotModelled if names_a_host(&gap.scope) => {
                    out.by_name.entry(head(&gap.scope).into()).or_insert_with(|| gap.clone());
                }
                GapKind::Facts => {
                    out.unsourced.get_or_insert_with(|| gap.clone());
                }
                GapKind::NotJudged => {
                    out.by_name.entry(head(&gap.scope).into()).or_insert_with(|| gap.clone());
                }
                _ => {
                    out.all.get_or_insert_with(|| gap.clone());
                }
            }
        }
        out
    }

    /// Adds what the run could not see of single findings, by what they are about: the scope of each gap.
    #[must_use]
    pub fn and_of(mut self, findings: &[Gap]) -> Self {
        self.by_subject.extend(findings.iter().map(|gap| (gap.scope.clone(), gap.clone())));
        self
    }

    /// The gap that hides a finding on `subject` from `source`; `None` where nothing does.
    #[must_use]
    pub fn touches(&self, subject: &str, source: Option<&str>) -> Option<&Gap> {
        self.by_subject
            .get(subject)
            .or(self.all.as_ref())
            .or(match source {
                Some(_) => self.sourced.as_ref(),
                None => self.unsourced.as_ref(),
            })
            .or_else(|| source.and_then(|s| self.by_source.get(s)))
            .or_else(|| self.by_name.get(head(subject)))
    }
}

/// The gaps of an earlier run.
#[derive(Debug, Default)]
pub struct Before(BTreeSet<(GapKind, String, String)>);

impl Before {
    /// Whether a gap hid the very same then. What hides by luck never does: a listing that was cut
    /// short, controls that did not answer, a survey past its limit.
    #[must_use]
    pub fn had(&self, gap: &Gap) -> bool {
        let luck = ["truncated: ", "throttled: ", "failed: "];
        let by_luck = gap.kind == GapKind::Control
            || gap.kind == GapKind::StaleSnapshot
            || luck.iter().any(|word| gap.why.contains(word))
            || gap.kind == GapKind::Probe
                && !names_a_host(&gap.scope)
                && address(&gap.scope).is_none();
        !by_luck && self.0.contains(&key(gap))
    }
}

impl<'a> FromIterator<&'a Gap> for Before {
    fn from_iter<T: IntoIterator<Item = &'a Gap>>(gaps: T) -> Self {
        Self(gaps.into_iter().map(key).collect())
    }
}

/// A gap without the numbers of its words: `so 3 exposures rest on …` is the same gap tomorrow,
/// when it is 4.
fn key(gap: &Gap) -> (GapKind, String, String) {
    let mut why = String::with_capacity(gap.why.len());
    for c in gap.why.chars() {
        match c {
            c if !c.is_ascii_digit() => why.push(c),
            _ if why.ends_with('#') => {}
            _ => why.push('#'),
        }
    }
    (gap.kind, gap.scope.clone(), why)
}

/// The host or the resource that a subject is about: its first word, but for `role video` and the
/// like, which are about all of them.
fn head(subject: &str) -> &str {
    match subject.split_once(' ') {
        Some((first, rest)) if rest.contains('/') || rest.contains(' ') => first,
        Some(_) if subject.starts_with("role ") => subject,
        Some((first, _)) => first,
        None => subject,
    }
}

/// Whether a scope is a subject, as `i-0abc tcp/443`, and no address.
fn names_a_host(scope: &str) -> bool {
    scope.contains(' ') && address(scope).is_none()
}

fn address(scope: &str) -> Option<IpAddr> {
    head(scope).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(gap: Gap, subject: &str, source: Option<&str>) -> bool {
        let gaps = [gap];
        let from = ["local".to_owned()].into();
        Blindness::new(&gaps, &from, &Before::default()).touches(subject, source).is_some()
    }

    #[test]
    fn a_gap_touches_what_it_may_hide_and_no_more() {
        let denied =
            || Gap::new(GapKind::SecurityGroups, "1/a", "DescribeSecurityGroups denied: x");
        assert!(touched(denied(), "i-1 tcp/22", Some("internet")));
        assert!(touched(denied(), "role web", None));
        let vantage = |scope: &str| Gap::new(GapKind::Vantage, scope, "no vantage");
        assert!(touched(vantage("office"), "i-1 tcp/22", Some("office")));
        assert!(!touched(vantage("office"), "i-1 tcp/22", Some("internet")));
        assert!(!touched(vantage("office"), "role web", None));
        assert!(touched(vantage("local"), "i-1 tcp/22", Some("internet")), "our own vantage");
        let probe = || Gap::new(GapKind::Probe, "i-1 tcp/443", "not probed");
        assert!(touched(probe(), "i-1 tcp/22", Some("internet")));
        assert!(touched(probe(), "i-1", None));
        assert!(!touched(probe(), "i-10 tcp/22", Some("internet")));
        for scope in ["203.0.113.9", "203.0.113.9 tcp/443", "2001:db8::1 tcp/1", "survey"] {
            let at = || Gap::new(GapKind::Probe, scope, "not ours");
            assert!(touched(at(), "i-1 tcp/22", Some("internet")), "{scope}");
            assert!(!touched(at(), "role web", None), "{scope}");
        }
        let model = |scope: &str| Gap::new(GapKind::NotModelled, scope, "a VPN");
        assert!(touched(model("vgw-1"), "i-1 tcp/22", Some("internet")));
        assert!(!touched(model("i-2 tcp/22"), "i-1 tcp/22", Some("internet")));
        let fact = || Gap::new(GapKind::Facts, "i-2 fact jdk", "stale");
        assert!(touched(fact(), "role web fact jdk", None));
        assert!(!touched(fact(), "i-2 tcp/22", Some("internet")));
    }

    #[test]
    fn what_could_not_be_seen_of_one_finding_hides_that_one() {
        let unseen =
            [Gap::new(GapKind::Vantage, "i-1 journey media as https", "no vantage has it")];
        let blind = Blindness::default().and_of(&unseen);
        assert_eq!(blind.touches("i-1 journey media as https", None), Some(&unseen[0]));
        for other in ["i-1 journey media as plain", "i-2 journey media as https", "i-1"] {
            assert_eq!(blind.touches(other, None), None, "{other}");
        }
    }

    #[test]
    fn every_kind_touches_something() {
        for kind in GapKind::ALL {
            let gap = Gap::new(kind, "x", "y");
            assert!(
                touched(gap.clone(), "x", Some("x")) || touched(gap, "x", None),
                "{kind}: a gap that hides nothing resolves what it should not"
            );
        }
    }

    #[test]
    fn where_nothing_is_probed_nothing_of_the_probes_hides() {
        for kind in [GapKind::Vantage, GapKind::Control, GapKind::Probe, GapKind::StaleSnapshot] {
            let gaps = [Gap::new(kind, "internet", "nothing was probed")];
            let blind = Blindness::new(&gaps, &BTreeSet::new(), &Before::default());
            assert_eq!(blind.touches("i-1 tcp/22", Some("internet")), None, "{kind}");
        }
    }

    #[test]
    fn what_was_hidden_from_both_cannot_be_what_the_one_saw() {
        let from: BTreeSet<String> = ["local".to_owned()].into();
        let hides = |gap: &Gap, then: &Gap| {
            let gaps = [gap.clone()];
            let before: Before = [then].into_iter().collect();
            Blindness::new(&gaps, &from, &before).touches("i-1", Some("office")).is_some()
        };
        let denied = Gap::new(GapKind::DbInstances, "1/a", "DescribeDBInstances denied: x");
        assert!(!hides(&denied, &denied));
        assert!(hides(
            &Gap { why: "DescribeDBInstances denied: y".into(), ..denied.clone() },
            &denied
        ));
        let rests = |n: u8| Gap::new(GapKind::Vantage, "office", format!("so {n} exposures rest"));
        assert!(!hides(&rests(4), &rests(13)), "the same gap of a larger fleet");
        for luck in [
            Gap::new(GapKind::Instances, "1/a", "DescribeInstances truncated: page 2"),
            Gap::new(GapKind::Control, "local", "its control targets did not answer"),
            Gap::new(GapKind::Probe, "survey", "9 permitted endpoints are past the limit"),
        ] {
            assert!(hides(&luck, &luck), "{luck}");
        }
    }
}
