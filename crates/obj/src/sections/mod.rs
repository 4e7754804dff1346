//! What a section's name says about the programs in it.

mod table;

use std::fmt;

use crate::uapi::{AttachType, ProgramFlags, ProgramType};

/// How programs of a section are attached when nothing but the section's name is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum AttachKind {
    /// No way of attaching by the name alone (`syscall`, `lwt_*`, programs of devmaps and cpumaps).
    None,
    /// Tracepoint by category and name, through perf.
    Tracepoint,
    /// Raw tracepoint.
    RawTracepoint,
    /// Typed raw tracepoint.
    TpBtf,
    /// Entry of a function, by trampoline.
    Fentry,
    /// Exit of a function, by trampoline.
    Fexit,
    /// Change of a function's result, by trampoline.
    FmodRet,
    /// Entry and exit of a function, by trampoline.
    Fsession,
    /// Entry of many functions, by trampoline.
    FentryMulti,
    /// Exit of many functions, by trampoline.
    FexitMulti,
    /// Entry and exit of many functions, by trampoline.
    FsessionMulti,
    /// Replacement of a function of another program.
    Freplace,
    /// Security hook.
    Lsm,
    /// Iterator.
    Iter,
    /// Entry of a kernel function, by breakpoint or ftrace.
    Kprobe,
    /// Return of a kernel function, by breakpoint or ftrace.
    Kretprobe,
    /// Entry of many kernel functions.
    KprobeMulti,
    /// Return of many kernel functions.
    KretprobeMulti,
    /// Entry and return of many kernel functions.
    KprobeSession,
    /// Entry of a system call.
    Ksyscall,
    /// Return of a system call.
    Kretsyscall,
    /// Entry of a user function.
    Uprobe,
    /// Return of a user function.
    Uretprobe,
    /// Entry of many user functions.
    UprobeMulti,
    /// Return of many user functions.
    UretprobeMulti,
    /// Entry and return of many user functions.
    UprobeSession,
    /// Statically defined probe of a user program.
    Usdt,
    /// Network device, before the stack.
    Xdp,
    /// Traffic control, classic (by netlink).
    Tc,
    /// Traffic control, by link.
    Tcx,
    /// netkit device.
    Netkit,
    /// Netfilter hook.
    Netfilter,
    /// cgroup.
    Cgroup,
    /// Network namespace.
    Netns,
    /// sockmap or sockhash.
    Sockmap,
    /// Socket, by setsockopt(2).
    Socket,
    /// Infrared receiver.
    Lirc,
    /// Perf event.
    PerfEvent,
    /// Function of a struct_ops map.
    StructOps,
}

/// One row of the table of section names: what `SEC("name")` means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SectionDef {
    prefix: Prefix,
    /// Whether `prefix/target` is this row too; otherwise only `prefix` itself is.
    pub takes_target: bool,
    /// The type of the programs.
    pub prog_type: ProgramType,
    /// The attach type expected at load.
    pub attach_type: Option<AttachType>,
    /// Whether a kernel too old to know expected attach types (before 4.17) loads the program without it.
    pub attach_type_optional: bool,
    /// Whether BPF_PROG_ATTACH can attach it by `attach_type`.
    pub prog_attach: bool,
    /// Whether the target is a BTF id of the kernel or of another program.
    pub attach_btf: bool,
    /// Whether the program may sleep.
    pub sleepable: bool,
    /// Whether XDP packets of several fragments are understood.
    pub xdp_frags: bool,
    /// How programs of the section are attached.
    pub attach: AttachKind,
}

impl SectionDef {
    const fn new(
        prefix: &str,
        prog_type: ProgramType,
        attach_type: Option<AttachType>,
        attach: AttachKind,
    ) -> Self {
        Self {
            prefix: Prefix::new(prefix),
            takes_target: false,
            prog_type,
            attach_type,
            attach_type_optional: false,
            prog_attach: false,
            attach_btf: false,
            sleepable: false,
            xdp_frags: false,
            attach,
        }
    }

    const fn with_target(mut self) -> Self {
        self.takes_target = true;
        self
    }

    const fn optional(mut self) -> Self {
        self.attach_type_optional = true;
        self
    }

    const fn by_prog_attach(mut self) -> Self {
        self.prog_attach = true;
        self
    }

    const fn btf(mut self) -> Self {
        self.attach_btf = true;
        self
    }

    const fn sleepable(mut self) -> Self {
        self.sleepable = true;
        self
    }

    const fn frags(mut self) -> Self {
        self.xdp_frags = true;
        self
    }

    /// The section's name, or what stands before `/` in it.
    pub fn prefix(&self) -> &str {
        str::from_utf8(self.prefix.as_bytes()).unwrap_or_default()
    }

    /// The flags that its programs are loaded with.
    pub fn flags(&self) -> ProgramFlags {
        let mut flags = ProgramFlags::empty();
        flags.set(ProgramFlags::SLEEPABLE, self.sleepable);
        flags.set(ProgramFlags::XDP_HAS_FRAGS, self.xdp_frags);
        flags
    }

    /// The whole table, in the order of matching.
    pub fn table() -> &'static [Self] {
        table::TABLE
    }

    /// The row of a section's name (without the leading `?`) and what follows the row's prefix.
    ///
    /// ```
    /// use oxbpf_obj::{AttachKind, SectionDef};
    ///
    /// let (def, target) = SectionDef::find("tp/sched/sched_switch").unwrap();
    /// assert_eq!((def.attach, target), (AttachKind::Tracepoint, Some("sched/sched_switch")));
    /// assert!(SectionDef::find("no_such_thing").is_none());
    /// ```
    #[doc(alias = "libbpf_prog_type_by_name")]
    pub fn find(section: &str) -> Option<(&'static Self, Option<&str>)> {
        table::TABLE.iter().find_map(|def| {
            let prefix = def.prefix.as_bytes();
            let rest = section.get(prefix.len()..).filter(|_| section.as_bytes().starts_with(prefix))?;
            match rest.strip_prefix('/') {
                None if rest.is_empty() => Some((def, None)),
                Some(target) if def.takes_target => Some((def, Some(target))),
                _ => None,
            }
        })
    }
}

/// The text of a row, which stands in it: a table of addresses of texts takes memory in every process.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Prefix {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Prefix {
    const MAX: usize = 23;

    /// Of a table that is a constant: a text that is too long does not compile.
    const fn new(text: &str) -> Self {
        let mut bytes = [0; Self::MAX];
        bytes.split_at_mut(text.len()).0.copy_from_slice(text.as_bytes());
        Self { bytes, len: text.len() as u8 }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_without_doubles() {
        let mut names: Vec<_> = SectionDef::table().iter().map(SectionDef::prefix).collect();
        assert_eq!(names.len(), 116);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 116);
    }

    #[test]
    fn every_row_finds_itself() {
        for def in SectionDef::table() {
            assert_eq!(SectionDef::find(def.prefix()), Some((def, None)), "{}", def.prefix());
            let with_target = format!("{}/a/b+0x10", def.prefix());
            let found = SectionDef::find(&with_target);
            if def.takes_target {
                assert_eq!(found, Some((def, Some("a/b+0x10"))), "{}", def.prefix());
            } else {
                assert_eq!(found, None, "{}", def.prefix());
            }
        }
    }

    #[test]
    fn prefixes_end_at_a_slash() {
        assert_eq!(SectionDef::find("kprobex/do_unlinkat"), None);
        assert_eq!(SectionDef::find("tracepointfoo"), None);
        assert_eq!(SectionDef::find(""), None);
        let (def, target) = SectionDef::find("uprobe.multi.s//bin/sh:main").unwrap();
        assert!(def.sleepable && def.attach == AttachKind::UprobeMulti);
        assert_eq!(target, Some("/bin/sh:main"));
    }

    #[test]
    fn an_attach_type_of_zero_is_one() {
        let (ingress, _) = SectionDef::find("cgroup_skb/ingress").unwrap();
        assert_eq!(ingress.attach_type, Some(AttachType::CGROUP_INET_INGRESS));
        assert_eq!(SectionDef::find("cgroup/skb").unwrap().0.attach_type, None);
    }
}
