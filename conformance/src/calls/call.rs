//! One call.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};
use std::os::fd::{FromRawFd, OwnedFd};

use oxbpf_obj::{Endian, Insn, MapType, insn::opcode};
use oxbpf_sys::Layout;
use oxbpf_sys::uapi::{BtfLoadAttr, Cmd, MapCreateAttr, MapElemAttr, ObjAttr, ProgLoadAttr};

use super::fds::{self, Fd};

/// A bpf(2) call: what went in, and what came of it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) cmd: Cmd,
    attr: Vec<u8>,
    /// What its pointers led to, by the names of the fields.
    memory: BTreeMap<&'static str, Vec<u8>>,
    /// What the descriptors in it, and in its memory, stood for.
    fds: BTreeMap<i32, Fd>,
    /// What it returned, or the error's number.
    pub(crate) result: Result<i32, i32>,
    /// The map or program that it made, kept alive.
    pub(crate) made: Option<OwnedFd>,
    /// What it made.
    pub(crate) identity: Option<Fd>,
}

impl Call {
    /// Of what is about to be called.
    ///
    /// # Safety
    /// The attribute is one that the kernel may be given: its pointers lead to the memory that it says.
    pub(super) unsafe fn before(cmd: Cmd, attr: &[u8]) -> Call {
        let mut call = Call {
            cmd,
            attr: attr.to_vec(),
            memory: BTreeMap::new(),
            fds: BTreeMap::new(),
            result: Ok(0),
            made: None,
            identity: None,
        };
        // SAFETY: what the caller promises.
        unsafe {
            match cmd {
                Cmd::MAP_CREATE => call.map_create(),
                Cmd::PROG_LOAD => call.prog_load(),
                Cmd::BTF_LOAD => {
                    let load: BtfLoadAttr = call.view();
                    call.copy("btf", load.btf, load.btf_size as usize);
                }
                Cmd::MAP_UPDATE_ELEM => call.map_update(),
                Cmd::MAP_FREEZE => call.meet(call.view::<MapElemAttr>().map_fd),
                Cmd::OBJ_PIN | Cmd::OBJ_GET => {
                    let pin: ObjAttr = call.view();
                    call.copy_string("pathname", pin.pathname);
                    call.meet(pin.bpf_fd);
                }
                _ => {}
            }
        }
        call
    }

    pub(super) fn after(&mut self, result: Result<i32, i32>) {
        self.result = result;
        let Ok(fd) = result else { return };
        if matches!(self.cmd, Cmd::MAP_CREATE | Cmd::PROG_LOAD | Cmd::BTF_LOAD) {
            self.identity = Some(Fd::of(fd));
            // SAFETY: duplicating a descriptor touches no memory.
            let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 512) };
            // SAFETY: it was made just now and is nobody else's.
            self.made = (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) });
        }
    }

    /// The attribute as `L`.
    pub(crate) fn view<L: Layout>(&self) -> L {
        let mut bytes = self.attr.clone();
        bytes.resize(bytes.len().max(size_of::<L>()), 0);
        L::read_from_prefix(&bytes).map_or_else(|_| L::new_zeroed(), |(l, _)| l)
    }

    /// The memory that a field led to; empty if it was null.
    pub(crate) fn bytes(&self, field: &str) -> &[u8] {
        self.memory.get(field).map_or(&[], |bytes| bytes)
    }

    /// What a descriptor in it stood for.
    pub(crate) fn fd(&self, fd: i32) -> Option<&Fd> {
        self.fds.get(&fd)
    }

    /// All that descriptors in it stood for.
    pub(crate) fn fds(&self) -> impl Iterator<Item = &Fd> {
        self.fds.values()
    }

    /// The instructions that a program was loaded with.
    pub(crate) fn insns(&self) -> Vec<Insn> {
        Insn::decode_all(self.bytes("insns"), Endian::NATIVE)
    }

    /// SAFETY: see `before`, and so on for the others.
    unsafe fn copy(&mut self, field: &'static str, address: u64, size: usize) {
        if address != 0 {
            // SAFETY: what the caller promises.
            let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, size) };
            self.memory.insert(field, bytes.to_vec());
        }
    }

    unsafe fn copy_string(&mut self, field: &'static str, address: u64) {
        if address != 0 {
            // SAFETY: what the caller promises.
            let text = unsafe { CStr::from_ptr(address as *const c_char) };
            self.memory.insert(field, text.to_bytes().to_vec());
        }
    }

    /// Notes what a descriptor stands for; 0 is none.
    fn meet(&mut self, fd: u32) {
        let fd = fd.cast_signed();
        if fd > 0 {
            self.fds.entry(fd).or_insert_with(|| Fd::of(fd));
        }
    }

    unsafe fn map_create(&mut self) {
        let create: MapCreateAttr = self.view();
        self.meet(create.inner_map_fd);
        self.meet(create.btf_fd);
        self.meet(create.value_type_btf_obj_fd);
        // SAFETY: what the caller promises.
        unsafe { self.copy("excl_prog_hash", create.excl_prog_hash, create.excl_prog_hash_size as usize) };
    }

    unsafe fn prog_load(&mut self) {
        let load: ProgLoadAttr = self.view();
        let records = |count: u32, size: u32| count as usize * size as usize;
        // SAFETY: what the caller promises.
        unsafe {
            self.copy("insns", load.insns, load.insn_cnt as usize * Insn::SIZE);
            self.copy_string("license", load.license);
            self.copy("func_info", load.func_info, records(load.func_info_cnt, load.func_info_rec_size));
            self.copy("line_info", load.line_info, records(load.line_info_cnt, load.line_info_rec_size));
            self.copy("core_relos", load.core_relos, records(load.core_relo_cnt, load.core_relo_rec_size));
        }
        self.meet(load.prog_btf_fd);
        self.meet(load.attach_prog_fd);
        let insns = self.insns();
        // How long the array of descriptors is, the kernel need not be told.
        let mut array = load.fd_array_cnt as usize;
        for (at, insn) in insns.iter().enumerate() {
            match insn.src() {
                opcode::PSEUDO_MAP_FD | opcode::PSEUDO_MAP_VALUE if insn.is_ldimm64() => {
                    self.meet(insn.imm.cast_unsigned());
                }
                opcode::PSEUDO_MAP_IDX | opcode::PSEUDO_MAP_IDX_VALUE if insn.is_ldimm64() => {
                    array = array.max(insn.imm as usize + 1);
                }
                opcode::PSEUDO_BTF_ID if insn.is_ldimm64() => {
                    self.meet(insns.get(at + 1).map_or(0, |high| high.imm.cast_unsigned()));
                }
                _ if insn.is_kfunc_call() && insn.off > 0 => array = array.max(insn.off as usize + 1),
                _ => {}
            }
        }
        // SAFETY: the instructions refer to it up to this length.
        unsafe { self.copy("fd_array", load.fd_array, array * size_of::<i32>()) };
        for fd in self.fd_array() {
            self.meet(fd.cast_unsigned());
        }
    }

    /// The descriptors that instructions refer to by their number.
    pub(crate) fn fd_array(&self) -> Vec<i32> {
        self.bytes("fd_array").as_chunks::<4>().0.iter().map(|fd| i32::from_ne_bytes(*fd)).collect()
    }

    unsafe fn map_update(&mut self) {
        let update: MapElemAttr = self.view();
        self.meet(update.map_fd);
        let info = fds::map_info(update.map_fd.cast_signed());
        // Values of maps with one for each CPU are not what is looked for here.
        // SAFETY: the sizes are the map's own.
        unsafe {
            self.copy("key", update.key, info.key_size as usize);
            self.copy("value", update.value, info.value_size as usize);
        }
        if MapType(info.map_type) == MapType::STRUCT_OPS {
            for word in self.bytes("value").as_chunks::<8>().0.to_vec() {
                let number = u64::from_ne_bytes(word);
                if let Ok(fd) = i32::try_from(number)
                    && matches!(Fd::of(fd), Fd::Program(..))
                {
                    self.meet(fd.cast_unsigned());
                }
            }
        }
    }
}
