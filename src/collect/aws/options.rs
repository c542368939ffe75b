use crate::model::Stop;
use crate::snapshot::{Call, CallKind};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Requests per second and account, region and service, where nothing else is asked for. EC2 gives
/// every single read operation a bucket of its own that refills by 10 to 20 a second; this is for
/// all operations together, so that most of each bucket is left to those who run the account.
pub const POLITE_RATE: f64 = 10.0;

/// Regions and accounts read at once, where nothing else is asked for.
pub const CONCURRENCY: usize = 8;

/// What to collect, and how fast.
#[derive(Debug, Clone)]
pub struct Options {
    /// Written into the snapshot; the only part of it that does not come from the cloud.
    pub taken_at: Timestamp,
    /// Whose accounts to read; none means the one of the default credentials.
    pub accounts: Vec<Account>,
    /// Regions to read in each account that names none itself; none means the default region.
    pub regions: Vec<String>,
    /// Requests per second and account, region and service; 0 is unlimited.
    pub rate: f64,
    /// Regions, over all accounts, read at once; at least 1.
    pub concurrency: usize,
    /// The calls to make, with those that they need; `None` makes all but those that are
    /// [made on request](CallKind::on_request). What is not made is
    /// [`Missing`](crate::snapshot::Outcome::Missing), never empty.
    pub only: Option<Arc<BTreeSet<CallKind>>>,
    /// The instances whose traffic is read where that is asked for, because it is billed by the metric;
    /// `None` reads that of every running one.
    pub traffic_of: Option<Arc<BTreeSet<String>>>,
    /// Instances whose traffic is read although they are stopped: what a quarantine stopped may have run
    /// since.
    pub stopped_too: Arc<BTreeSet<String>>,
    /// Raised, it ends the collection within a moment, without a snapshot.
    pub stop: Stop,
}

impl Options {
    /// The account of the default credentials in its default region, politely.
    #[must_use]
    pub fn new(taken_at: Timestamp) -> Self {
        Self {
            taken_at,
            accounts: Vec::new(),
            regions: Vec::new(),
            rate: POLITE_RATE,
            concurrency: CONCURRENCY,
            only: None,
            traffic_of: None,
            stopped_too: Arc::default(),
            stop: Stop::default(),
        }
    }
}

/// One account to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits. When given, credentials that turn out to be another account's are not used.
    pub id: Option<String>,
    /// The profile whose credentials are used in place of the default ones.
    pub profile: Option<String>,
    /// Role to assume with these credentials; `None` uses these themselves.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// Regions to read in this account; none means those of [`Options::regions`].
    pub regions: Vec<String>,
}

impl Account {
    /// The account that a role lies in.
    ///
    /// # Errors
    /// When `arn` is not the ARN of a role.
    pub fn of_role(arn: &str) -> Result<Self, NotARole> {
        let mut parts = arn.splitn(6, ':');
        let parts: [Option<&str>; 6] = std::array::from_fn(|_| parts.next());
        match parts {
            [Some("arn"), Some(_), Some("iam"), Some(_), Some(id), Some(role)]
                if is_account(id) && role.starts_with("role/") =>
            {
                Ok(Self { id: Some(id.into()), role_arn: Some(arn.into()), ..Self::default() })
            }
            _ => Err(NotARole(arn.into())),
        }
    }
}

/// Whether a text is an account id: twelve digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A text that is no role's ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ARN of a role, as in arn:aws:iam::123456789012:role/audit")]
pub struct NotARole(String);

/// One call that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    pub call: &'a Call,
    /// Calls that have ended.
    pub done: usize,
    /// Calls planned; some are never made, when there is nothing to make them for.
    pub of: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_names_its_account() {
        let account = Account::of_role("arn:aws-cn:iam::210987654321:role/a/b:c").unwrap();
        assert_eq!(account.id.as_deref(), Some("210987654321"));
        for wrong in ["", "arn:aws:iam::21098765432:role/x", "arn:aws:iam::210987654321:user/x"] {
            assert!(Account::of_role(wrong).is_err(), "{wrong}");
        }
    }
}
