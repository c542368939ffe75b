//! `proxies:` of the configuration: the machines that probes of a profile may go through.

use super::Place;
use super::ProxyKind;
use super::config::{address, text};
use super::error::SpecError;
use super::node::{Key, Node};
use super::shape::{Field, Least, Record, Scalar, Shape};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A proxy of somebody who lets us use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// What `via:` of a profile calls it.
    pub name: String,
    pub kind: ProxyKind,
    /// Where it listens, `host:port`.
    pub listens: String,
    /// Its IPv4 address as targets see it: what its observations count for is decided by it.
    pub address: Option<IpAddr>,
    /// Its IPv6 address as targets see it.
    pub address_v6: Option<IpAddr>,
    /// Where `user:password` is found, for a proxy that asks for it.
    pub login: Option<Login>,
    pub at: Place,
}

/// Where a secret is found: never in the configuration itself, nor on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// The name of an environment variable.
    Environment(String),
    /// A file, relative to the configuration's folder.
    File(String),
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, required: false, doc }
}

const KINDS: &[&str] = &[ProxyKind::HttpConnect.name(), ProxyKind::Socks5.name()];

/// A name to `host:port`, or to more than that.
pub(super) const PROXIES: Shape = Shape::Map {
    key: Scalar::Name,
    value: &Shape::Either(Scalar::HostPort, &Shape::Record(&PROXY)),
};

static PROXY: Record = Record {
    what: "a proxy",
    least: Least::Required,
    fields: &[
        Field {
            name: "listens",
            shape: Shape::Scalar(Scalar::HostPort),
            required: true,
            doc: "Where it listens, `host:port`.",
        },
        field(
            "kind",
            Shape::Scalar(Scalar::Choice(KINDS)),
            "How it is spoken to; its name says it when absent.",
        ),
        field("address", Shape::Scalar(Scalar::Address), "Its IPv4 address as targets see it."),
        field("address_v6", Shape::Scalar(Scalar::Address), "Its IPv6 address as targets see it."),
        field(
            "login_env",
            Shape::Scalar(Scalar::Name),
            "The environment variable that holds `user:password`.",
        ),
        field(
            "login_file",
            Shape::Scalar(Scalar::Text),
            "The file that holds `user:password`, relative to this one.",
        ),
    ],
};

/// Reads the proxies; everything with a wrong form was told already.
pub(super) fn lower(
    entries: &[(Key, Node)],
    at: &impl Fn(super::node::Span) -> Place,
    errors: &mut Vec<SpecError>,
) -> BTreeMap<String, Proxy> {
    let mut out = BTreeMap::new();
    for (key, node) in entries {
        let name = key.text.to_string();
        let named = ProxyKind::of_name(&name);
        let said = node.get("kind").and_then(Node::text).and_then(ProxyKind::of_name);
        if let (Some(named), Some(said), Some(value)) = (named, said, node.get("kind"))
            && named != said
        {
            let message = format!("the proxy `{name}` is called what it is not");
            errors.push(SpecError::new(value.span, message).also(key.span, "its name").hint(
                format!("a proxy called `{}` is one: give this one another name", named.name()),
            ));
            continue;
        }
        let Some(kind) = said.or(named) else {
            // A kind that did not read was told.
            if node.get("kind").is_none() {
                let message = format!("nothing says what kind of proxy `{name}` is");
                errors.push(
                    SpecError::new(key.span, message).hint(
                        "write `{ listens: HOST:PORT, kind: http-connect }`, or `kind: socks5`",
                    ),
                );
            }
            continue;
        };
        let login = match (node.get("login_env"), node.get("login_file")) {
            (Some(env), Some(file)) => {
                errors.push(
                    SpecError::new(file.span, format!("the proxy `{name}` has two logins"))
                        .also(env.span, "the other one")
                        .hint("keep `login_env` or `login_file`"),
                );
                continue;
            }
            (Some(_), None) => text(node, "login_env").map(Login::Environment),
            (None, _) => text(node, "login_file").map(Login::File),
        };
        let Some(listens) = node.text().map(str::to_owned).or_else(|| text(node, "listens")) else {
            continue;
        };
        let proxy = Proxy {
            name: name.clone(),
            kind,
            listens,
            address: address(node, "address", true, errors),
            address_v6: address(node, "address_v6", false, errors),
            login,
            at: at(key.span),
        };
        out.insert(name, proxy);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::config::load;

    #[test]
    fn a_proxy_is_an_address_or_more() {
        let text = "proxies:\n  http-connect: proxy.example:3128\n  branch: { listens: '192.0.2.9:1080', kind: socks5, address: 198.51.100.7, login_env: BRANCH }\n";
        let proxies = load("p.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}")).proxies;
        let plain = &proxies["http-connect"];
        assert_eq!(
            (plain.kind, plain.listens.as_str()),
            (ProxyKind::HttpConnect, "proxy.example:3128")
        );
        let branch = &proxies["branch"];
        assert_eq!(branch.kind, ProxyKind::Socks5);
        assert_eq!(branch.address, Some([198, 51, 100, 7].into()));
        assert_eq!(branch.login, Some(Login::Environment("BRANCH".into())));
    }

    #[test]
    fn bad_proxies_are_told_with_what_to_do() {
        for (text, message, hint) in [
            ("{ branch: 'a.example:1' }", "what kind of proxy", "kind: socks5"),
            ("{ socks5: 'a.example' }", "host and a port", ""),
            (
                "{ socks5: { listens: 'a.example:1', kind: http-connect } }",
                "called what it is not",
                "another name",
            ),
            ("{ socks5: { listens: 'a.example:1', knd: socks5 } }", "no key `knd`", "`kind`?"),
            ("{ b: { listens: 'a.example:1', kind: sock5 } }", "`sock5`", "`socks5`?"),
            (
                "{ socks5: { listens: 'a.example:1', login_env: A, login_file: b } }",
                "two logins",
                "keep",
            ),
            (
                "{ socks5: { listens: 'a.example:1', address: '::1' } }",
                "IPv4 address",
                "address_v6",
            ),
            (
                "{ socks5: { listens: 'a.example:1', password: x } }",
                "no key `password`",
                "login_file",
            ),
        ] {
            let errors = load("p.yaml", format!("proxies: {text}").as_bytes()).expect_err(text);
            assert_eq!(errors.count(), 1, "{errors}");
            assert!(errors.told[0].message.contains(message), "{errors}");
            assert!(errors.told[0].hint.clone().unwrap_or_default().contains(hint), "{errors}");
        }
    }
}
