use super::pace::Pace;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Time for one attempt from the connection to the last byte. The largest pages take a few seconds;
/// what takes longer has stalled.
const ATTEMPT: Duration = Duration::from_secs(30);

/// The HTTP client of one account, region and service: each attempt waits its turn, then for a free
/// place, then has [`ATTEMPT`] to give a whole answer.
///
/// Three things that the SDK leaves open are closed here, where its retries still see them:
/// - the wait for a turn does not count against the time an attempt may take;
/// - the time limit covers the body too, so that an answer that trickles ends;
/// - an XML document that was cut between two elements is an error, not a shorter list.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    inner: SharedHttpClient,
    pace: Arc<Pace>,
    places: Arc<Semaphore>,
}

impl Transport {
    /// `places` bounds the requests on the wire and may be shared between services.
    pub(super) fn new(inner: SharedHttpClient, rate: f64, places: Arc<Semaphore>) -> Self {
        Self { inner, pace: Arc::new(Pace::new(rate)), places }
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            pace: Arc::clone(&self.pace),
            places: Arc::clone(&self.places),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    pace: Arc<Pace>,
    places: Arc<Semaphore>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.inner.clone();
        let (pace, places) = (Arc::clone(&self.pace), Arc::clone(&self.places));
        HttpConnectorFuture::new(async move {
            pace.turn().await;
            // Never closed; were it, the request would go out unbounded rather than not at all.
            let _place = places.acquire_owned().await;
            match tokio::time::timeout(ATTEMPT, exchange(&inner, request)).await {
                Ok(answer) => answer,
                Err(elapsed) => Err(ConnectorError::timeout(elapsed.into())),
            }
        })
    }
}

/// Sends the request and reads the whole answer.
async fn exchange(
    inner: &SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let mut response = inner.call(request).await?;
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::io(error.into()))?
        .into_bytes();
    if response.status().is_success() && !is_whole(&body) {
        return Err(ConnectorError::io("the answer ends before its last element does".into()));
    }
    *response.body_mut() = SdkBody::from(body);
    Ok(response)
}

/// Whether an XML document ends with the end of its first element; anything else is left to the parser.
fn is_whole(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return true };
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix("<?").or_else(|| rest.strip_prefix("<!--")) {
        let Some((_, next)) = after.split_once('>') else { return false };
        rest = next.trim_start();
    }
    let Some(after) = rest.strip_prefix('<') else { return true };
    if after
        .split_once('>')
        .is_some_and(|(element, tail)| element.ends_with('/') && tail.trim().is_empty())
    {
        return true;
    }
    let name: String =
        after.chars().take_while(|c| !c.is_whitespace() && !"/>".contains(*c)).collect();
    text.trim_end()
        .strip_suffix('>')
        .and_then(|end| end.trim_end().strip_suffix(name.as_str()))
        .is_some_and(|end| end.ends_with("</"))
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn a_document_cut_anywhere_is_not_whole() {
        let whole = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Answer xmlns=\"urn:x\">\
                     <set><item><id>a</id></item><item/></set></Answer>\n";
        assert!(is_whole(whole.as_bytes()));
        let start = whole.find("<Answer").unwrap();
        let end = whole.trim_end().len();
        for cut in start + 1..end {
            assert!(!is_whole(&whole.as_bytes()[..cut]), "cut after {:?}", &whole[..cut]);
        }
    }

    #[test]
    fn what_is_no_xml_is_left_to_the_parser() {
        assert!(is_whole(b""));
        assert!(is_whole(b"{\"a\": 1"));
        assert!(is_whole(b"<Answer/>"));
    }
}
