use crate::snapshot::Tag;
use aws_sdk_ec2::types as ec2;
use std::fmt;
use std::str::FromStr;

/// Why a row of an answer could not be read; the row is left out and the call is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(String);

impl Malformed {
    pub(super) fn new(field: &str, text: &str) -> Self {
        // Text from outside, cut short: it ends up in the snapshot and from there in reports.
        let text: String = text.chars().take(60).collect();
        Self(format!("{field} {text:?}"))
    }

    /// Names the row that the field stands in.
    pub(super) fn within(self, row: &str) -> Self {
        Self(format!("{row}: {}", self.0))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

/// Reads an optional field; an absent and an empty one are the same.
pub(super) fn parsed<T: FromStr>(field: &str, text: Option<&str>) -> Result<Option<T>, Malformed> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Malformed::new(field, text)),
    }
}

/// Reads a list of which every item must hold `field`.
pub(super) fn each<'a, S: 'a, T: FromStr>(
    field: &str,
    items: &'a [S],
    text: impl Fn(&'a S) -> Option<&'a str>,
) -> Result<Vec<T>, Malformed> {
    items
        .iter()
        .map(|item| parsed(field, text(item))?.ok_or_else(|| Malformed::new(field, "")))
        .collect()
}

/// The id of a row, without which it is no row.
pub(super) fn id(field: &str, text: Option<&str>) -> Result<String, Malformed> {
    text.filter(|t| !t.is_empty()).map(str::to_owned).ok_or_else(|| Malformed::new(field, ""))
}

/// A port that the API gives as a signed number.
pub(super) fn port(field: &str, number: Option<i32>) -> Result<Option<u16>, Malformed> {
    number.map(|n| u16::try_from(n).map_err(|_| Malformed::new(field, &n.to_string()))).transpose()
}

/// An optional text; an absent and an empty one are the same.
pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// A tag of any service.
pub(super) fn tag(key: Option<&str>, value: Option<&str>) -> Tag {
    Tag { key: key.unwrap_or_default().into(), value: value.unwrap_or_default().into() }
}

/// The tags of an EC2 row.
pub(super) fn tags(tags: &[ec2::Tag]) -> Vec<Tag> {
    tags.iter().map(|t| tag(t.key(), t.value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn an_empty_field_is_absent_and_a_wrong_one_is_named() {
        assert_eq!(parsed::<IpAddr>("PublicIp", Some("")), Ok(None));
        let wrong = parsed::<IpAddr>("PublicIp", Some("not\u{1b}[31m")).unwrap_err();
        assert_eq!(wrong.to_string(), r#"malformed PublicIp "not\u{1b}[31m""#);
        assert!(id("VpcId", Some("")).is_err());
        assert!(port("Port", Some(65_536)).is_err());
    }
}
