//! The memory of this process that a loader reads and writes.

use oxbpf_obj::LightLoader;

/// The context of a run, and what its addresses lead to.
#[derive(Debug)]
pub(super) struct Buffers<'a> {
    pub(super) context: Vec<u8>,
    /// Read by the loader.
    values: Vec<&'a [u8]>,
    /// Written by the kernel.
    log: Option<&'a mut [u8]>,
}

/// Where the header of the context has the log.
const LOG_LEVEL: usize = 8;
const LOG_SIZE: usize = 12;
const LOG_BUF: usize = 16;
/// In what is about a map.
const MAX_ENTRIES: usize = 4;
const INITIAL: usize = 8;

impl<'a> Buffers<'a> {
    /// For a run with a log of one step, by its number from 0.
    pub(super) fn new(loader: &LightLoader, log: Option<(usize, &'a mut [u8])>) -> Self {
        let size = loader.context_size();
        let mut all = Self { context: vec![0; size as usize], values: Vec::new(), log: None };
        all.put(0, &size.to_ne_bytes());
        if let Some((step, log)) = log {
            let step = u32::try_from(step + 1).unwrap_or(u32::MAX);
            all.put(loader.log_step_slot() as usize, &step.to_ne_bytes());
            // The kernel writes there while the loader runs: whoever looks at it later must not think it unchanged.
            let address = log.as_mut_ptr().expose_provenance() as u64;
            all.put(LOG_LEVEL, &1_u32.to_ne_bytes());
            all.put(LOG_SIZE, &u32::try_from(log.len()).unwrap_or(u32::MAX).to_ne_bytes());
            all.put(LOG_BUF, &address.to_ne_bytes());
            all.log = Some(log);
        }
        all
    }

    /// Says how many entries a map is to have.
    pub(super) fn max_entries(&mut self, loader: &LightLoader, map: usize, entries: u32) {
        self.put(loader.map_slot(map) as usize + MAX_ENTRIES, &entries.to_ne_bytes());
    }

    /// Gives a map its initial value, which has to be as long as the map's is.
    pub(super) fn initial(&mut self, loader: &LightLoader, map: usize, value: &'a [u8]) {
        let address = value.as_ptr().expose_provenance() as u64;
        self.put(loader.map_slot(map) as usize + INITIAL, &address.to_ne_bytes());
        self.values.push(value);
    }

    /// What stands at `at` now.
    pub(super) fn word(&self, at: u32) -> u32 {
        let bytes = self.context.get(at as usize..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.context[at..at + bytes.len()].copy_from_slice(bytes);
    }
}
