use super::{Held, Register, Swapped};
use crate::apply::bucket::{Bucket, Written};

/// A key of a NATS bucket.
pub struct BucketRegister {
    bucket: Bucket,
    key: String,
}

impl BucketRegister {
    #[must_use]
    pub fn new(bucket: Bucket, key: String) -> Self {
        Self { bucket, key }
    }
}

impl Register for BucketRegister {
    fn read(&mut self) -> Result<Option<Held>, String> {
        let entry = self.bucket.read(&self.key).map_err(|e| e.to_string())?;
        Ok(entry.map(|e| Held { bytes: e.value, version: e.revision.to_string() }))
    }

    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String> {
        let written = match over {
            None => self.bucket.create(&self.key, bytes),
            Some(revision) => {
                let revision = revision.parse().map_err(|_| format!("read {revision:?}"))?;
                self.bucket.replace(&self.key, bytes, revision)
            }
        };
        Ok(match written.map_err(|e| e.to_string())? {
            Written::Yes { revision } => Swapped::Yes { version: revision.to_string() },
            Written::No => Swapped::No,
        })
    }
}
