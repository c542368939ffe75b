use serde_json::Value;
use std::collections::BTreeMap;

/// Twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `us-east-1`, `us-gov-west-1`, `ap-southeast-2`, `us-iso-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase());
    let Some((last, words)) = parts.split_last() else { return false };
    (2..=3).contains(&words.len())
        && words[0].len() == 2
        && words.iter().all(letters)
        && words[words.len() - 1].len() >= 4
        && last.len() == 1
        && last.bytes().all(|b| b.is_ascii_digit())
}

/// A region inside a file's name: `sg-us-east-1.json`.
pub(super) fn region_in(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    for width in [4, 3] {
        for window in words.windows(width) {
            let candidate = window.join("-");
            if is_region(&candidate) && text.contains(&candidate) {
                return Some(candidate);
            }
        }
    }
    None
}

/// Accounts and regions that rows speak of, counted: the most frequent names the place.
#[derive(Debug, Default)]
pub(super) struct Votes {
    accounts: BTreeMap<String, u32>,
    regions: BTreeMap<String, u32>,
}

impl Votes {
    /// Counts one row's owner, zone and ARNs.
    pub(super) fn count(&mut self, row: &Value) {
        let Value::Object(fields) = row else { return };
        for (key, value) in fields {
            let Value::String(text) = value else { continue };
            match key.as_str() {
                "OwnerId" | "Account" if is_account(text) => self.account(text),
                "AvailabilityZone" | "ZoneName" => {
                    let region = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
                    self.region(region);
                }
                key if key.ends_with("Arn") || key.ends_with("ARN") => {
                    let mut parts = text.split(':').skip(3);
                    self.region(parts.next().unwrap_or_default());
                    if let Some(account) = parts.next().filter(|a| is_account(a)) {
                        self.account(account);
                    }
                }
                _ => {}
            }
        }
    }

    /// The caller's own account outweighs any row.
    pub(super) fn caller(&mut self, account: &str) {
        if is_account(account) {
            *self.accounts.entry(account.into()).or_default() += 1 << 20;
        }
    }

    fn account(&mut self, account: &str) {
        *self.accounts.entry(account.into()).or_default() += 1;
    }

    fn region(&mut self, region: &str) {
        if is_region(region) {
            *self.regions.entry(region.into()).or_default() += 1;
        }
    }

    /// The account most rows belong to.
    pub(super) fn best_account(&self) -> Option<String> {
        best(&self.accounts)
    }

    /// The region most rows lie in.
    pub(super) fn best_region(&self) -> Option<String> {
        best(&self.regions)
    }
}

/// The name counted most, the first in order among equals.
fn best(counts: &BTreeMap<String, u32>) -> Option<String> {
    let most = counts.values().max()?;
    counts.iter().find(|(_, n)| *n == most).map(|(name, _)| name.clone())
}
