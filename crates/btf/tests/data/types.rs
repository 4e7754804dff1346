//! Types that several tests print.

use oxbpf_btf::{Btf, BtfBuilder, Endian, Error, Field, IntEncoding, SecVar, TextOptions, TypeId};

pub struct Types {
    pub b: BtfBuilder,
    pub char: TypeId,
    pub u8: TypeId,
    pub int: TypeId,
    pub u32: TypeId,
    pub u64: TypeId,
    pub u128: TypeId,
    pub bool: TypeId,
}

impl Types {
    pub fn new() -> Types {
        let mut b = BtfBuilder::new();
        let mut int = |name, size, encoding| b.add_int(name, size, encoding).unwrap();
        let char = int("char", 1, IntEncoding::SIGNED);
        let u8 = int("unsigned char", 1, IntEncoding::UNSIGNED);
        let i32 = int("int", 4, IntEncoding::SIGNED);
        let u32 = int("unsigned int", 4, IntEncoding::UNSIGNED);
        let u64 = int("unsigned long", 8, IntEncoding::UNSIGNED);
        let u128 = int("unsigned __int128", 16, IntEncoding::UNSIGNED);
        let bool = int("_Bool", 1, IntEncoding::BOOL);
        Types { b, char, u8, int: i32, u32, u64, u128, bool }
    }

    pub fn array(&mut self, elem: TypeId, len: u32) -> TypeId {
        self.b.add_array(elem, self.int, len).unwrap()
    }

    pub fn structure(&mut self, name: &str, size: u32, fields: &[(&str, TypeId, u32)]) -> TypeId {
        let fields = fields.iter().map(|&(name, ty, at)| Field::new(name, ty, at * 8));
        self.b.add_struct(name, size, fields).unwrap()
    }

    pub fn section(&mut self, name: &str, size: u32, vars: &[(TypeId, u32, u32)]) -> TypeId {
        let vars = vars.iter().map(|&(ty, offset, size)| SecVar { ty, offset, size });
        self.b.add_datasec(name, size, vars).unwrap()
    }

    pub fn build(&self) -> Btf {
        self.b.build_as(Endian::Little).unwrap()
    }
}

pub const COMPACT: TextOptions = TextOptions {
    compact: true,
    skip_names: false,
    zeroes: false,
    strings: false,
    indent_level: 0,
    indent: String::new(),
};

pub fn compact(b: &Btf, ty: TypeId, data: &[u8]) -> String {
    b.data(ty, data).to_text(&COMPACT).unwrap()
}

pub fn long(b: &Btf, ty: TypeId, data: &[u8]) -> String {
    b.data(ty, data).to_text(&TextOptions::default()).unwrap()
}

pub fn zeroes(b: &Btf, ty: TypeId, data: &[u8]) -> Result<String, Error> {
    b.data(ty, data).to_text(&TextOptions { zeroes: true, ..COMPACT })
}
