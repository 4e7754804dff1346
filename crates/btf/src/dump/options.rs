//! What to write, and how.

use crate::TypeId;

/// How [`Btf::dump_c`](crate::Btf::dump_c) writes types. The default is every type in the order of ids, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpOptions {
    /// Only these types, each with what it needs, in this order. `None` stands for all, those of the base
    /// included.
    pub types: Option<Vec<TypeId>>,
    /// Order types by what they are and by name, not by id, so that the text changes little from one kernel to
    /// the next. It does not apply to [`types`](DumpOptions::types) that were listed.
    pub sort: bool,
    /// Put an include guard around the text, and let clang record every access to a struct for CO-RE
    /// (`preserve_access_index`).
    pub guard: bool,
    /// Declare the kernel functions that BPF programs can call (those tagged `bpf_kfunc`), unless types were
    /// listed. The declarations need the macros that [`guard`](DumpOptions::guard) brings.
    pub kfuncs: bool,
    /// What a level is indented by; `None` stands for a tab.
    pub indent: Option<String>,
}

impl DumpOptions {
    /// A `vmlinux.h` as bpftool writes it: sorted, with its guard and with the functions of the kernel.
    pub fn vmlinux_h() -> DumpOptions {
        DumpOptions { sort: true, guard: true, kfuncs: true, ..DumpOptions::default() }
    }
}

/// How [`CDump::type_decl`](crate::CDump::type_decl) writes a declaration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(alias = "btf_dump_emit_type_decl_opts")]
pub struct TypeDecl<'n> {
    /// What is declared; empty for the type alone, as in a cast. It is written as it is.
    pub name: &'n str,
    /// By how many levels lines after the first are indented.
    pub level: u32,
    /// Leave `const`, `volatile`, `restrict` and type tags out.
    pub strip_mods: bool,
    /// Do not write the members of anonymous structs, unions and enums.
    pub skip_anonymous: bool,
}
