//! Many threads on one hash map: no update that the kernel confirmed is lost.
//!
//! Each thread owns every eighth key and keeps book of what it was told is there; nobody else writes these keys, so what it
//! looks up, takes or meets while iterating has to be exactly that. Of the keys of others it checks that values are
//! well formed. In the end the map has to hold what all books together say.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use oxbpf::{ElemFlags, Errno, Error, HashMap, MapFlags, MapType};
use oxbpf_testing::{Need, Suite, TestResult};

use super::flagged;

const THREADS: u32 = 8;
/// How many seconds the long form takes; `docs/testing.md` tells of it.
const LONG: &str = "OXBPF_STRESS_SECONDS";

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 14)];
    suite.test("stress::no_confirmed_update_is_lost", &needs, || stress(MapFlags::empty()));
    suite.test("stress::nor_where_elements_are_allocated", &needs, || stress(MapFlags::NO_PREALLOC));
}

fn stress(flags: MapFlags) -> TestResult {
    let long = std::env::var(LONG).ok().map(|seconds| seconds.parse::<f64>()).transpose()?;
    let (seconds, room, keys) = match long {
        // The two tests run at the same time: each gets the whole.
        Some(seconds) => (seconds, 1 << 20, 1_000_000),
        None => (1.5, 1 << 16, 60_000),
    };
    let map = HashMap::<u32, u64>::new(&flagged(MapType::HASH, 4, 8, room, flags)?)?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let start = Barrier::new(THREADS as usize);
    let books = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let mut owner = Owner::new(number, keys, map.clone());
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    owner.work(end).map(|()| owner)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<Vec<_>, _>>()
    })?;
    for owner in &books {
        assert!(owner.done.iter().all(|count| *count > 0), "each kind of work was done: {:?}", owner.done);
    }
    // All that is there is in the books, and all that is in the books is there.
    let mut wanted: Vec<(u32, u64)> = books.iter().flat_map(Owner::entries).collect();
    let mut found = map.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found.len(), wanted.len());
    assert!(found == wanted, "{:?}", found.iter().zip(&wanted).find(|(f, w)| f != w));
    Ok(())
}

/// The value that belongs to a key in its `version`: both, and a check of them.
fn value(key: u32, version: u32) -> u64 {
    let word = u64::from(key) << 24 | u64::from(version & 0xff_ffff);
    word | check(word) << 56
}

/// One byte of what makes a value well formed: keys have less than 32 bits and versions 24, so 8 are left.
fn check(word: u64) -> u64 {
    (word & 0x00ff_ffff_ffff_ffff).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56
}

fn is_well_formed(value: u64) -> bool {
    value >> 56 == check(value)
}

/// One thread.
struct Owner {
    number: u32,
    keys: u32,
    map: HashMap<u32, u64>,
    /// Of each own key the version that is there; 0 for none.
    book: Vec<u32>,
    /// The last version given out.
    last: u32,
    random: u64,
    /// How often each kind of work was done.
    done: [u64; 8],
}

impl Owner {
    fn new(number: u32, keys: u32, map: HashMap<u32, u64>) -> Self {
        let book = vec![0; keys.div_ceil(THREADS) as usize];
        Owner { number, keys, map, book, last: 0, random: u64::from(number) + 1, done: [0; 8] }
    }

    fn entries(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.book.iter().enumerate().filter(|(_, version)| **version != 0).map(|(slot, version)| {
            let key = self.key(slot);
            (key, value(key, *version))
        })
    }

    fn key(&self, slot: usize) -> u32 {
        slot as u32 * THREADS + self.number
    }

    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn slot(&mut self) -> usize {
        // The last slots of some threads are beyond the keys.
        (self.random() % (u64::from(self.keys / THREADS))) as usize
    }

    fn work(&mut self, end: Instant) -> TestResult {
        let whole = u64::from(self.keys);
        let mut next_walk = self.random() % whole;
        while Instant::now() < end || self.done.contains(&0) {
            for _ in 0..64 {
                match self.random() % 100 {
                    0..40 => self.update()?,
                    40..60 => self.look()?,
                    60..75 => self.delete()?,
                    75..85 => self.take()?,
                    85..95 => self.look_at_others()?,
                    95..98 => self.update_many()?,
                    _ => self.delete_many()?,
                }
            }
            let all: u64 = self.done.iter().sum();
            if all >= next_walk {
                self.walk()?;
                next_walk = all + whole / 2 + self.random() % whole;
            }
        }
        Ok(())
    }

    /// The errors that the kernel's documents allow at any time: it was not done, and nothing is changed.
    fn may_fail(error: &Error) -> bool {
        matches!(error.errno(), Some(Errno::EBUSY | Errno::ENOMEM))
    }

    fn update(&mut self) -> TestResult {
        let slot = self.slot();
        let (key, there) = (self.key(slot), self.book[slot] != 0);
        self.last += 1;
        let version = self.last;
        let (flags, refused) = match self.random() % 4 {
            0 => (ElemFlags::NOEXIST, there.then_some(Errno::EEXIST)),
            1 => (ElemFlags::EXIST, (!there).then_some(Errno::ENOENT)),
            _ => (ElemFlags::empty(), None),
        };
        match (self.map.update(&key, &value(key, version), flags), refused) {
            (Ok(()), None) => self.book[slot] = version,
            (Err(error), Some(errno)) if error.errno() == Some(errno) => {}
            (Err(error), _) if Self::may_fail(&error) => {}
            (result, _) => return Err(format!("key {key}, there: {there}, {flags:?}: {result:?}").into()),
        }
        self.done[0] += 1;
        Ok(())
    }

    fn expected(&self, slot: usize) -> Option<u64> {
        Some(self.book[slot]).filter(|version| *version != 0).map(|version| value(self.key(slot), version))
    }

    fn same(&self, slot: usize, found: Option<u64>) -> TestResult {
        let expected = self.expected(slot);
        if found == expected {
            return Ok(());
        }
        Err(format!("key {}: {found:x?} is there, not {expected:x?}", self.key(slot)).into())
    }

    fn look(&mut self) -> TestResult {
        let slot = self.slot();
        self.same(slot, self.map.get(&self.key(slot))?)?;
        self.done[1] += 1;
        Ok(())
    }

    fn delete(&mut self) -> TestResult {
        let slot = self.slot();
        match self.map.remove(&self.key(slot)) {
            Ok(was) if was == (self.book[slot] != 0) => self.book[slot] = 0,
            Err(error) if Self::may_fail(&error) => {}
            result => return Err(format!("deleting key {}: {result:?}", self.key(slot)).into()),
        }
        self.done[2] += 1;
        Ok(())
    }

    fn take(&mut self) -> TestResult {
        let slot = self.slot();
        match self.map.lookup_and_delete(&self.key(slot)) {
            Ok(found) => {
                self.same(slot, found)?;
                self.book[slot] = 0;
            }
            Err(error) if Self::may_fail(&error) => {}
            Err(error) => return Err(error.into()),
        }
        self.done[3] += 1;
        Ok(())
    }

    /// While it is looked up, an element of someone else may be deleted and its memory be another's: the value is a
    /// whole one all the same.
    fn look_at_others(&mut self) -> TestResult {
        let key = (self.random() % u64::from(self.keys)) as u32;
        if let Some(found) = self.map.get(&key)?
            && !is_well_formed(found)
        {
            return Err(format!("key {key}: {found:x} is no value").into());
        }
        self.done[4] += 1;
        Ok(())
    }

    /// So many different slots.
    fn slots(&mut self) -> Vec<usize> {
        let mut slots: Vec<usize> = (0..32).map(|_| self.slot()).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    fn update_many(&mut self) -> TestResult {
        let slots = self.slots();
        self.last += 1;
        let version = self.last;
        let keys: Vec<u32> = slots.iter().map(|slot| self.key(*slot)).collect();
        let values: Vec<u64> = keys.iter().map(|key| value(*key, version)).collect();
        let done = match self.map.update_batch(&keys, &values, ElemFlags::empty()) {
            Ok(done) => done,
            Err(Error::Batch { done, source, .. })
                if matches!(source.errno, Errno::EBUSY | Errno::ENOMEM) =>
            {
                done
            }
            Err(error) => return Err(error.into()),
        };
        slots.iter().take(done).for_each(|slot| self.book[*slot] = version);
        self.done[5] += 1;
        Ok(())
    }

    fn delete_many(&mut self) -> TestResult {
        let slots: Vec<usize> = self.slots().into_iter().filter(|slot| self.book[*slot] != 0).collect();
        if slots.is_empty() {
            return Ok(());
        }
        let keys: Vec<u32> = slots.iter().map(|slot| self.key(*slot)).collect();
        let done = match self.map.remove_batch(&keys) {
            Ok(done) => done,
            Err(Error::Batch { done, source, .. }) if source.errno == Errno::EBUSY => done,
            Err(error) => return Err(error.into()),
        };
        slots.iter().take(done).for_each(|slot| self.book[*slot] = 0);
        self.done[6] += 1;
        Ok(())
    }

    /// The whole map: each own entry once and as it is, those of others with their own values.
    fn walk(&mut self) -> TestResult {
        let mut seen = vec![false; self.book.len()];
        for entry in &self.map {
            let (key, found) = entry?;
            if !is_well_formed(found) || found >> 24 & 0xffff_ffff != u64::from(key) {
                return Err(format!("iterating: key {key} with {found:x}").into());
            }
            if key % THREADS == self.number {
                let slot = (key / THREADS) as usize;
                self.same(slot, Some(found))?;
                if std::mem::replace(&mut seen[slot], true) {
                    return Err(format!("iterating: key {key} came twice").into());
                }
            }
        }
        if let Some(slot) = (0..seen.len()).find(|slot| !seen[*slot] && self.book[*slot] != 0) {
            return Err(format!("iterating: key {} did not come", self.key(slot)).into());
        }
        self.done[7] += 1;
        Ok(())
    }
}
