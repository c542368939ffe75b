use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// Parts that a long list is cut into: enough for a few processors, few enough to start at once.
const PARTS: usize = 4;

/// A part has at least this many items: fewer are done before a thread has started.
const LEAST: usize = 128;

/// Does `work` on parts of `items` side by side, and gives what came of each in the order of the
/// parts. What `work` gives may depend on its part only, so scheduling shows in nothing.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let each = items.len().div_ceil(PARTS).max(LEAST);
    if items.len() <= each {
        return vec![work(items)];
    }
    let work = &work;
    scope(|scope| {
        let mut parts = items.chunks(each);
        let own = parts.next().unwrap_or_default();
        let started: Vec<_> = parts
            .map(|part| (part, Builder::new().spawn_scoped(scope, move || work(part))))
            .collect();
        let mut out = vec![work(own)];
        out.extend(started.into_iter().map(|(part, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No thread is to be had: it is done here.
            Err(_) => work(part),
        }));
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_and_the_order_stays() {
        for count in [0, 1, LEAST, LEAST + 1, PARTS * LEAST, 10_001] {
            let items: Vec<usize> = (0..count).collect();
            let parts = side_by_side(&items, <[usize]>::to_vec);
            assert_eq!(parts.concat(), items);
            assert_eq!(parts.len() > 1, count > LEAST, "{count}");
        }
    }
}
