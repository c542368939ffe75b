use super::super::error::SpecError;
use super::super::node::Node;
use super::{Lower, number, text, texts};
use crate::model::{Expect, HttpExpect, PortSpec, Protocol, TlsExpect};

impl Lower<'_> {
    /// What a service must prove to be; `None` when that was told to be wrong.
    pub(super) fn expect(&mut self, port: &PortSpec, node: Option<&Node>) -> Option<Expect> {
        let Some(node) = node else {
            return Some(match port.protocol {
                Protocol::Tcp => Expect::Connect,
                _ => Expect::Path,
            });
        };
        let expect = read(node)?;
        let wanted = match &expect {
            Expect::Path => return Some(expect),
            Expect::Stun => Protocol::Udp,
            _ => Protocol::Tcp,
        };
        if port.protocol == wanted {
            return Some(expect);
        }
        let word = expect.service().unwrap_or("connect");
        let error = SpecError::new(
            node.span,
            format!("cannot expect `{word}` of {port}: it is spoken over {wanted}"),
        );
        self.errors.push(match expect {
            Expect::Connect => error
                .hint("only tcp has connections; `path` says that the network must let it through"),
            _ => error.hint(format!("did you mean the port `{wanted}/…`?")),
        });
        None
    }
}

fn read(node: &Node) -> Option<Expect> {
    if let Some(word) = node.text() {
        return Some(match word {
            "connect" => Expect::Connect,
            "path" => Expect::Path,
            "stun" => Expect::Stun,
            "ssh" => Expect::Ssh,
            "tls" => Expect::Tls(TlsExpect::default()),
            "http" => Expect::Http(HttpExpect::default()),
            "https" => Expect::Http(HttpExpect { tls: true, ..HttpExpect::default() }),
            _ => return None,
        });
    }
    let (key, value) = node.entries().first()?;
    Some(match &*key.text {
        "tls" => Expect::Tls(TlsExpect {
            names: texts(value, "names"),
            days_left: number(value, "days_left"),
            min_version: text(value, "min_version"),
            trusted: text(value, "trusted").as_deref() == Some("true"),
            sni: text(value, "sni"),
        }),
        "http" | "https" => Expect::Http(HttpExpect {
            tls: &*key.text == "https" || text(value, "tls").as_deref() == Some("true"),
            path: text(value, "path"),
            host: text(value, "host"),
            status: texts(value, "status").iter().filter_map(|s| s.parse().ok()).collect(),
            body: text(value, "body"),
        }),
        "banner" => Expect::Banner(value.text()?.into()),
        _ => return None,
    })
}
