//! One link of every kind that this kernel makes.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf::btf::Kind;
use oxbpf::sys::uapi::{
    PERF_COUNT_SW_CPU_CLOCK, PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT, PerfFlags, RawPerfEventAttr,
};
use oxbpf::sys::{IterTarget, LinkCreate, LinkExtra, LinkTarget, PerfEvent, ProgLoad, RelativeTo, SysError};
use oxbpf::{AttachType, Kernel, LoadedLink, Map, MapCreate, MapType, ProgramType};
use oxbpf_testing::Cgroup;
use oxbpf_testing::net::Veth;

use crate::tool::Result;

/// Links, each with a word for what it is on.
pub(crate) struct Made {
    pub(crate) links: Vec<(&'static str, LoadedLink)>,
    /// Kinds that this kernel does not make, and why.
    pub(crate) not: Vec<(&'static str, String)>,
    pub(crate) map: Map,
    pub(crate) sockmap: Map,
    pub(crate) cgroup: Cgroup,
    pub(crate) exe: String,
    pub(crate) offset: u64,
    kernel: Kernel,
    veth: Veth,
}

/// `r0 = value; exit`.
fn returns(value: u8) -> Vec<u8> {
    vec![0xb7, 0, 0, 0, value, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]
}

impl Made {
    /// As many as this kernel makes, on interfaces of this thread's own network namespace.
    pub(crate) fn all() -> Result<Self> {
        let kernel = Kernel::host();
        let of = |map_type, key_size, value_size| MapCreate {
            map_type,
            key_size,
            value_size,
            max_entries: 4,
            ..MapCreate::default()
        };
        let exe = std::env::current_exe()?;
        let mut made = Self {
            links: Vec::new(),
            not: Vec::new(),
            map: Map::create(&kernel, &of(MapType::HASH, 4, 4))?,
            sockmap: Map::create(&kernel, &of(MapType::SOCKMAP, 4, 4))?,
            cgroup: Cgroup::create()?,
            exe: exe.to_str().ok_or("a path in UTF-8")?.to_owned(),
            offset: offset_of_probed()?,
            kernel,
            veth: Veth::create()?,
        };
        made.add("raw tracepoint", Self::raw_tracepoint);
        made.add("tracepoint", Self::tracepoint);
        made.add("uprobe", |made| made.uprobe(false));
        made.add("uretprobe", |made| made.uprobe(true));
        made.add("kprobe", |made| made.kprobe(false));
        made.add("kretprobe", |made| made.kprobe(true));
        made.add("counter", Self::counter);
        made.add("many uprobes", Self::many_uprobes);
        made.add("many kprobes", Self::many_kprobes);
        made.add("fentry", Self::fentry);
        made.add("elements of a map", |made| {
            let map = made
                .map
                .as_fd()
                .try_clone_to_owned()
                .map_err(|_| SysError::new("dup", oxbpf::Errno::EMFILE))?;
            made.iterator("bpf_iter_bpf_map_elem", LinkExtra::Iter(IterTarget::Map(map.as_fd())))
        });
        made.add("tasks", |made| made.iterator("bpf_iter_task", LinkExtra::None));
        made.add("a task", |made| {
            let task = IterTarget::Task { tid: 0, pid: std::process::id(), pid_fd: None };
            made.iterator("bpf_iter_task", LinkExtra::Iter(task))
        });
        made.add("cgroups", |made| {
            let dir =
                File::open(made.cgroup.path()).map_err(|_| SysError::new("open", oxbpf::Errno::ENOENT))?;
            let below = IterTarget::Cgroup { order: 2, fd: Some(dir.as_fd()), id: 0 };
            made.iterator("bpf_iter_cgroup", LinkExtra::Iter(below))
        });
        made.add("cgroup", Self::cgroup);
        made.add("netns", Self::netns);
        made.add("xdp", Self::xdp);
        made.add("tcx", Self::tcx);
        made.add("netfilter", Self::netfilter);
        made.add("sockmap", Self::sockmap);
        Ok(made)
    }

    fn add(&mut self, what: &'static str, make: impl FnOnce(&Self) -> Opened) {
        let opened = make(self).map_err(|e| e.to_string());
        let link = opened.and_then(|fd| LoadedLink::from_fd(&self.kernel, fd).map_err(|e| e.to_string()));
        match link {
            Ok(link) => self.links.push((what, link)),
            Err(why) => self.not.push((what, why)),
        }
    }

    fn load(&self, prog_type: ProgramType, attach: Option<AttachType>, value: u8) -> Opened {
        let insns = returns(value);
        let load = ProgLoad {
            prog_type,
            expected_attach_type: attach,
            insns: &insns,
            license: "GPL",
            name: "nothing",
            ..ProgLoad::default()
        };
        self.kernel.prog_load(&load, None)
    }

    fn link(
        &self,
        program: &OwnedFd,
        target: LinkTarget<'_>,
        attach: AttachType,
        extra: LinkExtra<'_>,
    ) -> Opened {
        self.kernel.link_create(&LinkCreate { extra, ..LinkCreate::new(program.as_fd(), target, attach) })
    }

    fn raw_tracepoint(&self) -> Opened {
        let program = self.load(ProgramType::RAW_TRACEPOINT, None, 0)?;
        // Cookies came in 6.10.
        let cookie = if self.kernel.kernel_version()?.at_least(6, 10) { COOKIE } else { 0 };
        self.kernel.raw_tracepoint_open(Some("sched_process_exec"), program.as_fd(), cookie)
    }

    fn on_event(
        &self,
        program: ProgramType,
        attr: RawPerfEventAttr,
        probe: Option<&str>,
        pid: i32,
        cpu: i32,
    ) -> Opened {
        let event = self.kernel.perf_event_open(&PerfEvent { attr, probe }, pid, cpu, PerfFlags::empty())?;
        let program = self.load(program, None, 0)?;
        let extra = LinkExtra::PerfEvent { cookie: COOKIE };
        self.link(&program, LinkTarget::Fd(event.as_fd()), AttachType::PERF_EVENT, extra)
    }

    fn tracepoint(&self) -> Opened {
        let config = self.kernel.tracepoint_id("syscalls", "sys_enter_getpriority")?;
        let attr = RawPerfEventAttr {
            event_type: PERF_TYPE_TRACEPOINT,
            config,
            sample_period: 1,
            ..Default::default()
        };
        self.on_event(ProgramType::TRACEPOINT, attr, None, 0, -1)
    }

    fn uprobe(&self, ret: bool) -> Opened {
        let pmu = self.kernel.uprobe_pmu()?;
        let config = u64::from(ret) << pmu.retprobe_bit;
        let attr = RawPerfEventAttr {
            event_type: pmu.event_type,
            config,
            config2: self.offset,
            ..Default::default()
        };
        self.on_event(ProgramType::KPROBE, attr, Some(&self.exe), 0, -1)
    }

    fn kprobe(&self, ret: bool) -> Opened {
        let pmu = self.kernel.kprobe_pmu()?;
        let config = u64::from(ret) << pmu.retprobe_bit;
        let attr = RawPerfEventAttr { event_type: pmu.event_type, config, ..Default::default() };
        self.on_event(ProgramType::KPROBE, attr, Some(FUNCTION), -1, 0)
    }

    fn counter(&self) -> Opened {
        let attr = RawPerfEventAttr {
            event_type: PERF_TYPE_SOFTWARE,
            config: PERF_COUNT_SW_CPU_CLOCK,
            sample_period: 1 << 30,
            ..Default::default()
        };
        self.on_event(ProgramType::PERF_EVENT, attr, None, 0, -1)
    }

    fn many_uprobes(&self) -> Opened {
        let attach = AttachType::TRACE_UPROBE_MULTI;
        let program = self.load(ProgramType::KPROBE, Some(attach), 0)?;
        let path = CString::new(self.exe.as_str()).expect("no NUL in a path");
        let extra = LinkExtra::UprobeMulti {
            path: &path,
            offsets: &[self.offset],
            ref_ctr_offsets: &[],
            cookies: &[COOKIE],
            flags: 0,
            pid: std::process::id(),
        };
        self.link(&program, LinkTarget::None, attach, extra)
    }

    fn many_kprobes(&self) -> Opened {
        let attach = AttachType::TRACE_KPROBE_MULTI;
        let program = self.load(ProgramType::KPROBE, Some(attach), 0)?;
        let cookies = [COOKIE, COOKIE + 1];
        let extra = LinkExtra::KprobeMulti {
            flags: 0,
            syms: &[c"vfs_read", c"vfs_write"],
            addrs: &[],
            cookies: &cookies,
        };
        self.link(&program, LinkTarget::None, attach, extra)
    }

    fn by_function(&self, function: &str, attach: AttachType) -> Opened {
        let id = self.kernel.btf()?.find(function, Kind::Func);
        let id = id.ok_or_else(|| SysError::new("find", oxbpf::Errno::ENOENT).with(function))?;
        let insns = returns(0);
        let load = ProgLoad {
            prog_type: ProgramType::TRACING,
            expected_attach_type: Some(attach),
            attach_btf_id: id.0,
            insns: &insns,
            license: "GPL",
            ..ProgLoad::default()
        };
        self.kernel.prog_load(&load, None)
    }

    fn fentry(&self) -> Opened {
        let program = self.by_function("vfs_read", AttachType::TRACE_FENTRY)?;
        self.kernel.raw_tracepoint_open(None, program.as_fd(), 0)
    }

    fn iterator(&self, function: &str, extra: LinkExtra<'_>) -> Opened {
        let program = self.by_function(function, AttachType::TRACE_ITER)?;
        self.link(&program, LinkTarget::None, AttachType::TRACE_ITER, extra)
    }

    fn on_file(&self, file: &std::path::Path, program: &OwnedFd, attach: AttachType) -> Opened {
        let file = File::open(file).map_err(|_| SysError::new("open", oxbpf::Errno::ENOENT))?;
        let fd: BorrowedFd<'_> = file.as_fd();
        self.link(program, LinkTarget::Fd(fd), attach, LinkExtra::None)
    }

    fn cgroup(&self) -> Opened {
        let attach = AttachType::CGROUP_INET_EGRESS;
        let program = self.load(ProgramType::CGROUP_SKB, Some(attach), 1)?;
        self.on_file(self.cgroup.path(), &program, attach)
    }

    fn netns(&self) -> Opened {
        let program = self.load(ProgramType::SK_LOOKUP, Some(AttachType::SK_LOOKUP), 1)?;
        self.on_file("/proc/thread-self/ns/net".as_ref(), &program, AttachType::SK_LOOKUP)
    }

    fn xdp(&self) -> Opened {
        let program = self.load(ProgramType::XDP, None, 2)?;
        self.link(&program, LinkTarget::Ifindex(self.veth.far), AttachType::XDP, LinkExtra::None)
    }

    fn tcx(&self) -> Opened {
        let program = self.load(ProgramType::SCHED_CLS, Some(AttachType::TCX_EGRESS), 0)?;
        let extra = LinkExtra::Order { relative: RelativeTo::None, expected_revision: 0 };
        self.link(&program, LinkTarget::Ifindex(self.veth.far), AttachType::TCX_EGRESS, extra)
    }

    fn netfilter(&self) -> Opened {
        let program = self.load(ProgramType::NETFILTER, Some(AttachType::NETFILTER), 1)?;
        let extra = LinkExtra::Netfilter { pf: 2, hooknum: 3, priority: -150, flags: 0 };
        self.link(&program, LinkTarget::None, AttachType::NETFILTER, extra)
    }

    fn sockmap(&self) -> Opened {
        let attach = AttachType::SK_MSG_VERDICT;
        let program = self.load(ProgramType::SK_MSG, Some(attach), 1)?;
        self.link(&program, LinkTarget::Fd(self.sockmap.as_fd()), attach, LinkExtra::None)
    }

    /// The interface that links of networking are on.
    pub(crate) fn ifindex(&self) -> u32 {
        self.veth.far
    }
}

/// A link's descriptor.
type Opened = std::result::Result<OwnedFd, SysError>;

/// What links with a cookie have.
pub(crate) const COOKIE: u64 = 0x1234_5678_9abc;

/// What uprobes are on.
#[inline(never)]
extern "C" fn probed(n: u64) -> u64 {
    std::hint::black_box(n) + 1
}

/// Where that is in this program's file.
fn offset_of_probed() -> Result<u64> {
    let address = probed as extern "C" fn(u64) -> u64 as usize as u64;
    let hex = |t: &str| u64::from_str_radix(t, 16).ok();
    let offset = std::fs::read_to_string("/proc/self/maps")?.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let offset = hex(fields.nth(1)?)?;
        let (start, end) = (hex(start)?, hex(end)?);
        (start..end).contains(&address).then(|| address - start + offset)
    });
    Ok(offset.ok_or("the function is mapped")?)
}

/// What kprobes are on.
pub(crate) const FUNCTION: &str = "vfs_fsync";
