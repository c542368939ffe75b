use super::options::{Account, is_account};
use super::outcome;
use crate::snapshot::Outcome;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use std::error::Error;

/// Asks whose credentials these are.
///
/// An id is all that comes of it; why there is none is the outcome of the call. Credentials of
/// another account than the one asked for are refused here, before anything is read with them.
pub(super) async fn read(sts: &aws_sdk_sts::Client, asked: &Account) -> Result<String, Outcome> {
    let answer = Box::pin(sts.get_caller_identity().send()).await;
    let answer = answer.map_err(|error| match assumed(&error) {
        Some(outcome) => {
            let what = format!("AssumeRole of {}", asked.role_arn.as_deref().unwrap_or("a role"));
            match outcome {
                Outcome::Denied(why) => Outcome::Denied(format!("{what}: {why}")),
                Outcome::Throttled(why) => Outcome::Throttled(format!("{what}: {why}")),
                Outcome::Failed(why) => Outcome::Failed(format!("{what}: {why}")),
                other => other,
            }
        }
        None => outcome::of(&error),
    })?;
    match (answer.account(), asked.id.as_deref()) {
        (Some(id), None) if is_account(id) => Ok(id.to_owned()),
        (Some(id), Some(wanted)) if id == wanted => Ok(id.to_owned()),
        (Some(_), Some(_)) => Err(Outcome::Failed("the credentials are another account's".into())),
        _ => Err(Outcome::Failed("the answer names no account".into())),
    }
}

/// Where a role could not be assumed, what came of that: the call itself was never sent then.
fn assumed(error: &(dyn Error + 'static)) -> Option<Outcome> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>() {
            return Some(outcome::of(error));
        }
        cause = error.source();
    }
    None
}
