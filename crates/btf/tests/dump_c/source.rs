//! The text of a BTF, and how each of its types is called there.

use std::fmt::Write;

use oxbpf_btf::{Btf, CDump, Kind, Type, TypeDecl, TypeId};

/// The C of all types.
pub(crate) struct Source {
    pub(crate) text: String,
    /// Structs, unions and enums that have a name, and typedefs of those that have none: how C calls each.
    pub(crate) named: Vec<(TypeId, String)>,
}

pub(crate) fn source(btf: &Btf) -> Source {
    let (mut dump, mut text) = (CDump::new(btf), String::new());
    for id in 1..btf.end_id().0 {
        dump.dump_type(TypeId(id), &mut text).unwrap();
    }
    let named = btf.types().filter(|ty| is_named(btf, *ty)).map(|ty| {
        let mut name = String::new();
        dump.type_decl(ty.id(), &TypeDecl::default(), &mut name).unwrap();
        (ty.id(), name)
    });
    let named = named.collect();
    Source { text, named }
}

fn is_named(btf: &Btf, ty: Type<'_>) -> bool {
    let has_values = |ty: Type<'_>| ty.kind().is_composite() || ty.kind().is_enum() && ty.vlen() > 0;
    match ty.kind() {
        Kind::Typedef => {
            let target = btf.get(ty.target().unwrap()).unwrap();
            has_values(target) && target.name_off() == 0
        }
        _ => has_values(ty) && ty.name_off() != 0,
    }
}

impl Source {
    /// The text with a variable of each of these types, so that clang describes them all. It calls them `v` and the
    /// number of the type.
    pub(crate) fn with_variables(&self, named: &[(TypeId, String)]) -> String {
        // One that is there in any case: without, there would be no BTF.
        let mut text = format!("{}int v0;\n", self.text);
        for (id, name) in named {
            writeln!(text, "{name} v{};", id.0).unwrap();
        }
        text
    }

    /// The text with assertions about sizes and offsets.
    pub(crate) fn with_assertions(&self, btf: &Btf) -> String {
        let mut text = self.text.clone();
        for (id, name) in &self.named {
            let ty = btf.resolve(*id).unwrap();
            writeln!(text, "_Static_assert(sizeof({name}) == {}, \"{name}\");", ty.size().unwrap()).unwrap();
            offsets(btf, ty, 0, &mut |member, bits| {
                let bytes = bits / 8;
                let at = format!("__builtin_offsetof({name}, {member})");
                writeln!(text, "_Static_assert({at} == {bytes}, \"{name}.{member}\");").unwrap();
            });
        }
        text
    }
}

/// The members that have an offset in C, those of members without a name among them.
fn offsets(btf: &Btf, ty: Type<'_>, start: u64, f: &mut impl FnMut(&str, u64)) {
    for m in ty.members().filter(|m| m.bitfield_size == 0) {
        let at = start + u64::from(m.bit_offset);
        if m.name.is_empty() {
            offsets(btf, btf.resolve(m.ty).unwrap(), at, f);
        } else {
            f(m.name, at);
        }
    }
}
