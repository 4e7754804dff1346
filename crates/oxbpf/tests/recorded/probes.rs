//! Probes: what says nothing of a kernel is no answer, and what may change is not kept.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oxbpf::btf::BtfBuilder;
use oxbpf::features::{
    Feature, find_kfuncs, has_helper, loads_programs_of, makes_maps_of, may_call_kfunc, probe,
};
use oxbpf::sys::doors::{Fake, Recorder};
use oxbpf::sys::{BtfLoad, Call, Cmd, Door, Reply};
use oxbpf::{Errno, Kernel, MapType, ProgramType};

use crate::spec;

/// Refuses the first commands of a kind, after having said something.
#[derive(Debug)]
struct Refusing {
    inner: Fake,
    cmd: Cmd,
    times: AtomicU32,
    errno: Errno,
    words: &'static str,
}

// SAFETY: all replies are errors or those of the inner door.
unsafe impl Door for Refusing {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        match call {
            Call::Bpf(attr)
                if attr.cmd() == self.cmd
                    && self
                        .times
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                        .is_ok() =>
            {
                if let Some(log) = attr.bytes_mut("log_buf").filter(|log| log.len() > self.words.len()) {
                    log[..self.words.len()].copy_from_slice(self.words.as_bytes());
                    log[self.words.len()] = 0;
                }
                Err(self.errno)
            }
            call => self.inner.call(call),
        }
    }
}

/// A kernel that takes everything, but for the first `times` commands of a kind.
fn refusing(cmd: Cmd, times: u32, errno: Errno, words: &'static str) -> Kernel {
    let times = AtomicU32::new(times);
    Kernel::with_door(Arc::new(Refusing { inner: Fake::new(), cmd, times, errno, words }))
}

const DONE: &str =
    "processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n";
const HALF: &str = "0: R1=ctx() R10=fp0\nprocessed 0 insns (limit 1000000) max_states_per_insn 0\n";

/// The verifier may have begun when memory or descriptors ran out, or a signal came.
#[test]
fn what_the_moment_refuses_is_asked_again() {
    for errno in [Errno::ENOMEM, Errno::EMFILE, Errno::ENFILE, Errno::EAGAIN, Errno::EINTR] {
        // That often is a load tried.
        let times = if errno == Errno::EAGAIN { 5 } else { 1 };
        for words in ["", DONE, HALF] {
            let kernel = refusing(Cmd::PROG_LOAD, times, errno, words);
            assert_eq!(has_helper(&kernel, 1).unwrap_err().errno, errno, "{words:?}");
            assert_eq!(has_helper(&kernel, 1), Ok(true));
            let kernel = refusing(Cmd::PROG_LOAD, times, errno, words);
            assert_eq!(loads_programs_of(&kernel, ProgramType::XDP).unwrap_err().errno, errno, "{words:?}");
            let kernel = refusing(Cmd::PROG_LOAD, times, errno, words);
            assert_eq!(probe(&kernel, Feature::ObjectNames).unwrap_err().errno, errno);
            assert_eq!(probe(&kernel, Feature::ObjectNames), Ok(true));
        }
        let kernel = refusing(Cmd::MAP_CREATE, 1, errno, "");
        assert_eq!(makes_maps_of(&kernel, MapType::HASH).unwrap_err().errno, errno);
        assert_eq!(makes_maps_of(&kernel, MapType::HASH), Ok(true));
    }
}

/// Without words, or with nothing but how much was verified, a missing privilege is the process's, not the program's.
#[test]
fn what_the_process_may_not_is_no_answer() {
    for errno in [Errno::EPERM, Errno::EACCES] {
        for words in ["", DONE] {
            let kernel = refusing(Cmd::PROG_LOAD, 1, errno, words);
            assert_eq!(has_helper(&kernel, 1).unwrap_err().errno, errno, "{words:?}");
            assert_eq!(has_helper(&kernel, 1), Ok(true));
        }
        let kernel = refusing(Cmd::MAP_CREATE, 1, errno, "");
        assert_eq!(makes_maps_of(&kernel, MapType::HASH).unwrap_err().errno, errno);
        // About the instructions: the helper is there.
        let kernel = refusing(
            Cmd::PROG_LOAD,
            1,
            errno,
            "0: (85) call bpf_map_lookup_elem#1\nR1 type=ctx expected=map_ptr\n",
        );
        assert_eq!(has_helper(&kernel, 1), Ok(true));
    }
    let kernel = refusing(Cmd::PROG_LOAD, 1, Errno::EACCES, "");
    assert_eq!(probe(&kernel, Feature::ArgCtxTag), Ok(false), "the verifier says so of the argument");
}

/// Says that the second BTF that is loaded is the kernel's.
#[derive(Debug)]
struct Second {
    inner: Fake,
}

// SAFETY: all replies are those of the inner door; the answer that is changed is a number.
unsafe impl Door for Second {
    fn call(&self, call: Call<'_, '_>) -> Result<Reply, Errno> {
        const ID: usize = 12;
        const KERNEL_BTF: usize = 28;
        let Call::Bpf(attr) = call else { return self.inner.call(call) };
        let reply = self.inner.call(Call::Bpf(attr))?;
        let info = (attr.cmd() == Cmd::OBJ_GET_INFO_BY_FD).then(|| attr.bytes_mut("info")).flatten();
        if let Some(info) = info.filter(|info| info[ID] == 2) {
            info[KERNEL_BTF] = 1;
        }
        Ok(reply)
    }
}

/// The kernel lists its own types when it needs them first. What was loaded before comes before them.
#[test]
fn the_kernels_types_need_not_be_the_first() {
    let kernel = Kernel::with_door(Arc::new(Second { inner: Fake::new() }));
    let types = spec("xdp_counter.bpf.o").btf.unwrap();
    let load = || kernel.btf_load(&BtfLoad { btf: types.as_bytes(), ..BtfLoad::default() }, None).unwrap();
    let (first, second) = (load(), load());
    assert!(!kernel.btf_info(first.as_fd()).unwrap().kernel_btf);
    assert!(kernel.btf_info(second.as_fd()).unwrap().kernel_btf);
    assert_eq!(probe(&kernel, Feature::ModuleBtf), Ok(true));
}

/// The module that has it may be loaded later.
#[test]
fn a_function_that_is_not_there_is_looked_for_again() {
    let types = spec("xdp_counter.bpf.o").btf.unwrap();
    let fake = Fake::new().with_file("/sys/kernel/btf/vmlinux", types.as_bytes());
    let door = Arc::new(Recorder::new(Arc::new(fake)));
    let kernel = Kernel::with_door(door.clone());
    for _ in 0..2 {
        assert_eq!(may_call_kfunc(&kernel, ProgramType::XDP, "bpf_of_a_module"), Ok(false));
        let looked = door.take().iter().filter(|call| call.name == "readdir").count();
        assert_eq!(looked, 1);
    }
    // One of the kernel's own is asked about once.
    for asked in [1, 0] {
        assert_eq!(may_call_kfunc(&kernel, ProgramType::XDP, "count"), Ok(true));
        assert_eq!(door.take().iter().filter(|call| call.name == "BPF_PROG_LOAD").count(), asked);
    }
}

/// Those that the kernel lacks are looked for in all modules, whose types are read once for all functions.
#[test]
fn many_functions_take_one_look_at_the_modules() {
    let types = spec("xdp_counter.bpf.o").btf.unwrap();
    let none = BtfBuilder::new().build().unwrap();
    let mut fake = Fake::new().with_file("/sys/kernel/btf/vmlinux", types.as_bytes());
    for module in ["one", "two"] {
        fake = fake.with_file(format!("/sys/kernel/btf/{module}"), none.as_bytes());
    }
    let door = Arc::new(Recorder::new(Arc::new(fake)));
    let kernel = Kernel::with_door(door.clone());
    let names = ["bpf_none", "count", "bpf_no_more", "bpf_nowhere"];
    let found: Vec<bool> = find_kfuncs(&kernel, names).map(|found| found.unwrap().is_some()).collect();
    assert_eq!(found, [false, true, false, false]);
    let read =
        |file| door.take().iter().filter(|call| call.name == "open" && call.what.ends_with(file)).count();
    assert_eq!(read("/btf/two"), 1);
}
