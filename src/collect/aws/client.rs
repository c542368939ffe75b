//! The one place where AWS clients are set up: credentials, endpoint, retries, time-outs, TLS.

use super::options::{Account, Options};
use super::transport::Transport;
use crate::credentials::by_profile;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetrySpec;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Attempts of one request. At one failure in three, seven attempts leave one request in two
/// thousand unanswered. The pauses between them are the SDK's own, by its current specification:
/// they start at a second when throttled, because the service asked for it, and at 50 ms otherwise.
const ATTEMPTS: u32 = 7;

/// Longest pause between two attempts, so that a throttled account is waited for, but not for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Time to connect: an endpoint that does not accept by then is not there.
const CONNECT: Duration = Duration::from_secs(5);

/// Requests on the wire at once in one account and region, all services together.
const PLACES: usize = 8;

/// What every client has in common.
pub(super) struct Base {
    config: SdkConfig,
    http: SharedHttpClient,
    rate: f64,
}

/// The clients of one account in one region.
pub(super) struct Clients {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) classic: aws_sdk_elasticloadbalancing::Client,
    pub(super) autoscaling: aws_sdk_autoscaling::Client,
    pub(super) cloudwatch: super::cloudwatch::Client,
    pub(super) rds: aws_sdk_rds::Client,
}

impl Base {
    /// Reads the environment, the profile and what else the default chain looks at.
    /// `AWS_ENDPOINT_URL`, and the like of one service, is honoured.
    pub(super) async fn load(options: &Options) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        Self { config: load(&http, None).await, http, rate: options.rate }
    }

    /// The region that the environment or the profile names.
    pub(super) fn region(&self) -> Option<String> {
        self.config.region().map(|r| r.as_ref().to_owned())
    }

    /// The configuration that one account is read with: the default credentials, or its role's.
    pub(super) async fn account(&self, account: &Account, region: &str) -> SdkConfig {
        let region = Region::new(region.to_owned());
        let config = match &account.profile {
            None => self.config.clone(),
            Some(profile) => load(&self.http, Some(profile)).await,
        };
        let config = config.into_builder().region(region.clone()).build();
        let Some(role) = &account.role_arn else { return config };
        let mut provider = AssumeRoleProvider::builder(role)
            .session_name("portcullis")
            .region(region)
            .configure(&config);
        if let Some(external_id) = &account.external_id {
            provider = provider.external_id(external_id);
        }
        let provider = provider.build().await;
        config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
    }

    /// The client that asks who the credentials belong to.
    pub(super) fn sts(&self, account: &SdkConfig, name: &str) -> aws_sdk_sts::Client {
        let transport = Transport::new(self.http.clone(), self.rate, Arc::new(Semaphore::new(1)));
        aws_sdk_sts::Client::from_conf(
            aws_sdk_sts::config::Builder::from(account)
                .http_client(transport)
                .retry_partition(partition(name, "", "sts"))
                .build(),
        )
    }

    /// The client of Systems Manager's inventory in one region.
    pub(super) fn ssm(&self, account: &SdkConfig, name: &str, region: &str) -> aws_sdk_ssm::Client {
        let config = account.to_builder().region(Region::new(region.to_owned())).build();
        let places = Arc::new(Semaphore::new(PLACES));
        aws_sdk_ssm::Client::from_conf(
            aws_sdk_ssm::config::Builder::from(&config)
                .http_client(Transport::new(self.http.clone(), self.rate, places))
                .retry_partition(partition(name, region, "ssm"))
                .build(),
        )
    }

    /// The clients of one region, each with its own rate limit and its own retry budget: a service
    /// that throttles in one account slows down nobody else.
    pub(super) fn clients(&self, account: &SdkConfig, name: &str, region: &str) -> Clients {
        let config = account.to_builder().region(Region::new(region.to_owned())).build();
        let places = Arc::new(Semaphore::new(PLACES));
        let transport = || Transport::new(self.http.clone(), self.rate, Arc::clone(&places));
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&config)
                        .http_client(transport())
                        .retry_partition(partition(name, region, stringify!($sdk)))
                        .build(),
                )
            };
        }
        Clients {
            ec2: client!(aws_sdk_ec2),
            elb: client!(aws_sdk_elasticloadbalancingv2),
            classic: client!(aws_sdk_elasticloadbalancing),
            autoscaling: client!(aws_sdk_autoscaling),
            cloudwatch: super::cloudwatch::Client::new(&config, region, self.rate),
            rds: client!(aws_sdk_rds),
        }
    }
}

async fn load(http: &SharedHttpClient, profile: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .retry_config(
            RetryConfig::adaptive()
                .with_retry_spec(RetrySpec::v2_1())
                .with_max_attempts(ATTEMPTS)
                .with_max_backoff(LONGEST_PAUSE),
        )
        // The transport bounds an attempt as a whole.
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build());
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    let config = loader.load().await;
    match profile {
        Some(profile) => by_profile(config, profile, http.clone()),
        None => config,
    }
}

fn partition(account: &str, region: &str, service: &str) -> RetryPartition {
    RetryPartition::new(format!("portcullis {account} {region} {service}"))
}
