//! One call of CloudWatch, signed and sent by hand, in the JSON that the service speaks beside CBOR.
//!
//! Its SDK would bring a second HTTP stack, and its newest versions speak CBOR alone, which no server
//! that the tests can run understands.

use crate::collect::aws::outcome;
use crate::collect::aws::pace::Pace;
use crate::snapshot::Outcome;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The one operation.
const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
const JSON: &str = "application/x-amz-json-1.0";

/// Time for one attempt, from the connection to the last byte.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Attempts of one call that was throttled, failed midway or found no answer, and the pause after the
/// first, which doubles.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// CloudWatch in one account and region.
pub(in crate::collect::aws) struct Client {
    config: SdkConfig,
    region: String,
    endpoint: String,
    http: Connector,
    pace: Pace,
}

impl Client {
    /// `AWS_ENDPOINT_URL` is honoured, as the SDKs do.
    pub(in crate::collect::aws) fn new(config: &SdkConfig, region: &str, rate: f64) -> Self {
        let endpoint = config.endpoint_url().map_or_else(|| public(region), str::to_owned);
        let tls = Provider::Rustls(CryptoMode::Ring);
        Self {
            config: config.clone(),
            region: region.to_owned(),
            endpoint: format!("{}/", endpoint.trim_end_matches('/')),
            http: Connector::builder().tls_provider(tls).build(),
            pace: Pace::new(rate),
        }
    }

    /// Asks until there is an answer, or a no.
    pub(super) async fn get_metric_data(&self, asked: &Value) -> Result<Value, Outcome> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            self.pace.turn().await;
            match self.once(asked).await {
                Err(No { why: Outcome::Throttled(_), .. } | No { again: true, .. }) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Ok(answer) => return Ok(answer),
                Err(no) => return Err(no.why),
            }
        }
        self.pace.turn().await;
        self.once(asked).await.map_err(|no| no.why)
    }

    async fn once(&self, asked: &Value) -> Result<Value, No> {
        let request = self.signed(asked.to_string()).await.map_err(No::last)?;
        let lost = |what: &str| No::again(Outcome::Failed(what.into()));
        let exchange = async {
            let answer = self.http.call(request).await.map_err(|_| lost("connection failed"))?;
            let status = answer.status().as_u16();
            let code = answer.headers().get("x-amzn-errortype").map(str::to_owned);
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|_| lost("connection failed"))?.into_bytes();
            Ok::<_, No>((status, code, body))
        };
        let answer = tokio::time::timeout(ATTEMPT, exchange).await;
        let (status, code, body) = answer.map_err(|_| lost("no answer in time"))??;
        let answer = serde_json::from_slice::<Value>(&body);
        if (200..300).contains(&status) {
            return answer.map_err(|_| lost("unreadable answer"));
        }
        let said = answer.ok().and_then(|a| Some(a.get("__type")?.as_str()?.to_owned()));
        // `com.amazonaws.monitoring#Throttling`, `Throttling:http://…`
        let code = said.or(code).unwrap_or_default();
        let code = code.rsplit('#').next().and_then(|c| c.split(':').next()).unwrap_or_default();
        let why = outcome::of_code(code, status);
        Err(No { again: status >= 500, why })
    }

    /// The request with its signature.
    async fn signed(&self, body: String) -> Result<HttpRequest, Outcome> {
        let failed = |what: &str| Outcome::Failed(format!("request not sent: {what}"));
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| failed("no credentials"))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|_| failed("no credentials"))?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("monitoring")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| failed("it could not be signed"))?
            .into();
        let headers = [("content-type", JSON), ("x-amz-target", TARGET)];
        let signable = SignableRequest::new(
            "POST",
            self.endpoint.as_str(),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        let signed = signable.and_then(|request| sign(request, &params));
        let (instructions, _) = signed.map_err(|_| failed("it could not be signed"))?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(|_| failed("it is no POST"))?;
        request.set_uri(self.endpoint.as_str()).map_err(|_| failed("its endpoint is no URL"))?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        for (name, value) in instructions.headers() {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

/// Why there is no answer, and whether asking again may help.
struct No {
    why: Outcome,
    again: bool,
}

impl No {
    fn again(why: Outcome) -> Self {
        Self { why, again: true }
    }

    fn last(why: Outcome) -> Self {
        Self { why, again: false }
    }
}

/// The service's own endpoint of a region.
fn public(region: &str) -> String {
    let suffix = match region {
        r if r.starts_with("cn-") => "amazonaws.com.cn",
        r if r.starts_with("us-iso-") => "c2s.ic.gov",
        r if r.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    };
    format!("https://monitoring.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;

    #[test]
    fn a_request_goes_to_its_region_with_a_signature_over_its_headers_and_body() {
        let dummy = Credentials::new("AKIDEXAMPLE", "secret", Some("token".into()), None, "test");
        let config = SdkConfig::builder()
            .credentials_provider(SharedCredentialsProvider::new(dummy))
            .build();
        let client = Client::new(&config, "eu-west-1", 0.0);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let request = runtime.expect("a runtime").block_on(client.signed("{}".into()));
        let request = request.expect("a request");
        assert_eq!(request.uri(), "https://monitoring.eu-west-1.amazonaws.com/");
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        let authorization = header("authorization");
        assert!(authorization.contains("/eu-west-1/monitoring/aws4_request"), "{authorization}");
        let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
        assert!(authorization.contains(names), "{authorization}");
        assert_eq!(header("x-amz-security-token"), "token");
        assert_eq!(header("x-amz-target"), TARGET);
        assert_eq!(public("cn-north-1"), "https://monitoring.cn-north-1.amazonaws.com.cn");
    }
}
