use crate::snapshot::Outcome;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// Codes that say "you may not": asking again changes nothing.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Codes that say "slower": they end here only when every retry met them.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// What an error of any operation is called in the snapshot.
///
/// The text is the service's error code, or for an error that is not the service's a fixed phrase
/// with its innermost cause: no request ids and no times, so that the same failure reads the same.
pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Outcome
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            of_code(context.err().code().unwrap_or_default(), status)
        }
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            let what = match connector {
                Some(e) if e.is_timeout() => "no answer in time",
                Some(e) if e.is_io() => "connection failed",
                Some(_) => "request not sent",
                None => "request not sent",
            };
            Outcome::Failed(with_cause(what, connector.and_then(Error::source)))
        }
        SdkError::TimeoutError(_) => Outcome::Failed("no answer in time".into()),
        SdkError::ResponseError(_) => {
            Outcome::Failed(with_cause("unreadable answer", error.source()))
        }
        _ => Outcome::Failed(with_cause("request not sent", error.source())),
    }
}

/// What a service's error is called in the snapshot, by its code, which may be empty, and its status.
pub(super) fn of_code(code: &str, status: u16) -> Outcome {
    let code = if code.is_empty() { format!("HTTP {status}") } else { clip(code) };
    // A code may carry its class, as in `Client.UnauthorizedOperation`.
    let bare = code.rsplit('.').next().unwrap_or(&code);
    if THROTTLED.contains(&bare) || status == 429 {
        Outcome::Throttled(code)
    } else if DENIED.contains(&bare) || matches!(status, 401 | 403) {
        Outcome::Denied(code)
    } else {
        Outcome::Failed(code)
    }
}

/// What came of the calls made for each row of a parent list: `None` for a part that was read.
///
/// `None` when there was nothing to call for, because the parent itself could not be read: such a
/// call was never made.
pub(super) fn of_parts<'a>(
    parent: &Outcome,
    parts: impl IntoIterator<Item = Option<&'a Outcome>>,
) -> Option<Outcome> {
    let mut all = 0_usize;
    let mut failed: Vec<&Outcome> = Vec::new();
    for part in parts {
        all += 1;
        failed.extend(part);
    }
    failed.sort();
    match (failed.first(), parent.is_complete()) {
        (None, true) => Some(Outcome::Complete),
        (None, false) if all == 0 => None,
        (None, false) => Some(Outcome::Truncated("of a list that is itself not whole".into())),
        (Some(first), _) if failed.len() == all => Some((*first).clone()),
        (Some(first), _) => {
            Some(Outcome::Truncated(format!("{} of {all} parts: {first}", failed.len())))
        }
    }
}

fn with_cause(what: &str, cause: Option<&(dyn Error + 'static)>) -> String {
    let mut innermost = cause;
    while let Some(next) = innermost.and_then(Error::source) {
        innermost = Some(next);
    }
    innermost
        .map_or_else(|| what.to_owned(), |cause| format!("{what}: {}", clip(&cause.to_string())))
}

/// Text from outside, without control characters and not endless.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_failed_is_counted_and_a_call_never_made_is_none() {
        let denied = Outcome::Denied("AccessDenied".into());
        let of =
            |parent: &Outcome, parts: &[Option<&Outcome>]| of_parts(parent, parts.iter().copied());
        assert_eq!(of(&Outcome::Complete, &[]), Some(Outcome::Complete));
        assert_eq!(of(&denied, &[]), None);
        assert_eq!(of(&Outcome::Complete, &[Some(&denied), Some(&denied)]), Some(denied.clone()));
        assert_eq!(
            of(&Outcome::Complete, &[None, Some(&denied)]),
            Some(Outcome::Truncated("1 of 2 parts: denied: AccessDenied".into()))
        );
        let truncated = Outcome::Truncated("page 2: SlowDown".into());
        assert!(!of(&truncated, &[None]).unwrap().is_complete());
    }
}
