use std::collections::BTreeMap;

use oxbpf_btf::Bytes;

/// Initial bytes of a map of global data.
///
/// What the file holds stands first, zeros up to [`len`](Self::len) follow and are not stored: a `.bss` of
/// gigabytes is a number here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    stored: Bytes,
    len: u32,
    /// Writes beyond what is stored, by offset; they do not overlap.
    patches: BTreeMap<u32, Vec<u8>>,
}

impl Data {
    /// Bytes, none of them left out.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let len = u32::try_from(bytes.len()).ok()?;
        Some(Self { stored: bytes.into(), len, patches: BTreeMap::new() })
    }

    /// Bytes, followed by zeros up to `len`; cut off there.
    pub(crate) fn from_bytes(stored: Bytes, len: u32) -> Self {
        let mut data = Self { stored, len, patches: BTreeMap::new() };
        data.cut();
        data
    }

    /// Forgets what is stored beyond the end.
    fn cut(&mut self) {
        if let Some(stored) = self.stored.slice(0..self.len as usize) {
            self.stored = stored;
        }
    }

    /// So many zeros.
    pub fn zeros(len: u32) -> Self {
        Self { stored: Bytes::default(), len, patches: BTreeMap::new() }
    }

    /// Bytes in all.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all of it is zero because nothing is stored: the kernel's own zeros will do.
    pub fn is_zeros(&self) -> bool {
        self.stored.is_empty() && self.patches.is_empty()
    }

    /// The bytes that are stored, as runs with their offsets, in order; between and after them are zeros.
    pub fn runs(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let first = (!self.stored.is_empty()).then_some((0, self.stored.as_slice()));
        first.into_iter().chain(self.patches.iter().map(|(at, bytes)| (*at, bytes.as_slice())))
    }

    /// Copies bytes out, from `at`; what lies beyond the end is left as it is. Returns how many were copied.
    pub fn read(&self, at: u32, out: &mut [u8]) -> usize {
        let n = out.len().min(self.len.saturating_sub(at) as usize);
        let Some(out) = out.get_mut(..n) else { return 0 };
        out.fill(0);
        for (start, bytes) in self.runs() {
            let (start, at) = (start as usize, at as usize);
            let from = start.max(at);
            let to = start.saturating_add(bytes.len()).min(at.saturating_add(n));
            if from < to
                && let Some(dst) = out.get_mut(from.saturating_sub(at)..to.saturating_sub(at))
                && let Some(src) = bytes.get(from.saturating_sub(start)..to.saturating_sub(start))
            {
                dst.copy_from_slice(src);
            }
        }
        n
    }

    /// Writes bytes at an offset; false, and nothing is written, if they would not fit.
    pub fn write(&mut self, at: u32, bytes: &[u8]) -> bool {
        let Some(end) = u32::try_from(bytes.len()).ok().and_then(|n| at.checked_add(n)) else { return false };
        if end > self.len {
            return false;
        }
        let split = self.stored.len().saturating_sub(at as usize).min(bytes.len());
        let (inside, beyond) = bytes.split_at(split);
        if !inside.is_empty() {
            let stored = self.stored.make_mut();
            if let Some(dst) = stored.get_mut(at as usize..(at as usize).saturating_add(split)) {
                dst.copy_from_slice(inside);
            }
        }
        if !beyond.is_empty() {
            // The sum fits: it is at most `end`.
            let start = at.saturating_add(u32::try_from(split).unwrap_or(0));
            self.patch(start, end, beyond);
        }
        true
    }

    /// Writes `bytes` at `start..end`, merging with the patches it touches.
    fn patch(&mut self, start: u32, end: u32, bytes: &[u8]) {
        let touched: Vec<u32> = self
            .patches
            .range(..=end)
            .filter(|(at, old)| end_of(**at, old) >= start)
            .map(|(at, _)| *at)
            .collect();
        let first = touched.first().map_or(start, |at| start.min(*at));
        let mut merged = Vec::new();
        for at in touched {
            if let Some(old) = self.patches.remove(&at) {
                overlay(&mut merged, at.saturating_sub(first) as usize, &old);
            }
        }
        overlay(&mut merged, start.saturating_sub(first) as usize, bytes);
        self.patches.insert(first, merged);
    }

    /// Changes the length; what is cut off is forgotten, what is added is zero.
    pub fn resize(&mut self, len: u32) {
        self.len = len;
        self.cut();
        self.patches.retain(|at, _| *at < len);
        for (at, bytes) in &mut self.patches {
            bytes.truncate(len.saturating_sub(*at) as usize);
        }
    }

    /// All bytes, zeros included: allocates [`len`](Self::len) bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = vec![0; self.len as usize];
        for (at, bytes) in self.runs() {
            overlay(&mut out, at as usize, bytes);
        }
        out
    }
}

fn end_of(at: u32, bytes: &[u8]) -> u32 {
    at.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

/// Writes `bytes` at `at`, growing `out` as needed.
fn overlay(out: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at.saturating_add(bytes.len());
    if out.len() < end {
        out.resize(end, 0);
    }
    if let Some(dst) = out.get_mut(at..end) {
        dst.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_not_stored() {
        let mut data = Data::zeros(u32::MAX);
        assert!(data.is_zeros());
        assert!(data.write(u32::MAX - 4, &[1, 2, 3, 4]));
        assert!(!data.write(u32::MAX - 3, &[1, 2, 3, 4]));
        let mut out = [9; 8];
        assert_eq!(data.read(u32::MAX - 6, &mut out), 6);
        assert_eq!(out, [0, 0, 1, 2, 3, 4, 9, 9]);
        assert_eq!(data.runs().collect::<Vec<_>>(), [(u32::MAX - 4, [1, 2, 3, 4].as_slice())]);
    }

    #[test]
    fn writes_across_the_stored_part_and_each_other() {
        let mut data = Data::new(vec![1; 4]).unwrap();
        data.resize(16);
        assert!(data.write(2, &[2, 2, 2, 2]));
        assert!(data.write(8, &[3, 3]));
        assert!(data.write(5, &[4, 4, 4, 4]));
        assert_eq!(data.to_vec(), [1, 1, 2, 2, 2, 4, 4, 4, 4, 3, 0, 0, 0, 0, 0, 0]);
        assert!(data.write(12, &[5]));
        let mut all = [7; 16];
        assert_eq!(data.read(0, &mut all), 16);
        assert_eq!(all.to_vec(), data.to_vec());
        data.resize(6);
        assert_eq!(data.to_vec(), [1, 1, 2, 2, 2, 4]);
    }
}
