//! Tokens: privileges handed to a container.

use std::mem::offset_of;
use std::os::fd::{BorrowedFd, OwnedFd};

use zerocopy::IntoBytes;

use super::Kernel;
use crate::attr::{Attr, raw};
use crate::uapi::{AttachType, Cmd, InfoAttr, MapType, ProgramType, TokenCreateAttr};
use crate::{Result, SysError};

/// What a token allows: a bit for each command, kind of map, type of program and attach type, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenInfo {
    /// Commands.
    pub allowed_cmds: u64,
    /// Kinds of maps that may be made.
    pub allowed_maps: u64,
    /// Types of programs that may be loaded.
    pub allowed_progs: u64,
    /// Attach types that these may be loaded for.
    pub allowed_attachs: u64,
}

impl TokenInfo {
    /// Whether it allows a command.
    pub fn allows_cmd(&self, cmd: Cmd) -> bool {
        bit(self.allowed_cmds, cmd.0)
    }

    /// Whether it allows maps of a kind, if it allows `BPF_MAP_CREATE`.
    pub fn allows_map(&self, kind: MapType) -> bool {
        bit(self.allowed_maps, kind.0)
    }

    /// Whether it allows programs of a type, if it allows `BPF_PROG_LOAD`.
    pub fn allows_program(&self, kind: ProgramType) -> bool {
        bit(self.allowed_progs, kind.0)
    }

    /// Whether it allows programs for an attach type, if it allows their type.
    pub fn allows_attach(&self, kind: AttachType) -> bool {
        bit(self.allowed_attachs, kind.0)
    }
}

fn bit(bits: u64, number: u32) -> bool {
    bits.checked_shr(number).is_some_and(|b| b & 1 == 1)
}

impl Kernel {
    /// What a token allows. Since Linux 6.17.
    ///
    /// # Errors
    /// - `EINVAL`: a descriptor of something else; a kernel before 6.17
    /// - `EBADF`: no descriptor
    #[doc(alias = "bpf_token_info")]
    pub fn token_info(&self, token: BorrowedFd<'_>) -> Result<TokenInfo> {
        let mut words = [0u64; 4];
        {
            let layout = InfoAttr { bpf_fd: raw(token), info_len: size_of_val(&words) as u32, info: 0 };
            let mut attr = Attr::new(Cmd::OBJ_GET_INFO_BY_FD, &layout);
            attr.output("info", offset_of!(InfoAttr, info), words.as_mut_bytes());
            self.bpf(&mut attr)?;
        }
        // The kernel answers about other objects, too, and says no word about of which kind they are.
        if self.fdinfo(token).is_ok_and(|lines| lines.get("allowed_cmds").is_none()) {
            return Err(SysError::invalid(Cmd::OBJ_GET_INFO_BY_FD.name(), "a descriptor of no token"));
        }
        let [allowed_cmds, allowed_maps, allowed_progs, allowed_attachs] = words;
        Ok(TokenInfo { allowed_cmds, allowed_maps, allowed_progs, allowed_attachs })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_by_number() {
        let info = TokenInfo { allowed_cmds: 1 << 5 | 1, allowed_maps: u64::MAX, ..Default::default() };
        assert!(info.allows_cmd(Cmd::MAP_CREATE) && info.allows_cmd(Cmd::PROG_LOAD));
        assert!(!info.allows_cmd(Cmd::BTF_LOAD) && info.allows_map(MapType::ARENA));
        assert!(!info.allows_map(MapType(64)), "beyond the last bit");
        assert!(!info.allows_program(ProgramType::XDP) && !info.allows_attach(AttachType::XDP));
    }
}
