use super::{Minimum, Notify, Policy, SourceLimits, StratumLimits};
use crate::cleanup::plan::{Limits, Places};
use crate::cleanup::{Digest, ItemRef};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_saphyr::Location;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: Version,
    limits: FileLimits,
    sources: FileSources,
    #[serde(default)]
    strata: FileStrata,
    minimum: FileMinimum,
    #[serde(default)]
    dead_controls: BTreeSet<ItemRef>,
    #[serde(default)]
    notify: Option<Notify>,
    #[serde(default)]
    places: Places,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    max_items: u32,
    max_items_per_day: u32,
    max_percent_stratum: Percent,
    max_percent_total: Percent,
    ramp: Steps<Step>,
    soak: Steps<Seconds>,
    max_retries: u32,
    quarantine: Seconds,
    deadline: Seconds,
    valid: Seconds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSources {
    floor: u64,
    #[serde(default)]
    floors: BTreeMap<String, u64>,
    delta: Percent,
    max_age: Seconds,
    max_ahead: Seconds,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileStrata {
    max_values: Option<AtLeast<50>>,
    share_from: Option<AtMost<3>>,
    share: Option<PercentAtMost<55>>,
    fisher_from: Option<AtMost<5>>,
    fisher_p: Option<Chance>,
    unknown: Option<PercentAtMost<2>>,
    live_controls: Option<AtLeast<10>>,
    ignore: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileMinimum {
    any: u32,
    #[serde(default)]
    sets: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        if n == 1 { Ok(Self) } else { Err(format!("use version {n}: this reads version 1")) }
    }
}

/// Hundredths, as `5` or `5%`.
struct Percent(u32);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Hundredths;
        impl Visitor<'_> for Hundredths {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hundredths from 0 to 100, as 5 or 5%")
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Percent, E> {
                u32::try_from(n).ok().filter(|n| *n <= 100).map(Percent).ok_or_else(|| {
                    E::custom(format!("use {n} %: write hundredths from 0 to 100, as 5 or 5%"))
                })
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Percent, E> {
                let Ok(n) = u64::try_from(n) else {
                    return Err(E::custom(format!("use {n} %: 0 is the least, and means none")));
                };
                self.visit_u64(n)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
                match digits.parse::<i64>() {
                    Ok(n) => self.visit_i64(n),
                    Err(_) => Err(E::custom(format!(
                        "use {text:?}: write hundredths from 0 to 100, as 5 or 5%"
                    ))),
                }
            }
        }
        from.deserialize_any(Hundredths)
    }
}

/// `0s`, `90s`, `15m`, `1h`, `7d`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Seconds(pub(super) u64);

impl TryFrom<String> for Seconds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("use {text:?}: write a time with its unit, as 90s, 15m, 1h or 7d");
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || digits.len() > 7 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        digits.parse::<u64>().map(|n| Self(n * unit)).map_err(|_| wrong())
    }
}

/// A batch's items: at least one, or else the ramp would never end.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Step(u32);

impl TryFrom<u32> for Step {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        match n {
            0 => Err("use a batch of 0 items: to do nothing, write `max_items: 0`".into()),
            n => Ok(Self(n)),
        }
    }
}

/// A list that says something.
#[derive(Deserialize)]
#[serde(try_from = "Vec<T>", bound = "T: Deserialize<'de>")]
struct Steps<T>(Vec<T>);

impl<T> TryFrom<Vec<T>> for Steps<T> {
    type Error = String;

    fn try_from(list: Vec<T>) -> Result<Self, String> {
        if list.is_empty() { Err("use an empty list here".into()) } else { Ok(Self(list)) }
    }
}

/// A number that may only be raised from what is built in.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct AtLeast<const LEAST: u32>(u32);

impl<const LEAST: u32> TryFrom<u32> for AtLeast<LEAST> {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        if n >= LEAST {
            Ok(Self(n))
        } else {
            Err(format!("use {n}: {LEAST} is built in, a policy may only tighten it"))
        }
    }
}

/// A number that may only be lowered from what is built in.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct AtMost<const MOST: u32>(u32);

impl<const MOST: u32> TryFrom<u32> for AtMost<MOST> {
    type Error = String;

    fn try_from(n: u32) -> Result<Self, String> {
        if n <= MOST {
            Ok(Self(n))
        } else {
            Err(format!("use {n}: {MOST} is built in, a policy may only tighten it"))
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Percent")]
struct PercentAtMost<const MOST: u32>(u32);

impl<const MOST: u32> TryFrom<Percent> for PercentAtMost<MOST> {
    type Error = String;

    fn try_from(Percent(n): Percent) -> Result<Self, String> {
        AtMost::<MOST>::try_from(n).map(|n| Self(n.0))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(try_from = "f64")]
struct Chance(f64);

impl TryFrom<f64> for Chance {
    type Error = String;

    fn try_from(p: f64) -> Result<Self, String> {
        let least = StratumLimits::DEFAULT.fisher_p;
        // A larger chance holds more; a NaN is in no range.
        if (least..=1.0).contains(&p) {
            Ok(Self(p))
        } else {
            Err(format!("use {p}: {least} is built in, a policy may only tighten it, up to 1"))
        }
    }
}

/// What is wrong, from the colon after the file's name on.
pub(super) fn read(bytes: &[u8]) -> Result<Policy, String> {
    if bytes.len() > super::MAX_BYTES {
        return Err(format!(": it is longer than {} bytes", super::MAX_BYTES));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ": it is not UTF-8".to_owned())?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_events: 20_000, max_depth: 16 },
        with_snippet: false,
    };
    let file: File = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let said = error.without_snippet().to_string();
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        // The library ends its messages with the place, which stands at the front already.
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(m, _)| m);
        let cannot = if said.starts_with("use ") { "cannot " } else { "" };
        format!(":{}:{}: {cannot}{said}", place.line(), place.column())
    })?;
    let FileLimits {
        max_items,
        max_items_per_day,
        max_percent_stratum,
        max_percent_total,
        ramp,
        soak,
        max_retries,
        quarantine,
        deadline,
        valid,
    } = file.limits;
    let default = StratumLimits::DEFAULT;
    let strata = file.strata;
    Ok(Policy {
        digest: Digest::of(bytes),
        limits: Limits {
            max_items,
            max_items_per_day,
            max_percent_stratum: max_percent_stratum.0,
            max_percent_total: max_percent_total.0,
            ramp: ramp.0.into_iter().map(|s| s.0).collect(),
            soak_s: soak.0.into_iter().map(|s| s.0).collect(),
            max_retries,
            quarantine_s: quarantine.0,
            deadline_s: deadline.0,
            owners_told: file.notify.as_ref().is_some_and(|n| n.require),
        },
        valid_s: valid.0,
        sources: SourceLimits {
            floor: file.sources.floor,
            floors: file.sources.floors,
            delta_percent: file.sources.delta.0,
            max_age_s: file.sources.max_age.0,
            max_ahead_s: file.sources.max_ahead.0,
        },
        strata: StratumLimits {
            max_values: strata.max_values.map_or(default.max_values, |n| n.0 as usize),
            share_from: strata.share_from.map_or(default.share_from, |n| n.0),
            share_percent: strata.share.map_or(default.share_percent, |n| n.0),
            fisher_from: strata.fisher_from.map_or(default.fisher_from, |n| n.0),
            fisher_p: strata.fisher_p.map_or(default.fisher_p, |p| p.0),
            unknown_percent: strata.unknown.map_or(default.unknown_percent, |n| n.0),
            live_controls: strata.live_controls.map_or(default.live_controls, |n| n.0),
            ignore: strata.ignore,
        },
        minimum: Minimum { any: file.minimum.any, sets: file.minimum.sets },
        dead_controls: file.dead_controls,
        notify: file.notify,
        places: file.places,
    })
}
