//! What several tests need.
#![allow(dead_code, unreachable_pub, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub mod change_walk;
pub mod data_walk;
pub mod walk;

use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, Field, IntEncoding, Kind, SecVar, TypeId};

pub const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

/// A BTF with every kind, and the ids of its types by what they are.
pub struct EveryKind {
    pub builder: BtfBuilder,
    pub int: TypeId,
    pub ptr: TypeId,
    pub array: TypeId,
    pub point: TypeId,
    pub flags: TypeId,
    pub number: TypeId,
    pub color: TypeId,
    pub signed: TypeId,
    pub fwd: TypeId,
    pub typedef: TypeId,
    pub volatile: TypeId,
    pub constant: TypeId,
    pub restrict: TypeId,
    pub proto: TypeId,
    pub func: TypeId,
    pub var: TypeId,
    pub data: TypeId,
    pub double: TypeId,
    pub decl_tag: TypeId,
    pub type_tag: TypeId,
    pub wide: TypeId,
}

impl EveryKind {
    pub fn new() -> Self {
        Self::build().unwrap()
    }

    fn build() -> Result<Self, Error> {
        let mut b = BtfBuilder::new();
        let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
        let ptr = b.add_ptr(int)?;
        let array = b.add_array(int, int, 3)?;
        let point = b.add_struct("point", 8, [Field::new("x", int, 0), Field::new("y", int, 32)])?;
        let flags =
            b.add_struct("flags", 4, [Field::bitfield("a", int, 0, 3), Field::bitfield("b", int, 3, 29)])?;
        let number = b.add_union("number", 8, [Field::new("i", int, 0), Field::new("p", ptr, 0)])?;
        let color = b.add_enum("color", 4, false, [("RED", 0), ("BLUE", 0xffff_fffe)])?;
        let signed = b.add_enum("signed", 4, true, [("MINUS", -1), ("ZERO", 0)])?;
        let fwd = b.add_fwd("later", true)?;
        let typedef = b.add_typedef("int_t", int)?;
        let volatile = b.add_volatile(typedef)?;
        let constant = b.add_const(volatile)?;
        let restrict = b.add_restrict(ptr)?;
        let proto = b.add_func_proto(int, [("first", int), ("second", ptr), ("", TypeId::VOID)])?;
        let func = b.add_func("main", 1, proto)?;
        let var = b.add_var("counter", int, 1)?;
        let data = b.add_datasec(".data", 8, [SecVar { ty: var, offset: 4, size: 4 }])?;
        let double = b.add_float("double", 8)?;
        let decl_tag = b.add_decl_tag("a tag", point, Some(1), false)?;
        let type_tag = b.add_type_tag("rcu", int, false)?;
        let values = [("BIG", 0x1_0000_0001), ("MINUS", u64::MAX)];
        let wide = b.add_enum64("wide", 8, true, values)?;
        Ok(EveryKind {
            builder: b,
            int,
            ptr,
            array,
            point,
            flags,
            number,
            color,
            signed,
            fwd,
            typedef,
            volatile,
            constant,
            restrict,
            proto,
            func,
            var,
            data,
            double,
            decl_tag,
            type_tag,
            wide,
        })
    }

    pub fn btf(&self, endian: Endian) -> Btf {
        self.builder.build_as(endian).unwrap()
    }
}

/// Raw BTF from words and strings, whatever they are.
pub fn raw(endian: Endian, types: &[u32], strs: &[u8]) -> Vec<u8> {
    let len = types.len() as u32 * 4;
    let mut out = Vec::new();
    header(&mut out, endian, [24, 0, len, len, strs.len() as u32]);
    for &w in types {
        out.extend(word(endian, w));
    }
    out.extend(strs);
    out
}

pub fn header(out: &mut Vec<u8>, endian: Endian, fields: [u32; 5]) {
    let magic = 0xeb9f_u16;
    out.extend(match endian {
        Endian::Little => magic.to_le_bytes(),
        Endian::Big => magic.to_be_bytes(),
    });
    out.extend([1, 0]);
    for f in fields {
        out.extend(word(endian, f));
    }
}

pub fn word(endian: Endian, w: u32) -> [u8; 4] {
    match endian {
        Endian::Little => w.to_le_bytes(),
        Endian::Big => w.to_be_bytes(),
    }
}

/// The info word of a type.
pub fn info(kind: Kind, vlen: u32, kflag: bool) -> u32 {
    u32::from(kflag) << 31 | (kind as u32) << 24 | vlen
}
