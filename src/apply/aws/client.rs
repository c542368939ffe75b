//! The one place where apply's AWS clients are set up.

use super::Session;
use super::outcome::No;
use crate::credentials::by_profile;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::error::display::DisplayErrorContext;
use jiff::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Time to connect: an endpoint that does not accept by then is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// Time of one call: longer than AWS takes, because what was given up on may have been done.
const CALL: Duration = Duration::from_secs(60);

/// What every client has in common.
pub(super) struct Setup {
    config: SdkConfig,
    pub(super) sent: Sent,
}

/// The clients of one region.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) elb: aws_sdk_elasticloadbalancingv2::Client,
}

/// Who the credentials belong to.
pub(super) struct Caller {
    pub(super) account: String,
    pub(super) partition: String,
    /// AWS's own clock, by the answer's `Date`.
    pub(super) clock: Option<Timestamp>,
}

impl Setup {
    /// The default chain or a profile; `AWS_ENDPOINT_URL` is honoured. Without retries: whether an
    /// act is tried again is for the engine to say, after it has looked.
    pub(super) async fn load(profile: Option<&str>, loopback: Option<u16>) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(CALL).build(),
            );
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        if let Some(port) = loopback {
            let dummy = aws_credential_types::Credentials::new("test", "test", None, None, "tests");
            loader =
                loader.endpoint_url(format!("http://127.0.0.1:{port}")).credentials_provider(dummy);
        }
        let config = loader.load().await;
        let config = match profile {
            Some(profile) => by_profile(config, profile, http),
            None => config,
        };
        Self { config, sent: Sent::default() }
    }

    fn in_region(&self, region: &str) -> SdkConfig {
        self.config.to_builder().region(Region::new(region.to_owned())).build()
    }

    pub(super) fn clients(&self, region: &str) -> Clients {
        self.of(&self.in_region(region))
    }

    fn of(&self, config: &SdkConfig) -> Clients {
        let ec2 = aws_sdk_ec2::config::Builder::from(config).interceptor(self.sent.clone());
        let elb = aws_sdk_elasticloadbalancingv2::config::Builder::from(config);
        let elb = elb.interceptor(self.sent.clone());
        Clients {
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb.build()),
        }
    }

    /// Assumes the role with a policy of its own, for as short as AWS lets (15 minutes).
    pub(super) async fn narrowed(
        &self,
        session: &Session,
        policy: &str,
        region: &str,
    ) -> Result<Clients, No> {
        let config = self.in_region(region);
        let answer = aws_sdk_sts::Client::new(&config)
            .assume_role()
            .role_arn(session.role.to_string())
            .role_session_name("portcullis-cleanup")
            .set_external_id(session.external_id.clone())
            .duration_seconds(900)
            .policy(policy)
            .send()
            .await
            // Whatever became of it, the act was not asked for.
            .map_err(|e| match No::from(e) {
                No::Throttled => No::Throttled,
                no => No::Failed(format!("AssumeRole {}: {}", session.role, no.why())),
            })?;
        let nothing = || No::Failed("AssumeRole gives no credentials".into());
        let given = answer.credentials().ok_or_else(nothing)?;
        let credentials = aws_credential_types::Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            None,
            "portcullis-session",
        );
        let provider = SharedCredentialsProvider::new(credentials);
        let config = config.to_builder().credentials_provider(provider).build();
        Ok(self.of(&config))
    }

    /// Asks who the credentials belong to.
    pub(super) async fn caller(&self, region: Option<&str>) -> Result<Caller, String> {
        let config = region.map_or_else(|| self.config.clone(), |region| self.in_region(region));
        let date = Date::default();
        let answer = aws_sdk_sts::Client::new(&config)
            .get_caller_identity()
            .customize()
            .interceptor(date.clone())
            .send()
            .await
            .map_err(|e| format!("GetCallerIdentity: {}", DisplayErrorContext(e)))?;
        let account = answer.account().unwrap_or_default().to_owned();
        // `arn:aws:sts::123456789012:assumed-role/…`
        let partition = answer.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or_default();
        if account.is_empty() || partition.is_empty() {
            return Err("GetCallerIdentity names no account".into());
        }
        let said = date.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let clock = said.and_then(|d| jiff::fmt::rfc2822::parse(&d).ok()).map(|z| z.timestamp());
        Ok(Caller { account, partition: partition.into(), clock })
    }
}

/// Whether a call that may change something left this machine: what is only described changes nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(super) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(super) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Sent {
    fn name(&self) -> &'static str {
        "Sent"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_sts::error::BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        if !body.starts_with(b"Action=Describe") {
            self.0.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Keeps the `Date` of an answer.
#[derive(Debug, Clone, Default)]
struct Date(Arc<Mutex<Option<String>>>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_sts::error::BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
