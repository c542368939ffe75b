use async_nats::jetstream::{self, kv, stream};
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long one answer of the server may take: a claim that cannot be had in this time is not had.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a NATS key-value bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `nats://host:port` or `tls://host:port`; several with commas.
    pub server: String,
    pub bucket: String,
    /// A `.creds` file; without it, as the server lets anybody in.
    pub credentials: Option<PathBuf>,
}

/// A key-value bucket that every applier of a fleet sees alike.
///
/// Nothing is read from a follower: what a bucket says here, its leader said. Calls block, each at
/// most some seconds.
pub struct Bucket {
    runtime: Runtime,
    store: kv::Store,
}

/// An entry, and the number that only changes when it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub revision: u64,
    pub value: Vec<u8>,
}

/// What became of a write that was to happen only if nobody else had written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is in place, as this revision.
    Yes { revision: u64 },
    /// Somebody else's was there first, and still is.
    No,
}

/// Why a bucket gave no answer. Fits after "cannot".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketError(String);

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BucketError {}

impl Bucket {
    /// Connects to a bucket that is there: whoever applies has no right to make one.
    ///
    /// # Errors
    /// A server that does not answer, credentials it does not take, no such bucket, and a bucket
    /// that forgets: one whose entries age or give way to newer ones would let a plan be used twice.
    pub fn open(place: &Place) -> Result<Self, BucketError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|e| BucketError(format!("start a thread for NATS: {e}")))?;
        let cannot = |why: String| {
            BucketError(format!("open the bucket {} at {}: {why}", place.bucket, place.server))
        };
        let store = runtime.block_on(connect(place)).map_err(cannot)?;
        let config = &store.stream.cached_info().config;
        if !config.max_age.is_zero() {
            return Err(cannot(format!("its entries are gone after {:?}", config.max_age)));
        }
        if config.max_bytes > 0 && config.discard == stream::DiscardPolicy::Old {
            return Err(cannot("its oldest entries give way when it is full".into()));
        }
        Ok(Self { runtime, store })
    }

    /// What stands under a key, by the bucket's leader; `None` where nothing ever did or it was
    /// deleted.
    ///
    /// # Errors
    /// No answer.
    pub fn read(&self, key: &str) -> Result<Option<Entry>, BucketError> {
        let subject = format!("{}{key}", self.store.prefix);
        let asked = self.store.stream.get_last_raw_message_by_subject(&subject);
        match self.wait("read", key, asked)? {
            Err(e) if e.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(e) => Err(BucketError(format!("read {key}: {e}"))),
            Ok(message) if message.headers.get("KV-Operation").is_some() => Ok(None),
            Ok(message) => {
                Ok(Some(Entry { revision: message.sequence, value: message.payload.to_vec() }))
            }
        }
    }

    /// Writes under a key that nobody ever wrote. A deleted one counts as written.
    ///
    /// # Errors
    /// No answer, or one that cannot be made out: it may then be in place or not.
    pub fn create(&self, key: &str, value: &[u8]) -> Result<Written, BucketError> {
        self.replace(key, value, 0)
    }

    /// Writes over exactly one revision.
    ///
    /// # Errors
    /// No answer, or one that cannot be made out: it may then be in place or not.
    pub fn replace(&self, key: &str, value: &[u8], over: u64) -> Result<Written, BucketError> {
        let write = self.store.update(key, value.to_vec().into(), over);
        let failed = match self.wait("write", key, write) {
            Ok(Ok(revision)) => return Ok(Written::Yes { revision }),
            Ok(Err(e)) if e.kind() == kv::UpdateErrorKind::WrongLastRevision => None,
            Ok(Err(e)) => Some(BucketError(format!("write {key}: {e}"))),
            Err(e) => Some(e),
        };
        // The answer of a write that is in place may be what was lost.
        match self.read(key)? {
            Some(entry) if entry.value == value && entry.revision > over => {
                Ok(Written::Yes { revision: entry.revision })
            }
            _ => failed.map_or(Ok(Written::No), Err),
        }
    }

    fn wait<T>(
        &self,
        verb: &str,
        key: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, BucketError> {
        let late = |_| BucketError(format!("{verb} {key}: no answer in {PATIENCE:?}"));
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await.map_err(late) })
    }
}

async fn connect(place: &Place) -> Result<kv::Store, String> {
    let mut options = async_nats::ConnectOptions::new();
    if let Some(file) = &place.credentials {
        let read = options.credentials_file(file).await;
        options = read.map_err(|e| format!("read {}: {e}", file.display()))?;
    }
    let connected = options
        .name("portcullis")
        .connection_timeout(PATIENCE)
        .request_timeout(Some(PATIENCE))
        .connect(&place.server);
    let client = tokio::time::timeout(PATIENCE, connected)
        .await
        .map_err(|_| format!("no answer in {PATIENCE:?}"))?
        .map_err(|e| e.to_string())?;
    let store = jetstream::new(client).get_key_value(&place.bucket).await;
    store.map_err(|e| format!("{e}: make it once, as `nats kv add {}` does", place.bucket))
}
