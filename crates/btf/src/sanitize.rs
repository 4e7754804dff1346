//! BTF for kernels that know fewer kinds. Each type that a kernel does not know becomes one of the same length
//! that it does, so that ids and the places of types stay what they are.

use crate::{
    Btf, BtfBuilder, Endian, IntEncoding, Kind,
    builder::Edit,
    parse::{KFLAG, KIND_SHIFT, VLEN_MASK},
};

/// What a kernel takes in BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSupport {
    /// FUNC and FUNC_PROTO: Linux 5.0.
    pub func: bool,
    /// VAR and DATASEC: Linux 5.2.
    pub datasec: bool,
    /// FUNC with global linkage: Linux 5.6.
    pub func_global: bool,
    /// FLOAT: Linux 5.13.
    pub float: bool,
    /// DECL_TAG: Linux 5.16.
    pub decl_tag: bool,
    /// TYPE_TAG: Linux 5.17.
    pub type_tag: bool,
    /// ENUM64, and the kind flag on ENUM: Linux 6.0.
    pub enum64: bool,
    /// DATASEC with a name that starts with `?`: Linux 6.9.
    pub qmark_datasec: bool,
    /// The kind flag on tags: Linux 6.15.
    pub tag_kflag: bool,
}

impl KindSupport {
    /// A kernel that knows all that this crate does.
    pub const ALL: KindSupport = KindSupport {
        func: true,
        datasec: true,
        func_global: true,
        float: true,
        decl_tag: true,
        type_tag: true,
        enum64: true,
        qmark_datasec: true,
        tag_kflag: true,
    };

    /// The first kernel with BTF, Linux 4.18.
    pub const NONE: KindSupport = KindSupport {
        func: false,
        datasec: false,
        func_global: false,
        float: false,
        decl_tag: false,
        type_tag: false,
        enum64: false,
        qmark_datasec: false,
        tag_kflag: false,
    };
}

impl Btf {
    /// The BTF with what a kernel does not take replaced by the nearest that it does; `None` if nothing needs
    /// to be. Ids and string offsets stay the same; types and strings may be added at the end.
    ///
    /// Variables and declaration tags become integers of one byte, sections structs with the variables as
    /// members, functions typedefs of their prototype, and prototypes enums of their parameters. Floats become
    /// empty structs of their size, type tags `const`, and 64-bit enums unions of one-byte integers.
    #[doc(alias = "bpf_object__sanitize_btf")]
    pub fn sanitize(&self, kernel: &KindSupport) -> Option<Vec<u8>> {
        if !self.headers().any(|h| self.is_new_to(kernel, h.id)) {
            return None;
        }
        let mut b = BtfBuilder::from(self);
        let placeholder = b.end_id();
        let mut used = false;
        let name_of_var = |id| self.get(id).map_or(0, |t| t.name_off());
        b.each(|id, ty, add_str| {
            if !self.is_new_to(kernel, id) {
                return;
            }
            let Edit { kind, name, info, third, rest } = ty;
            let vlen = *info & VLEN_MASK;
            let become_kind = |k: Kind, vlen: u32| (k as u32) << KIND_SHIFT | vlen;
            match kind {
                Kind::Var | Kind::DeclTag => {
                    *info = become_kind(Kind::Int, 0);
                    // One byte never reaches out of a struct that the variable has become a member of.
                    *third = 1;
                    rest.fill(8);
                    if kind == Kind::DeclTag {
                        // A tag's value need not be an identifier, as the name of an integer has to be.
                        *name = 0;
                        *name = add_str("decl_tag");
                    }
                }
                Kind::Datasec if kernel.datasec => {
                    *name = add_str(&self.name_lossy(*name).replacen('?', "_", 1));
                }
                Kind::Datasec => {
                    *name = add_str(&self.name_lossy(*name).replace(['.', '?'], "_"));
                    *info = become_kind(Kind::Struct, vlen);
                    for [a, b, c] in rest.as_chunks_mut::<3>().0 {
                        let (ty, offset) = (*a, *b);
                        (*a, *b, *c) = (name_of_var(ty.into()), ty, offset.saturating_mul(8));
                    }
                }
                Kind::FuncProto => {
                    *info = become_kind(Kind::Enum, vlen);
                    *third = 4;
                    for [name, _] in rest.as_chunks_mut::<2>().0 {
                        if *name == 0 {
                            *name = add_str("arg");
                        }
                    }
                }
                Kind::Func if kernel.func => *info = become_kind(Kind::Func, 0),
                Kind::Func => *info = become_kind(Kind::Typedef, 0),
                Kind::Float => {
                    // `float` is no name that a struct can have.
                    *name = 0;
                    *info = become_kind(Kind::Struct, 0);
                }
                Kind::TypeTag => {
                    *name = 0;
                    *info = become_kind(Kind::Const, 0);
                }
                Kind::Enum => *info &= !KFLAG,
                Kind::Enum64 => {
                    used = true;
                    *info = become_kind(Kind::Union, vlen);
                    for [_, a, b] in rest.as_chunks_mut::<3>().0 {
                        (*a, *b) = (placeholder.0, 0);
                    }
                }
                _ => {}
            }
        });
        if used {
            b.add_int("enum64_placeholder", 1, IntEncoding::UNSIGNED).ok()?;
        }
        b.to_vec(self.endian()).ok()
    }

    fn is_new_to(&self, k: &KindSupport, id: crate::TypeId) -> bool {
        let Some(h) = self.header(id) else { return false };
        match h.kind() {
            Kind::Var => !k.datasec,
            Kind::Datasec => !k.datasec || !k.qmark_datasec && h.name_bytes().starts_with(b"?"),
            Kind::FuncProto => !k.func,
            Kind::Func => !k.func || !k.func_global && h.vlen() != 0,
            Kind::Float => !k.float,
            Kind::DeclTag => !k.decl_tag || !k.tag_kflag && h.kind_flag(),
            Kind::TypeTag => !k.type_tag || !k.tag_kflag && h.kind_flag(),
            Kind::Enum => !k.enum64 && h.kind_flag(),
            Kind::Enum64 => !k.enum64,
            _ => false,
        }
    }

    fn name_lossy(&self, off: u32) -> String {
        self.str_lossy_at(off).unwrap_or_default().into_owned()
    }

    /// The raw BTF in this byte order.
    #[doc(alias = "btf__set_endianness")]
    pub fn to_endian(&self, endian: Endian) -> Vec<u8> {
        if endian == self.endian() {
            return self.as_bytes().to_vec();
        }
        // What was read fits, so writing it cannot fail.
        BtfBuilder::from(self).to_vec(endian).unwrap_or_default()
    }
}
