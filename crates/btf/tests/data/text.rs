//! Text, in libbpf's form.

use oxbpf_btf::{Endian, Field, TextOptions, TypeId};

use super::types::{COMPACT, Types, compact, long, zeroes};

#[test]
fn scalars() {
    let mut t = Types::new();
    let typedef = t.b.add_typedef("u64", t.u64).unwrap();
    let constant = t.b.add_const(typedef).unwrap();
    let b = t.build();
    assert_eq!(compact(&b, t.int, &(-4567i32).to_le_bytes()), "(int)-4567");
    assert_eq!(long(&b, t.int, &[0; 4]), "(int)0", "zero is shown at the top");
    assert_eq!(compact(&b, t.char, &[100]), "(char)100");
    assert_eq!(compact(&b, t.char, &[200]), "(char)-56");
    assert_eq!(compact(&b, constant, &[1, 0, 0, 0, 0, 0, 0, 0]), "(u64)1");
    assert_eq!(compact(&b, t.u128, &[0xff; 16]), format!("(unsigned __int128){:#x}", u128::MAX));
    assert_eq!(compact(&b, t.bool, &[1]), "(_Bool)1");
    let plain = TextOptions { skip_names: true, ..COMPACT };
    assert_eq!(b.data(t.int, &[7, 0, 0, 0]).to_text(&plain).unwrap(), "7");
}

#[test]
fn structs() {
    let mut t = Types::new();
    let next = t.b.add_ptr(t.b.end_id().0.saturating_add(1).into()).unwrap();
    let node = t.structure("node", 16, &[("next", next, 0), ("a", t.u32, 8), ("b", t.int, 12)]);
    let b = t.build();
    let data = [1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 255, 255, 255, 255];
    assert_eq!(
        long(&b, node, &data),
        "(struct node){\n\t.next = (struct node *)0x1,\n\t.a = (unsigned int)3,\n\t.b = (int)-1,\n}"
    );
    let options = TextOptions { indent_level: 1, indent: "  ".into(), ..TextOptions::default() };
    assert_eq!(
        b.data(node, &data[..]).to_text(&options).unwrap(),
        "  (struct node){\n    .next = (struct node *)0x1,\n    .a = (unsigned int)3,\n    .b = (int)-1,\n  }"
    );
    assert_eq!(compact(&b, node, &[0; 16]), "(struct node){}", "zeroes are left out");
    assert_eq!(
        zeroes(&b, node, &[0; 16]).unwrap(),
        "(struct node){.next = (struct node *)0x0,.a = (unsigned int)0,.b = (int)0,}"
    );
    let plain = TextOptions { skip_names: true, ..COMPACT };
    assert_eq!(b.data(node, &data).to_text(&plain).unwrap(), "{0x1,3,-1,}");
}

/// libbpf looks at the first member only, and takes this one for zero.
#[test]
fn a_member_is_zero_only_if_all_of_it_is() {
    let mut t = Types::new();
    let inner = t.structure("inner", 8, &[("zero", t.int, 0), ("one", t.int, 4)]);
    let outer = t.structure("outer", 16, &[("no", inner, 0), ("yes", inner, 8)]);
    let b = t.build();
    let mut data = [0; 16];
    data[12] = 5;
    assert_eq!(compact(&b, outer, &data), "(struct outer){.yes = (struct inner){.one = (int)5,},}");
}

#[test]
fn anonymous_members_and_bit_fields() {
    let mut t = Types::new();
    let (int, u32) = (t.int, t.u32);
    let union = t.b.add_union("", 4, [Field::new("a", int, 0), Field::new("b", u32, 0)]).unwrap();
    let fields =
        [Field::bitfield("x", u32, 0, 4), Field::bitfield("minus", int, 4, 4), Field::new("", union, 32)];
    let s = t.b.add_struct("s", 8, fields).unwrap();
    let b = t.build();
    let data = [0xf2, 0, 0, 0, 3, 0, 0, 0];
    assert_eq!(
        compact(&b, s, &data),
        "(struct s){.x = (unsigned int)0x2,.minus = (int)0xf,(union){.a = (int)3,.b = (unsigned int)3,},}"
    );
}

#[test]
fn arrays() {
    let mut t = Types::new();
    let numbers = t.array(t.u32, 3);
    let table = t.array(numbers, 2);
    let s = t.structure("s", 24, &[("cb", table, 0)]);
    let one = t.structure("one", 4, &[("v", t.int, 0)]);
    let ones = t.array(one, 2);
    let b = t.build();
    let mut data = [0; 24];
    assert_eq!(compact(&b, s, &data), "(struct s){}");
    data[4] = 9;
    assert_eq!(compact(&b, s, &data), "(struct s){.cb = (unsigned int[2][3])[[0,9,0,],[0,0,0,],],}");
    assert_eq!(
        long(&b, s, &data),
        "(struct s){\n\t.cb = (unsigned int[2][3])[\n\t\t[\n\t\t\t0,\n\t\t\t9,\n\t\t\t0,\n\t\t],\n\t\t[\n\
         \t\t\t0,\n\t\t\t0,\n\t\t\t0,\n\t\t],\n\t],\n}"
    );
    let two = [1, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(compact(&b, ones, &two), "(struct one[2])[{.v = 1,},{.v = 0,},]");
}

#[test]
fn characters() {
    let mut t = Types::new();
    let comm = t.array(t.char, 8);
    let s = t.structure("s", 12, &[("comm", comm, 0), ("n", t.int, 8)]);
    let b = t.build();
    let data = |text: &[u8; 8]| [text.as_slice(), &[7, 0, 0, 0]].concat();
    assert_eq!(
        compact(&b, s, &data(b"foo\0\0\0\0\0")),
        "(struct s){.comm = (char[8])['f','o','o',],.n = (int)7,}"
    );
    assert_eq!(
        compact(&b, s, &data(b"f\x01\xff\0bar\0")),
        "(struct s){.comm = (char[8])['f',1,-1,],.n = (int)7,}"
    );
    assert_eq!(compact(&b, s, &data(b"\0oo\0\0\0\0\0")), "(struct s){.n = (int)7,}");
    assert_eq!(
        zeroes(&b, s, &data(b"f\0o\0\0\0\0\0")).unwrap(),
        "(struct s){.comm = (char[8])['f','\\0',],.n = (int)7,}"
    );
}

#[test]
fn strings() {
    let mut t = Types::new();
    let comm = t.array(t.char, 4);
    let bytes = t.array(t.u8, 4);
    let s = t.structure("s", 8, &[("comm", comm, 0), ("n", t.int, 4)]);
    let b = t.build();
    let text = |ty, data: &[u8], compact| {
        let options = TextOptions { strings: true, compact, ..TextOptions::default() };
        b.data(ty, data).to_text(&options).unwrap()
    };
    assert_eq!(text(comm, b"foo\0", true), "(char[4])\"foo\"");
    assert_eq!(text(comm, b"fo\xff\0", false), "(char[4])\"fo\\xff\"");
    assert_eq!(text(comm, b"food", true), "(char[4])['f','o','o','d',]", "there is no NUL");
    assert_eq!(text(comm, b"f\0od", true), "(char[4])\"f\"");
    assert_eq!(text(bytes, b"fo\0\0", true), "(unsigned char[4])\"fo\"");
    assert_eq!(text(bytes, b"f\0od", true), "(unsigned char[4])['f',0,'o','d',]", "nothing is lost");
    let data = [b"hi\0\0".as_slice(), &[1, 0, 0, 0]].concat();
    assert_eq!(text(s, &data, false), "(struct s){\n\t.comm = (char[4])\"hi\",\n\t.n = (int)1,\n}");
}

#[test]
fn enums() {
    let mut t = Types::new();
    let cmd = t.b.add_enum("cmd", 4, false, [("NONE", 0), ("ALL", 0xffff_ffff)]).unwrap();
    let signed = t.b.add_enum("small", 1, true, [("MINUS", -1)]).unwrap();
    let wide = t.b.add_enum64("wide", 8, false, [("BIG", 1 << 40)]).unwrap();
    let minus = t.b.add_enum64("minus", 8, true, [("A", 1)]).unwrap();
    let s = t.b.add_struct("s", 4, [Field::bitfield("e", signed, 3, 3)]).unwrap();
    let b = t.build();
    assert_eq!(compact(&b, cmd, &[0; 4]), "(enum cmd)NONE");
    assert_eq!(compact(&b, cmd, &[7, 0, 0, 0]), "(enum cmd)7");
    assert_eq!(compact(&b, cmd, &[0xff; 4]), "(enum cmd)ALL");
    assert_eq!(compact(&b, signed, &[0xff]), "(enum small)MINUS");
    assert_eq!(compact(&b, wide, &(1u64 << 40).to_le_bytes()), "(enum wide)BIG");
    assert_eq!(compact(&b, wide, &[5, 0, 0, 0, 0, 0, 0, 0]), "(enum wide)5ULL");
    assert_eq!(compact(&b, minus, &[0xff; 8]), "(enum minus)-1LL");
    assert_eq!(compact(&b, s, &[0b11_1000, 0, 0, 0]), "(struct s){.e = (enum small)MINUS,}");
}

#[test]
fn casts() {
    let mut t = Types::new();
    let file = t.b.add_fwd("file", false).unwrap();
    let file_ptr = t.b.add_ptr(file).unwrap();
    let open = t.b.add_func_proto(t.int, [("", file_ptr), ("flags", t.int), ("", TypeId::VOID)]).unwrap();
    let open_ptr = t.b.add_ptr(open).unwrap();
    let nothing = t.b.add_func_proto(TypeId::VOID, []).unwrap();
    let call = t.b.add_ptr(nothing).unwrap();
    let calls = t.array(call, 2);
    let twice = t.b.add_ptr(call).unwrap();
    let constant = t.b.add_const(t.char).unwrap();
    let text = t.b.add_ptr(constant).unwrap();
    let void_ptr = t.b.add_ptr(TypeId::VOID).unwrap();
    let ints = t.array(t.int, 4);
    let ints_ptr = t.b.add_ptr(ints).unwrap();
    let texts = t.array(text, 2);
    let finds = t.b.add_func_proto(text, []).unwrap();
    let find = t.b.add_ptr(finds).unwrap();
    let b = t.build();
    let cast = |ty| compact(&b, ty, &[0; 16]).split_inclusive(['0', '[']).next().unwrap().to_owned();
    assert_eq!(cast(open_ptr), "(int (*)(struct file *, int flags, ...))0");
    assert_eq!(cast(call), "(void (*)(void))0");
    assert_eq!(cast(twice), "(void (**)(void))0");
    assert_eq!(cast(text), "(char *)0");
    assert_eq!(cast(void_ptr), "(void *)0");
    assert_eq!(cast(find), "(char * (*)(void))0");
    assert!(compact(&b, ints_ptr, &[0; 8]).starts_with("(int(*)[4])0x0"));
    assert!(compact(&b, texts, &[0; 16]).starts_with("(char *[2])[0x0,0x0,]"));
    assert!(compact(&b, calls, &[0; 16]).starts_with("(void (*[2])(void))["));
}

#[test]
fn variables_and_sections() {
    let mut t = Types::new();
    let license = t.array(t.char, 4);
    let flip = t.b.add_var("flip", t.int, 0).unwrap();
    let text = t.b.add_var("_license", license, 1).unwrap();
    let debug = t.b.add_var("debug", t.bool, 2).unwrap();
    let section = t.section(".data", 12, &[(flip, 0, 4), (text, 4, 4), (debug, 8, 1)]);
    let b = t.build();
    assert_eq!(compact(&b, flip, &[2, 0, 0, 0]), "static int flip = (int)2");
    let data = [b"\x02\0\0\0GPL\0\x01".as_slice(), &[0; 3]].concat();
    assert_eq!(
        compact(&b, section, &data),
        "SEC(\".data\") static int flip = (int)2;char[4] _license = (char[4])['G','P','L',];\
         extern _Bool debug = (_Bool)1;"
    );
}

#[test]
fn the_byte_order_is_the_types() {
    let t = Types::new();
    let b = t.b.build_as(Endian::Big).unwrap();
    assert_eq!(compact(&b, t.int, &[0, 0, 1, 2]), "(int)258");
}
