use std::fmt;

/// One fact of a row or a case, as rules see it in `if:` and in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<String>),
}

/// Gives facts by name. Asked only for the names that a rule uses.
pub trait Facts {
    /// The fact of a documented name; `None` for any other name.
    fn fact(&self, name: &str) -> Option<Fact>;
}

/// The documentation of a fact: its name, an example that gives its type, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct FactDoc {
    pub name: &'static str,
    pub sample: Sample,
    pub doc: &'static str,
}

/// The type of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    Text,
    Number,
    Flag,
    List,
}

macro_rules! facts {
    ($(#[$doc:meta])* $list:ident: $($name:literal $sample:ident $text:literal),* $(,)?) => {
        $(#[$doc])*
        pub const $list: &[FactDoc] =
            &[$(FactDoc { name: $name, sample: Sample::$sample, doc: $text }),*];
    };
}

facts! {
    /// The facts of a row: what `if:` and `message:` of an exposure rule may name.
    EXPOSURE_FACTS:
    "subject" Text "host and ports, as waivers name it: `i-0abc tcp/8080`",
    "host" Text "host id",
    "roles" List "roles of the host, sorted; empty for a host of no role",
    "address" Text "the address judged",
    "public" Flag "whether the address lies outside every private block",
    "family" Text "` over IPv4` or ` over IPv6`, where the other one fares differently; empty otherwise",
    "interface" Text "network interface id; empty for a host outside any cloud",
    "protocol" Text "`tcp`, `udp`, `icmp`, `icmpv6` or a number",
    "ports" Text "the ports, as in `tcp/22,80-90`",
    "first_port" Number "the lowest port",
    "last_port" Number "the highest port",
    "port_count" Number "how many ports",
    "admin_port" Flag "whether a port that gives administration of a machine is among them",
    "source" Text "`internet`, a network or a role",
    "declared" Text "`required`, `allowed`, `absent`, `forbidden`",
    "configured" Text "`permitted`, `partly`, `blocked`, `unknown`, `not-applicable`",
    "observed" Text "`open-confirmed`, `open-unconfirmed`, `wrong-service`, `refused` (by the target itself), `refused-unplaced` (by it or by something before it), `rejected`, `unreachable`, `silent`, `unproven`, `failed`, `unprobed`",
    "saw" Text "what the vantages saw, in words",
    "probed" Number "how many of the ports were probed",
    "service" Text "name of the declared service; empty where none is",
    "expects" Text "what the service must prove: `stun`, `ssh`, `tls`, `http`, `https`, `banner`, `connect`, `path`",
    "layer" Text "the layer of the configuration that decides: `security-group`, `network-acl`, …",
    "decided_by" Text "the resource that decides and its line, in words",
    "lets_in" Text "for `permitted` and `partly`: what lets in, and for `partly` what takes a part away, as a clause; empty otherwise",
    "refusal" Text "for a refusal: what it means, by who is known to have sent it; empty otherwise",
    "clients" Text "for `partly`: the clients that get an answer, in words; empty otherwise",
}

facts! {
    /// The facts of a case: what `if:` and `message:` of the other kinds of rule may name.
    CASE_FACTS:
    "subject" Text "what it is about, as waivers name it: `role video`, `sg-0a1b2c`",
    "case" Text "the case",
    "role" Text "the role; empty where none is concerned",
    "group" Text "the security group; empty where none is concerned",
    "count" Number "how many hosts, permissions or differences there are",
    "limit" Number "how many there must or may be; 0 where nothing says",
    "detail" Text "what is wrong, in words",
    "fact" Text "the fact of a host that is concerned: `jdk`, `image`; empty where none is",
    "value" Text "the value of that fact, where one host is concerned",
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(n) => write!(f, "{n}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(list) => f.write_str(&list.join(", ")),
        }
    }
}

impl Sample {
    /// A value of the type, for trying an expression when it is loaded.
    pub(super) fn value(self) -> Fact {
        match self {
            Self::Text => Fact::Text("text".into()),
            Self::Number => Fact::Number(1),
            Self::Flag => Fact::Flag(false),
            Self::List => Fact::List(vec!["text".into()]),
        }
    }

    /// The type's name in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "int",
            Self::Flag => "bool",
            Self::List => "list of strings",
        }
    }
}
