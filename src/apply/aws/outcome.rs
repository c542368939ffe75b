use crate::cleanup::Acted;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// Why an act was not done, or is not known to have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// Nothing changed: what was looked at first does not fit.
    Failed(String),
    /// A call was refused, by AWS's own answer.
    Refused(String),
    /// Nothing changed: asked too often.
    Throttled,
    /// It may have been done.
    Unknown(String),
}

impl No {
    /// `sent` is whether a call that changes anything left this machine.
    pub(super) fn acted(self, sent: bool) -> Acted {
        match self {
            Self::Failed(why) if !sent => Acted::Unsent { why, unread: false },
            Self::Refused(why) | Self::Unknown(why) if !sent => Acted::Unsent { why, unread: true },
            Self::Failed(why) | Self::Refused(why) => Acted::Failed { why },
            Self::Throttled => Acted::Throttled { retry_after_ms: None },
            Self::Unknown(why) => Acted::Unknown { why },
        }
    }

    pub(super) fn why(self) -> String {
        match self {
            Self::Failed(why) | Self::Refused(why) | Self::Unknown(why) => why,
            Self::Throttled => "throttled".into(),
        }
    }

    /// After something was changed already, nothing is "not done" any more.
    pub(super) fn midway(self, done: &str) -> Self {
        Self::Unknown(format!("{} after {done}", self.why()))
    }
}

/// What a failed call says of its act: only an answer of the service that is its own refusal says
/// that nothing was done.
impl<E> From<SdkError<E, HttpResponse>> for No
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(failed: SdkError<E, HttpResponse>) -> Self {
        let status = failed.raw_response().map(|r| r.status().as_u16());
        if let Some(said) = failed.as_service_error() {
            let code = said.code().unwrap_or("no code");
            let why = match said.message() {
                Some(message) => format!("{code}: {message}"),
                None => code.to_owned(),
            };
            if is_throttle(code) || status == Some(429) {
                return Self::Throttled;
            }
            // It was received and failed midway.
            return match status {
                Some(500..) => Self::Unknown(why),
                _ => Self::Refused(why),
            };
        }
        let mut cause: &dyn Error = &failed;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        match &failed {
            // Nothing was sent.
            SdkError::ConstructionFailure(_) => Self::Failed(cause.to_string()),
            _ => Self::Unknown(format!("no answer came: {cause}")),
        }
    }
}

fn is_throttle(code: &str) -> bool {
    code.contains("Throttl")
        || [
            "RequestLimitExceeded",
            "TooManyRequestsException",
            "SlowDown",
            "BandwidthLimitExceeded",
        ]
        .contains(&code)
}

/// A field that the request must have.
pub(super) fn field<'a>(
    map: &'a std::collections::BTreeMap<String, String>,
    key: &str,
) -> Result<&'a str, No> {
    let value = map.get(key).map(String::as_str).filter(|v| !v.is_empty());
    value.ok_or_else(|| No::Failed(format!("nothing says its {key}")))
}

/// Refuses unless it is as it was planned.
pub(super) fn same(what: &str, is: Option<&str>, planned: Option<&str>) -> Result<(), No> {
    let (is, planned) = (is.unwrap_or_default(), planned.unwrap_or_default());
    if is == planned {
        return Ok(());
    }
    Err(No::Failed(format!("its {what} is {is:?}, planned was {planned:?}")))
}
