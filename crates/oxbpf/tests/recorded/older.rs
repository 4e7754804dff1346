//! Older kernels: what they lack is left out, or named.

use std::sync::{Arc, Mutex};

use oxbpf::btf::{Btf, Kind};
use oxbpf::features::{Feature, probe};
use oxbpf::obj::Insn;
use oxbpf::sys::doors::{Fake, Older};
use oxbpf::sys::uapi::{MapCreateAttr, ProgLoadAttr};
use oxbpf::sys::{Call, Cmd, Door, KernelVersion, Reply};
use oxbpf::{Errno, Error, Hint, MapFlags};

use crate::{load, named, spec, version};

fn older(version: KernelVersion) -> Arc<dyn Door> {
    Arc::new(Older::new(Arc::new(Fake::new()), version))
}

/// Before 5.2 there are no VAR and DATASEC, before 5.0 no FUNC; ids stay what they are.
#[test]
fn types_are_rewritten_to_what_the_kernel_takes() {
    let spec = spec("tests/subprogs.bpf.o");
    let own = spec.btf.clone().unwrap();
    for (kernel, gone) in
        [(version(5, 1), vec![Kind::Datasec, Kind::Var]), (version(4, 19), vec![Kind::Func])]
    {
        let mut spec = spec.clone();
        // Its globals need 5.2.
        spec.programs.retain(|program| program.name == "first");
        let (object, calls) = load(&spec, older(kernel));
        let loads = named(&calls, "BPF_BTF_LOAD");
        assert_eq!(loads[0].errno, Some(Errno::EINVAL));
        let last = loads.iter().rfind(|call| call.errno.is_none()).unwrap();
        let sent = Btf::parse(last.bytes("btf").unwrap()).unwrap();
        assert!(sent.types().all(|ty| !gone.contains(&ty.kind())), "{kernel}");
        assert!(sent.end_id() >= own.end_id());
        let attr: ProgLoadAttr = named(&calls, "BPF_PROG_LOAD").last().unwrap().view();
        let functions = kernel.at_least(5, 0);
        assert_eq!(attr.func_info_cnt != 0, functions, "{kernel}");
        assert_eq!(attr.prog_btf_fd != 0, functions, "{kernel}");
        object.unwrap();
    }
}

#[test]
fn names_are_left_out_before_4_15() {
    let mut spec = spec("tests/legacy_maps.bpf.o");
    spec.btf = None;
    let (object, calls) = load(&spec, older(version(4, 14)));
    object.unwrap();
    let named_ones = |name| {
        named(&calls, name).iter().filter(|call| call.errno.is_none() && !call.what.is_empty()).count()
    };
    assert_eq!(named_ones("BPF_MAP_CREATE"), 0, "{calls:#?}");
    assert_eq!(named_ones("BPF_PROG_LOAD"), 0);
}

/// Maps of global variables are not mapped before 5.5; a map of the user's own that asks for it is not changed.
#[test]
fn memory_mapping_is_optional_for_variables_only() {
    let (object, calls) = load(&spec("tests/globals.bpf.o"), older(version(5, 4)));
    object.unwrap();
    for create in
        named(&calls, "BPF_MAP_CREATE").iter().filter(|call| call.errno.is_none() && !call.what.is_empty())
    {
        let flags = MapFlags::from_bits_retain(create.view::<MapCreateAttr>().map_flags);
        assert!(!flags.contains(MapFlags::MMAPABLE), "{create}");
    }
    let (object, _) = load(&spec("tests/maps.bpf.o"), older(version(5, 4)));
    let error = object.unwrap_err();
    assert!(matches!(&error, Error::MapCreate { map, .. } if map == "mmapable"), "{error}");
    let needs = "needs kernel >= 5.5 (maps in memory), this is 5.4.0";
    assert!(error.to_string().ends_with(needs), "{error}");
}

#[test]
fn a_map_type_that_came_later_is_named_with_its_kernel() {
    let (object, _) = load(&spec("execsnoop.bpf.o"), older(version(5, 7)));
    let error = object.unwrap_err();
    assert!(matches!(error.hint(), Some(Hint::KernelTooOld { .. })), "{error}");
    assert!(error.to_string().ends_with("; needs kernel >= 5.8 (ring buffer), this is 5.7.0"), "{error}");
}

/// Before 5.2 only the programs that use global variables fail.
#[test]
fn global_variables_are_missed_only_by_their_users() {
    let mut spec = spec("tests/subprogs.bpf.o");
    spec.programs.retain(|program| program.name != "second");
    let (object, _) = load(&spec, older(version(5, 1)));
    let object = object.unwrap();
    assert_eq!((object.programs().len(), object.maps().len()), (2, 0));
}

/// `bpf_probe_read_kernel` is newer than `bpf_probe_read`, which does the same on x86.
#[test]
fn helpers_that_say_what_they_read_are_replaced_before_5_5() {
    let spec = spec("tests/core_kinds.bpf.o");
    let helpers = |calls: &[oxbpf::sys::doors::Recorded]| -> Vec<i32> {
        let load = *named(calls, "BPF_PROG_LOAD").iter().rfind(|call| call.what == "ask").unwrap();
        assert_eq!(load.errno, None);
        let insns = Insn::decode_all(load.bytes("insns").unwrap(), oxbpf::btf::Endian::NATIVE);
        insns.iter().filter(|insn| insn.is_helper_call()).map(|insn| insn.imm).collect()
    };
    let (object, calls) = load(&spec, older(version(6, 18)));
    object.unwrap();
    assert!(helpers(&calls).contains(&113));
    let (object, calls) = load(&spec, older(version(5, 4)));
    object.unwrap();
    let old = helpers(&calls);
    assert!(old.contains(&4) && !old.iter().any(|id| (112..=115).contains(id)), "{old:?}");
}

/// Charges everything to RLIMIT_MEMLOCK, as kernels before 5.11 do, and has none of it left.
#[derive(Debug)]
struct Charging {
    inner: Arc<dyn Door>,
    limit: Mutex<u64>,
    may_raise: bool,
}

// SAFETY: what it does not answer itself goes on to the inner door as it came; mappings are the inner door's.
unsafe impl Door for Charging {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        let mut limit = self.limit.lock().unwrap();
        match &call {
            Call::Memlock(Some(_)) if !self.may_raise => Err(Errno::EPERM),
            Call::Memlock(new) => {
                let old = *limit;
                *limit = new.unwrap_or(old);
                Ok(Reply::Value(old))
            }
            Call::Bpf(attr)
                if matches!(attr.cmd(), Cmd::MAP_CREATE | Cmd::PROG_LOAD | Cmd::BTF_LOAD)
                    && *limit != u64::MAX =>
            {
                Err(Errno::EPERM)
            }
            _ => self.inner.call(call),
        }
    }
}

fn charging(version: KernelVersion, may_raise: bool) -> Arc<dyn Door> {
    Arc::new(Charging { inner: older(version), limit: Mutex::new(64 << 10), may_raise })
}

#[test]
fn the_limit_of_locked_memory_is_raised_when_it_stands_in_the_way() {
    let (object, calls) = load(&spec("tests/maps.bpf.o"), charging(version(5, 10), true));
    object.unwrap();
    let raised = named(&calls, "prlimit(RLIMIT_MEMLOCK)");
    assert_eq!(raised.len(), 2, "asked and raised, once: {raised:?}");
    let charged_late = calls.iter().rposition(|call| call.errno == Some(Errno::EPERM)).unwrap();
    let raise = calls.iter().rposition(|call| call.name.starts_with("prlimit")).unwrap();
    assert!(charged_late < raise, "nothing is refused afterwards");
}

/// Kernels with features carried back to them are asked for them, and what they answer for want of memory is no answer.
#[test]
fn probes_raise_the_limit_too() {
    let kernel = |may_raise| oxbpf::Kernel::with_door(charging(version(4, 18), may_raise));
    for feature in [Feature::ObjectNames, Feature::Btf, Feature::ExpectedAttachType] {
        assert_eq!(probe(&kernel(true), feature), Ok(true), "{feature}");
        let refused = kernel(false);
        assert_eq!(probe(&refused, feature).unwrap_err().errno, Errno::EPERM);
    }
}

#[test]
fn a_limit_that_cannot_be_raised_is_named() {
    let (object, _) = load(&spec("tests/maps.bpf.o"), charging(version(5, 10), false));
    let error = object.unwrap_err();
    assert!(matches!(error.hint(), Some(Hint::Memlock { limit: 65536 })), "{error}");
}

/// Memory cgroups do it from 5.11 on: the limit is not touched.
#[test]
fn newer_kernels_keep_their_limit() {
    let (object, calls) = load(&spec("tests/maps.bpf.o"), charging(version(5, 11), true));
    assert_eq!(object.unwrap_err().errno(), Some(Errno::EPERM));
    assert!(named(&calls, "prlimit(RLIMIT_MEMLOCK)").is_empty());
}
