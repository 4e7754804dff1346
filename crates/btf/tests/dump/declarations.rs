//! Names with their types around them.

use insta::assert_snapshot;
use oxbpf_btf::{CDump, TypeDecl, TypeId};

use crate::{Made, made};

fn decl(m: &Made, id: TypeId, decl: TypeDecl<'_>) -> String {
    let btf = m.b.build().unwrap();
    let mut text = String::new();
    CDump::new(&btf).type_decl(id, &decl, &mut text).unwrap();
    text
}

/// With the name `x`, and without one.
fn both(m: &Made, id: TypeId) -> [String; 2] {
    ["x", ""].map(|name| decl(m, id, TypeDecl { name, ..TypeDecl::default() }))
}

#[test]
fn pointers_and_arrays() {
    let mut m = made();
    let pointer = m.ptr(m.int);
    let pointers = m.ptr(pointer);
    assert_eq!(both(&m, pointers), ["int **x", "int **"]);
    let array = m.array(m.char, 8);
    assert_eq!(both(&m, array), ["char x[8]", "char[8]"]);
    let matrix = m.array(array, 2);
    assert_eq!(both(&m, matrix), ["char x[2][8]", "char[2][8]"]);
    let to_matrix = m.ptr(matrix);
    assert_eq!(both(&m, to_matrix), ["char (*x)[2][8]", "char(*)[2][8]"]);
    let of_pointers = m.array(pointers, 3);
    assert_eq!(both(&m, of_pointers), ["int **x[3]", "int **[3]"]);
    assert_eq!(both(&m, TypeId::VOID), ["void x", "void"]);
}

#[test]
fn qualifiers() {
    let mut m = made();
    let constant = m.b.add_const(m.int).unwrap();
    let volatile = m.b.add_volatile(constant).unwrap();
    assert_eq!(both(&m, volatile), ["const volatile int x", "const volatile int"]);
    let pointer = m.ptr(constant);
    let fixed = m.b.add_const(pointer).unwrap();
    let alone = m.b.add_restrict(fixed).unwrap();
    assert_eq!(both(&m, alone), ["const int * const restrict x", "const int * const restrict"]);
    // An array has none of its own.
    let array = m.array(constant, 2);
    let constant_array = m.b.add_const(array).unwrap();
    assert_eq!(both(&m, constant_array), ["const int x[2]", "const int[2]"]);
    let stripped = TypeDecl { name: "x", strip_mods: true, ..TypeDecl::default() };
    assert_eq!(decl(&m, alone, stripped), "int *x");
}

#[test]
fn functions() {
    let mut m = made();
    let pointer = m.ptr(m.char);
    let nothing = m.proto(TypeId::VOID, &[]);
    let explicit = m.proto(TypeId::VOID, &[("", TypeId::VOID)]);
    let printf = m.proto(m.int, &[("format", pointer), ("", TypeId::VOID)]);
    assert_eq!(both(&m, nothing), ["void x(void)", "void(void)"]);
    assert_eq!(both(&m, explicit), ["void x(void)", "void(void)"]);
    assert_eq!(both(&m, printf), ["int x(char *format, ...)", "int(char *format, ...)"]);
    let call = m.ptr(printf);
    assert_eq!(both(&m, call), ["int (*x)(char *format, ...)", "int (*)(char *format, ...)"]);
    let table = m.array(call, 4);
    assert_eq!(both(&m, table), ["int (*x[4])(char *format, ...)", "int (*[4])(char *format, ...)"]);
    // signal(): a function that takes and gives a pointer to a function.
    let handler = m.proto(TypeId::VOID, &[("", m.int)]);
    let handler = m.ptr(handler);
    let signal = m.proto(handler, &[("sig", m.int), ("func", handler)]);
    assert_eq!(both(&m, signal)[0], "void (*x(int sig, void (*func)(int)))(int)");
    let to_signal = m.ptr(signal);
    assert_eq!(both(&m, to_signal)[0], "void (* (*x)(int sig, void (*func)(int)))(int)");
}

#[test]
fn tags() {
    let mut m = made();
    let user = m.b.add_type_tag("user", m.int, false).unwrap();
    let pointer = m.ptr(user);
    assert_eq!(both(&m, pointer)[0], "int __attribute__((btf_type_tag(\"user\"))) *x");
    let constant = m.b.add_const(user).unwrap();
    let pointer = m.ptr(constant);
    assert_eq!(both(&m, pointer)[0], "int __attribute__((btf_type_tag(\"user\"))) const *x");
    let space = m.b.add_type_tag("address_space(1)", TypeId::VOID, true).unwrap();
    let arena = m.ptr(space);
    assert_eq!(both(&m, arena)[0], "void __attribute__((address_space(1))) *x");
    // Nobody's text gets out of its place.
    let bad = m.b.add_type_tag("a)); int y; ((", m.int, true).unwrap();
    assert_eq!(both(&m, bad)[0], "int x");
    let quote = m.b.add_type_tag("a\"\\", m.int, false).unwrap();
    assert_eq!(both(&m, quote)[0], "int __attribute__((btf_type_tag(\"a\\\"\\\\\"))) x");
}

#[test]
fn structs_without_a_name() {
    let mut m = made();
    let inner = m.record("", 4, &[("a", m.int, 0)]);
    let pointer = m.ptr(inner);
    let level = TypeDecl { name: "x", level: 1, ..TypeDecl::default() };
    assert_eq!(decl(&m, pointer, level), "struct {\n\t\tint a;\n\t} *x");
    let skip = TypeDecl { name: "x", skip_anonymous: true, ..TypeDecl::default() };
    assert_eq!(decl(&m, pointer, skip), "struct *x");
}

#[test]
fn lists_of_arguments_are_the_compilers_own() {
    let mut m = made();
    let tag = m.record("__va_list_tag", 4, &[("gp_offset", m.u32, 0)]);
    let array = m.array(tag, 1);
    let builtin = m.b.add_typedef("__builtin_va_list", array).unwrap();
    m.b.add_typedef("va_list", builtin).unwrap();
    m.b.add_typedef("__gnuc_va_list", TypeId::VOID).unwrap();
    assert_snapshot!(m.text(), @r"
    struct __va_list_tag {
        unsigned int gp_offset;
    };

    typedef __builtin_va_list va_list;

    typedef __builtin_va_list __gnuc_va_list;
    ");
}

#[test]
fn what_is_not_a_type_of_c_cannot_be_declared() {
    let mut m = made();
    let var = m.b.add_var("v", m.int, 1).unwrap();
    let btf = m.b.build().unwrap();
    let e = CDump::new(&btf).type_decl(var, &TypeDecl::default(), &mut String::new()).unwrap_err();
    assert_eq!(e.to_string(), "type [5] VAR 'v': is not something that C declares");
    let e = CDump::new(&btf).type_decl(TypeId(99), &TypeDecl::default(), &mut String::new()).unwrap_err();
    assert_eq!(e.to_string(), "no type [99]: the BTF has types up to [5]");
    // A dump of all passes over them.
    assert_eq!(m.text(), "");
}
