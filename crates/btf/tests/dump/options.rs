//! The whole text: order, guard, functions of the kernel.

use std::{fmt, ops::ControlFlow};

use insta::assert_snapshot;
use oxbpf_btf::{DumpOptions, Error, Progress, TypeId};

use crate::{Made, made};

fn some() -> Made {
    let mut m = made();
    let z = m.record("z", 8, &[("a", m.long, 0)]);
    m.record("a", 8, &[("z", z, 0)]);
    let typedef = m.b.add_typedef("alias_of_z", z).unwrap();
    m.b.add_enum("color", 4, false, [("RED", 1)]).unwrap();
    m.b.add_enum("", 4, false, [("LATE", 1)]).unwrap();
    m.b.add_enum("", 4, false, [("EARLY", 1)]).unwrap();
    let pointer = m.ptr(typedef);
    let proto = m.proto(m.int, &[("z", pointer)]);
    for (name, fast) in [("bpf_second", false), ("bpf_first", true)] {
        let func = m.b.add_func(name, 1, proto).unwrap();
        m.b.add_decl_tag("bpf_kfunc", func, None, false).unwrap();
        if fast {
            m.b.add_decl_tag("bpf_fastcall", func, None, false).unwrap();
        }
        // On a parameter it means nothing.
        m.b.add_decl_tag("bpf_kfunc", func, Some(0), false).unwrap();
    }
    m.b.add_func("not_for_programs", 1, proto).unwrap();
    m
}

#[test]
fn vmlinux_h() {
    let text = some().b.build().unwrap().dump_c(&DumpOptions::vmlinux_h()).unwrap();
    assert_snapshot!(text.replace('\t', "    "), @r#"
    #ifndef __VMLINUX_H__
    #define __VMLINUX_H__

    #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
    #pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
    #endif

    #ifndef __ksym
    #define __ksym __attribute__((section(".ksyms")))
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

    enum {
        EARLY = 1,
    };

    enum {
        LATE = 1,
    };

    enum color {
        RED = 1,
    };

    struct z {
        long int a;
    };

    struct a {
        struct z z;
    };

    typedef struct z alias_of_z;


    /* BPF kfuncs */
    #ifndef BPF_NO_KFUNC_PROTOTYPES
    extern __bpf_fastcall int bpf_first(alias_of_z *z) __weak __ksym;
    extern int bpf_second(alias_of_z *z) __weak __ksym;
    #endif

    #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
    #pragma clang attribute pop
    #endif

    #endif /* __VMLINUX_H__ */
    "#);
}

#[test]
fn piece_by_piece_is_the_same() {
    let btf = some().b.build().unwrap();
    for options in [DumpOptions::default(), DumpOptions::vmlinux_h()] {
        let mut text = String::new();
        btf.dump_c_to(&options, &mut text).unwrap();
        assert_eq!(text, btf.dump_c(&options).unwrap());
    }
}

struct Full;

impl fmt::Write for Full {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Err(fmt::Error)
    }
}

#[test]
fn a_writer_that_takes_nothing() {
    let btf = some().b.build().unwrap();
    assert_eq!(btf.dump_c_to(&DumpOptions::default(), &mut Full), Err(Error::Writer));
}

#[test]
fn progress_is_told_and_can_stop_it() {
    let btf = some().b.build().unwrap();
    let options = DumpOptions::vmlinux_h();
    let (mut text, mut told) = (String::new(), Vec::new());
    let mut note = |progress: Progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    btf.dump_c_with_progress(&options, &mut text, &mut note).unwrap();
    assert_eq!(text, btf.dump_c(&options).unwrap());
    assert_eq!(told.first().map(|p| (p.phase, p.done)), Some(("sorting", 0)));
    assert!(told.last().is_some_and(|p| p.phase == "types as C" && p.done == p.total), "{told:?}");
    let stopped = btf.dump_c_with_progress(&options, &mut text, &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped, Err(Error::Cancelled { phase: "sorting" }));
}

#[test]
fn types_that_do_not_exist() {
    let mut options = DumpOptions::vmlinux_h();
    options.types = Some(vec![TypeId(1000)]);
    let e = some().b.build().unwrap().dump_c(&options).unwrap_err();
    assert!(matches!(e, Error::NoSuchType { id: TypeId(1000), .. }), "{e}");
}
