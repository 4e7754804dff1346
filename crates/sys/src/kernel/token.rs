//! Tokens: privileges handed to a container.

use std::os::fd::{BorrowedFd, OwnedFd};

use super::Kernel;
use crate::Result;
use crate::attr::{Attr, raw};
use crate::uapi::{Cmd, TokenCreateAttr};

impl Kernel {
    /// Makes a token of a BPF file system: its descriptor stands in for `CAP_BPF`, `CAP_PERFMON` and
    /// `CAP_NET_ADMIN` of the first user namespace in what the file system delegates. Since Linux 6.9.
    ///
    /// The file system belongs to the user namespace of a container, where the caller is, too, and has `CAP_BPF`. Who
    /// is privileged outside of it has mounted it with the options `delegate_cmds`, `delegate_maps`, `delegate_progs`
    /// and `delegate_attachs`. `bpffs` is the file system's root, opened for reading.
    ///
    /// # Errors
    /// - `EPERM`: outside of the user namespace that the file system is of, or without `CAP_BPF` in it
    /// - `EOPNOTSUPP`: in the first user namespace, where privileges are the way
    /// - `ENOENT`: the file system delegates nothing
    /// - `EINVAL`: not the root of a BPF file system; a kernel before 6.9
    /// - `EACCES`: may not look into it; `EBADF`: no descriptor, or one that is a mere place (`O_PATH`)
    ///
    /// # Examples
    /// ```no_run
    /// use std::os::fd::AsFd;
    /// use std::path::Path;
    /// use oxbpf_sys::{Kernel, MapCreate, MapType, OpenHow};
    ///
    /// let kernel = Kernel::host();
    /// let bpffs = kernel.open(Path::new("/sys/fs/bpf"), OpenHow::Read)?;
    /// let token = kernel.token_create(bpffs.as_fd())?;
    /// let map = kernel.map_create(&MapCreate {
    ///     map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1,
    ///     token_fd: Some(token.as_fd()), ..Default::default()
    /// })?;
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_token_create")]
    #[doc(alias = "BPF_TOKEN_CREATE")]
    pub fn token_create(&self, bpffs: BorrowedFd<'_>) -> Result<OwnedFd> {
        let layout = TokenCreateAttr { flags: 0, bpffs_fd: raw(bpffs) };
        self.bpf_fd(&mut Attr::new(Cmd::TOKEN_CREATE, &layout))
    }
}
