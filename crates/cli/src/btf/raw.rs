//! Every type as it stands in BTF: the lines that `bpftool btf dump` prints, or its JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use oxbpf_btf::{Btf, IntType, JsonWriter, Kind, Type, TypeId, Visitor};

/// Prints these types, or all that `btf` has beside its base.
pub(super) fn lines(btf: &Btf, roots: &[TypeId], to: &mut impl Write) -> io::Result<()> {
    let mut lines = Lines::default();
    each(btf, roots, |ty| {
        list(ty, &mut lines);
        lines.0.push('\n');
        lines.hand_over(to)
    })?;
    to.write_all(lines.0.as_bytes())
}

/// The same as JSON: `{"types":[…]}`.
pub(super) fn json(btf: &Btf, roots: &[TypeId], to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"{\"types\":[")?;
    let mut first = true;
    each(btf, roots, |ty| {
        let mut text = String::new();
        let mut json = Json(JsonWriter::new(&mut text));
        list(ty, &mut json);
        json.end_object();
        if !std::mem::take(&mut first) {
            to.write_all(b",")?;
        }
        to.write_all(text.as_bytes())
    })?;
    to.write_all(b"]}\n")
}

fn each(btf: &Btf, roots: &[TypeId], f: impl FnMut(Type<'_>) -> io::Result<()>) -> io::Result<()> {
    if roots.is_empty() {
        return btf.types().try_for_each(f);
    }
    // Those that do not exist were refused before.
    roots.iter().filter_map(|&id| btf.get(id).ok()).try_for_each(f)
}

/// Takes what a type consists of.
trait Listing {
    fn begin(&mut self, id: TypeId, kind: &str, name: &str);
    fn number(&mut self, key: &'static str, value: impl std::fmt::Display);
    fn word(&mut self, key: &'static str, value: &str);
    /// The entries, by their word for all of them.
    fn begin_entries(&mut self, all: &'static str);
    /// An entry, with its name if such entries have one.
    fn begin_entry(&mut self, name: Option<&str>);
    fn end_entry(&mut self);
    fn end_entries(&mut self);
    /// What only people are told.
    fn remark(&mut self, text: std::fmt::Arguments<'_>);
}

/// The lines of one type: `[1] INT 'int' size=4 …`.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Writes what there is, once it is worth a call.
    fn hand_over(&mut self, to: &mut impl Write) -> io::Result<()> {
        if self.0.len() >= 1 << 16 {
            to.write_all(self.0.as_bytes())?;
            self.0.clear();
        }
        Ok(())
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.0.write_fmt(text);
    }
}

impl Listing for Lines {
    fn begin(&mut self, id: TypeId, kind: &str, name: &str) {
        self.put(format_args!("{id} {kind} '{name}'"));
    }

    fn number(&mut self, key: &'static str, value: impl std::fmt::Display) {
        // What has no name starts its line.
        let space = if self.0.ends_with('\t') { "" } else { " " };
        self.put(format_args!("{space}{key}={value}"));
    }

    fn word(&mut self, key: &'static str, value: &str) {
        self.number(key, value);
    }

    fn begin_entries(&mut self, _: &'static str) {}

    fn begin_entry(&mut self, name: Option<&str>) {
        self.0.push_str("\n\t");
        if let Some(name) = name {
            self.put(format_args!("'{name}'"));
        }
    }

    fn end_entry(&mut self) {}

    fn end_entries(&mut self) {}

    fn remark(&mut self, text: std::fmt::Arguments<'_>) {
        self.put(text);
    }
}

/// One type as a JSON object.
struct Json<'o>(JsonWriter<'o>);

impl Json<'_> {
    fn end_object(&mut self) {
        // This writer has no errors.
        let _ = self.0.end_struct();
    }
}

impl Listing for Json<'_> {
    fn begin(&mut self, id: TypeId, kind: &str, name: &str) {
        let _ = self.0.begin_struct();
        self.number("id", id.0);
        self.word("kind", kind);
        self.word("name", name);
    }

    fn number(&mut self, key: &'static str, value: impl std::fmt::Display) {
        let _ = self.0.field(key).and_then(|()| self.0.raw(&value.to_string()));
    }

    fn word(&mut self, key: &'static str, value: &str) {
        let _ = self.0.field(key).and_then(|()| self.0.string(value));
    }

    fn begin_entries(&mut self, all: &'static str) {
        let _ = self.0.field(all).and_then(|()| self.0.begin_array());
    }

    fn begin_entry(&mut self, name: Option<&str>) {
        let _ = self.0.begin_struct();
        if let Some(name) = name {
            self.word("name", name);
        }
    }

    fn end_entry(&mut self) {
        let _ = self.0.end_struct();
    }

    fn end_entries(&mut self) {
        let _ = self.0.end_array();
    }

    fn remark(&mut self, _: std::fmt::Arguments<'_>) {}
}

fn or_anonymous(name_off: u32, name: &str) -> &str {
    if name_off == 0 { "(anon)" } else { name }
}

fn encoding(int: IntType) -> &'static str {
    match (int.signed, int.char, int.bool) {
        (false, false, false) => "(none)",
        (true, false, false) => "SIGNED",
        (false, true, false) => "CHAR",
        (false, false, true) => "BOOL",
        _ => "UNKN",
    }
}

fn linkage(ty: Type<'_>) -> &'static str {
    match ty.linkage() {
        Some(0) => "static",
        Some(1) => "global",
        Some(2) => "extern",
        _ => "(unknown)",
    }
}

fn list(ty: Type<'_>, to: &mut impl Listing) {
    to.begin(ty.id(), ty.kind().as_str(), or_anonymous(ty.name_off(), ty.name()));
    let target = ty.target().unwrap_or_default().0;
    let size = ty.size().unwrap_or(0);
    match ty.kind() {
        Kind::Void => {}
        Kind::Int => {
            let Some(int) = ty.int() else { return };
            to.number("size", size);
            to.number("bits_offset", int.bit_offset);
            to.number("nr_bits", int.bits);
            to.word("encoding", encoding(int));
        }
        Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::Typedef | Kind::TypeTag => {
            to.number("type_id", target);
        }
        Kind::Array => {
            let Some(array) = ty.array() else { return };
            to.number("type_id", array.elem.0);
            to.number("index_type_id", array.index.0);
            to.number("nr_elems", array.len);
        }
        Kind::Struct | Kind::Union => members(ty, to),
        Kind::Enum | Kind::Enum64 => enumerators(ty, to),
        Kind::Fwd => to.word("fwd_kind", if ty.kind_flag() { "union" } else { "struct" }),
        Kind::Func => {
            to.number("type_id", target);
            to.word("linkage", linkage(ty));
        }
        Kind::FuncProto => {
            to.number("ret_type_id", target);
            to.number("vlen", ty.vlen());
            to.begin_entries("params");
            for param in ty.params() {
                to.begin_entry(Some(or_anonymous(param.name_off, param.name)));
                to.number("type_id", param.ty.0);
                to.end_entry();
            }
            to.end_entries();
        }
        Kind::Var => {
            to.number("type_id", target);
            to.remark(format_args!(","));
            to.word("linkage", linkage(ty));
        }
        Kind::Datasec => variables(ty, to),
        Kind::Float => to.number("size", size),
        Kind::DeclTag => {
            to.number("type_id", target);
            to.number("component_idx", ty.component().unwrap_or(-1));
        }
    }
}

fn members(ty: Type<'_>, to: &mut impl Listing) {
    to.number("size", ty.size().unwrap_or(0));
    to.number("vlen", ty.vlen());
    to.begin_entries("members");
    for member in ty.members() {
        to.begin_entry(Some(or_anonymous(member.name_off, member.name)));
        to.number("type_id", member.ty.0);
        to.number("bits_offset", member.bit_offset);
        if member.bitfield_size != 0 {
            to.number("bitfield_size", member.bitfield_size);
        }
        to.end_entry();
    }
    to.end_entries();
}

fn enumerators(ty: Type<'_>, to: &mut impl Listing) {
    let signed = ty.is_signed_enum();
    to.word("encoding", if signed { "SIGNED" } else { "UNSIGNED" });
    to.number("size", ty.size().unwrap_or(0));
    to.number("vlen", ty.vlen());
    to.begin_entries("values");
    for enumerator in ty.enumerators() {
        to.begin_entry(Some(or_anonymous(enumerator.name_off, enumerator.name)));
        to.number("val", enumerator.value);
        if ty.kind() == Kind::Enum64 {
            to.remark(format_args!("{}", if signed { "LL" } else { "ULL" }));
        }
        to.end_entry();
    }
    to.end_entries();
}

fn variables(ty: Type<'_>, to: &mut impl Listing) {
    to.number("size", ty.size().unwrap_or(0));
    to.number("vlen", ty.vlen());
    to.begin_entries("vars");
    for var in ty.variables() {
        to.begin_entry(None);
        to.number("type_id", var.ty.0);
        to.number("offset", var.offset);
        to.number("size", var.size);
        if let Ok(of) = ty.btf().get(var.ty) {
            to.remark(format_args!(" ({} '{}')", of.kind(), or_anonymous(of.name_off(), of.name())));
        }
        to.end_entry();
    }
    to.end_entries();
}
