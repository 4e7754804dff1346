//! Other ids, other bases: distill, relocate, permute, sort.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

#[path = "../common/mod.rs"]
mod common;

mod distill;
mod ext;
#[path = "../properties/model.rs"]
#[allow(dead_code, unreachable_pub, reason = "some of it is used")]
mod model;
mod permute;
mod properties;
mod relocate;
mod sort;

use oxbpf_btf::{Btf, Type};

/// A type in words, references by what they lead to: the same in two BTFs if it means the same.
fn tree(ty: Type<'_>, depth: u32) -> String {
    let mut s = format!("{} '{}' flag={}", ty.kind(), ty.name(), ty.kind_flag());
    let follow = |id| match depth {
        0 => String::new(),
        _ => format!("({})", tree(ty.btf().get(id).unwrap(), depth - 1)),
    };
    if let Some(size) = ty.size() {
        s += &format!(" size={size}");
    }
    if let Some(target) = ty.target() {
        s += &format!(" -> {}", follow(target));
    }
    if let Some(array) = ty.array() {
        s += &format!(" {}[{}] by {}", follow(array.elem), array.len, follow(array.index));
    }
    s += &format!(" {:?} {:?} {:?}", ty.int(), ty.linkage(), ty.component());
    for m in ty.members() {
        s += &format!(" {}@{}:{}{}", m.name, m.bit_offset, m.bitfield_size, follow(m.ty));
    }
    for e in ty.enumerators() {
        s += &format!(" {}={}", e.name, e.value);
    }
    for p in ty.params() {
        s += &format!(" {}{}", p.name, follow(p.ty));
    }
    for v in ty.variables() {
        s += &format!(" {}+{}{}", v.offset, v.size, follow(v.ty));
    }
    s
}

/// All own types, as far as they can be seen from each.
fn trees(btf: &Btf) -> Vec<String> {
    btf.types().map(|ty| tree(ty, 3)).collect()
}
