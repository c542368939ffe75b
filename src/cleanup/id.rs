use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// `sha256:` and 64 lower-case hex digits, of bytes as they are stored: nothing is made canonical.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let hash = Sha256::digest(bytes);
        Self(hash.iter().fold(String::from("sha256:"), |text, byte| format!("{text}{byte:02x}")))
    }

    /// The digits alone.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }

    /// The name of a plan's folder: without the colon, which not every file system takes.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("sha256-{}", self.hex())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Digest {
    type Err = String;

    /// Reads `sha256:HEX` and the folder's spelling `sha256-HEX`.
    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha256-"));
        match hex {
            Some(hex)
                if hex.len() == 64
                    && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) =>
            {
                Ok(Self(format!("sha256:{hex}")))
            }
            _ => Err(format!("{text:?} is no digest: write sha256: and 64 hex digits")),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// One thing of the world, by what never changes of it: its type and its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRef {
    /// As the adapter calls it: `servo`, `AWS::EC2::Instance`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The provider's own id, never a name that another thing may get.
    pub id: String,
}

impl fmt::Display for ItemRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Where a plan may act: compared with who-am-I before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `aws`, or what the adapter calls its world.
    pub provider: String,
    /// AWS partition (`aws`, `aws-cn`); empty where there is none.
    #[serde(default)]
    pub partition: String,
    /// Account, environment, tenant: what must not be mixed up.
    pub account: String,
    /// Regions it reaches; empty where the provider has none.
    #[serde(default)]
    pub regions: BTreeSet<String>,
    /// What of it is cleaned up: two plans of one scope supersede each other.
    pub scope: String,
}
