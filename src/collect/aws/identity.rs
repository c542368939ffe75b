use super::options::{Account, is_account};
use super::outcome;
use crate::snapshot::Outcome;

/// Asks whose credentials these are.
///
/// An id is all that comes of it; why there is none is the outcome of the call. Credentials of
/// another account than the one asked for are refused here, before anything is read with them.
pub(super) async fn read(sts: &aws_sdk_sts::Client, asked: &Account) -> Result<String, Outcome> {
    let answer = Box::pin(sts.get_caller_identity().send()).await;
    let answer = answer.map_err(|error| outcome::of(&error))?;
    match (answer.account(), asked.id.as_deref()) {
        (Some(id), None) if is_account(id) => Ok(id.to_owned()),
        (Some(id), Some(wanted)) if id == wanted => Ok(id.to_owned()),
        (Some(_), Some(_)) => Err(Outcome::Failed("the credentials are another account's".into())),
        _ => Err(Outcome::Failed("the answer names no account".into())),
    }
}
