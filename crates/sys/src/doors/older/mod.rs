//! A kernel made older.

mod insns;

use std::sync::Arc;

use oxbpf_btf::{Btf, Kind};

use crate::options;
use crate::{Attr, Call, Cmd, Door, Errno, KernelVersion, OpenHow, Prot, Reply, Uname};

/// Refuses what a kernel of a certain version would not know, and passes on the rest: commands, fields of
/// attributes, types and flags of maps and programs, attach types, kinds of BTF, instructions and helpers,
/// files of sysfs. It answers as such kernels do: `EINVAL`, and `E2BIG` for a longer attribute than its own.
///
/// It knows the releases of kernel.org, not what distributions carried back to theirs.
#[derive(Debug)]
pub struct Older {
    inner: Arc<dyn Door>,
    version: KernelVersion,
}

impl Older {
    /// What `inner` would be if it were of `version`.
    pub fn new(inner: Arc<dyn Door>, version: KernelVersion) -> Self {
        Self { inner, version }
    }

    fn knows(&self, since: Option<(u16, u16)>) -> bool {
        since.is_none_or(|(major, minor)| self.version.at_least(u32::from(major), u32::from(minor)))
    }

    fn bpf(&self, attr: &mut Attr<'_>) -> Result<(), Errno> {
        // Fields behind the end of its own attribute are what a kernel looks at first.
        let end = options::union_end(self.version);
        let newer: Vec<_> = options::asked(attr).into_iter().filter(|o| !self.knows(Some(o.since))).collect();
        if newer.iter().any(|o| o.end > end) {
            return Err(Errno::E2BIG);
        }
        if !newer.is_empty() {
            return Err(Errno::EINVAL);
        }
        match attr.cmd() {
            Cmd::PROG_LOAD => self.prog_load(attr),
            Cmd::BTF_LOAD => self.btf_load(attr),
            _ => Ok(()),
        }
    }

    fn prog_load(&self, attr: &mut Attr<'_>) -> Result<(), Errno> {
        let refused = insns::newer(self.version, attr.bytes("insns").unwrap_or_default());
        if let Some(reason) = refused {
            say(attr, "log_buf", &reason);
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    fn btf_load(&self, attr: &mut Attr<'_>) -> Result<(), Errno> {
        // What cannot be parsed is for the kernel to refuse.
        let Some(Ok(btf)) = attr.bytes("btf").map(Btf::parse) else { return Ok(()) };
        let newer = btf.types().find(|t| {
            let global = t.kind() == Kind::Func && t.linkage().is_some_and(|l| l != 0);
            !self.knows(Some(btf_since(t.kind()))) || (global && !self.knows(Some((5, 6))))
        });
        if let Some(t) = newer {
            let reason = format!("[{}] {:?} {}: this kernel knows no such type", t.id(), t.kind(), t.name());
            say(attr, "btf_log_buf", &reason);
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    /// Whether there is such a file yet.
    fn has_file(&self, path: &std::path::Path) -> bool {
        match path.strip_prefix("/sys/kernel/btf") {
            Ok(file) if file == std::path::Path::new("vmlinux") => self.version.at_least(5, 4),
            Ok(_) => self.version.at_least(5, 11),
            Err(_) => !path.starts_with("/sys/bus/event_source/devices/") || self.version.at_least(4, 17),
        }
    }
}

// SAFETY: the replies are errors or those of `inner`, but for what uname says.
unsafe impl Door for Older {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Bpf(attr) => {
                self.bpf(attr)?;
                self.inner.call(Call::Bpf(attr))
            }
            Call::Mmap { prot: Prot::KernelTypes, .. } if !self.version.at_least(6, 16) => Err(Errno::ENODEV),
            Call::Open(path, OpenHow::Read) if !self.has_file(path) => Err(Errno::ENOENT),
            Call::Uname => {
                self.inner.call(Call::Uname)?;
                Ok(Reply::Uname(Uname::of(self.version)))
            }
            // The version that this file tells is the true one.
            Call::Open(path, _) if path == std::path::Path::new("/proc/version_signature") => {
                Err(Errno::ENOENT)
            }
            call => self.inner.call(call),
        }
    }
}

/// Writes into a log.
fn say(attr: &mut Attr<'_>, field: &str, reason: &str) {
    if let Some((last, log)) = attr.bytes_mut(field).and_then(<[u8]>::split_last_mut) {
        *last = 0;
        for (to, from) in log.iter_mut().zip(reason.bytes().chain(*b"\n\0")) {
            *to = from;
        }
    }
}

/// The first kernel that takes BTF of a kind.
fn btf_since(kind: Kind) -> (u16, u16) {
    match kind {
        Kind::Func | Kind::FuncProto => (5, 0),
        Kind::Var | Kind::Datasec => (5, 2),
        Kind::Float => (5, 13),
        Kind::DeclTag => (5, 16),
        Kind::TypeTag => (5, 17),
        Kind::Enum64 => (6, 0),
        _ => (4, 18),
    }
}
