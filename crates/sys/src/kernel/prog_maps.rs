//! What programs and maps have to do with each other beside the instructions.

use std::os::fd::BorrowedFd;

use super::Kernel;
use crate::Result;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, FdPairAttr};

impl Kernel {
    /// Ties a map to a program that is loaded: the map lives as long as the program, used by its instructions or not.
    /// To bind what a program has already, does nothing. Since Linux 5.10. Needs no privileges but the descriptors.
    ///
    /// The program does not get at the map that way. It is for what describes a program: loaders keep its metadata in
    /// read-only variables (`.rodata`), and tools find these by the program.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let load = ProgLoad { prog_type: ProgramType::XDP, insns: &insns, license: "GPL", ..Default::default() };
    /// # let array = MapCreate {
    /// #     map_type: MapType::ARRAY, key_size: 4, value_size: 64, max_entries: 1, ..Default::default()
    /// # };
    /// let (program, metadata) = (kernel.prog_load(&load, None)?, kernel.map_create(&array)?);
    /// kernel.prog_bind_map(program.as_fd(), metadata.as_fd())?;
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EBADF`: not a descriptor
    /// - `EINVAL`: a descriptor of something else than a program or a map
    /// - `ENOMEM`
    #[doc(alias = "bpf_prog_bind_map")]
    #[doc(alias = "BPF_PROG_BIND_MAP")]
    pub fn prog_bind_map(&self, prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<()> {
        let layout = FdPairAttr { first_fd: raw(prog), second_fd: raw(map), flags: 0 };
        self.bpf(&mut Attr::new(Cmd::PROG_BIND_MAP, &layout))
    }

    /// Says for which struct_ops map a program calls kernel functions: one that is itself no part of a struct_ops map,
    /// a timer's callback for one. A program that is part of a map is associated with that by itself. Since Linux 6.19.
    ///
    /// ```no_run
    /// # use std::os::fd::BorrowedFd;
    /// # fn f(kernel: oxbpf_sys::Kernel, program: BorrowedFd<'_>, ops: BorrowedFd<'_>) -> oxbpf_sys::Result<()> {
    /// kernel.prog_assoc_struct_ops(program, ops)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// - `EBADF`: not a descriptor
    /// - `EINVAL`: a descriptor of something else, a map of another type, a program that is part of a struct_ops map; a
    ///   kernel before 6.19
    /// - `EBUSY`: it is associated with another map already
    #[doc(alias = "bpf_prog_assoc_struct_ops")]
    #[doc(alias = "BPF_PROG_ASSOC_STRUCT_OPS")]
    pub fn prog_assoc_struct_ops(&self, prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<()> {
        let layout = FdPairAttr { first_fd: raw(map), second_fd: raw(prog), flags: 0 };
        self.bpf(&mut Attr::new(Cmd::PROG_ASSOC_STRUCT_OPS, &layout))
    }
}
