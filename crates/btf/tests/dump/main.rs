//! What is written for each shape of type. The expectations are C's rules written down by hand; compilers judge the
//! whole in the test `dump_c`.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod declarations;
mod enums;
mod hostile;
mod names;
mod options;
mod records;
mod references;

use oxbpf_btf::{Btf, BtfBuilder, DumpOptions, Error, Field, IntEncoding, TypeId};

/// A BTF in the making, with the numbers that most tests need.
struct Made {
    b: BtfBuilder,
    int: TypeId,
    char: TypeId,
    long: TypeId,
    u32: TypeId,
}

fn made() -> Made {
    let mut b = BtfBuilder::new();
    let int = b.add_int("int", 4, IntEncoding::SIGNED).unwrap();
    let char = b.add_int("char", 1, IntEncoding::SIGNED).unwrap();
    let long = b.add_int("long int", 8, IntEncoding::SIGNED).unwrap();
    let u32 = b.add_int("unsigned int", 4, IntEncoding::UNSIGNED).unwrap();
    Made { b, int, char, long, u32 }
}

impl Made {
    /// All of it as C, with spaces for tabs, which are easier to see.
    fn text(&self) -> String {
        self.try_text().unwrap()
    }

    fn try_text(&self) -> Result<String, Error> {
        dump(&self.b.build()?)
    }

    fn ptr(&mut self, to: TypeId) -> TypeId {
        self.b.add_ptr(to).unwrap()
    }

    fn array(&mut self, of: TypeId, len: u32) -> TypeId {
        self.b.add_array(of, self.int, len).unwrap()
    }

    /// A struct whose members are given by name, type and offset in bytes.
    fn record(&mut self, name: &str, size: u32, members: &[(&str, TypeId, u32)]) -> TypeId {
        self.b.add_struct(name, size, members.iter().map(|(n, t, at)| Field::new(n, *t, at * 8))).unwrap()
    }

    fn union(&mut self, name: &str, size: u32, members: &[(&str, TypeId)]) -> TypeId {
        self.b.add_union(name, size, members.iter().map(|(n, t)| Field::new(n, *t, 0))).unwrap()
    }

    /// A function type.
    fn proto(&mut self, result: TypeId, params: &[(&str, TypeId)]) -> TypeId {
        self.b.add_func_proto(result, params.iter().copied()).unwrap()
    }
}

fn dump(btf: &Btf) -> Result<String, Error> {
    let mut options = DumpOptions::default();
    options.indent = Some("    ".to_owned());
    btf.dump_c(&options)
}
