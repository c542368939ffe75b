use super::file::{QuorumFile, TrustFile};
use super::parties::{All, Listed};
use super::{Kind, Quorum, Quorums, Trust, TrustError};
use crate::cleanup::{Digest, Reason};
use crate::spec::duration;
use serde_saphyr::{Location, Spanned};

/// The longest file: a party takes about 300 bytes.
const MAX_BYTES: usize = 1024 * 1024;

pub(super) fn load(bytes: &[u8]) -> Result<Trust, TrustError> {
    let file = read(bytes)?;
    if file.version.value != 1 {
        return wrong(&file.version, "version: 1 is the only one there is");
    }
    let mut all = All::default();
    for (name, person) in &file.people {
        let kind = Kind::Person { team: person.value.team.clone() };
        if person.value.team.trim().is_empty() {
            return wrong(person, format!("{name} has no team"));
        }
        let it = &person.value;
        let (roles, also) = (&it.roles, &it.also);
        let listed = Listed { roles, also, keys: &it.keys, certificates: &it.certificates };
        all.add(name, kind, &listed, person.defined)?;
    }
    for (name, workload) in &file.workloads {
        let it = &workload.value;
        let (roles, also) = (&it.roles, &it.also);
        let listed = Listed { roles, also, keys: &it.keys, certificates: &it.certificates };
        all.add(name, Kind::Workload, &listed, workload.defined)?;
    }
    let parties = all.apart()?;
    let approval_lasts = match duration(&file.approval_lasts.value) {
        Some(lasts) if lasts.is_positive() => lasts,
        _ => return wrong(&file.approval_lasts, "approval_lasts is a time such as 24h"),
    };
    if file.revoked.value.trim().is_empty() {
        return wrong(&file.revoked, "revoked names the file of revoked keys; it may be empty");
    }
    let small = &file.quorum.reversible;
    let first = QuorumFile {
        people: small.value.people,
        teams: small.value.teams,
        hardware: small.value.hardware,
    };
    let row = |name, row: &Spanned<QuorumFile>, least| quorum(name, &row.value, row.defined, least);
    let quorums = Quorums {
        reversible: quorum("reversible", &first, small.defined, 1)?,
        up_to: small.value.up_to,
        reversible_large: row("reversible_large", &file.quorum.reversible_large, 1)?,
        exposing: row("exposing", &file.quorum.exposing, 1)?,
        // What nobody can take back is no one person's to decide.
        irreversible: row("irreversible", &file.quorum.irreversible, 2)?,
        trust_change: row("trust_change", &file.quorum.trust_change, 1)?,
    };
    Ok(Trust {
        digest: Digest::of(bytes),
        parties,
        quorums,
        pin: file.hardware.pin,
        approval_lasts,
        revoked: file.revoked.value,
        follows: file.follows,
    })
}

pub(super) fn at<T>(place: Location, says: impl Into<String>) -> Result<T, TrustError> {
    refuse(Reason::TrustInvalid, place, says)
}

pub(super) fn wrong<T, U>(value: &Spanned<U>, says: impl Into<String>) -> Result<T, TrustError> {
    at(value.defined, says)
}

pub(super) fn refuse<T>(
    reason: Reason,
    place: Location,
    says: impl Into<String>,
) -> Result<T, TrustError> {
    Err(TrustError { reason, line: place.line(), column: place.column(), says: says.into() })
}

fn read(bytes: &[u8]) -> Result<TrustFile, TrustError> {
    if bytes.len() > MAX_BYTES {
        return at(Location::UNKNOWN, format!("it is longer than {MAX_BYTES} bytes"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return at(Location::UNKNOWN, "it is not UTF-8");
    };
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_events: 200_000, max_depth: 16 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let says = error.without_snippet().to_string();
        let says = says.split_whitespace().collect::<Vec<_>>().join(" ");
        // The library ends its messages with the place, which stands at the front already.
        let says = says.rsplit_once(" at line ").map_or(says.as_str(), |(m, _)| m).to_owned();
        TrustError {
            reason: Reason::TrustInvalid,
            line: place.line(),
            column: place.column(),
            says,
        }
    })
}

fn quorum(
    name: &str,
    file: &QuorumFile,
    place: Location,
    least: u32,
) -> Result<Quorum, TrustError> {
    let it = Quorum { people: file.people, teams: file.teams, hardware: file.hardware };
    if it.people < least {
        return at(place, format!("quorum.{name}: people is at least {least}"));
    }
    if it.teams < 1 || it.teams > it.people || it.hardware > it.people {
        return at(
            place,
            format!("quorum.{name}: teams is 1 to {}, hardware 0 to {}", it.people, it.people),
        );
    }
    Ok(it)
}
