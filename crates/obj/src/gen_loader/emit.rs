//! The instructions of a loader.
//!
//! R6 is the context and R7 what the last call returned. The data begins with a table of descriptors, 4 bytes each:
//! whatever the loader opens stands there until it is handed over, and the end closes what is left.

use std::mem;
use std::ops::Range;

use super::blob::Blob;
use super::context::Context;
use super::loader::LightStep;
use crate::error::LightProblem;
use crate::insn::Reg::{self, R0, R1, R2, R3, R4, R6, R7, R8};
use crate::insn::{Alu, Assembler, Cond, Insn, Size};

/// Helpers, by number.
const PROBE_READ_KERNEL: u32 = 113;
const COPY_FROM_USER: u32 = 148;
const SYS_BPF: u32 = 166;
const BTF_FIND_BY_NAME_KIND: u32 = 167;
const SYS_CLOSE: u32 = 168;
const KALLSYMS_LOOKUP_NAME: u32 = 179;

/// Jumps say 16 bits. When the way back to the end gets longer than this, there is a stop on the way.
const FAR: usize = 30_000;

const ENOENT: i32 = 2;
const EINVAL: i32 = 22;

/// Commands of bpf(2).
#[derive(Clone, Copy)]
pub(super) enum Cmd {
    MapCreate = 0,
    MapUpdateElem = 2,
    ProgLoad = 5,
    BtfLoad = 18,
    MapFreeze = 22,
}

/// Writes a loader.
#[derive(Debug)]
pub(super) struct Emitter {
    asm: Assembler,
    pub(super) blob: Blob,
    pub(super) context: Context,
    pub(super) steps: Vec<LightStep>,
    labels: usize,
    /// The nearest way to the end, and where it is.
    end: String,
    end_at: usize,
    /// Instructions that get a part of the data's hash.
    hash_words: Vec<usize>,
}

impl Emitter {
    /// A loader that has a table of so many descriptors at the beginning of its data.
    pub(super) fn new(mut blob: Blob, context: Context, descriptors: usize) -> Self {
        let table = blob.zeros(descriptors.saturating_mul(4));
        let mut emitter = Self {
            asm: Assembler::new(),
            blob,
            context,
            steps: Vec::new(),
            labels: 0,
            end: "end".to_owned(),
            end_at: 0,
            hash_words: Vec::new(),
        };
        emitter.put(|asm| asm.mov64_reg(R6, R1).jump("begin").label("end"));
        emitter.end_at = emitter.asm.len();
        emitter.close_all(&table);
        emitter.put(|asm| asm.mov64_reg(R0, R7).exit().label("begin"));
        emitter
    }

    /// Closes what the table still has.
    fn close_all(&mut self, table: &Range<u32>) {
        self.put(|asm| asm.mov64_imm(R8, 0).label("each"));
        self.address(R1, table.start);
        self.put(|asm| {
            asm.alu64_reg(Alu::Add, R1, R8)
                .load(Size::W, R0, R1, 0)
                .store_imm(Size::W, R1, 0, 0)
                .if64_imm(Cond::Eq, R0, 0, "next")
                .mov64_reg(R1, R0)
                .call(SYS_CLOSE)
                .label("next")
                .add64_imm(R8, 4)
                .if64_imm(Cond::Lt, R8, table.end.cast_signed(), "each")
        });
    }

    fn put(&mut self, f: impl FnOnce(Assembler) -> Assembler) {
        self.asm = f(mem::take(&mut self.asm));
    }

    fn label(&mut self) -> String {
        self.labels = self.labels.saturating_add(1);
        format!("l{}", self.labels)
    }

    /// `reg` points into the data.
    fn address(&mut self, reg: Reg, at: u32) {
        self.put(|asm| asm.ld_map_index_value(reg, 0, at));
    }

    /// Says in the context what is done next.
    pub(super) fn step(&mut self, step: LightStep) {
        self.steps.push(step);
        let number = i32::try_from(self.steps.len()).unwrap_or(i32::MAX);
        let at = offset(self.context.step());
        self.put(|asm| asm.mov64_imm(R1, number).store(Size::W, R6, at, R1));
    }

    /// `*(u64 *)(data + at) = data + to`.
    pub(super) fn point(&mut self, at: u32, to: u32) {
        self.address(R0, to);
        self.address(R1, at);
        self.put(|asm| asm.store(Size::Dw, R1, 0, R0));
    }

    /// Copies 4 bytes of the data.
    pub(super) fn copy(&mut self, to: u32, from: u32) {
        self.stay_near();
        self.address(R1, from);
        self.put(|asm| asm.load(Size::W, R0, R1, 0));
        self.store_r0(to);
    }

    fn store_r0(&mut self, to: u32) {
        self.address(R1, to);
        self.put(|asm| asm.store(Size::W, R1, 0, R0));
    }

    /// Copies a field of the context into the data.
    fn take(&mut self, to: u32, size: Size, at: u32) {
        self.put(|asm| asm.load(size, R0, R6, offset(at)));
        self.address(R1, to);
        self.put(|asm| asm.store(size, R1, 0, R0));
    }

    /// Copies what the context says about the log, if it is for this step.
    pub(super) fn log(&mut self, level: u32, size: u32, buf: u32) {
        let [this, skip] = [self.label(), self.label()];
        let at = offset(self.context.log_step());
        let step = i32::try_from(self.steps.len()).unwrap_or(i32::MAX);
        self.put(|asm| {
            asm.load(Size::W, R0, R6, at)
                .if64_imm(Cond::Eq, R0, 0, &this)
                .if64_imm(Cond::Ne, R0, step, &skip)
                .label(&this)
        });
        self.take(level, Size::W, Context::LOG_LEVEL);
        self.take(size, Size::W, Context::LOG_SIZE);
        self.take(buf, Size::Dw, Context::LOG_BUF);
        self.put(|asm| asm.label(&skip));
    }

    /// Takes the number of entries from the context, unless it says 0.
    pub(super) fn max_entries(&mut self, to: u32, map: usize) {
        let at = offset(self.context.map(map).saturating_add(Context::MAX_ENTRIES));
        let skip = self.label();
        self.put(|asm| asm.load(Size::W, R0, R6, at).if64_imm(Cond::Eq, R0, 0, &skip));
        self.store_r0(to);
        self.put(|asm| asm.label(&skip));
    }

    /// Copies a map's value from where the context says, if it does. What `or_else` names is where to go on if not.
    pub(super) fn initial(&mut self, map: usize, value: &Range<u32>, or_else: &str) {
        let at = offset(self.context.map(map).saturating_add(Context::INITIAL));
        let len = value.end.saturating_sub(value.start).cast_signed();
        let [kernel, done] = [self.label(), self.label()];
        self.put(|asm| asm.load(Size::Dw, R3, R6, at).if64_imm(Cond::Eq, R3, 0, or_else));
        self.address(R1, value.start);
        self.put(|asm| {
            asm.mov64_imm(R2, len)
                .load(Size::W, R0, R6, offset(Context::FLAGS))
                .if64_imm(Cond::Set, R0, Context::FROM_KERNEL, &kernel)
                .call(COPY_FROM_USER)
                .jump(&done)
                .label(&kernel)
                .call(PROBE_READ_KERNEL)
                .label(&done)
                .mov64_reg(R7, R0)
        });
        self.check();
    }

    /// A place to go on at, and what marks it.
    pub(super) fn place(&mut self) -> String {
        self.label()
    }

    pub(super) fn mark(&mut self, place: &str) {
        self.put(|asm| asm.label(place));
    }

    /// Calls bpf(2) and goes to the end if it fails.
    pub(super) fn bpf(&mut self, cmd: Cmd, attr: u32, size: usize) {
        self.put(|asm| asm.mov64_imm(R1, cmd as i32));
        self.address(R2, attr);
        let size = i32::try_from(size).unwrap_or(0);
        self.put(|asm| asm.mov64_imm(R3, size).call(SYS_BPF).mov64_reg(R7, R0));
        self.check();
    }

    /// Keeps the descriptor that was just made.
    pub(super) fn keep(&mut self, at: u32) {
        self.address(R1, at);
        self.put(|asm| asm.store(Size::W, R1, 0, R7));
    }

    /// Makes sure that the way to the end is no longer than a jump reaches.
    fn stay_near(&mut self) {
        if self.asm.len().saturating_sub(self.end_at) > FAR {
            let [stop, over] = [self.label(), self.label()];
            let end = mem::replace(&mut self.end, stop.clone());
            self.put(|asm| asm.jump(&over).label(&stop));
            self.end_at = self.asm.len();
            self.put(|asm| asm.jump(&end).label(&over));
        }
    }

    /// Goes to the end if what was just called has failed.
    fn check(&mut self) {
        self.stay_near();
        let end = self.end.clone();
        self.put(|asm| asm.if64_imm(Cond::SLt, R7, 0, &end));
    }

    /// Looks for a name of a kind in the types of the kernel and its modules. Puts its id to `id`, and to `fd` the
    /// descriptor of the module's types; zeros if it is not there and need not be.
    pub(super) fn find_type(&mut self, name: &Range<u32>, kind: u32, weak: bool, id: u32, fd: u32) {
        let len = name.end.saturating_sub(name.start).cast_signed();
        self.address(R1, name.start);
        self.put(|asm| {
            asm.mov64_imm(R2, len)
                .mov64_imm(R3, kind.cast_signed())
                .mov64_imm(R4, 0)
                .call(BTF_FIND_BY_NAME_KIND)
                .mov64_reg(R7, R0)
        });
        if weak {
            let found = self.label();
            self.put(|asm| asm.if64_imm(Cond::SGe, R7, 0, &found).mov64_imm(R7, 0).label(&found));
        } else {
            self.check();
        }
        self.keep(id);
        self.put(|asm| asm.alu64_imm(Alu::Rsh, R7, 32));
        self.keep(fd);
    }

    /// Puts the address of a symbol to `at`; 0 if it is not there and need not be.
    pub(super) fn find_address(&mut self, name: &Range<u32>, weak: bool, at: u32) {
        let len = name.end.saturating_sub(name.start).cast_signed();
        self.address(R1, name.start);
        self.put(|asm| asm.mov64_imm(R2, len).mov64_imm(R3, 0));
        self.address(R4, at);
        self.put(|asm| asm.call(KALLSYMS_LOOKUP_NAME).mov64_reg(R7, R0));
        let found = self.label();
        if weak {
            self.put(|asm| asm.if64_imm(Cond::Eq, R7, -ENOENT, &found));
        }
        self.check();
        self.put(|asm| asm.label(&found));
    }

    /// Overwrites a byte of the data if the word at `word` is (or is not) zero.
    pub(super) fn byte_if_zero(&mut self, word: u32, at: u32, byte: u8) {
        let skip = self.label();
        self.address(R1, word);
        self.put(|asm| asm.load(Size::W, R0, R1, 0).if64_imm(Cond::Ne, R0, 0, &skip));
        self.address(R1, at);
        self.put(|asm| asm.store_imm(Size::B, R1, 0, byte.into()).label(&skip));
    }

    /// Puts a number of 2 bytes into the data if the word at `word` is not zero, and 0 if it is.
    pub(super) fn half_unless_zero(&mut self, word: u32, at: u32, half: i16) {
        let skip = self.label();
        self.address(R1, word);
        self.put(|asm| {
            asm.load(Size::W, R0, R1, 0)
                .if64_imm(Cond::Eq, R0, 0, &skip)
                .mov64_imm(R0, half.into())
                .label(&skip)
        });
        self.address(R1, at);
        self.put(|asm| asm.store(Size::H, R1, 0, R0));
    }

    /// Compares the hash of the map with that of the data as it will be.
    pub(super) fn check_hash(&mut self) {
        for at in [0, 8, 16, 24] {
            let same = self.label();
            // The hash is what the kernel's struct of a map begins with.
            self.put(|asm| asm.ld_map_index(R1, 0).load(Size::Dw, R2, R1, at));
            self.hash_words.push(self.asm.len());
            self.put(|asm| {
                asm.ld_imm64(R3, 0)
                    .if64_reg(Cond::Eq, R2, R3, &same)
                    // Not by way of the end: what the table says is not to be trusted.
                    .mov64_imm(R0, -EINVAL)
                    .exit()
                    .label(&same)
            });
        }
    }

    /// Hands a descriptor over to the context.
    pub(super) fn hand_over(&mut self, descriptor: u32, to: u32) {
        self.stay_near();
        self.address(R1, descriptor);
        self.put(|asm| {
            asm.load(Size::W, R0, R1, 0).store_imm(Size::W, R1, 0, 0).store(Size::W, R6, offset(to), R0)
        });
    }

    /// Ends well: what was not handed over is closed.
    pub(super) fn finish(mut self) -> Result<(Vec<Insn>, Blob, Vec<LightStep>), LightProblem> {
        self.stay_near();
        let end = self.end.clone();
        self.put(|asm| asm.mov64_imm(R7, 0).jump(&end));
        if self.blob.full {
            return Err(LightProblem::TooMuchData);
        }
        let mut insns = self.asm.finish().map_err(|_| LightProblem::TooMany)?;
        if !self.hash_words.is_empty() {
            for (at, word) in self.hash_words.iter().zip(self.blob.hash()) {
                if let Some([low, high]) = insns.get_mut(*at..).and_then(|rest| rest.first_chunk_mut()) {
                    [low.imm, high.imm] = [word as u32, (word >> 32) as u32].map(u32::cast_signed);
                }
            }
        }
        Ok((insns, self.blob, self.steps))
    }
}

/// Places in the context are checked to be that small before anything is written.
fn offset(at: u32) -> i16 {
    i16::try_from(at).unwrap_or(i16::MAX)
}
