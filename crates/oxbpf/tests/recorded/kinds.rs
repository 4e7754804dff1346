//! What the kernel is told that a program is for.

use std::sync::Arc;

use oxbpf::btf::BtfBuilder;
use oxbpf::sys::doors::{Fake, Older};
use oxbpf::sys::uapi::ProgLoadAttr;
use oxbpf::sys::{Door, KernelVersion};
use oxbpf::{AttachType, Error, ObjectSpec, ProgramType, SectionDef};

use crate::{load, named, spec, version};

/// An object with one program, as if it stood in this section.
fn of_section(section: &str) -> ObjectSpec {
    let mut spec = spec("xdp_counter.bpf.o");
    let (def, target) = SectionDef::find(section).unwrap();
    let program = &mut spec.programs[0];
    program.section = section.into();
    program.def = Some(def);
    program.prog_type = def.prog_type;
    program.attach_type = def.attach_type;
    program.attach_to = target.map(Into::into);
    program.flags = def.flags();
    spec
}

fn loaded(spec: &ObjectSpec, door: Arc<dyn Door>) -> Result<ProgLoadAttr, Error> {
    let (object, calls) = load(spec, door);
    let object = object?;
    let attr: ProgLoadAttr = named(&calls, "BPF_PROG_LOAD").last().unwrap().view();
    assert_eq!(object.programs()[0].attach_type().map_or(0, |attach| attach.0), attr.expected_attach_type);
    Ok(attr)
}

/// Type, attach type and flags of every row reach the kernel.
#[test]
fn every_row_is_loaded_as_it_says() {
    let mut types = BtfBuilder::new();
    let proto = types.add_func_proto(oxbpf::btf::TypeId(0), []).unwrap();
    let pointer = types.add_ptr(proto).unwrap();
    types.add_typedef("btf_trace_here", pointer).unwrap();
    for name in ["here", "bpf_lsm_here", "bpf_iter_here"] {
        types.add_func(name, 1, proto).unwrap();
    }
    let types = types.build().unwrap();
    for def in SectionDef::table() {
        let section =
            if def.takes_target { format!("{}/here", def.prefix()) } else { def.prefix().to_owned() };
        let door = Arc::new(Fake::new().with_file("/sys/kernel/btf/vmlinux", types.as_bytes()));
        let outcome = loaded(&of_section(&section), door);
        if matches!(def.prog_type, ProgramType::EXT) {
            assert!(matches!(outcome, Err(Error::Target { .. })), "{section}");
            continue;
        }
        let attr = outcome.unwrap_or_else(|error| panic!("{section}: {error}"));
        let attach = match def.prefix() {
            "usdt" | "usdt.s" => AttachType::TRACE_UPROBE_MULTI.0,
            _ => def.attach_type.map_or(0, |attach| attach.0),
        };
        assert_eq!((attr.prog_type, attr.expected_attach_type), (def.prog_type.0, attach), "{section}");
        assert_eq!(attr.prog_flags, def.flags().bits(), "{section}");
        assert_eq!(attr.attach_btf_id != 0, def.attach_btf, "{section}");
    }
}

/// Before there were links to many uprobes, probes of USDT were attached one by one.
#[test]
fn usdt_is_for_many_where_the_kernel_can() {
    let spec = of_section("usdt/./program:group:name");
    let old = |version: KernelVersion| Arc::new(Older::new(Arc::new(Fake::new()), version));
    assert_eq!(loaded(&spec, old(version(6, 1))).unwrap().expected_attach_type, 0);
    let new = loaded(&spec, old(version(6, 10))).unwrap();
    assert_eq!(new.expected_attach_type, AttachType::TRACE_UPROBE_MULTI.0);
}

#[test]
fn modules_that_are_not_there_are_named() {
    let door = Arc::new(
        Fake::new().with_file("/sys/kernel/btf/vmlinux", spec("xdp_counter.bpf.o").btf.unwrap().as_bytes()),
    );
    let error = loaded(&of_section("fentry.multi/no_such_module:a_*"), door).unwrap_err();
    assert!(error.to_string().ends_with("this kernel has no module no_such_module with types"), "{error}");
}
