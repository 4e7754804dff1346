//! Iterators: programs that are read.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::Kernel;
use crate::Result;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, IterCreateAttr};

impl Kernel {
    /// Makes a stream out of a link of an iterator: what the program writes (`bpf_seq_write`, `bpf_seq_printf`) for each
    /// thing that it is shown is read from it, with [`read`](Self::read), until that gives 0. Since Linux 5.8.
    ///
    /// Each stream walks on its own, from the beginning, and may be read on any thread; a link makes as many as one
    /// wants. What comes and goes meanwhile is seen or not. A read gives what there is, seldom the whole buffer; large
    /// buffers (16 KiB and more) cost fewer calls. A program that returns an error of its own, or that writes more for
    /// one thing than the kernel's buffer of 8 pages holds, ends the read with `EAGAIN`, `E2BIG` or others. The link
    /// stays when the stream is closed.
    ///
    /// ```
    /// # use std::{os::fd::AsFd, sync::Arc};
    /// # use oxbpf_sys::{AttachType, Kernel, LinkCreate, LinkTarget, ProgLoad, ProgramType, doors::Fake};
    /// # let kernel = Kernel::with_door(Arc::new(Fake::new()));
    /// # let insns = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    /// # let program = kernel.prog_load(&ProgLoad {
    /// #     prog_type: ProgramType::TRACING, insns: &insns, license: "GPL",
    /// #     expected_attach_type: Some(AttachType::TRACE_ITER), ..Default::default()
    /// # }, None)?;
    /// let link = kernel.link_create(&LinkCreate::new(program.as_fd(), LinkTarget::None, AttachType::TRACE_ITER))?;
    /// let stream = kernel.iter_create(link.as_fd())?;
    /// let mut buf = [0; 16 << 10];
    /// loop {
    ///     match kernel.read(stream.as_fd(), &mut buf)? {
    ///         0 => break,
    ///         n => print!("{}", String::from_utf8_lossy(&buf[..n])),
    ///     }
    /// }
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    ///
    /// # Errors
    /// - `EINVAL`: another kind of link, or no link
    /// - `EBADF`: not a descriptor
    /// - `EPERM`: not privileged (before 5.12 or so), or an LSM
    /// - `ENOMEM`
    #[doc(alias = "bpf_iter_create")]
    #[doc(alias = "BPF_ITER_CREATE")]
    pub fn iter_create(&self, link: BorrowedFd<'_>) -> Result<OwnedFd> {
        let layout = IterCreateAttr { link_fd: raw(link), flags: 0 };
        self.bpf_fd(&mut Attr::new(Cmd::ITER_CREATE, &layout))
    }
}
