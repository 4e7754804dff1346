//! Definitions of enums and typedefs, and the names that types have in C.

use crate::{
    Error, Kind, Type,
    dump::{CDump, decl::Name, ident, names::Tag, text::Short},
};

const STRUCT: Short = Short::new("struct");
const UNION: Short = Short::new("union");
const ENUM: Short = Short::new("enum");
const LL: Short = Short::new("LL");
const ULL: Short = Short::new("ULL");

impl<'a> CDump<'a> {
    /// `typedef int name;`
    pub(super) fn define_typedef(&mut self, ty: Type<'a>) -> Result<(), Error> {
        let target = ty.target().unwrap_or_default().0;
        let name = self.name(ty.name_off());
        // Compilers bring the type of their variable arguments, and each has another behind that name.
        if name == b"__builtin_va_list" {
            return Ok(());
        }
        if name == b"__gnuc_va_list" && target == 0 {
            // Old versions of gcc say that it is void.
            self.text.put(b"typedef __builtin_va_list __gnuc_va_list");
        } else {
            self.text.put(b"typedef ");
            self.decl(target, Name::Typedef(ty), 0)?;
        }
        self.text.put(b";\n\n");
        Ok(())
    }

    /// An enum with its values.
    pub(super) fn define_enum(&mut self, ty: Type<'a>, level: u32) -> Result<(), Error> {
        self.keyword_and_tag(ty);
        if ty.vlen() == 0 {
            return Ok(());
        }
        self.text.put(b" {");
        let wide = ty.kind() == Kind::Enum64;
        let mut values = ty.enumerators();
        let mut names = values.clone();
        while let Some((name, _)) = names.next_raw() {
            self.reader.fetch(name);
        }
        let line = self.text.line_of(level.saturating_add(1));
        // The least and the greatest value.
        let (mut least, mut greatest) = (0, 0);
        while let Some((name, value)) = values.next_raw() {
            (least, greatest) = (value.min(least), value.max(greatest));
            self.text.put_line(&line);
            self.enumerator(name);
            self.text.put(b" = ");
            self.value(value, wide, ty.kind_flag());
            self.text.put(b",");
            self.text.check()?;
        }
        self.text.line(level);
        self.text.put(b"}");
        // What size the compiler chooses depends on the values alone.
        let natural = if least >= i128::from(i32::MIN) && greatest <= i128::from(i32::MAX)
            || least == 0 && greatest <= i128::from(u32::MAX)
        {
            4
        } else {
            8
        };
        let mode: &[u8] = match ty.size() {
            Some(1) => b" __attribute__((mode(byte)))",
            Some(2) => b" __attribute__((mode(HI)))",
            Some(8) if natural != 8 && self.pointer_size == 8 => b" __attribute__((mode(word)))",
            _ => b"",
        };
        self.text.put(mode);
        Ok(())
    }

    fn enumerator(&mut self, name_off: u32) {
        let onward = self.reader.onward(name_off);
        let plain = ident::plain_at(onward);
        let len = plain.map_or(0, <[u8]>::len);
        let renamed = match plain {
            Some(name) => self.idents.define(&self.reader, name_off, name, Tag::None),
            None => {
                let made = ident::made_plain(self.name(name_off));
                Some(self.idents.define_made(&self.reader, made, Tag::None))
            }
        };
        match renamed {
            Some(name) => self.text.put(&name),
            None => self.text.put_start(onward, len),
        }
    }

    fn value(&mut self, value: i128, wide: bool, signed: bool) {
        if value == i128::from(i64::MIN) {
            // C has no negative numbers, only a minus before positive ones, and this one's is too large.
            return self.text.put(b"-9223372036854775807LL - 1");
        }
        self.text.signed(value);
        if wide {
            self.text.put_short(if signed { &LL } else { &ULL });
        }
    }

    /// `struct name`, or `struct` for one without a name.
    pub(super) fn keyword_and_tag(&mut self, ty: Type<'a>) {
        self.text.put_short(match (ty.kind(), ty.kind_flag()) {
            (Kind::Union, _) | (Kind::Fwd, true) => &UNION,
            (Kind::Enum | Kind::Enum64, _) => &ENUM,
            _ => &STRUCT,
        });
        if ty.name_off() != 0 || ty.kind() == Kind::Fwd {
            self.text.put(b" ");
            self.name_of(ty);
        }
    }

    /// The name of a struct, union, enum or typedef.
    pub(super) fn name_of(&mut self, ty: Type<'a>) {
        let onward = self.reader.onward(ty.name_off());
        let plain = ident::plain_at(onward);
        if !self.state(ty.id().0).named() {
            self.settle(ty, plain);
        }
        match plain {
            Some(name) if !self.state(ty.id().0).renamed() => self.text.put_start(onward, name.len()),
            _ => self.settled_name(ty),
        }
    }

    fn settled_name(&mut self, ty: Type<'a>) {
        let id = ty.id().0;
        match if self.state(id).renamed() { self.renamed.get(&id) } else { None } {
            Some(name) => self.text.put(name),
            None => self.text.put(self.reader.name(ty.name_off())),
        }
    }

    /// Settles the name of a struct, union, enum or typedef, given the one of the BTF if C takes it.
    fn settle(&mut self, ty: Type<'a>, plain: Option<&[u8]>) {
        let tag = match (ty.kind(), ty.kind_flag()) {
            (Kind::Union, _) | (Kind::Fwd, true) => Tag::Union,
            (Kind::Struct, _) | (Kind::Fwd, false) => Tag::Struct,
            (Kind::Enum | Kind::Enum64, _) => Tag::Enum,
            _ => Tag::None,
        };
        let only_declared = ty.kind() == Kind::Fwd || tag == Tag::Enum && ty.vlen() == 0;
        let names = if tag == Tag::None { &mut self.idents } else { &mut self.tags };
        let (reader, at) = (&self.reader, ty.name_off());
        let renamed = match plain {
            None => Some(names.define_made(reader, ident::made_plain(reader.name(at)), tag)),
            Some(name) if only_declared => names.declare(reader, at, name, tag),
            Some(name) => names.define(reader, at, name, tag),
        };
        self.set_name(ty, renamed);
    }

    fn set_name(&mut self, ty: Type<'a>, renamed: Option<Vec<u8>>) {
        let id = ty.id().0;
        self.update(id, |s| s.set_named(renamed.is_some()));
        if let Some(name) = renamed {
            self.renamed.insert(id, name.into());
        }
    }

    /// An integer or floating-point number.
    pub(super) fn number(&mut self, ty: Type<'a>) {
        if ty.name_off() == 0 {
            return match ident::number_of(ty) {
                Some(number) => self.text.put(number.as_bytes()),
                None => self.text.put(b"unsigned char"),
            };
        }
        self.settle_number(ty);
        self.settled_name(ty);
    }

    /// Settles the name of a number. One that compilers do not know needs a typedef, under a name of its own.
    pub(super) fn settle_number(&mut self, ty: Type<'a>) {
        if self.state(ty.id().0).named() {
            return;
        }
        let name = self.name(ty.name_off());
        let renamed = (!ident::is_base_type(name)).then(|| {
            let plain = if ident::is_plain(name) { name.to_vec() } else { ident::made_plain(name) };
            self.idents.define_made(&self.reader, plain, Tag::None)
        });
        self.set_name(ty, renamed);
    }
}
