//! The context that a loader is run with.

/// Where everything is in it, in bytes. Sums saturate: a context that long is refused before it is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    maps: u32,
    programs: u32,
}

/// Before the first map.
const HEADER: u32 = 24;
const MAP: u32 = 16;
const PROGRAM: u32 = 4;

impl Context {
    pub(super) const FLAGS: u32 = 4;
    /// Flag: initial values are at addresses of the kernel.
    pub(super) const FROM_KERNEL: i32 = 1;
    pub(super) const LOG_LEVEL: u32 = 8;
    pub(super) const LOG_SIZE: u32 = 12;
    pub(super) const LOG_BUF: u32 = 16;
    /// In what is about a map.
    pub(super) const MAX_ENTRIES: u32 = 4;
    pub(super) const INITIAL: u32 = 8;
    /// The last offset that an instruction can say.
    pub(super) const MAX: u32 = i16::MAX as u32;

    pub(super) fn new(maps: usize, programs: usize) -> Self {
        let [maps, programs] = [maps, programs].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Self { maps, programs }
    }

    pub(super) fn map(self, index: usize) -> u32 {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        HEADER.saturating_add(index.saturating_mul(MAP))
    }

    pub(super) fn program(self, index: usize) -> u32 {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.map(self.maps as usize).saturating_add(index.saturating_mul(PROGRAM))
    }

    pub(super) fn step(self) -> u32 {
        self.program(self.programs as usize)
    }

    pub(super) fn log_step(self) -> u32 {
        self.step().saturating_add(4)
    }

    pub(super) fn size(self) -> u32 {
        self.log_step().saturating_add(4)
    }
}

#[cfg(test)]
mod tests {
    use super::Context;

    #[test]
    fn it_is_the_one_of_light_skeletons() {
        let context = Context::new(2, 3);
        assert_eq!((context.map(0), context.map(1), context.program(0)), (24, 40, 56));
        assert_eq!((context.program(2), context.step(), context.size()), (64, 68, 76));
        assert_eq!(Context::new(usize::MAX, 0).size(), u32::MAX);
    }
}
