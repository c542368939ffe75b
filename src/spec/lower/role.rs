use super::super::error::SpecError;
use super::super::node::{Key, Node, Span};
use super::super::{Count, Journey, Pattern, Permit, Role, Selector, Service};
use super::{Lower, number, port, text, texts};
use crate::model::{Expect, PortSet, Protocols, SourceName};

/// Most services and lines of `allow` and `forbid` of one role: each is compared with each.
const MAX_LINES: usize = 2_000;

/// A line of a role that says something of ports and sources, for contradictions.
struct Line<'a> {
    what: String,
    protocols: Protocols,
    ports: &'a PortSet,
    from: &'a [SourceName],
    span: Span,
    forbids: bool,
    expect: Option<&'a Expect>,
}

impl Lower<'_> {
    pub(super) fn role(&mut self, name: &str, key: &Key, node: &Node) {
        let facts = self.facts(node);
        let rollout = self.rollout(node);
        let mut spans = Vec::new();
        let mut services = Vec::new();
        let declared = node.get("services").map(Node::entries).unwrap_or_default();
        for (key, service) in declared {
            if let Some(service) = self.service(name, key, service) {
                spans.push(key.span);
                services.push(service);
            }
        }
        let (allow, allow_spans) = self.permits(node, "allow");
        let (forbid, forbid_spans) = self.permits(node, "forbid");
        let service_names: Vec<&str> = declared.iter().map(|(k, _)| &*k.text).collect();
        let journeys = self.journeys(node, &service_names, &services);
        let count = self.count(name, node);

        let mut lines: Vec<Line<'_>> = Vec::new();
        for (service, span) in services.iter().zip(spans) {
            lines.push(Line {
                what: format!("service `{}`", service.name),
                protocols: Protocols::One(service.port.protocol),
                ports: &service.port.ports,
                from: &service.from,
                span,
                forbids: false,
                expect: Some(&service.expect),
            });
        }
        for (permits, spans, forbids) in
            [(&allow, allow_spans, false), (&forbid, forbid_spans, true)]
        {
            for (permit, span) in permits.iter().zip(spans) {
                lines.push(Line {
                    what: if forbids { "`forbid`".into() } else { "`allow`".into() },
                    protocols: permit.protocols,
                    ports: &permit.ports,
                    from: &permit.from,
                    span,
                    forbids,
                    expect: None,
                });
            }
        }
        if lines.len() > MAX_LINES {
            self.errors.push(
                SpecError::new(
                    key.span,
                    format!("role `{name}` has more than {MAX_LINES} services and lines"),
                )
                .hint("declare port ranges, or several roles"),
            );
        } else {
            contradictions(name, &lines, self.errors);
        }

        let select = node.get("select").map(Node::items).unwrap_or_default();
        let role = Role {
            name: name.into(),
            select: select.iter().map(selector).collect(),
            count,
            facts,
            rollout,
            services,
            allow,
            forbid,
            journeys,
            at: self.place(key.span),
        };
        self.spec.roles.insert(name.into(), role);
    }

    fn count(&mut self, name: &str, node: &Node) -> Count {
        let Some(node) = node.get("count") else { return Count::default() };
        let count = Count { min: number(node, "min"), max: number(node, "max") };
        if let (Some(min), Some(max)) = (count.min, count.max)
            && min > max
        {
            self.errors.push(
                SpecError::new(
                    node.span,
                    format!("role `{name}` cannot have at least {min} and at most {max} hosts"),
                )
                .hint(format!("did you mean `{{ min: {max}, max: {min} }}`?")),
            );
        }
        count
    }

    fn service(&mut self, role: &str, key: &Key, node: &Node) -> Option<Service> {
        let from = self.sources(node.get("from"));
        let port = node.get("port").and_then(port)?;
        let expect = self.expect(&port, node.get("expect"));
        if from.is_empty() {
            return None;
        }
        Some(Service {
            name: key.text.to_string(),
            role: role.into(),
            port,
            from,
            expect: expect?,
            at: self.place(key.span),
        })
    }

    fn permits(&mut self, node: &Node, field: &str) -> (Vec<Permit>, Vec<Span>) {
        let items = node.get(field).map(Node::items).unwrap_or_default();
        let mut out = (Vec::new(), Vec::new());
        for item in items {
            let from = self.sources(item.get("from"));
            if let Some((protocols, ports)) = item.get("port").and_then(traffic)
                && !from.is_empty()
            {
                out.0.push(Permit { protocols, ports, from, at: self.place(item.span) });
                out.1.push(item.span);
            }
        }
        out
    }

    fn journeys(&mut self, node: &Node, names: &[&str], services: &[Service]) -> Vec<Journey> {
        let mut out = Vec::new();
        for (key, value) in node.get("journeys").map(Node::entries).unwrap_or_default() {
            let items = value.get("any_of").map(Node::items).unwrap_or_default();
            if items.is_empty() && value.get("any_of").is_some() {
                self.errors.push(SpecError::new(
                    key.span,
                    format!("the journey `{}` names no service", key.text),
                ));
            }
            let any_of: Vec<String> = items
                .iter()
                .filter_map(|n| self.known(n, "service", names.iter().copied()))
                .collect();
            let profiles = match value.get("profiles") {
                Some(n) if n.text() != Some("all") => {
                    if n.items().is_empty() {
                        self.errors.push(
                            SpecError::new(
                                n.span,
                                format!("the journey `{}` is for no profile", key.text),
                            )
                            .hint("name profiles, or write `all`"),
                        );
                    }
                    let known: Vec<String> =
                        self.profiles.keys().map(|k| (*k).to_owned()).collect();
                    n.items()
                        .iter()
                        .filter_map(|n| self.known(n, "profile", known.iter().map(String::as_str)))
                        .collect()
                }
                _ => Vec::new(),
            };
            let unread = any_of.len() < items.len();
            let journey =
                Journey { name: key.text.to_string(), any_of, profiles, at: self.place(key.span) };
            if !unread {
                self.contradictions_of_journey(&journey, key.span, services);
            }
            out.push(journey);
        }
        out
    }
}

/// What a line of `allow` or `forbid` speaks of.
fn traffic(node: &Node) -> Option<(Protocols, PortSet)> {
    match node.text() {
        Some("all") => Some((Protocols::All, PortSet::all())),
        Some("other") => Some((Protocols::Others, PortSet::all())),
        _ => port(node).map(|port| (Protocols::One(port.protocol), port.ports)),
    }
}

fn selector(node: &Node) -> Selector {
    let patterns = |field: &str| texts(node, field).into_iter().map(Pattern).collect();
    let tags = node.get("tags").map(Node::entries).unwrap_or_default();
    Selector {
        tags: tags
            .iter()
            .filter_map(|(k, v)| Some((k.text.to_string(), Pattern(v.text()?.into()))))
            .collect(),
        names: patterns("names"),
        accounts: texts(node, "accounts"),
        regions: texts(node, "regions"),
        vpcs: texts(node, "vpcs"),
    }
}

/// Tells lines of one role that cannot both hold: the same ports for the same source, once
/// forbidden and once not, or once expected to be one thing and once another.
fn contradictions(role: &str, lines: &[Line<'_>], errors: &mut Vec<SpecError>) {
    for (i, line) in lines.iter().enumerate() {
        for other in &lines[..i] {
            let source = line.from.iter().find(|s| other.from.contains(s));
            let Some(source) = source else { continue };
            let Some(protocols) = line.protocols.intersect(other.protocols) else { continue };
            let ports = line.ports.intersect(other.ports);
            if ports.is_empty() {
                continue;
            }
            let common = protocols.with(&ports);
            if line.forbids != other.forbids {
                errors.push(
                    SpecError::new(
                        line.span,
                        format!(
                            "role `{role}` declares {common} from `{source}` by {} and forbids it",
                            if line.forbids { &other.what } else { &line.what },
                        ),
                    )
                    .label(if line.forbids { "forbidden here" } else { "declared here" })
                    .also(
                        other.span,
                        if other.forbids { "forbidden here" } else { "declared here" },
                    )
                    .hint("keep one of the two, or narrow the ports or the source of one"),
                );
            } else if let (Some(a), Some(b)) = (line.expect, other.expect)
                && a != b
            {
                errors.push(
                    SpecError::new(
                        line.span,
                        format!(
                            "{} and {} of role `{role}` expect different things of {common} from `{source}`",
                            other.what, line.what
                        ),
                    )
                    .label("one expectation here")
                    .also(other.span, "another here")
                    .hint("one port cannot be two services: narrow the ports of one"),
                );
            }
        }
    }
}

impl Lower<'_> {
    pub(super) fn dns_name(&mut self, name: &str, key: &Key, node: &Node) {
        self.not_judged(format!("name {name}"), key.span);
        let roles: Vec<String> = self.roles.keys().map(|k| (*k).to_owned()).collect();
        if let Some(role) = node.get("role") {
            self.known(role, "role", roles.iter().map(String::as_str));
        }
        let name_ = super::super::Name {
            name: name.into(),
            role: text(node, "role"),
            at: self.place(key.span),
        };
        self.spec.names.insert(name.into(), name_);
    }
}
