use super::outcome;
use super::read::Read;
use crate::snapshot::{Call, CallKind, Outcome};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// Whether a call is among those asked for; without a list, all are but those made on request.
pub(super) fn wanted(only: Option<&BTreeSet<CallKind>>, kind: CallKind) -> bool {
    only.map_or(!kind.on_request(), |only| only.contains(&kind))
}

/// What came of each call in one account and region, told as it happens and kept for the snapshot.
pub(super) struct Log {
    account: String,
    region: String,
    calls: Mutex<Vec<Call>>,
    told: UnboundedSender<Call>,
    only: Option<Arc<BTreeSet<CallKind>>>,
}

impl Log {
    pub(super) fn new(
        account: &str,
        region: &str,
        told: UnboundedSender<Call>,
        only: Option<Arc<BTreeSet<CallKind>>>,
    ) -> Self {
        Self { account: account.into(), region: region.into(), calls: Mutex::default(), told, only }
    }

    /// Whether the call was asked for.
    pub(super) fn wants(&self, kind: CallKind) -> bool {
        wanted(self.only.as_deref(), kind)
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

    /// The keys whose parts were asked for: all of them, or none.
    pub(super) fn asked<K>(&self, kind: CallKind, keys: Vec<K>) -> Vec<K> {
        if self.wants(kind) { keys } else { Vec::new() }
    }

    /// Waits for a call and notes it; one that nobody asked for is not made and leaves no note.
    pub(super) async fn read<T>(
        &self,
        kind: CallKind,
        call: impl Future<Output = Read<T>>,
    ) -> Read<T> {
        if !self.wants(kind) {
            return Read { rows: Vec::new(), outcome: Outcome::Missing };
        }
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
        if !self.wants(kind) {
            return;
        }
        if let Some(outcome) = outcome::of_parts(parent, parts.iter().map(|p| p.as_ref().err())) {
            self.note(kind, outcome, parts.iter().flatten().map(Vec::len).sum());
        }
    }

    pub(super) fn into_calls(self) -> Vec<Call> {
        self.calls.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
