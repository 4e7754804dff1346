//! A kernel made older.

mod attributes;
mod insns;

use std::sync::Arc;

use oxbpf_btf::{Btf, Kind};

use crate::uapi::{LinkCreateAttr, MapCreateAttr, ProgAttachAttr, ProgLoadAttr};
use crate::{
    AttachType, Attr, Call, Cmd, Door, Errno, KernelVersion, MapFlags, MapType, OpenHow, ProgramFlags,
    ProgramType, Prot, Reply, Uname,
};

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

    /// Refuses what came later.
    fn check(&self, since: Option<(u16, u16)>) -> Result<(), Errno> {
        if self.knows(since) { Ok(()) } else { Err(Errno::EINVAL) }
    }

    fn bpf(&self, attr: &mut Attr<'_>) -> Result<(), Errno> {
        self.check(attr.cmd().since())?;
        attributes::check(self.version, attr)?;
        match attr.cmd() {
            Cmd::MAP_CREATE => self.map_create(&attr.view()),
            Cmd::PROG_LOAD => self.prog_load(attr),
            Cmd::BTF_LOAD => self.btf_load(attr),
            Cmd::LINK_CREATE => self.link_create(&attr.view()),
            Cmd::PROG_ATTACH | Cmd::PROG_DETACH => {
                self.check(AttachType(attr.view::<ProgAttachAttr>().attach_type).since())
            }
            _ => Ok(()),
        }
    }

    fn map_create(&self, a: &MapCreateAttr) -> Result<(), Errno> {
        self.check(MapType(a.map_type).since())?;
        let flags = MapFlags::from_bits_retain(a.map_flags);
        MAP_FLAGS
            .iter()
            .filter(|(f, _)| flags.intersects(*f))
            .try_for_each(|(_, since)| self.check(Some(*since)))
    }

    fn prog_load(&self, attr: &mut Attr<'_>) -> Result<(), Errno> {
        let a: ProgLoadAttr = attr.view();
        self.check(ProgramType(a.prog_type).since())?;
        let flags = ProgramFlags::from_bits_retain(a.prog_flags);
        for (_, since) in PROGRAM_FLAGS.iter().filter(|(f, _)| flags.intersects(*f)) {
            self.check(Some(*since))?;
        }
        if a.expected_attach_type != 0 {
            self.check(AttachType(a.expected_attach_type).since())?;
        }
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

    fn link_create(&self, a: &LinkCreateAttr) -> Result<(), Errno> {
        let attach = AttachType(a.attach_type);
        self.check(attach.since())?;
        let since = match attach {
            AttachType::TRACE_ITER | AttachType::FLOW_DISSECTOR => (5, 8),
            AttachType::XDP | AttachType::SK_LOOKUP => (5, 9),
            AttachType::TRACE_FENTRY | AttachType::TRACE_FEXIT | AttachType::MODIFY_RETURN => (5, 18),
            AttachType::TRACE_RAW_TP | AttachType::LSM_MAC => (5, 18),
            AttachType::PERF_EVENT => (5, 15),
            AttachType::STRUCT_OPS => (6, 4),
            _ => (5, 7),
        };
        self.check(Some(since))
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

static MAP_FLAGS: &[(MapFlags, (u16, u16))] = &[
    (MapFlags::NO_PREALLOC, (4, 6)),
    (MapFlags::NO_COMMON_LRU, (4, 10)),
    (MapFlags::NUMA_NODE, (4, 14)),
    (MapFlags::RDONLY.union(MapFlags::WRONLY), (4, 15)),
    (MapFlags::STACK_BUILD_ID, (4, 17)),
    (MapFlags::ZERO_SEED, (5, 0)),
    (MapFlags::RDONLY_PROG.union(MapFlags::WRONLY_PROG), (5, 2)),
    (MapFlags::CLONE, (5, 4)),
    (MapFlags::MMAPABLE, (5, 5)),
    (MapFlags::PRESERVE_ELEMS.union(MapFlags::INNER_MAP), (5, 10)),
    (MapFlags::LINK, (6, 4)),
    (MapFlags::VTYPE_BTF_OBJ_FD.union(MapFlags::TOKEN_FD), (6, 9)),
    (MapFlags::SEGV_ON_FAULT.union(MapFlags::NO_USER_CONV), (6, 9)),
    (MapFlags::RB_OVERWRITE, (6, 19)),
];

static PROGRAM_FLAGS: &[(ProgramFlags, (u16, u16))] = &[
    (ProgramFlags::STRICT_ALIGNMENT, (4, 12)),
    (ProgramFlags::ANY_ALIGNMENT, (5, 0)),
    (ProgramFlags::TEST_RND_HI32, (5, 3)),
    (ProgramFlags::TEST_STATE_FREQ, (5, 4)),
    (ProgramFlags::SLEEPABLE, (5, 10)),
    (ProgramFlags::XDP_HAS_FRAGS, (5, 18)),
    (ProgramFlags::XDP_DEV_BOUND_ONLY, (6, 3)),
    (ProgramFlags::TEST_REG_INVARIANTS, (6, 8)),
    (ProgramFlags::TOKEN_FD, (6, 9)),
];
