//! The commands of bpf(2).

use std::fmt;

/// A command of bpf(2).
///
/// An open number: a kernel may know commands that this crate has no name for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cmd(pub u32);

macro_rules! commands {
    ($( $name:ident = $number:literal, $full:literal, $major:literal, $minor:literal; )*) => {
        impl Cmd {
            $(
                #[doc = concat!("`", $full, "`, since Linux ", $major, ".", $minor, ".")]
                pub const $name: Self = Self($number);
            )*

            /// Every command that has a name here, in order.
            pub const ALL: &'static [Self] = &[$( Self::$name ),*];

            /// The name in the kernel's header, `BPF_MAP_CREATE`; `"bpf"` for a number without one.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => $full, )*
                    _ => "bpf",
                }
            }

            /// The first kernel that has it, `None` for a number without a name.
            pub const fn since(self) -> Option<(u16, u16)> {
                match self {
                    $( Self::$name => Some(($major, $minor)), )*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    MAP_CREATE = 0, "BPF_MAP_CREATE", 3, 18;
    MAP_LOOKUP_ELEM = 1, "BPF_MAP_LOOKUP_ELEM", 3, 18;
    MAP_UPDATE_ELEM = 2, "BPF_MAP_UPDATE_ELEM", 3, 18;
    MAP_DELETE_ELEM = 3, "BPF_MAP_DELETE_ELEM", 3, 18;
    MAP_GET_NEXT_KEY = 4, "BPF_MAP_GET_NEXT_KEY", 3, 18;
    PROG_LOAD = 5, "BPF_PROG_LOAD", 3, 18;
    OBJ_PIN = 6, "BPF_OBJ_PIN", 4, 4;
    OBJ_GET = 7, "BPF_OBJ_GET", 4, 4;
    PROG_ATTACH = 8, "BPF_PROG_ATTACH", 4, 10;
    PROG_DETACH = 9, "BPF_PROG_DETACH", 4, 10;
    PROG_TEST_RUN = 10, "BPF_PROG_TEST_RUN", 4, 12;
    PROG_GET_NEXT_ID = 11, "BPF_PROG_GET_NEXT_ID", 4, 13;
    MAP_GET_NEXT_ID = 12, "BPF_MAP_GET_NEXT_ID", 4, 13;
    PROG_GET_FD_BY_ID = 13, "BPF_PROG_GET_FD_BY_ID", 4, 13;
    MAP_GET_FD_BY_ID = 14, "BPF_MAP_GET_FD_BY_ID", 4, 13;
    OBJ_GET_INFO_BY_FD = 15, "BPF_OBJ_GET_INFO_BY_FD", 4, 13;
    PROG_QUERY = 16, "BPF_PROG_QUERY", 4, 15;
    RAW_TRACEPOINT_OPEN = 17, "BPF_RAW_TRACEPOINT_OPEN", 4, 17;
    BTF_LOAD = 18, "BPF_BTF_LOAD", 4, 18;
    BTF_GET_FD_BY_ID = 19, "BPF_BTF_GET_FD_BY_ID", 4, 18;
    TASK_FD_QUERY = 20, "BPF_TASK_FD_QUERY", 4, 18;
    MAP_LOOKUP_AND_DELETE_ELEM = 21, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", 4, 20;
    MAP_FREEZE = 22, "BPF_MAP_FREEZE", 5, 2;
    BTF_GET_NEXT_ID = 23, "BPF_BTF_GET_NEXT_ID", 5, 4;
    MAP_LOOKUP_BATCH = 24, "BPF_MAP_LOOKUP_BATCH", 5, 6;
    MAP_LOOKUP_AND_DELETE_BATCH = 25, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", 5, 6;
    MAP_UPDATE_BATCH = 26, "BPF_MAP_UPDATE_BATCH", 5, 6;
    MAP_DELETE_BATCH = 27, "BPF_MAP_DELETE_BATCH", 5, 6;
    LINK_CREATE = 28, "BPF_LINK_CREATE", 5, 7;
    LINK_UPDATE = 29, "BPF_LINK_UPDATE", 5, 7;
    LINK_GET_FD_BY_ID = 30, "BPF_LINK_GET_FD_BY_ID", 5, 8;
    LINK_GET_NEXT_ID = 31, "BPF_LINK_GET_NEXT_ID", 5, 8;
    ENABLE_STATS = 32, "BPF_ENABLE_STATS", 5, 8;
    ITER_CREATE = 33, "BPF_ITER_CREATE", 5, 8;
    LINK_DETACH = 34, "BPF_LINK_DETACH", 5, 9;
    PROG_BIND_MAP = 35, "BPF_PROG_BIND_MAP", 5, 10;
    TOKEN_CREATE = 36, "BPF_TOKEN_CREATE", 6, 9;
    PROG_STREAM_READ_BY_FD = 37, "BPF_PROG_STREAM_READ_BY_FD", 6, 17;
    PROG_ASSOC_STRUCT_OPS = 38, "BPF_PROG_ASSOC_STRUCT_OPS", 6, 19;
}

/// `BPF_COMMON_ATTRS`: the flag of a command that comes with [`CommonAttr`](super::CommonAttr), since Linux 7.2.
pub const COMMON_ATTRS: u32 = 1 << 16;

impl fmt::Debug for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "bpf" => write!(f, "bpf command {}", self.0),
            name => f.write_str(name),
        }
    }
}
