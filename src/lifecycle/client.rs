use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_autoscaling::Client;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

/// Longest wait for one attempt, and for a call with all of them: a host waits at the other end.
const ATTEMPT: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_secs(40);

/// The client of a profile of its own, or of the default credentials. `AWS_ENDPOINT_URL` is
/// honoured.
pub(super) async fn client(profile: Option<&str>, region: Option<&str>) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(CALL)
                .build(),
        );
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let config = loader.load().await;
    Client::new(&match profile {
        Some(profile) => by_profile(config, profile, http),
        None => config,
    })
}

/// The credentials of a profile that somebody named: the default chain would take those of the
/// environment before them.
fn by_profile(config: SdkConfig, profile: &str, http: SharedHttpClient) -> SdkConfig {
    let provider = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_http_client(http);
    let own = ProfileFileCredentialsProvider::builder()
        .configure(&provider)
        .profile_name(profile)
        .build();
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(own)).build()
}
