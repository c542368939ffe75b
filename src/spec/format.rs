//! The tables of the spec's format. A key is added here, and in `lower` where it is read.

use super::shape::{Field, Least, Record, Scalar, Shape};

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, required: false, doc }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, required: true, doc }
}

/// Words of `expect:` that stand alone.
pub(super) const EXPECTS: &[&str] = &["connect", "path", "stun", "ssh", "tls", "http", "https"];

const NAMES: Shape = Shape::List(&Shape::Scalar(Scalar::Reference));
const WORDS: Shape = Shape::OneOrMany(&Shape::Scalar(Scalar::Word));
const SOURCES: Shape = Shape::OneOrMany(&Shape::Scalar(Scalar::Reference));
const PORTS: Shape = Shape::List(&Shape::Scalar(Scalar::Port));

pub(super) static SPEC: Record = Record {
    what: "a spec",
    least: Least::Required,
    fields: &[
        required("version", Shape::Scalar(Scalar::Number(1, 1)), "The format's version: 1."),
        field(
            "networks",
            Shape::Map {
                key: Scalar::Name,
                value: &Shape::OneOrMany(&Shape::Scalar(Scalar::Block)),
            },
            "Named address blocks that can stand in `from`.",
        ),
        field(
            "profiles",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&PROFILE) },
            "Customer configurations that must all work.",
        ),
        field(
            "roles",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&ROLE) },
            "Named sets of hosts and what they must, may and must never answer.",
        ),
        field(
            "names",
            Shape::Map { key: Scalar::DnsName, value: &Shape::Record(&NAME) },
            "DNS names and where they lead.",
        ),
        field(
            "hosts",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&HOST) },
            "Hosts that no cloud API tells about.",
        ),
        field(
            "groups",
            Shape::Map { key: Scalar::GroupId, value: &Shape::Record(&GROUP) },
            "Declared contents of security groups, by group id.",
        ),
        field(
            "controls",
            Shape::List(&Shape::Record(&CONTROL)),
            "Endpoints known to answer: they prove a vantage's own way out.",
        ),
        field("waivers", Shape::List(&Shape::Record(&WAIVER)), "Accepted findings."),
    ],
};

static PROFILE: Record = Record {
    what: "a profile",
    least: Least::Required,
    fields: &[
        field("block", PORTS, "What the customer's network drops."),
        field("allow", PORTS, "All that the customer's network lets out; everything when absent."),
        field(
            "via",
            Shape::Scalar(Scalar::Reference),
            "The proxy that everything goes through: `http-connect`, `socks5`, or another name under `proxies:` of portcullis.yaml.",
        ),
        field(
            "family",
            Shape::Scalar(Scalar::Choice(&["ipv4", "ipv6"])),
            "The only address family that the customer has.",
        ),
        field(
            "mtu",
            Shape::Scalar(Scalar::Number(576, 1500)),
            "The largest packet, in bytes, that the customer's link carries.",
        ),
    ],
};

static ROLE: Record = Record {
    what: "a role",
    least: Least::Required,
    fields: &[
        required(
            "select",
            Shape::OneOrMany(&Shape::Record(&SELECTOR)),
            "Which hosts belong to it: of a list, any selector picks.",
        ),
        field("count", Shape::Record(&COUNT), "How many hosts it must have."),
        field(
            "facts",
            Shape::Map {
                key: Scalar::FactName,
                value: &Shape::Either(Scalar::Word, &Shape::Record(&FACT)),
            },
            "What its hosts must be: `\">= 8u152\"`, `\">= 1.2, < 2\"`, or a plain value, which is equality.",
        ),
        field(
            "rollout",
            Shape::Record(&ROLLOUT),
            "When the rest of the role may follow its first hosts to a new version.",
        ),
        field(
            "services",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&SERVICE) },
            "What must be reachable.",
        ),
        field("allow", Shape::List(&Shape::Record(&ALLOW)), "What may be reachable."),
        field("forbid", Shape::List(&Shape::Record(&FORBID)), "What must never be reachable."),
        field(
            "journeys",
            Shape::Map { key: Scalar::Name, value: &Shape::Record(&JOURNEY) },
            "Ways of which at least one must work for every profile.",
        ),
    ],
};

static SELECTOR: Record = Record {
    what: "a selector",
    least: Least::One,
    fields: &[
        field(
            "tags",
            Shape::Map { key: Scalar::Word, value: &Shape::Scalar(Scalar::Word) },
            "Tag keys and the pattern of each value; all must match.",
        ),
        field("names", WORDS, "Patterns of the host's id or Name tag; any must match."),
        field("accounts", Shape::OneOrMany(&Shape::Scalar(Scalar::Account)), "Account ids."),
        field("regions", WORDS, "Region names."),
        field("vpcs", WORDS, "VPC ids."),
    ],
};

static COUNT: Record = Record {
    what: "a count",
    least: Least::One,
    fields: &[
        field("min", Shape::Scalar(Scalar::Number(0, 1_000_000)), "Fewest hosts."),
        field("max", Shape::Scalar(Scalar::Number(0, 1_000_000)), "Most hosts."),
    ],
};

static FACT: Record = Record {
    what: "a fact",
    least: Least::One,
    fields: &[
        field(
            "is",
            Shape::Scalar(Scalar::Word),
            "A comparison or a range of them: `\">= 1.2, < 2\"`; a plain value is equality.",
        ),
        field("one_of", WORDS, "Must be one of these on every host."),
        field(
            "same_within",
            Shape::Scalar(Scalar::Choice(&["role"])),
            "Must be equal on every host of the role.",
        ),
        field(
            "compatible",
            Shape::List(&Shape::List(&Shape::Scalar(Scalar::Word))),
            "Sets of values that may run side by side: all hosts must be within one of them.",
        ),
        field(
            "order",
            Shape::Scalar(Scalar::Choice(&["semver", "java", "debian", "date", "hash", "text"])),
            "How its values are written; found from them when absent.",
        ),
        field(
            "max_age",
            Shape::Scalar(Scalar::Duration),
            "A value gathered longer ago counts for nothing; `limits.fact_max_age` when absent.",
        ),
    ],
};

static ROLLOUT: Record = Record {
    what: "a rollout",
    least: Least::Required,
    fields: &[
        required("fact", Shape::Scalar(Scalar::FactName), "The fact that is the version: `build`."),
        required(
            "first",
            Shape::Scalar(Scalar::Share),
            "How many live hosts may go first, and must be proven before any other follows: `1`, `10%`.",
        ),
        field(
            "soak",
            Shape::Scalar(Scalar::Duration),
            "How long each of the first must have been on the new version.",
        ),
        field(
            "min_requests",
            Shape::Scalar(Scalar::Number(1, u32::MAX)),
            "How many requests each of the first must have carried.",
        ),
        field(
            "requests",
            Shape::Scalar(Scalar::FactName),
            "The fact that counts requests, a number or its text (osquery gives all as text); `requests` when absent.",
        ),
        field(
            "since",
            Shape::Scalar(Scalar::FactName),
            "The fact that says since when a host is on its version, an instant or seconds since 1970; `FACT_since` when absent. `launch-time` fits hosts that are replaced and never upgraded.",
        ),
        field(
            "to",
            Shape::Scalar(Scalar::Word),
            "The new version, which alone is judged; when absent, each that more than `first` hosts are on.",
        ),
    ],
};

static SERVICE: Record = Record {
    what: "a service",
    least: Least::Required,
    fields: &[
        required("port", Shape::Scalar(Scalar::Port), "Protocol and ports: `tcp/443`."),
        required("from", SOURCES, "Who must reach it: `internet`, a network, a role."),
        field(
            "expect",
            Shape::Either(Scalar::Choice(EXPECTS), &Shape::Record(&EXPECT)),
            "What it must prove to be; `connect` for tcp and `path` for the rest when absent.",
        ),
    ],
};

static EXPECT: Record = Record {
    what: "an expectation",
    least: Least::ExactlyOne,
    fields: &[
        field("tls", Shape::Record(&TLS), "A TLS handshake with these properties."),
        field("http", Shape::Record(&HTTP), "An HTTP answer with these properties."),
        field("https", Shape::Record(&HTTP), "The same, over TLS."),
        field(
            "banner",
            Shape::Scalar(Scalar::Word),
            "Text that what the server says first must contain.",
        ),
    ],
};

static TLS: Record = Record {
    what: "a TLS expectation",
    least: Least::Required,
    fields: &[
        field(
            "names",
            Shape::OneOrMany(&Shape::Scalar(Scalar::DnsName)),
            "Names the certificate must cover.",
        ),
        field(
            "days_left",
            Shape::Scalar(Scalar::Number(0, 36_500)),
            "Days the certificate must still be valid.",
        ),
        field(
            "min_version",
            Shape::Scalar(Scalar::Choice(&["1.2", "1.3"])),
            "Lowest version accepted.",
        ),
        field(
            "trusted",
            Shape::Scalar(Scalar::Bool),
            "Whether the chain must lead to a trusted root.",
        ),
        field("sni", Shape::Scalar(Scalar::DnsName), "Server name to send."),
    ],
};

static HTTP: Record = Record {
    what: "an HTTP expectation",
    least: Least::Required,
    fields: &[
        field("tls", Shape::Scalar(Scalar::Bool), "Whether it is spoken over TLS."),
        field("path", Shape::Scalar(Scalar::Text), "Request path; `/` when absent."),
        field("host", Shape::Scalar(Scalar::Text), "Host header; the address when absent."),
        field(
            "status",
            Shape::OneOrMany(&Shape::Scalar(Scalar::Number(100, 599))),
            "Accepted status codes; any below 500 when absent.",
        ),
        field("body", Shape::Scalar(Scalar::Word), "Text the body must contain."),
    ],
};

static ALLOW: Record = Record {
    what: "a line of allow",
    least: Least::Required,
    fields: &[
        required(
            "port",
            Shape::Scalar(Scalar::PortOrMany),
            "Protocol and ports: `tcp/3389`; `all` is all traffic, `other` every protocol but tcp, udp, icmp and icmpv6.",
        ),
        required("from", SOURCES, "From whom: `internet`, a network, a role."),
    ],
};

static FORBID: Record = Record {
    what: "a line of forbid",
    least: Least::Required,
    fields: &[
        required("port", Shape::Scalar(Scalar::Port), "Protocol and ports: `tcp/3389`."),
        required("from", SOURCES, "From whom: `internet`, a network, a role."),
    ],
};

static JOURNEY: Record = Record {
    what: "a journey",
    least: Least::Required,
    fields: &[
        required("any_of", NAMES, "Services of the role, of which one must work."),
        field(
            "profiles",
            Shape::Either(Scalar::Choice(&["all"]), &NAMES),
            "For which profiles; all when absent.",
        ),
    ],
};

static NAME: Record = Record {
    what: "a name",
    least: Least::Required,
    fields: &[
        field("role", Shape::Scalar(Scalar::Reference), "The role its addresses belong to."),
        field("chain", Shape::Record(&CHAIN), "How it must be delegated and resolved."),
    ],
};

static CHAIN: Record = Record {
    what: "a chain",
    least: Least::One,
    fields: &[
        field("resolvers", Shape::Scalar(Scalar::Number(1, 100)), "How many resolvers must agree."),
        field(
            "max_single_provider",
            Shape::Scalar(Scalar::Number(0, 100)),
            "How many links may hang on one provider.",
        ),
    ],
};

static HOST: Record = Record {
    what: "a host",
    least: Least::Required,
    fields: &[
        required("addresses", Shape::OneOrMany(&Shape::Scalar(Scalar::Address)), "Its addresses."),
        field(
            "tags",
            Shape::Map { key: Scalar::Word, value: &Shape::Scalar(Scalar::Word) },
            "Its tags, for selectors.",
        ),
    ],
};

static GROUP: Record = Record {
    what: "a group",
    least: Least::Required,
    fields: &[
        field("name", Shape::Scalar(Scalar::Word), "Its name, for people."),
        field(
            "ingress",
            Shape::List(&Shape::Either(Scalar::Choice(&["any"]), &Shape::Record(&INGRESS))),
            "Permissions of traffic in; none when absent.",
        ),
        field(
            "egress",
            Shape::List(&Shape::Either(Scalar::Choice(&["any"]), &Shape::Record(&EGRESS))),
            "Permissions of traffic out; none when absent.",
        ),
    ],
};

const PEERS: Shape = Shape::OneOrMany(&Shape::Scalar(Scalar::Peer));

static INGRESS: Record = Record {
    what: "a permission of ingress",
    least: Least::Required,
    fields: &[
        required("port", Shape::Scalar(Scalar::PortOrAll), "Protocol and ports, or `all`."),
        required("from", PEERS, "Blocks, networks, `internet`, `sg-…`, `pl-…`, `self`."),
        field("description", Shape::Scalar(Scalar::Word), "Its description."),
    ],
};

static EGRESS: Record = Record {
    what: "a permission of egress",
    least: Least::Required,
    fields: &[
        required("port", Shape::Scalar(Scalar::PortOrAll), "Protocol and ports, or `all`."),
        required("to", PEERS, "Blocks, networks, `internet`, `sg-…`, `pl-…`, `self`."),
        field("description", Shape::Scalar(Scalar::Word), "Its description."),
    ],
};

static CONTROL: Record = Record {
    what: "a control",
    least: Least::Required,
    fields: &[
        required("address", Shape::Scalar(Scalar::Address), "Its address."),
        required("port", Shape::Scalar(Scalar::Port), "Protocol and one port: `tcp/443`."),
    ],
};

static WAIVER: Record = Record {
    what: "a waiver",
    least: Least::Required,
    fields: &[
        required("finding", Shape::Scalar(Scalar::Name), "The rule's id: `latent-exposure`."),
        required(
            "endpoint",
            Shape::Scalar(Scalar::Text),
            "The finding's subject as reports print it: `i-0abc tcp/8080`.",
        ),
        field(
            "source",
            Shape::Scalar(Scalar::Reference),
            "The finding's source, where it has one.",
        ),
        required("owner", Shape::Scalar(Scalar::Text), "Who answers for it."),
        required("reason", Shape::Scalar(Scalar::Text), "Why it is accepted."),
        required("until", Shape::Scalar(Scalar::Instant), "When it ends, an instant in UTC."),
    ],
};
