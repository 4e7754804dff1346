//! Sizes and alignments.

use oxbpf_btf::{BtfBuilder, Error, Field, IntEncoding, TypeId};

#[test]
fn sizes_and_alignments_are_those_of_a_compiler() -> Result<(), Error> {
    let mut b = BtfBuilder::new();
    let char = b.add_int("char", 1, IntEncoding::SIGNED)?;
    let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
    let long = b.add_int("long", 8, IntEncoding::SIGNED)?;
    let wide = b.add_int("__int128", 16, IntEncoding::SIGNED)?;
    let double = b.add_float("long double", 12)?;
    let ptr = b.add_ptr(TypeId::VOID)?;
    let array = b.add_array(int, int, 5)?;
    let nested = b.add_array(array, int, 7)?;
    let none = b.add_array(long, int, 0)?;
    let s = b.add_struct("s", 8, [Field::new("c", char, 0), Field::new("i", int, 32)])?;
    let packed = b.add_struct("packed", 5, [Field::new("c", char, 0), Field::new("i", int, 8)])?;
    let short = b.add_struct("short_", 6, [Field::new("i", int, 0), Field::new("c", char, 32)])?;
    let bits = b.add_struct("bits", 4, [Field::bitfield("a", int, 3, 7)])?;
    let union = b.add_union("u", 8, [Field::new("c", char, 0), Field::new("l", long, 0)])?;
    let outer = b.add_struct("outer", 16, [Field::new("c", char, 0), Field::new("u", union, 64)])?;
    let empty = b.add_struct("empty", 0, [])?;
    let e = b.add_enum("e", 4, false, [])?;
    let e64 = b.add_enum64("e64", 8, false, [])?;
    let typedef = b.add_typedef("t", outer)?;
    let volatile = b.add_volatile(typedef)?;
    let var = b.add_var("v", volatile, 0)?;
    let tag = b.add_type_tag("tag", int, false)?;
    let b = b.build()?;
    for (id, size, align) in [
        (char, 1, 1),
        (int, 4, 4),
        (long, 8, 8),
        (wide, 16, 8),
        (double, 12, 8),
        (ptr, 8, 8),
        (array, 20, 4),
        (nested, 140, 4),
        (none, 0, 8),
        (s, 8, 4),
        (packed, 5, 1),
        (short, 6, 1),
        (bits, 4, 4),
        (union, 8, 8),
        (outer, 16, 8),
        (empty, 0, 1),
        (e, 4, 4),
        (e64, 8, 8),
        (typedef, 16, 8),
        (volatile, 16, 8),
        (var, 16, 8),
        (tag, 4, 4),
    ] {
        assert_eq!((b.size_of(id)?, b.align_of(id)?), (size, align), "{:?}", b.get(id)?);
    }
    assert_eq!(b.resolve(volatile)?.id(), outer);
    assert_eq!(b.resolve(tag)?.id(), int);
    assert_eq!(b.resolve(ptr)?.id(), ptr);
    Ok(())
}

#[test]
fn the_size_of_pointers_is_guessed_or_set() {
    let with_long = |size| {
        let mut b = BtfBuilder::new();
        b.add_int("long unsigned int", size, IntEncoding::UNSIGNED).unwrap();
        b.build().unwrap()
    };
    assert_eq!((with_long(4).known_pointer_size(), with_long(4).pointer_size()), (Some(4), 4));
    let empty = BtfBuilder::new().build().unwrap();
    assert_eq!((empty.known_pointer_size(), empty.pointer_size()), (None, 8));
    // Of a split BTF the base's counts; where that cannot tell, its own.
    let mut split = BtfBuilder::split(&empty);
    split.add_int("long", 4, IntEncoding::SIGNED).unwrap();
    assert_eq!(split.build().unwrap().pointer_size(), 4);
    let set = with_long(8).with_pointer_size(4).unwrap();
    let ptr = BtfBuilder::split(&set).build().unwrap();
    assert_eq!((set.pointer_size(), ptr.pointer_size()), (4, 4));
    assert_eq!(empty.with_pointer_size(6).unwrap_err().to_string(), "pointers have 4 or 8 bytes, not 6");
}
