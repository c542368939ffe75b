//! The built-in rules against the verdict table, and what loading refuses.

use super::*;
use crate::exposure::{Cells, ConfiguredCell, Declared, Expects, ObservedCell};
use std::collections::BTreeSet;

struct NoFacts;

impl Facts for NoFacts {
    fn fact(&self, name: &str) -> Option<Fact> {
        Some(match name {
            "admin_port" => Fact::Flag(false),
            _ => Fact::Text(String::new()),
        })
    }
}

/// Every combination of cells.
fn combinations() -> Vec<Cells> {
    let mut out = Vec::new();
    for &declared in Declared::ALL {
        for &configured in ConfiguredCell::ALL {
            for &observed in ObservedCell::ALL {
                for &expects in Expects::ALL {
                    for disagreement in [false, true] {
                        for covered in [false, true] {
                            out.push(Cells {
                                declared,
                                configured,
                                observed,
                                expects,
                                disagreement,
                                covered,
                            });
                        }
                    }
                }
            }
        }
    }
    assert_eq!(out.len(), 4 * 5 * 11 * 3 * 2 * 2);
    out
}

/// The verdict table of the design, written anew from its text: what a row of cells is, with the
/// severity where the table gives one. Where two rows of the table hold, the worse one is taken.
fn table(c: &Cells) -> (&'static str, Option<&'static str>) {
    use ConfiguredCell as C;
    use Declared as D;
    use ObservedCell as O;
    let open = matches!(c.observed, O::OpenConfirmed | O::OpenUnconfirmed);
    let undeclared = matches!(c.declared, D::Absent | D::Forbidden);
    let required = c.declared == D::Required;
    if c.configured == C::Blocked && (open || matches!(c.observed, O::WrongService | O::Refused)) {
        return ("unexplained-answer", Some("critical"));
    }
    if undeclared && (open || c.observed == O::WrongService) {
        let severity = if c.declared == D::Forbidden { "critical" } else { "high" };
        return ("undeclared-exposure", Some(severity));
    }
    if required && c.configured == C::Blocked {
        return ("declared-blocked", Some("critical"));
    }
    if c.observed == O::WrongService {
        return ("wrong-service", Some("high"));
    }
    if required && c.configured == C::Partly {
        return ("partly-reachable", Some("high"));
    }
    if undeclared && matches!(c.configured, C::Permitted | C::Partly) {
        return ("latent-exposure", Some("medium"));
    }
    if c.disagreement {
        return ("vantage-disagreement", Some("high"));
    }
    if c.declared == D::Allowed {
        return ("ok", None);
    }
    if undeclared {
        // The table has no row for it: no configuration and no probe is no evidence, so a gap.
        let unseen = c.declared == D::Forbidden
            && c.configured == C::NotApplicable
            && matches!(c.observed, O::Unprobed | O::Failed);
        let gap = c.configured == C::Unknown || unseen;
        return if gap { ("gap", None) } else { ("ok", None) };
    }
    // Required; permitted, unknown or not applicable.
    if !c.covered {
        return ("gap", None);
    }
    let unknown = c.configured == C::Unknown;
    match c.observed {
        O::Silent | O::Rejected | O::Unreachable => ("declared-silent", Some("high")),
        O::Refused | O::RefusedUnplaced if c.expects != Expects::Path => {
            ("declared-refused", Some("high"))
        }
        O::OpenUnconfirmed if c.expects == Expects::Protocol => ("unconfirmed", Some("medium")),
        _ if unknown => ("gap", None),
        O::Refused | O::OpenConfirmed | O::OpenUnconfirmed => ("ok", None),
        O::Unproven if c.configured == C::Permitted => ("ok", None),
        // Where a path is expected such a refusal counts as unproven before rules see it.
        O::Unproven | O::Unprobed | O::Failed | O::RefusedUnplaced => ("gap", None),
        O::WrongService => unreachable!("taken above"),
    }
}

#[test]
fn every_combination_of_cells_has_the_outcome_of_the_table() {
    let set = builtin().expect("the built-in rules load");
    let mut used = BTreeSet::new();
    for cells in combinations() {
        let judged =
            set.judge_row(&cells, &NoFacts).unwrap_or_else(|| panic!("{cells:?}: no rule"));
        assert!(judged.trouble.is_empty(), "{cells:?}: {:?}", judged.trouble);
        used.insert(judged.rule.id.clone());
        let (want, severity) = table(&cells);
        let got = match judged.rule.yields {
            Yields::Finding => judged.rule.id.as_str(),
            Yields::Gap => "gap",
            Yields::Ok => "ok",
        };
        assert_eq!(got, want, "{cells:?}: taken by {}", judged.rule.id);
        if let Some(severity) = severity {
            assert_eq!(judged.severity.name(), severity, "{cells:?}");
        }
        // Who refused decides what it says: by anybody it is no more than a hint.
        let unplaced = cells.observed == ObservedCell::RefusedUnplaced && got == "declared-refused";
        let low = unplaced
            || cells.configured == ConfiguredCell::Unknown
                && ["declared-silent", "declared-refused", "unconfirmed"].contains(&got);
        assert_eq!(judged.confidence.name() == "low", low, "{cells:?}");
    }
    let all: BTreeSet<String> =
        set.rules().iter().filter(|r| r.kind == Kind::Exposure).map(|r| r.id.clone()).collect();
    assert_eq!(used, all, "no rule is shadowed by others altogether");
}

#[test]
fn every_case_has_a_rule() {
    let set = builtin().expect("the built-in rules load");
    for &case in Case::ALL {
        let judged = set.judge_case(case, &NoFacts);
        // What nobody knows is no finding, and not fine either.
        let unknown = case == Case::FactUnknown;
        let yields = if unknown { Yields::Gap } else { Yields::Finding };
        assert_eq!(judged.map(|j| j.rule.yields), Some(yields), "{}", case.name());
    }
}

#[test]
fn the_rules_own_examples_hold() {
    let set = builtin().expect("the built-in rules load");
    let tested = test(&set);
    assert!(tested.len() > set.rules().len(), "every rule has examples");
    let failed: Vec<&Tested> = tested.iter().filter(|t| t.outcome != Outcome::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// A user's rule that takes tcp/8443 of hosts in role `edge` before the built-in ones do.
const MORE: &str = "
id: edge-admin
order: 150
kind: exposure
title: The edge's console is open
severity: critical
confidence: high
when: { declared: [absent, forbidden], observed: open }
if: \"'edge' in roles && first_port == 8443\"
message: \"{subject} is the console\"
why: it is the console
fix: close it
examples:
  - given: { declared: absent, observed: open-confirmed, facts: { roles: [edge], first_port: 8443 } }
    severity: critical
counter_examples:
  - given: { declared: absent, observed: open-confirmed, facts: { roles: [video], first_port: 8443 } }
    instead: undeclared-exposure
";

fn errors(text: &str) -> Vec<String> {
    match load(&[("mine.yaml".into(), text.into())]) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_users_rule_goes_where_its_order_says() {
    let set = load(&[("mine.yaml".into(), MORE.into())]).expect("loads");
    let failed: Vec<Tested> =
        test(&set).into_iter().filter(|t| t.outcome != Outcome::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_wrong_rule_is_refused_with_its_place() {
    for (from, to, place, word) in [
        (
            "id: edge-admin",
            "id: declared-blocked",
            "mine.yaml:2:5",
            "twice: it is a rule of rules/declared-blocked.yaml",
        ),
        ("id: edge-admin", "id: Edge Admin", "mine.yaml:2:5", "lower-case words"),
        ("order: 150", "order: 200", "mine.yaml:3:8", "undeclared-exposure has it"),
        ("observed: open", "observed: opne", "mine.yaml:8", "`opne`"),
        (
            "severity: critical\nconfidence",
            "sevrity: critical\nconfidence",
            "mine.yaml:6",
            "sevrity",
        ),
        ("in roles", "in rolls", "mine.yaml:9:5", "`rolls`: it is not a fact"),
        ("{subject} is", "{subjet} is", "mine.yaml:10:10", "`subjet`: it is not a fact"),
        ("fix: close it\n", "", "mine.yaml:2:5", "without `fix`"),
        ("when: {", "when: { case: [role-too-small],", "mine.yaml:8", "`case`"),
    ] {
        assert!(MORE.contains(from), "{from}");
        let errors = errors(&MORE.replacen(from, to, 1));
        assert!(
            errors.iter().any(|e| e.starts_with(place) && e.contains(word)),
            "{to}: wanted {place} … {word}, got {errors:#?}"
        );
    }
}

#[test]
fn bombs_and_bytes_are_refused() {
    let bomb = "a: &a [x]\nb: [*a, *a]\n";
    assert_eq!(errors(bomb).len(), 1);
    let long = format!("id: {}", "a".repeat(70_000));
    assert!(errors(&long)[0].contains("the limit is"));
    let bytes = load(&[("mine.yaml".into(), vec![0xff, 0xfe])]).expect_err("not text");
    assert!(bytes.to_string().contains("not UTF-8"));
}
