//! Whose keys AWS is asked with, where a profile is named.

use aws_config::SdkConfig;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The credentials of a profile that somebody named: the default chain would take those of the
/// environment before them. `http` is for roles that the profile assumes. Nothing is asked yet.
pub(crate) fn by_profile(config: SdkConfig, profile: &str, http: SharedHttpClient) -> SdkConfig {
    let provider = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_http_client(http);
    let own = ProfileFileCredentialsProvider::builder()
        .configure(&provider)
        .profile_name(profile)
        .build();
    config.into_builder().credentials_provider(SharedCredentialsProvider::new(own)).build()
}
