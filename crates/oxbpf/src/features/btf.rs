//! Probes of what BTF the kernel takes: the smallest BTF that has the thing is loaded.

use std::os::fd::AsFd;

use oxbpf_obj::ProgramType;
use oxbpf_sys::{BtfLoad, Kernel, ObjectKind, ProgLoad, SysError};

use super::loaded;
use super::programs::{empty, load};

// Kinds of BTF, as `info` has them.
const INT: u32 = 1;
const PTR: u32 = 2;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

const KIND_FLAG: u32 = 1 << 31;
const GLOBAL: u32 = 1;
/// The first type of most probes: a signed `int`, whose name stands at `name` in the strings.
const fn int(name: u32) -> [u32; 4] {
    [name, kind(INT, 0), 4, 1 << 24 | 32]
}

/// The `info` word of a type.
const fn kind(kind: u32, vlen: u32) -> u32 {
    kind << 24 | vlen
}

/// BTF of `types` and `strings` in this machine's byte order.
pub(super) fn raw(types: &[u32], strings: &[u8]) -> Vec<u8> {
    const HEADER: u32 = 24;
    let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let (type_len, str_len) = (len(&types), len(strings));
    let mut out = Vec::new();
    out.extend(0xeb9f_u16.to_ne_bytes());
    out.extend([1, 0]);
    for word in [HEADER, 0, type_len, type_len, str_len] {
        out.extend(word.to_ne_bytes());
    }
    out.extend(types);
    out.extend(strings);
    out
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a probe is a few bytes")
}

fn takes(kernel: &Kernel, types: &[&[u32]], strings: &[u8]) -> Result<bool, SysError> {
    let data = raw(&types.concat(), strings);
    loaded(kernel.btf_load(&BtfLoad { btf: &data, ..BtfLoad::default() }, None))
}

pub(super) fn minimal(kernel: &Kernel) -> Result<bool, SysError> {
    takes(kernel, &[&int(1)], b"\0int\0")
}

pub(super) fn func(kernel: &Kernel) -> Result<bool, SysError> {
    function(kernel, 0)
}

pub(super) fn func_global(kernel: &Kernel) -> Result<bool, SysError> {
    function(kernel, GLOBAL)
}

/// `void f(int a)`, static or global.
fn function(kernel: &Kernel, linkage: u32) -> Result<bool, SysError> {
    let proto = [0, kind(FUNC_PROTO, 1), 0, 7, 1];
    let func = [5, kind(FUNC, linkage), 2];
    takes(kernel, &[&int(1), &proto, &func], b"\0int\0f\0a\0")
}

pub(super) fn datasec(kernel: &Kernel) -> Result<bool, SysError> {
    section(kernel, b"\0x\0.data\0")
}

pub(super) fn qmark_datasec(kernel: &Kernel) -> Result<bool, SysError> {
    section(kernel, b"\0x\0?.data\0")
}

/// `static int x` in the section whose name is at 3.
fn section(kernel: &Kernel, strings: &[u8]) -> Result<bool, SysError> {
    let var = [1, kind(VAR, 0), 1, 0];
    let section = [3, kind(DATASEC, 1), 4, 2, 0, 4];
    takes(kernel, &[&int(0), &var, &section], strings)
}

pub(super) fn float(kernel: &Kernel) -> Result<bool, SysError> {
    takes(kernel, &[&[1, kind(FLOAT, 0), 4]], b"\0float\0")
}

pub(super) fn decl_tag(kernel: &Kernel) -> Result<bool, SysError> {
    tagged_variable(kernel, 0)
}

fn tagged_variable(kernel: &Kernel, flag: u32) -> Result<bool, SysError> {
    let var = [1, kind(VAR, 0), 1, 0];
    let whole: u32 = u32::MAX;
    let tag = [1, flag | kind(DECL_TAG, 0), 2, whole];
    takes(kernel, &[&int(0), &var, &tag], b"\0tag\0")
}

pub(super) fn type_tag(kernel: &Kernel) -> Result<bool, SysError> {
    let tag = [1, kind(TYPE_TAG, 0), 1];
    let ptr = [0, kind(PTR, 0), 2];
    takes(kernel, &[&int(0), &tag, &ptr], b"\0tag\0")
}

pub(super) fn tag_kflag(kernel: &Kernel) -> Result<bool, SysError> {
    tagged_variable(kernel, KIND_FLAG)
}

pub(super) fn enum64(kernel: &Kernel) -> Result<bool, SysError> {
    takes(kernel, &[&[1, kind(ENUM64, 0), 8]], b"\0e\0")
}

/// Modules have BTF since the kernel's own is listed among all. It is once a program was verified, and not as the first
/// if somebody loaded BTF before.
pub(super) fn module(kernel: &Kernel) -> Result<bool, SysError> {
    load(kernel, ProgramType::SOCKET_FILTER, empty(), ProgLoad::default())?;
    for listed in kernel.loaded(ObjectKind::Btf) {
        match listed {
            Ok((_, fd)) if kernel.btf_info(fd.as_fd())?.kernel_btf => return Ok(true),
            Ok(_) => {}
            // Before 5.4 there is no such list.
            Err(error) => return loaded(Err::<(), _>(error)),
        }
    }
    Ok(false)
}
