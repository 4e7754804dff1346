//! Kinds of links, and of what a perf event is.

use std::fmt;

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $( $(#[$cdoc:meta])* $const:ident = $value:literal, $text:literal; )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            $( $(#[$cdoc])* pub const $const: Self = Self($value); )*

            /// Its usual name, as bpftool prints it; `None` for a number without one.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$const => Some($text), )*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}({})", stringify!($name), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

open_enum! {
    /// The kind of a link, an open number (`enum bpf_link_type`).
    LinkType {
        /// None.
        UNSPEC = 0, "unspec";
        /// A raw tracepoint.
        RAW_TRACEPOINT = 1, "raw_tracepoint";
        /// fentry, fexit, fmod_ret, LSM, tp_btf or freplace.
        TRACING = 2, "tracing";
        /// A cgroup.
        CGROUP = 3, "cgroup";
        /// An iterator.
        ITER = 4, "iter";
        /// A network namespace.
        NETNS = 5, "netns";
        /// XDP on a network interface.
        XDP = 6, "xdp";
        /// A perf event: kprobe, uprobe, tracepoint, counter.
        PERF_EVENT = 7, "perf_event";
        /// Many kprobes at once.
        KPROBE_MULTI = 8, "kprobe_multi";
        /// A struct_ops map.
        STRUCT_OPS = 9, "struct_ops";
        /// A netfilter hook.
        NETFILTER = 10, "netfilter";
        /// tc on a network interface.
        TCX = 11, "tcx";
        /// Many uprobes at once.
        UPROBE_MULTI = 12, "uprobe_multi";
        /// A netkit device.
        NETKIT = 13, "netkit";
        /// A sockmap.
        SOCKMAP = 14, "sockmap";
        /// The entry or exit of many kernel functions, by trampolines.
        TRACING_MULTI = 15, "tracing_multi";
    }
}

open_enum! {
    /// What a perf event link is on (`enum bpf_perf_event_type`).
    PerfEventKind {
        /// Unknown.
        UNSPEC = 0, "unspec";
        /// A uprobe.
        UPROBE = 1, "uprobe";
        /// A uretprobe.
        URETPROBE = 2, "uretprobe";
        /// A kprobe.
        KPROBE = 3, "kprobe";
        /// A kretprobe.
        KRETPROBE = 4, "kretprobe";
        /// A tracepoint.
        TRACEPOINT = 5, "tracepoint";
        /// Another event: a hardware counter, a software clock.
        EVENT = 6, "event";
    }
}

open_enum! {
    /// What a descriptor of a task has a program on (`enum bpf_task_fd_type`).
    TaskFdType {
        /// A raw tracepoint.
        RAW_TRACEPOINT = 0, "raw_tracepoint";
        /// A tracepoint.
        TRACEPOINT = 1, "tracepoint";
        /// A kprobe.
        KPROBE = 2, "kprobe";
        /// A kretprobe.
        KRETPROBE = 3, "kretprobe";
        /// A uprobe.
        UPROBE = 4, "uprobe";
        /// A uretprobe.
        URETPROBE = 5, "uretprobe";
    }
}
