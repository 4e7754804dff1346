//! The whole text: which types, in which order, and what stands around them.

use std::fmt;

use crate::{
    Btf, Error, Kind, Reporter, Type, TypeId,
    dump::{CDump, DumpOptions, decl::Name, sort},
};

/// The include guard, and what the declarations of kernel functions use. CO-RE relocations for accesses to all
/// structs are what the header is for.
const GUARD: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(\".ksyms\")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

";

const END: &str = "\
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

/// How much text is handed over at once, where it is.
const PIECE: usize = 1 << 14;

/// Writes what the options ask for, piece by piece if there is someone to take it.
pub(super) fn write(
    dump: &mut CDump<'_>,
    options: &DumpOptions,
    mut out: Option<&mut dyn fmt::Write>,
    report: &mut Reporter<'_>,
) -> Result<(), Error> {
    let mut piece = |dump: &mut CDump<'_>, enough: usize| match &mut out {
        Some(out) if dump.text.len() >= enough => dump.text.flush(*out),
        _ => Ok(()),
    };
    if options.guard {
        dump.text.put(GUARD.as_bytes());
    }
    let all = 1..dump.btf.end_id().0;
    let mut one = |dump: &mut CDump<'_>, report: &mut Reporter<'_>, id: TypeId| {
        dump.one(id)?;
        piece(dump, PIECE)?;
        report.step()
    };
    let phase = "types as C";
    match &options.types {
        Some(types) => {
            report.phase(phase, types.len())?;
            types.iter().try_for_each(|&id| one(dump, report, id))?;
        }
        None if options.sort => {
            report.phase("sorting", all.len())?;
            let sorted = sort::sorted(dump.btf);
            report.phase(phase, sorted.len())?;
            sorted.into_iter().try_for_each(|id| one(dump, report, id))?;
        }
        None => {
            report.phase(phase, all.len())?;
            let mut next = all.start;
            while next < all.end {
                let id = dump.first_needed(next);
                report.steps(u64::from(id.wrapping_sub(next)))?;
                if id < all.end {
                    one(dump, report, TypeId(id))?;
                }
                next = id.wrapping_add(1);
            }
        }
    }
    if options.kfuncs && options.types.is_none() {
        kfuncs(dump)?;
    }
    if options.guard {
        dump.text.put(END.as_bytes());
    }
    piece(dump, 0)
}

/// Declares what BPF programs can call, by name.
fn kfuncs(dump: &mut CDump<'_>) -> Result<(), Error> {
    let btf = dump.btf;
    let mut funcs = tagged(btf, b"bpf_kfunc");
    let mut fast: Vec<TypeId> = tagged(btf, b"bpf_fastcall").iter().map(Type::id).collect();
    fast.sort_unstable();
    funcs.sort_by_key(Type::name_bytes);
    dump.text.put(b"\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n");
    for func in funcs {
        dump.text.put(b"extern ");
        if fast.binary_search(&func.id()).is_ok() {
            dump.text.put(b"__bpf_fastcall ");
        }
        dump.decl(func.target().unwrap_or_default().0, Name::At(func.name_off()), 0)?;
        dump.text.put(b" __weak __ksym;\n");
    }
    dump.text.put(b"#endif\n\n");
    Ok(())
}

/// The functions with this tag.
fn tagged<'a>(btf: &'a Btf, tag: &[u8]) -> Vec<Type<'a>> {
    let chain = std::iter::successors(Some(btf), |b| b.base());
    let tags = chain.flat_map(|b| b.headers()).filter(|h| h.kind() == Kind::DeclTag && h.name_is(tag));
    let tagged = tags.filter_map(|h| btf.get(h.id).ok()).filter(|t| t.component() == Some(-1));
    let targets = tagged.filter_map(|t| btf.get(t.target()?).ok());
    targets.filter(|t| t.kind() == Kind::Func).collect()
}
