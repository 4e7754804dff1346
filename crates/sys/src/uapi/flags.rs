//! Flags of single commands. Those of maps and programs are in `oxbpf-obj`.

use bitflags::bitflags;

bitflags! {
    /// Flags of looking up and updating elements.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ElemFlags: u64 {
        /// The element must not exist yet (`BPF_NOEXIST`); otherwise `EEXIST`.
        const NOEXIST = 1;
        /// The element must exist (`BPF_EXIST`); otherwise `ENOENT`.
        const EXIST = 2;
        /// Hold the value's `bpf_spin_lock` meanwhile (`BPF_F_LOCK`), since Linux 5.1.
        const LOCK = 4;
        /// The value of one CPU, whose number is in the upper 32 bits (`BPF_F_CPU`), since Linux 7.0. See
        /// [`on_cpu`](Self::on_cpu).
        const CPU = 8;
        /// One value for all CPUs (`BPF_F_ALL_CPUS`), since Linux 7.0: updates only.
        const ALL_CPUS = 16;
        const _ = !0;
    }

    /// Flags of attaching a program.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct AttachFlags: u32 {
        /// A program of a cgroup below runs instead of this one (`BPF_F_ALLOW_OVERRIDE`).
        const ALLOW_OVERRIDE = 1 << 0;
        /// Several programs run, those of cgroups below too (`BPF_F_ALLOW_MULTI`).
        const ALLOW_MULTI = 1 << 1;
        /// Replaces the program given (`BPF_F_REPLACE`).
        const REPLACE = 1 << 2;
        /// Before the program or link given, or first (`BPF_F_BEFORE`).
        const BEFORE = 1 << 3;
        /// After the program or link given, or last (`BPF_F_AFTER`).
        const AFTER = 1 << 4;
        /// What is given is an id, not a descriptor (`BPF_F_ID`).
        const ID = 1 << 5;
        /// The programs of cgroups above run first (`BPF_F_PREORDER`).
        const PREORDER = 1 << 6;
        /// What is given is a link (`BPF_F_LINK`).
        const LINK = 1 << 13;
        const _ = !0;
    }

    /// Flags of `BPF_PROG_TEST_RUN`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct TestRunFlags: u32 {
        /// Run on the CPU given (`BPF_F_TEST_RUN_ON_CPU`), raw tracepoints only.
        const ON_CPU = 1 << 0;
        /// Really send what the XDP program passes on (`BPF_F_TEST_XDP_LIVE_FRAMES`).
        const XDP_LIVE_FRAMES = 1 << 1;
        /// Fill in and check a complete checksum (`BPF_F_TEST_SKB_CHECKSUM_COMPLETE`).
        const SKB_CHECKSUM_COMPLETE = 1 << 2;
        const _ = !0;
    }

    /// How an object is opened by its id or its path: what the descriptor allows (`BPF_F_RDONLY`,
    /// `BPF_F_WRONLY`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct OpenFlags: u32 {
        /// Reading only.
        const RDONLY = 1 << 3;
        /// Writing only.
        const WRONLY = 1 << 4;
        const _ = !0;
    }

    /// Flags of attaching XDP to an interface.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct XdpFlags: u32 {
        /// Only if there is none yet.
        const UPDATE_IF_NOEXIST = 1 << 0;
        /// In the network stack, on any device.
        const SKB_MODE = 1 << 1;
        /// In the driver.
        const DRV_MODE = 1 << 2;
        /// In the hardware.
        const HW_MODE = 1 << 3;
        /// Only if the given program is the one attached.
        const REPLACE = 1 << 4;
        const _ = !0;
    }
}

impl ElemFlags {
    /// [`CPU`](Self::CPU) with a number.
    ///
    /// ```
    /// use oxbpf_sys::ElemFlags;
    ///
    /// assert_eq!(ElemFlags::on_cpu(3).bits(), 3 << 32 | 8);
    /// ```
    pub const fn on_cpu(cpu: u32) -> Self {
        Self::from_bits_retain((cpu as u64) << 32 | Self::CPU.bits())
    }
}

/// `BPF_F_PATH_FD`: `path_fd` of a path is set.
pub(crate) const PATH_FD: u32 = 1 << 14;
/// `BPF_F_NUMA_NODE`: `numa_node` of a map is set.
pub(crate) const NUMA_NODE: u32 = 1 << 2;
/// `BPF_F_VTYPE_BTF_OBJ_FD`: `value_type_btf_obj_fd` of a map is set.
pub(crate) const VTYPE_BTF_OBJ_FD: u32 = 1 << 15;
/// `BPF_F_TOKEN_FD`: the token's descriptor of a command is set.
pub(crate) const TOKEN_FD: u32 = 1 << 16;
