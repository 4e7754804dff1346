//! What was learned of a kernel.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Value = Box<dyn Any + Send + Sync>;
type Cell = Arc<Mutex<Option<Value>>>;

#[derive(Default)]
pub(super) struct Memo(Mutex<HashMap<(&'static str, TypeId), Cell>>);

impl Memo {
    /// What is remembered, or else what `init` finds out; that is remembered if it is no error.
    pub(super) fn get<T: Clone + Send + Sync + 'static, E>(
        &self,
        key: &'static str,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        // The table is locked for a moment only, so that finding out one thing may ask for another.
        let cell = Arc::clone(lock(&self.0).entry((key, TypeId::of::<T>())).or_default());
        let mut cell = lock(&cell);
        if let Some(known) = cell.as_ref().and_then(|v| v.downcast_ref::<T>()) {
            return Ok(known.clone());
        }
        let value = init()?;
        *cell = Some(Box::new(value.clone()));
        Ok(value)
    }
}

/// A panic of `init` leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_by_key_and_type() {
        let memo = Memo::default();
        let never = || -> Result<u32, ()> { panic!("known already") };
        assert_eq!(memo.get("a", || Ok::<u32, ()>(1)), Ok(1));
        assert_eq!(memo.get("a", never), Ok(1));
        assert_eq!(memo.get("a", || Ok::<u64, ()>(2)), Ok(2));
        assert_eq!(memo.get("b", || Ok::<u32, ()>(3)), Ok(3));
    }

    #[test]
    fn errors_are_not_remembered() {
        let memo = Memo::default();
        assert_eq!(memo.get("a", || Err::<u32, _>("once")), Err("once"));
        assert_eq!(memo.get("a", || Ok::<u32, &str>(1)), Ok(1));
    }

    #[test]
    fn one_may_ask_for_another() {
        let memo = Memo::default();
        let sum = memo.get("outer", || Ok::<u32, ()>(memo.get("inner", || Ok::<u32, ()>(1))? + 1));
        assert_eq!(sum, Ok(2));
    }

    #[test]
    fn threads_find_out_once() {
        let memo = Memo::default();
        let times = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    memo.get("a", || {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                        Ok::<_, ()>(times.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                    })
                });
            }
        });
        assert_eq!(times.into_inner(), 1);
    }
}
