//! The format as data: one table that the decoder, the suggestions and the JSON Schema share, so
//! that none of them can drift from the others.

/// The form of a value.
#[derive(Debug)]
pub(super) enum Shape {
    /// One scalar.
    Scalar(Scalar),
    /// A list; empty only where the flag says so.
    List(&'static Shape),
    /// One value, or a list of at least one.
    OneOrMany(&'static Shape),
    /// A map of names that people choose.
    Map { key: Scalar, value: &'static Shape },
    /// A map of known keys.
    Record(&'static Record),
    /// A scalar, or something that is none.
    Either(Scalar, &'static Shape),
}

/// A map of known keys.
#[derive(Debug)]
pub(super) struct Record {
    /// What it is, for messages: `a service`.
    pub(super) what: &'static str,
    pub(super) fields: &'static [Field],
    /// Groups of which at most one key may stand, and one must: `[["names"], ...]`.
    pub(super) least: Least,
}

/// How many of a record's keys must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    /// Only the required ones.
    Required,
    /// Any one at least.
    One,
    /// Exactly one.
    ExactlyOne,
}

/// One known key.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    /// One sentence, for the schema.
    pub(super) doc: &'static str,
}

/// What a scalar must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    /// Text: a bare number or boolean must be quoted.
    Text,
    /// Any scalar, taken as written.
    Word,
    /// A name that other parts refer to.
    Name,
    /// The name of a fact: a name, or `tag:KEY`.
    FactName,
    /// `3` hosts or `10%`.
    Share,
    /// A network's, role's or profile's name, or a word with a meaning of its own.
    Reference,
    /// A DNS name.
    DnsName,
    /// `tcp/443`, `udp/40000-49999`, `icmp/echo`, `tcp`.
    Port,
    /// The same, or `all`.
    PortOrAll,
    /// The same, `all`, or `other`: every protocol but tcp, udp, icmp and icmpv6.
    PortOrMany,
    /// A CIDR block or an address.
    Block,
    /// An IP address.
    Address,
    /// A peer of a permission: a block, a name, `sg-…`, `pl-…`, `self`.
    Peer,
    /// `2026-12-31T00:00:00Z`.
    Instant,
    /// `90s`, `15m`, `1h`, `7d`.
    Duration,
    /// A whole number from the first to the second.
    Number(u32, u32),
    Bool,
    /// A group id.
    GroupId,
    /// Twelve digits.
    Account,
    /// `arn:…:role/…`.
    RoleArn,
    /// `host:port`.
    HostPort,
    /// One of these words.
    Choice(&'static [&'static str]),
}
