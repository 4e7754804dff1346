//! Detaching many programs at the same time.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Link, Part};
use crate::Error;

/// Threads that wait at the same time, at most. The kernel's waits are of a few kinds and behind locks, so that
/// more of them bring nothing.
const THREADS: usize = 16;

/// Detaches all of these, letting the kernel's waits overlap where it lets them: eight tracepoints take 290 ms instead
/// of 460 ms. Of kprobes and uprobes the kernel removes one after the other, whoever asks.
///
/// # Errors
/// The first error of [`Link::detach`]; all the others are detached too.
pub fn detach_all(links: impl IntoIterator<Item = Link>) -> Result<(), Error> {
    let mut links = Vec::from_iter(links);
    let cut = links.iter().map(Link::cut).fold(Ok(()), Result::and);
    let closed = close(&mut links);
    cut.and(closed)
}

/// Links that are detached together, their waits overlapping, when this is dropped.
#[derive(Debug, Default)]
#[must_use = "links that are dropped detach their programs"]
pub struct Links(Vec<Link>);

impl Links {
    /// None yet.
    pub fn new() -> Links {
        Links::default()
    }

    /// Adds one.
    pub fn push(&mut self, link: Link) {
        self.0.push(link);
    }

    /// Detaches all of them.
    ///
    /// # Errors
    /// As [`detach_all`].
    pub fn detach(mut self) -> Result<(), Error> {
        detach_all(std::mem::take(&mut self.0))
    }
}

impl Deref for Links {
    type Target = [Link];
    fn deref(&self) -> &[Link] {
        &self.0
    }
}

impl Extend<Link> for Links {
    fn extend<I: IntoIterator<Item = Link>>(&mut self, links: I) {
        self.0.extend(links);
    }
}

impl FromIterator<Link> for Links {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Links {
        Links(links.into_iter().collect())
    }
}

impl IntoIterator for Links {
    type Item = Link;
    type IntoIter = std::vec::IntoIter<Link>;
    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(&mut self.0).into_iter()
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Err(error) = close(&mut self.0) {
            tracing::warn!(%error, "detaching left something behind");
        }
    }
}

/// Closes the parts of links, on several threads if the kernel makes each wait.
pub(super) fn close(links: &mut [Link]) -> Result<(), Error> {
    let slow = links.iter().flat_map(|link| &link.parts).filter(|part| part.is_slow()).count();
    let parts = links.iter_mut().flat_map(Link::take_parts);
    if slow < 2 {
        // Every part, also after an error.
        return parts.map(Part::close).fold(Ok(()), Result::and);
    }
    let queue = Mutex::new((Vec::from_iter(parts), Ok(())));
    let work = || {
        loop {
            let Some(part) = lock(&queue).0.pop() else { return };
            if let Err(error) = part.close() {
                let result = &mut lock(&queue).1;
                *result = std::mem::replace(result, Ok(())).and(Err(error));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..slow.min(THREADS) {
            let thread = thread::Builder::new().name("oxbpf-detach".to_owned()).stack_size(64 << 10);
            // Without another thread this one does it alone.
            if thread.spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    queue.into_inner().unwrap_or_else(PoisonError::into_inner).1
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Map, Object, Program, RingBuffer, StatsGuard};

    /// What is attached, loaded or read may go to another thread and be shared, and borrows from nothing.
    #[test]
    fn everything_with_a_descriptor_can_cross_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Link>();
        crosses::<Links>();
        crosses::<RingBuffer>();
        crosses::<Map>();
        crosses::<Program>();
        crosses::<Object>();
        crosses::<StatsGuard>();
        crosses::<crate::HashMap<u32, u64>>();
        crosses::<crate::PerCpuArray<u64>>();
        crosses::<Error>();
    }

    #[test]
    fn no_links_need_no_threads() {
        assert!(detach_all([]).is_ok());
        let mut links = Links::new();
        links.extend([]);
        assert_eq!(links.len(), 0);
        assert!(links.detach().is_ok());
    }
}
