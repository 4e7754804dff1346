//! A function for each kind. What libbpf refuses is refused here too: see [`super::refuse`].

use super::{BtfBuilder, Field, Info, IntEncoding};
use crate::{
    Error, Kind, SecVar, TypeId,
    error::TypeProblem,
    parse::{MAX_LINKAGE, MEMBER_OFFSET_MASK, int_fits},
};

impl BtfBuilder {
    /// An integer of 1, 2, 4, 8 or 16 bytes.
    #[doc(alias = "btf__add_int")]
    pub fn add_int(&mut self, name: &str, size: u32, encoding: IntEncoding) -> Result<TypeId, Error> {
        self.refuse_int(name, size)?;
        self.add_int_bits(name, size, encoding, 0, size.saturating_mul(8))
    }

    /// An integer of `bits` bits that starts at bit `offset` of its `size` bytes, as old compilers describe
    /// bit-fields. It can have any size, and no name.
    pub fn add_int_bits(
        &mut self,
        name: &str,
        size: u32,
        encoding: IntEncoding,
        offset: u32,
        bits: u32,
    ) -> Result<TypeId, Error> {
        if !int_fits((offset, bits), size) {
            let problem = TypeProblem::IntEncoding { bits, offset, size };
            return Err(self.about_next(Kind::Int, name, problem));
        }
        self.push(Kind::Int, name, size, Info::NONE, &[u32::from(encoding.0) << 24 | offset << 16 | bits])
    }

    /// A floating-point number of 2, 4, 8, 12 or 16 bytes.
    #[doc(alias = "btf__add_float")]
    pub fn add_float(&mut self, name: &str, size: u32) -> Result<TypeId, Error> {
        self.push(Kind::Float, name, size, Info::NONE, &[])
    }

    /// A pointer.
    #[doc(alias = "btf__add_ptr")]
    pub fn add_ptr(&mut self, to: TypeId) -> Result<TypeId, Error> {
        self.push(Kind::Ptr, "", to.0, Info::NONE, &[])
    }

    /// An array of `len` elements.
    #[doc(alias = "btf__add_array")]
    pub fn add_array(&mut self, elem: TypeId, index: TypeId, len: u32) -> Result<TypeId, Error> {
        self.push(Kind::Array, "", 0, Info::NONE, &[elem.0, index.0, len])
    }

    /// A struct of `size` bytes.
    #[doc(alias = "btf__add_struct")]
    #[doc(alias = "btf__add_field")]
    pub fn add_struct<'f>(
        &mut self,
        name: &str,
        size: u32,
        fields: impl IntoIterator<Item = Field<'f>>,
    ) -> Result<TypeId, Error> {
        self.composite(Kind::Struct, name, size, fields.into_iter().collect())
    }

    /// A union of `size` bytes.
    #[doc(alias = "btf__add_union")]
    pub fn add_union<'f>(
        &mut self,
        name: &str,
        size: u32,
        fields: impl IntoIterator<Item = Field<'f>>,
    ) -> Result<TypeId, Error> {
        self.composite(Kind::Union, name, size, fields.into_iter().collect())
    }

    fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        fields: Vec<Field<'_>>,
    ) -> Result<TypeId, Error> {
        // Strings in the order in which the types come to them, as libbpf has them.
        self.add_str(name)?;
        let kflag = fields.iter().any(|f| f.bitfield_size != 0);
        let mut rest = Vec::with_capacity(fields.len().saturating_mul(3));
        for (f, index) in fields.iter().zip(0u32..) {
            self.refuse_field(kind, name, index, f)?;
            let offset = if kflag {
                let limits = [
                    ("width of a bit-field", f.bitfield_size, 0xff),
                    ("bit offset", f.bit_offset, MEMBER_OFFSET_MASK),
                ];
                for (what, got, limit) in limits {
                    if got > limit {
                        let problem =
                            TypeProblem::Limit { what, got: u64::from(got), limit: u64::from(limit) };
                        return Err(self.about_next(kind, name, problem));
                    }
                }
                f.bitfield_size << 24 | f.bit_offset
            } else {
                f.bit_offset
            };
            rest.extend([self.add_str(f.name)?, f.ty.0, offset]);
        }
        self.push(kind, name, size, Info { vlen: fields.len(), kflag }, &rest)
    }

    /// An enum of `size` bytes with values of up to 32 bits.
    #[doc(alias = "btf__add_enum")]
    #[doc(alias = "btf__add_enum_value")]
    pub fn add_enum<'v>(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: impl IntoIterator<Item = (&'v str, i64)>,
    ) -> Result<TypeId, Error> {
        self.add_str(name)?;
        let mut rest = Vec::new();
        for (n, v) in values {
            let fits = if signed { i32::try_from(v).is_ok() } else { u32::try_from(v).is_ok() };
            if !fits {
                let limit = if signed { u64::from(i32::MAX.unsigned_abs()) } else { u64::from(u32::MAX) };
                let problem =
                    TypeProblem::Limit { what: "magnitude of a value", got: v.unsigned_abs(), limit };
                return Err(self.about_next(Kind::Enum, name, problem));
            }
            self.refuse_value(Kind::Enum, name, n)?;
            // It fits in 32 bits with or without sign.
            rest.extend([self.add_str(n)?, v as u32]);
        }
        self.push(Kind::Enum, name, size, Info { vlen: rest.len() / 2, kflag: signed }, &rest)
    }

    /// An enum of `size` bytes with values of up to 64 bits; those of a signed one are given as two's
    /// complement. Linux 6.0.
    #[doc(alias = "btf__add_enum64")]
    #[doc(alias = "btf__add_enum64_value")]
    pub fn add_enum64<'v>(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: impl IntoIterator<Item = (&'v str, u64)>,
    ) -> Result<TypeId, Error> {
        self.add_str(name)?;
        let mut rest = Vec::new();
        for (n, v) in values {
            self.refuse_value(Kind::Enum64, name, n)?;
            rest.extend([self.add_str(n)?, v as u32, (v >> 32) as u32]);
        }
        self.push(Kind::Enum64, name, size, Info { vlen: rest.len() / 3, kflag: signed }, &rest)
    }

    /// A forward declaration of a struct, or of a union.
    #[doc(alias = "btf__add_fwd")]
    pub fn add_fwd(&mut self, name: &str, union: bool) -> Result<TypeId, Error> {
        self.push(Kind::Fwd, name, 0, Info { vlen: 0, kflag: union }, &[])
    }

    /// A typedef.
    #[doc(alias = "btf__add_typedef")]
    pub fn add_typedef(&mut self, name: &str, to: TypeId) -> Result<TypeId, Error> {
        self.push(Kind::Typedef, name, to.0, Info::NONE, &[])
    }

    /// `const`.
    #[doc(alias = "btf__add_const")]
    pub fn add_const(&mut self, to: TypeId) -> Result<TypeId, Error> {
        self.push(Kind::Const, "", to.0, Info::NONE, &[])
    }

    /// `volatile`.
    #[doc(alias = "btf__add_volatile")]
    pub fn add_volatile(&mut self, to: TypeId) -> Result<TypeId, Error> {
        self.push(Kind::Volatile, "", to.0, Info::NONE, &[])
    }

    /// `restrict`.
    #[doc(alias = "btf__add_restrict")]
    pub fn add_restrict(&mut self, to: TypeId) -> Result<TypeId, Error> {
        self.push(Kind::Restrict, "", to.0, Info::NONE, &[])
    }

    /// `__attribute__((btf_type_tag(value)))`; with `attribute`, `__attribute__((value))` (Linux 6.15).
    #[doc(alias = "btf__add_type_tag")]
    #[doc(alias = "btf__add_type_attr")]
    pub fn add_type_tag(&mut self, value: &str, to: TypeId, attribute: bool) -> Result<TypeId, Error> {
        self.push(Kind::TypeTag, value, to.0, Info { vlen: 0, kflag: attribute }, &[])
    }

    /// `__attribute__((btf_decl_tag(value)))` on a declaration, or on member or parameter `component` of it;
    /// with `attribute`, `__attribute__((value))` (Linux 6.15).
    #[doc(alias = "btf__add_decl_tag")]
    #[doc(alias = "btf__add_decl_attr")]
    pub fn add_decl_tag(
        &mut self,
        value: &str,
        on: TypeId,
        component: Option<u16>,
        attribute: bool,
    ) -> Result<TypeId, Error> {
        let component = component.map_or(u32::MAX, u32::from);
        self.push(Kind::DeclTag, value, on.0, Info { vlen: 0, kflag: attribute }, &[component])
    }

    /// A function: linkage 0 static, 1 global, 2 extern.
    #[doc(alias = "btf__add_func")]
    pub fn add_func(&mut self, name: &str, linkage: u32, proto: TypeId) -> Result<TypeId, Error> {
        self.linkage(Kind::Func, name, linkage)?;
        self.push(Kind::Func, name, proto.0, Info { vlen: linkage as usize, kflag: false }, &[])
    }

    /// A function prototype with names and types of its parameters. A last parameter without name and of
    /// type 0 makes it variadic.
    #[doc(alias = "btf__add_func_proto")]
    #[doc(alias = "btf__add_func_param")]
    pub fn add_func_proto<'p>(
        &mut self,
        result: TypeId,
        params: impl IntoIterator<Item = (&'p str, TypeId)>,
    ) -> Result<TypeId, Error> {
        let mut rest = Vec::new();
        for (n, ty) in params {
            rest.extend([self.add_str(n)?, ty.0]);
        }
        self.push(Kind::FuncProto, "", result.0, Info { vlen: rest.len() / 2, kflag: false }, &rest)
    }

    /// A variable: linkage 0 static, 1 global, 2 extern.
    #[doc(alias = "btf__add_var")]
    pub fn add_var(&mut self, name: &str, ty: TypeId, linkage: u32) -> Result<TypeId, Error> {
        self.linkage(Kind::Var, name, linkage)?;
        self.push(Kind::Var, name, ty.0, Info::NONE, &[linkage])
    }

    fn linkage(&self, kind: Kind, name: &str, got: u32) -> Result<(), Error> {
        if got <= MAX_LINKAGE {
            return Ok(());
        }
        let problem = TypeProblem::Linkage { got };
        Err(self.about_next(kind, name, problem))
    }

    /// A section of `size` bytes with its variables.
    #[doc(alias = "btf__add_datasec")]
    #[doc(alias = "btf__add_datasec_var_info")]
    pub fn add_datasec(
        &mut self,
        name: &str,
        size: u32,
        vars: impl IntoIterator<Item = SecVar>,
    ) -> Result<TypeId, Error> {
        let rest: Vec<u32> = vars.into_iter().flat_map(|v| [v.ty.0, v.offset, v.size]).collect();
        self.push(Kind::Datasec, name, size, Info { vlen: rest.len() / 3, kflag: false }, &rest)
    }
}
