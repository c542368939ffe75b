use super::outcome;
use super::parse::Malformed;
use crate::snapshot::Outcome;
use aws_smithy_async::future::pagination_stream::PaginationStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;
use std::future::Future;
use tokio::task::JoinSet;

/// Parts of one list asked for at the same time (the transport bounds what is on the wire).
const PARTS_AT_ONCE: usize = 8;

/// The rows that a call gave, and whether these are all.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) rows: Vec<T>,
    pub(super) outcome: Outcome,
}

/// One page: its rows, and whether it says that another follows.
pub(super) struct Page<T> {
    pub(super) rows: Vec<Result<T, Malformed>>,
    pub(super) more: bool,
}

impl<T> Page<T> {
    /// A page whose rows are read by `row`, followed by another when `token` is not empty.
    pub(super) fn of<S>(
        rows: &[S],
        row: impl FnMut(&S) -> Result<T, Malformed>,
        token: Option<&str>,
    ) -> Self {
        Self { rows: rows.iter().map(row).collect(), more: token.is_some_and(|t| !t.is_empty()) }
    }
}

/// Reads every page to the end.
///
/// Nothing that came is lost: a page that fails midway and a row that cannot be read make the call
/// [`Outcome::Truncated`] with the rows that could be. The SDK's paginator ends without an error
/// when the service repeats a token; here that is [`Outcome::Truncated`] too.
pub(super) async fn drain<P, E, T>(
    mut pages: PaginationStream<Result<P, SdkError<E, HttpResponse>>>,
    page: impl Fn(&P) -> Page<T>,
) -> Read<T>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let mut rows = Vec::new();
    let mut malformed: Vec<Malformed> = Vec::new();
    let (mut count, mut more) = (0_usize, false);
    while let Some(answer) = pages.next().await {
        count += 1;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let outcome = outcome::of(&error);
                if count == 1 {
                    return Read { rows, outcome };
                }
                return Read {
                    rows,
                    outcome: Outcome::Truncated(format!("page {count} {outcome}")),
                };
            }
        };
        let page = page(&answer);
        more = page.more;
        for row in page.rows {
            match row {
                Ok(row) => rows.push(row),
                Err(error) => malformed.push(error),
            }
        }
    }
    let outcome = if more {
        Outcome::Truncated(format!("page {count} says that there is more, and gives no way on"))
    } else {
        unread(&malformed)
    };
    Read { rows, outcome }
}

/// Reads an operation that answers everything at once.
pub(super) fn whole<P, E, T>(
    answer: Result<P, SdkError<E, HttpResponse>>,
    page: impl Fn(&P) -> Page<T>,
) -> Read<T>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match answer {
        Err(error) => Read { rows: Vec::new(), outcome: outcome::of(&error) },
        Ok(answer) => {
            let mut malformed = Vec::new();
            let page = page(&answer);
            let rows = page
                .rows
                .into_iter()
                .filter_map(|r| r.map_err(|e| malformed.push(e)).ok())
                .collect();
            let outcome = if page.more {
                Outcome::Truncated("more rows than one answer holds".into())
            } else {
                unread(&malformed)
            };
            Read { rows, outcome }
        }
    }
}

/// Asks for the part of every key, at most [`PARTS_AT_ONCE`] at a time, and gives them in the keys' order.
///
/// A part is all or nothing: a list read by half would pass for a whole one, so it is not kept.
pub(super) async fn parts<K, T, F>(
    keys: Vec<K>,
    call: impl Fn(K) -> F,
) -> Vec<Result<Vec<T>, Outcome>>
where
    T: Send + 'static,
    F: Future<Output = Read<T>> + Send + 'static,
{
    let mut parts: Vec<Result<Vec<T>, Outcome>> =
        keys.iter().map(|_| Err(Outcome::Failed("the task ended early".into()))).collect();
    let mut running: JoinSet<(usize, Read<T>)> = JoinSet::new();
    let mut keep = |done: Result<(usize, Read<T>), tokio::task::JoinError>| {
        // A task that panicked leaves its part failed.
        if let Ok((index, read)) = done {
            parts[index] =
                if read.outcome.is_complete() { Ok(read.rows) } else { Err(read.outcome) };
        }
    };
    for (index, key) in keys.into_iter().enumerate() {
        if running.len() >= PARTS_AT_ONCE
            && let Some(done) = running.join_next().await
        {
            keep(done);
        }
        let part = call(key);
        running.spawn(async move { (index, part.await) });
    }
    while let Some(done) = running.join_next().await {
        keep(done);
    }
    parts
}

fn unread(malformed: &[Malformed]) -> Outcome {
    match malformed.first() {
        None => Outcome::Complete,
        Some(first) => Outcome::Truncated(format!("{} rows unread: {first}", malformed.len())),
    }
}
