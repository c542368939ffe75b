use super::outcome;
use super::read::Read;
use crate::snapshot::{Call, CallKind, Outcome};
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// What came of each call in one account and region, told as it happens and kept for the snapshot.
pub(super) struct Log {
    account: String,
    region: String,
    calls: Mutex<Vec<Call>>,
    told: UnboundedSender<Call>,
}

impl Log {
    pub(super) fn new(account: &str, region: &str, told: UnboundedSender<Call>) -> Self {
        Self { account: account.into(), region: region.into(), calls: Mutex::default(), told }
    }

    /// Notes what came of a call.
    pub(super) fn note(&self, kind: CallKind, outcome: Outcome, items: usize) {
        let call = Call {
            account: self.account.clone(),
            region: self.region.clone(),
            kind,
            outcome,
            items,
        };
        // Whoever listened may be gone; the snapshot keeps its own copy.
        let _ = self.told.send(call.clone());
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    /// Waits for a call and notes it.
    pub(super) async fn read<T>(
        &self,
        kind: CallKind,
        call: impl Future<Output = Read<T>>,
    ) -> Read<T> {
        let read = call.await;
        self.note(kind, read.outcome.clone(), read.rows.len());
        read
    }

    /// Notes the calls made for each row of a list, as one.
    pub(super) fn parts<T>(
        &self,
        kind: CallKind,
        parent: &Outcome,
        parts: &[Result<Vec<T>, Outcome>],
    ) {
        if let Some(outcome) = outcome::of_parts(parent, parts.iter().map(|p| p.as_ref().err())) {
            self.note(kind, outcome, parts.iter().flatten().map(Vec::len).sum());
        }
    }

    pub(super) fn into_calls(self) -> Vec<Call> {
        self.calls.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
