//! `facts:` and `rollout:` of a role.

use super::super::error::{SpecError, shorten};
use super::super::node::{Key, Node, Span};
use super::super::{Comparison, Constraint, Fact, Rollout, Sign};
use super::{Lower, scalar, text};
use crate::model::version::{Compared, Scheme, Version, is_no_day, pair};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Signs that people write and that mean one of ours.
const OTHER_SIGNS: [(&str, &str); 7] =
    [("=>", ">="), ("=<", "<="), ("==", "="), ("<>", "!="), ("≥", ">="), ("≤", "<="), ("≠", "!=")];

impl Lower<'_> {
    pub(super) fn facts(&mut self, node: &Node) -> Vec<Fact> {
        let entries = node.get("facts").map(Node::entries).unwrap_or_default();
        entries.iter().filter_map(|(key, value)| self.fact(key, value)).collect()
    }

    fn fact(&mut self, key: &Key, node: &Node) -> Option<Fact> {
        let scheme = text(node, "order").and_then(|o| Scheme::from_name(&o));
        let mut constraints = Vec::new();
        // A plain value, or the value of `is`.
        let plain = if node.entries().is_empty() { Some(node) } else { node.get("is") };
        if let Some(node) = plain.filter(|n| n.text().is_some()) {
            constraints.extend(self.is(node, scheme).map(Constraint::Is));
        }
        if let Some(list) = node.get("one_of") {
            let values = self.values(list.items(), scheme);
            constraints.push(Constraint::OneOf(values));
        }
        if node.get("same_within").is_some() {
            constraints.push(Constraint::SameWithinRole);
        }
        if let Some(list) = node.get("compatible") {
            constraints.extend(self.compatible(list, scheme));
        }
        // A key that is misspelt was told by itself.
        let beside = |k: &Key| matches!(&*k.text, "max_age" | "order");
        let nothing = !node.entries().is_empty() && node.entries().iter().all(|(k, _)| beside(k));
        if nothing {
            self.errors.push(
                SpecError::new(key.span, format!("the fact `{}` asks for nothing", key.text))
                    .hint("give `is`, `one_of`, `same_within` or `compatible`"),
            );
        }
        (!constraints.is_empty()).then(|| Fact {
            name: key.text.to_string(),
            constraints,
            scheme,
            max_age: text(node, "max_age").and_then(|t| scalar::duration(&t)),
            at: self.place(key.span),
        })
    }

    /// Reads `>= 1.2, < 2`, or a plain value, which is equality.
    fn is(&mut self, node: &Node, scheme: Option<Scheme>) -> Option<Vec<Comparison>> {
        let whole = node.text()?.trim();
        let error = |message: String| SpecError::new(node.span, message);
        if let Some((theirs, ours)) = OTHER_SIGNS.iter().find(|(s, _)| whole.starts_with(s)) {
            let rest = whole[theirs.len()..].trim_start();
            let error = error(format!("cannot read the sign `{theirs}`"));
            self.errors.push(error.hint(format!("did you mean `{ours} {}`?", shorten(rest))));
            return None;
        }
        if whole.starts_with(['~', '^', '!']) && !whole.starts_with("!=") {
            let error = error(format!("cannot read `{}` as a constraint", shorten(whole)));
            self.errors
                .push(error.hint("the signs are =, !=, <, <=, >, >=; a range is \">= 1.2, < 2\""));
            return None;
        }
        let signed = |part: &str| Sign::ALL.into_iter().find(|s| part.starts_with(s.text()));
        if signed(whole).is_none() {
            self.version(whole, Sign::Equal, scheme, node.span)?;
            return Some(vec![Comparison { sign: Sign::Equal, version: whole.into() }]);
        }
        let mut out = Vec::new();
        for part in whole.split(',').map(str::trim) {
            let Some(sign) = signed(part) else {
                let error = error(format!("`{}` in a range has no sign", shorten(part)));
                self.errors.push(error.hint("write each part with its own: \">= 1.2, < 2\""));
                return None;
            };
            let version = part[sign.text().len()..].trim();
            if version.is_empty() {
                let error = error(format!("no version stands after `{}`", sign.text()));
                self.errors.push(error.hint(format!("write `{} 1.2`", sign.text())));
                return None;
            }
            self.version(version, sign, scheme, node.span)?;
            out.push(Comparison { sign, version: version.into() });
        }
        self.range(&out, scheme, node.span)?;
        Some(out)
    }

    /// Whether a version can stand after a sign; tells why not.
    fn version(
        &mut self,
        text: &str,
        sign: Sign,
        scheme: Option<Scheme>,
        span: Span,
    ) -> Option<Version> {
        if is_no_day(text) && matches!(scheme, None | Some(Scheme::Date)) {
            let error =
                SpecError::new(span, format!("`{}` is no day of the calendar", shorten(text)));
            self.errors
                .push(error.hint("correct it; `order: debian` or `order: text` if it is no date"));
            return None;
        }
        let version = match scheme {
            Some(scheme) => {
                let Some(version) = Version::read_as(scheme, text) else {
                    self.errors.push(
                        SpecError::new(
                            span,
                            format!("cannot read `{}` as {scheme}", shorten(text)),
                        )
                        .hint(
                            "`order` names another way to write it; leave it out to have it found",
                        ),
                    );
                    return None;
                };
                version
            }
            None => Version::read(text),
        };
        if !sign.orders() {
            return Some(version);
        }
        if !version.scheme().has_order() {
            let what = version.scheme();
            self.errors.push(
                SpecError::new(
                    span,
                    format!(
                        "cannot ask for `{}` {}: it is {what}, and has no order",
                        sign.text(),
                        shorten(text)
                    ),
                )
                .hint("use `=`, `!=` or `one_of: […]`; a constraint on order needs a version"),
            );
            return None;
        }
        if version.is_ambiguous() {
            self.errors.push(
                SpecError::new(
                    span,
                    format!(
                        "cannot order `{}`: what follows the `-` is a pre-release in semver and a later revision in Debian",
                        shorten(text)
                    ),
                )
                .hint(format!("say which: {{ is: \"{} {}\", order: debian }}", sign.text(), shorten(text))),
            );
            return None;
        }
        Some(version)
    }

    /// Tells a range that no version can be in, and one in two schemes.
    fn range(&mut self, parts: &[Comparison], scheme: Option<Scheme>, span: Span) -> Option<()> {
        let lower = |s| matches!(s, Sign::Greater | Sign::AtLeast | Sign::Equal);
        let upper = |s| matches!(s, Sign::Less | Sign::AtMost | Sign::Equal);
        for (i, a) in parts.iter().enumerate() {
            for b in &parts[i + 1..] {
                let (x, y) = read_pair(&a.version, &b.version, scheme);
                let compared = x.compare(&y);
                let order = match compared {
                    Compared::Ordered(order) => order,
                    Compared::Incomparable(why) if a.sign.orders() || b.sign.orders() => {
                        self.errors.push(
                            SpecError::new(
                                span,
                                format!(
                                    "cannot order `{}` and `{}`: {why}",
                                    shorten(&a.version),
                                    shorten(&b.version)
                                ),
                            )
                            .hint("write both in one way"),
                        );
                        return None;
                    }
                    Compared::Incomparable(_) if a.sign == Sign::Equal && b.sign == Sign::Equal => {
                        Ordering::Less
                    }
                    Compared::Incomparable(_) => continue,
                };
                let both = |s: Sign| s == Sign::Equal || matches!(s, Sign::AtLeast | Sign::AtMost);
                let empty = match order {
                    Ordering::Greater => lower(a.sign) && upper(b.sign),
                    Ordering::Less => upper(a.sign) && lower(b.sign),
                    Ordering::Equal => {
                        let apart =
                            (lower(a.sign) && upper(b.sign)) || (upper(a.sign) && lower(b.sign));
                        let unequal = [(a.sign, b.sign), (b.sign, a.sign)]
                            .contains(&(Sign::Equal, Sign::NotEqual));
                        unequal || (apart && !(both(a.sign) && both(b.sign)))
                    }
                };
                if empty {
                    self.errors.push(
                        SpecError::new(span, format!("no version can be `{a}` and `{b}`"))
                            .hint("a range has its lower end first: \">= 1.2, < 2\""),
                    );
                    return None;
                }
            }
        }
        Some(())
    }

    /// The values of a list, each once.
    fn values(&mut self, items: &[Node], scheme: Option<Scheme>) -> Vec<String> {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut out = Vec::new();
        for item in items {
            let Some(value) = item.text().map(str::trim) else { continue };
            if let Some(first) = seen.insert(value, item.span) {
                self.errors.push(
                    SpecError::new(item.span, format!("`{}` stands twice", shorten(value)))
                        .also(first, "first here")
                        .hint("keep one of the two"),
                );
            } else if self.version(value, Sign::Equal, scheme, item.span).is_some() {
                out.push(value.to_owned());
            }
        }
        out
    }

    fn compatible(&mut self, list: &Node, scheme: Option<Scheme>) -> Option<Constraint> {
        let sets: Vec<Vec<String>> =
            list.items().iter().map(|set| self.values(set.items(), scheme)).collect();
        if sets.iter().any(Vec::is_empty) || sets.is_empty() {
            self.errors.push(
                SpecError::new(list.span, "an empty set is compatible with nothing")
                    .hint("list sets of values that may run side by side: [[a, b], [c]]"),
            );
            return None;
        }
        Some(Constraint::Compatible(sets))
    }

    pub(super) fn rollout(&mut self, node: &Node) -> Option<Rollout> {
        let node = node.get("rollout")?;
        let fact = text(node, "fact")?;
        let first = text(node, "first").and_then(|t| scalar::share(&t))?;
        let soak = text(node, "soak").and_then(|t| scalar::duration(&t));
        let min_requests = text(node, "min_requests").and_then(|t| t.parse().ok());
        if node.get("soak").is_none() && node.get("min_requests").is_none() {
            self.errors.push(
                SpecError::new(node.span, "a rollout must say what proves its first hosts")
                    .hint("add `soak: 2h`, `min_requests: 1000`, or both"),
            );
        }
        if let Some(requests) = node.get("requests").filter(|_| node.get("min_requests").is_none())
        {
            self.errors.push(
                SpecError::new(requests.span, "`requests` names a fact that nothing asks for")
                    .hint("add `min_requests: 1000`, or leave `requests` out"),
            );
        }
        Some(Rollout {
            since: text(node, "since").unwrap_or_else(|| format!("{fact}_since")),
            fact,
            first,
            soak,
            min_requests,
            requests: text(node, "requests").unwrap_or_else(|| "requests".into()),
            to: text(node, "to"),
            at: self.place(node.span),
        })
    }
}

/// Two versions by the scheme that the spec names, else in the light of each other.
fn read_pair(a: &str, b: &str, scheme: Option<Scheme>) -> (Version, Version) {
    if let Some(scheme) = scheme
        && let (Some(a), Some(b)) = (Version::read_as(scheme, a), Version::read_as(scheme, b))
    {
        return (a, b);
    }
    pair(a, b)
}
