use super::statement::{Statement, bytes, subject};
use super::{Host, MAX_BYTES, Outcome, PREDICATE_TYPE, STATEMENT_TYPE};
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::net::IpAddr;

/// Clocks of two machines may differ by this much before a time counts as one of the future.
pub(super) const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What another tool demands of an attestation before it acts on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demand<'a> {
    /// The host it is about to put into rotation, by the id that the attestation has for it; without
    /// one, every host of it must pass.
    pub host: Option<&'a str>,
    pub role: Option<&'a str>,
    /// The digest of the spec that must have been gated by.
    pub spec: Option<&'a str>,
    pub snapshot: Option<&'a str>,
    pub config: Option<&'a str>,
    /// What it may have left out or let pass, by name: anything else that it waived refuses it.
    pub accept: &'a [String],
    /// The oldest answer that counts, whatever expiry it gave itself.
    pub max_age: Option<SignedDuration>,
}

/// An attestation that says PASS for what was demanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Hosts that pass, sorted.
    pub hosts: Vec<String>,
    pub role: String,
    pub at: Timestamp,
    pub expires: Timestamp,
    /// What it left out or let pass, each accepted by whoever asks.
    pub waived: Vec<String>,
    /// `name (addresses)` of the places probed from.
    pub vantages: Vec<String>,
}

/// Why an attestation is no yes. Fits after "the attestation is refused: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Unreadable(String),
    /// It is a statement about something else.
    Kind(String),
    NotThisHost {
        want: String,
        has: Vec<String>,
        /// Those of them that have it as an address. An address can be another machine's by now, so
        /// that what was proven of its holder says nothing of whoever has it.
        holders: Vec<String>,
    },
    NotThisRole {
        want: String,
        has: String,
    },
    Hold {
        host: String,
        reasons: Vec<String>,
    },
    Nobody,
    Future {
        at: Timestamp,
    },
    Expired {
        at: Timestamp,
    },
    TooOld {
        at: Timestamp,
        max_age: SignedDuration,
    },
    /// It passed because something was left out or let pass.
    Weaker {
        waived: Vec<String>,
    },
    /// It was gated by another spec, snapshot or configuration.
    Digest {
        what: &'static str,
        want: String,
        has: Option<String>,
    },
}

/// Judges the bytes of an attestation whose signature counts.
///
/// # Errors
/// The first reason, in the order in which they are listed, why it is no yes.
pub fn accept(text: &[u8], demand: &Demand<'_>, now: Timestamp) -> Result<Accepted, Refused> {
    let it = read(text)?;
    let predicate = &it.predicate;
    if let Some(want) = demand.role
        && want != predicate.role
    {
        return Err(Refused::NotThisRole { want: want.into(), has: predicate.role.clone() });
    }
    let asked: Vec<_> =
        predicate.hosts.iter().filter(|h| demand.host.is_none_or(|want| want == h.host)).collect();
    match (asked.is_empty(), demand.host) {
        (true, Some(want)) => {
            let names = |those: &dyn Fn(&&Host) -> bool| {
                predicate.hosts.iter().filter(those).map(|h| h.host.clone()).collect()
            };
            let address = want.parse::<IpAddr>().ok().map(|a| a.to_canonical());
            return Err(Refused::NotThisHost {
                want: want.into(),
                has: names(&|_| true),
                holders: names(&|h| address.is_some_and(|a| h.addresses.contains(&a))),
            });
        }
        (true, None) => return Err(Refused::Nobody),
        _ => {}
    }
    if predicate.at > now + SKEW {
        return Err(Refused::Future { at: predicate.at });
    }
    if now >= predicate.expires {
        return Err(Refused::Expired { at: predicate.expires });
    }
    if let Some(max_age) = demand.max_age
        && now.duration_since(predicate.at) > max_age
    {
        return Err(Refused::TooOld { at: predicate.at, max_age });
    }
    let has = |it: &Option<super::statement::Sha256>| it.as_ref().map(|d| d.sha256.clone());
    for (what, want, has) in [
        ("spec", demand.spec, Some(predicate.spec.sha256.clone())),
        ("snapshot", demand.snapshot, has(&predicate.snapshot)),
        ("configuration", demand.config, has(&predicate.config)),
    ] {
        if let Some(want) = want
            && has.as_deref() != Some(want)
        {
            return Err(Refused::Digest { what, want: want.into(), has });
        }
    }
    let weaker = predicate.waived.iter().filter(|w| !demand.accept.contains(w)).cloned();
    let waived: Vec<String> = weaker.collect();
    if !waived.is_empty() {
        return Err(Refused::Weaker { waived });
    }
    if let Some(host) = asked.iter().find(|h| h.answer != Outcome::Pass) {
        return Err(Refused::Hold { host: host.host.clone(), reasons: host.reasons.clone() });
    }
    Ok(Accepted {
        hosts: asked.iter().map(|h| h.host.clone()).collect(),
        role: predicate.role.clone(),
        at: predicate.at,
        expires: predicate.expires,
        waived: predicate.waived.clone(),
        vantages: predicate
            .vantages
            .iter()
            .map(|v| {
                let seen: Vec<String> = v.outside.iter().map(ToString::to_string).collect();
                format!("{} ({})", v.name, seen.join(", "))
            })
            .collect(),
    })
}

/// Whether bytes are an attestation of a gate, right or wrong.
#[must_use]
pub fn is_one(text: &[u8]) -> bool {
    let it: Option<serde_json::Value> = serde_json::from_slice(text).ok();
    it.is_some_and(|it| it.get("predicateType").is_some_and(|kind| kind == PREDICATE_TYPE))
}

/// Reads a statement of ours, whole and as we write it: what two readers could read in two ways (a
/// key that stands twice) is refused with everything else that is not canonical.
fn read(text: &[u8]) -> Result<Statement, Refused> {
    if text.len() > MAX_BYTES {
        return Err(Refused::Unreadable(format!("it is longer than {MAX_BYTES} bytes")));
    }
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| Refused::Unreadable(e.to_string()))?;
    for (key, want) in [("_type", STATEMENT_TYPE), ("predicateType", PREDICATE_TYPE)] {
        let has = value.get(key).and_then(serde_json::Value::as_str).unwrap_or("none");
        if has != want {
            return Err(Refused::Kind(format!("its {key} is {has:?}, not {want:?}")));
        }
    }
    let it: Statement =
        serde_json::from_value(value).map_err(|e| Refused::Unreadable(e.to_string()))?;
    if bytes(&it) != text {
        return Err(Refused::Unreadable("it is not in the canonical form that gate writes".into()));
    }
    let named: Vec<_> = it.predicate.hosts.iter().map(|h| subject(h, &it.predicate.role)).collect();
    if named != it.subject {
        return Err(Refused::Unreadable("its subjects are not the hosts it speaks of".into()));
    }
    Ok(it)
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it is no whole attestation: {why}"),
            Self::Kind(why) => write!(f, "it states something else: {why}"),
            Self::NotThisHost { want, has, holders } if holders.is_empty() => {
                write!(f, "it says nothing of {want}, only of {}", has.join(", "))
            }
            Self::NotThisHost { want, holders, .. } => write!(
                f,
                "it speaks of {want} only as an address of {}, and an address can move to another \
                 machine: ask for the host by its id",
                holders.join(", ")
            ),
            Self::NotThisRole { want, has } => {
                write!(f, "it is about the role {has:?}, not {want:?}")
            }
            Self::Hold { host, reasons } if reasons.is_empty() => write!(f, "{host} is on HOLD"),
            Self::Hold { host, reasons } => {
                write!(f, "{host} is on HOLD: {}", reasons.join("; "))
            }
            Self::Nobody => f.write_str("it names no host"),
            Self::Future { at } => write!(
                f,
                "it was made at {at}, which is yet to come: one of the two clocks is wrong"
            ),
            Self::Expired { at } => write!(f, "it expired at {at}"),
            Self::TooOld { at, max_age } => {
                write!(f, "it was made at {at}, longer than {max_age:#} ago")
            }
            Self::Weaker { waived } => {
                let waived = waived.join(", ");
                write!(
                    f,
                    "the gate was told to leave out or to let pass: {waived}; what is meant is taken with --accept"
                )
            }
            Self::Digest { what, want, has } => {
                let has = has.as_deref().unwrap_or("none");
                write!(f, "it was gated by another {what}: sha256 {has}, not {want}")
            }
        }
    }
}

impl std::error::Error for Refused {}
