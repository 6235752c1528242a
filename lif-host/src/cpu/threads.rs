//! Work on several threads, with the same bits for any number of them.
//!
//! The threads are rayon's: those of the pool that the caller is in, else as many as the machine has processors, or
//! as `RAYON_NUM_THREADS` says. What is cut into pieces is cut by its shape alone, and no sum runs over pieces, so it
//! does not matter which thread takes which piece.

use std::sync::{Mutex, PoisonError};

/// Calls `f` with each of `items`, on as many threads as there are; `scratch` makes what a thread keeps between its
/// items.
///
/// The caller takes items at once, the other threads as soon as they wake.
pub(super) fn for_each<T: Send, S>(
    items: impl Iterator<Item = T> + Send,
    scratch: impl Fn() -> S + Sync,
    f: impl Fn(&mut S, T) + Sync,
) {
    let threads = match items.size_hint() {
        (_, Some(0 | 1)) => 1,
        _ => rayon::current_num_threads(),
    };
    if threads == 1 {
        let mut scratch = scratch();
        return items.for_each(|item| f(&mut scratch, item));
    }
    let items = Mutex::new(items);
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let Some(mut item) = next() else { return };
        let mut scratch = scratch();
        loop {
            f(&mut scratch, item);
            match next() {
                Some(more) => item = more,
                None => return,
            }
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_taken_once() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let mut seen = vec![0; 100];
            let pool = pool.build().unwrap();
            pool.install(|| for_each(seen.iter_mut(), || (), |(), seen| *seen += 1));
            assert!(seen.iter().all(|seen| *seen == 1));
        }
    }
}
