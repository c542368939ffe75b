use super::{LifecycleError, client};
use aws_sdk_autoscaling::Client;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The only result that is ever sent.
const CONTINUE: &str = "CONTINUE";
/// Hooks of instances on their way into service.
const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";

/// Where to find a hook, and as whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The hook's name.
    pub hook: String,
    /// The Auto Scaling group's name.
    pub asg: String,
    /// A profile of the AWS configuration; the default credentials without one.
    pub profile: Option<String>,
    /// The profile's own without one.
    pub region: Option<String>,
}

/// A lifecycle hook of launching instances.
///
/// It can give an instance more time and let it go on. There is no call here that abandons one.
pub struct Hook {
    client: Client,
    runtime: Runtime,
    settings: Settings,
    timeout: Duration,
    default_result: String,
}

impl Hook {
    /// Finds the hook, so that a wrong name is told before anything is waited for.
    ///
    /// # Errors
    /// [`LifecycleError`].
    pub fn new(settings: Settings) -> Result<Self, LifecycleError> {
        let runtime = runtime()?;
        let (profile, region) = (settings.profile.as_deref(), settings.region.as_deref());
        let client = runtime.block_on(client::client(profile, region));
        Self::with(client, runtime, settings)
    }

    pub(super) fn with(
        client: Client,
        runtime: Runtime,
        settings: Settings,
    ) -> Result<Self, LifecycleError> {
        let Settings { hook, asg, .. } = &settings;
        let described = runtime
            .block_on(
                client
                    .describe_lifecycle_hooks()
                    .auto_scaling_group_name(asg)
                    .lifecycle_hook_names(hook)
                    .send(),
            )
            .map_err(|e| error(&e))?;
        let found = described
            .lifecycle_hooks()
            .iter()
            .find(|h| h.lifecycle_hook_name() == Some(hook))
            .ok_or_else(|| LifecycleError::NoHook { hook: hook.clone(), asg: asg.clone() })?;
        let transition = found.lifecycle_transition().unwrap_or("no transition");
        if transition != LAUNCHING {
            let (hook, transition) = (hook.clone(), transition.to_owned());
            return Err(LifecycleError::NotLaunching { hook, transition });
        }
        let timeout = found.heartbeat_timeout().and_then(|s| u64::try_from(s).ok());
        Ok(Self {
            timeout: Duration::from_secs(timeout.filter(|s| *s > 0).unwrap_or(3600)),
            // AWS's own default, and the worse one.
            default_result: found.default_result().unwrap_or("ABANDON").to_owned(),
            client,
            runtime,
            settings,
        })
    }

    /// How often an instance that is waited for needs a heartbeat: three in each of the hook's spans.
    #[must_use]
    pub fn every(&self) -> Duration {
        (self.timeout / 3).max(Duration::from_secs(5))
    }

    /// What an instance that is withheld comes to, in words.
    #[must_use]
    pub fn withheld(&self) -> String {
        let Settings { hook, asg, .. } = &self.settings;
        format!(
            "withheld from the hook {hook} of {asg}: it stays in Pending:Wait; when the hook's time ({} s) \
             is over, Auto Scaling does {} by itself",
            self.timeout.as_secs(),
            self.default_result,
        )
    }

    /// Gives an instance one more span of the hook's time. AWS ends this after 100 spans or 48 hours.
    ///
    /// # Errors
    /// [`LifecycleError`]; the instance then has what time it had.
    pub fn heartbeat(&self, instance: &str) -> Result<(), LifecycleError> {
        let Settings { hook, asg, .. } = &self.settings;
        let call = self
            .client
            .record_lifecycle_action_heartbeat()
            .auto_scaling_group_name(asg)
            .lifecycle_hook_name(hook)
            .instance_id(instance);
        self.runtime.block_on(call.send()).map(drop).map_err(|e| self.about(instance, &e))
    }

    /// Lets an instance go on into service. Only an answer of the service says that it did.
    ///
    /// # Errors
    /// [`LifecycleError`]; nothing was continued then, unless it says that this is unknown.
    pub fn proceed(&self, instance: &str) -> Result<(), LifecycleError> {
        let Settings { hook, asg, .. } = &self.settings;
        let call = self
            .client
            .complete_lifecycle_action()
            .auto_scaling_group_name(asg)
            .lifecycle_hook_name(hook)
            .instance_id(instance)
            .lifecycle_action_result(CONTINUE);
        self.runtime.block_on(call.send()).map(drop).map_err(|e| self.about(instance, &e))
    }

    /// An error of a call about one instance: AWS has one code for everything that is not valid.
    fn about<E>(&self, instance: &str, failed: &SdkError<E, HttpResponse>) -> LifecycleError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error(failed) {
            LifecycleError::Refused { code, said }
                if code == "ValidationError" && said.contains("No active Lifecycle Action") =>
            {
                LifecycleError::NotWaiting {
                    instance: instance.into(),
                    hook: self.settings.hook.clone(),
                    asg: self.settings.asg.clone(),
                    said,
                }
            }
            other => other,
        }
    }
}

pub(super) fn runtime() -> Result<Runtime, LifecycleError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| LifecycleError::Local(e.to_string()))
}

fn error<E>(failed: &SdkError<E, HttpResponse>) -> LifecycleError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Some(said) = failed.as_service_error() else {
        let mut cause: &dyn Error = failed;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        return match failed {
            // Nothing was sent.
            SdkError::ConstructionFailure(_) => LifecycleError::Local(cause.to_string()),
            _ => LifecycleError::Unanswered(cause.to_string()),
        };
    };
    let code = said.code().unwrap_or("no code").to_owned();
    let status = failed.raw_response().map(|r| r.status().as_u16());
    match (code.as_str(), status) {
        (c, _) if c.contains("Throttl") || c == "RequestLimitExceeded" => {
            LifecycleError::Throttled(code)
        }
        (c, s)
            if c.starts_with("AccessDenied")
                || c.starts_with("ExpiredToken")
                || matches!(c, "UnrecognizedClientException" | "InvalidClientTokenId")
                || s == Some(403) =>
        {
            LifecycleError::Denied(code)
        }
        // It was received and failed midway.
        (_, Some(500..)) => LifecycleError::Unanswered(code),
        _ => LifecycleError::Refused { code, said: said.message().unwrap_or("").to_owned() },
    }
}
