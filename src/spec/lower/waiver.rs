use super::super::Waiver;
use super::super::error::{SpecError, shorten};
use super::super::node::Node;
use super::super::scalar::Wrong;
use super::{Lower, Span, scalar, text};

impl Lower<'_> {
    /// One waiver. Its end may lie in the past: that is a finding of the audit, which knows the time.
    pub(super) fn waiver(&mut self, node: &Node) {
        let source = match node.get("source") {
            Some(n) => match self.source(n) {
                Some(source) => Some(source.to_string()),
                None => return,
            },
            None => None,
        };
        let until = node.get("until").and_then(Node::text).and_then(|t| scalar::instant(t).ok());
        let (Some(finding), Some(endpoint), Some(owner), Some(reason), Some(until)) = (
            text(node, "finding"),
            text(node, "endpoint"),
            text(node, "owner"),
            text(node, "reason"),
            until,
        ) else {
            return;
        };
        if let Some((span, wrong)) = node.get("endpoint").and_then(unreadable_port) {
            let error = SpecError::new(span, wrong.message).label("no finding names this");
            self.errors.push(wrong.hint.into_iter().fold(error, |e, hint| e.hint(hint)));
        }
        let tuple = (finding.clone(), endpoint.clone(), source.clone());
        if let Some(first) = self.waived.insert(tuple, node.span) {
            // Which of them ends it would be a matter of order.
            self.errors.push(
                SpecError::new(
                    node.span,
                    format!("`{}` of `{}` is waived twice", shorten(&finding), shorten(&endpoint)),
                )
                .label("again here")
                .also(first, "first here")
                .hint("keep one of the two"),
            );
        }
        let at = self.place(node.span);
        self.spec.waivers.push(Waiver { finding, endpoint, source, owner, reason, until, at });
    }
}

/// What is wrong with the ports that an endpoint names: such an endpoint is none of any finding.
fn unreadable_port(node: &Node) -> Option<(Span, Wrong)> {
    let words = node.text()?.split_whitespace();
    let mut ports = words.filter(|w| {
        ["tcp/", "udp/", "icmp/", "icmpv6/"].iter().any(|protocol| w.starts_with(protocol))
    });
    Some((node.span, ports.find_map(|word| scalar::port(word).err())?))
}
