//! The same work on many things, on several threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `work` on the numbers below `count` on `threads` threads and returns what came of it, in order.
///
/// Numbers are handed out in order, and none after one that failed: so the error that comes back is that of the first
/// number that fails, whoever does it and however fast.
pub(super) fn map<T: Send, E: Send>(
    count: usize,
    threads: NonZeroUsize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let threads = threads.get().min(count);
    if threads <= 1 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let stop = AtomicUsize::new(count);
    let all = Mutex::new(Vec::from_iter((0..count).map(|_| None)));
    // The number at which a thread failed.
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= stop.load(Ordering::Relaxed) {
                return None;
            }
            match work(number) {
                Ok(made) => all.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(made),
                Err(error) => {
                    stop.fetch_min(number, Ordering::Relaxed);
                    return Some((number, error));
                }
            }
        }
    };
    let failed = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().name("oxbpf-load".into()).spawn_scoped(scope, worker).ok())
            .collect();
        let mut failed = worker();
        for other in others {
            match other.join() {
                Ok(error) => failed = first(failed, error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failed
    });
    if let Some((_, error)) = failed {
        return Err(error);
    }
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(all.into_iter().flatten().collect())
}

/// The failure of the lower number.
fn first<E>(one: Option<(usize, E)>, other: Option<(usize, E)>) -> Option<(usize, E)> {
    one.into_iter().chain(other).min_by_key(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn results_come_in_order() {
        for n in [1, 2, 7, 300] {
            let squares = map(100, threads(n), |i| Ok::<_, ()>(i * i)).unwrap();
            assert_eq!(squares, (0..100).map(|i| i * i).collect::<Vec<_>>());
        }
        assert_eq!(map(0, threads(4), |_| Err::<(), _>(())), Ok(vec![]));
    }

    #[test]
    fn the_first_failure_in_order_is_the_one_reported() {
        for n in [1, 2, 8] {
            for _ in 0..50 {
                // The one that fails first by the clock is a later one.
                let failed = map(64, threads(n), |i| match i {
                    20 => {
                        thread::sleep(std::time::Duration::from_micros(200));
                        Err(i)
                    }
                    21 | 22 | 40 => Err(i),
                    _ => Ok(i),
                });
                assert_eq!(failed, Err(20));
            }
        }
    }

    #[test]
    fn nothing_is_begun_after_a_failure_by_one_thread() {
        let begun = AtomicUsize::new(0);
        let failed = map(100, threads(1), |i| {
            begun.fetch_add(1, Ordering::Relaxed);
            if i == 3 { Err(i) } else { Ok(()) }
        });
        assert_eq!((failed, begun.into_inner()), (Err(3), 4));
    }
}
