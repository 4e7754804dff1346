//! The second pass over the types, for a BTF about which the first is in doubt: checks each with the number of
//! types known, and says exactly what is wrong.

use crate::{
    Btf, Error, Kind, TypeId,
    error::TypeProblem,
    parse::{
        KFLAG, KIND_MASK, KIND_SHIFT, MAX_LINKAGE, MEMBER_OFFSET_MASK, RESERVED, VLEN_MASK, describe,
        earlier_kind, int_bits, int_fits, is_enum_size, is_float_size,
    },
    words::{Order, Word},
};

/// What types are checked against.
struct Checker<'a> {
    btf: &'a Btf,
    words: &'a [Word],
    offs: &'a [u32],
    first_id: u32,
    end_id: u32,
    /// Length of the strings, the base's included; at most 2^32.
    strs_len: u64,
}

/// Checks every type; `btf` has its offsets, and nothing about them is trusted yet.
pub(crate) fn check_all(btf: &Btf) -> Result<(), Error> {
    let words = btf.type_words();
    let c = Checker {
        btf,
        words,
        offs: btf.offsets(),
        first_id: btf.first_id().0,
        end_id: btf.end_id().0,
        strs_len: btf.strs_end(),
    };
    if btf.order().0 { c.all::<true>() } else { c.all::<false>() }
}

type Checked = Result<(), TypeProblem>;

impl<'a> Checker<'a> {
    fn all<const SWAP: bool>(&self) -> Result<(), Error> {
        let order = Order(SWAP);
        let mut next = self.offs.iter().skip(1);
        for (i, &at) in self.offs.iter().enumerate() {
            let end = next.next().map_or(self.words.len(), |&e| e as usize);
            let ty = self.words.get(at as usize..end).unwrap_or_default();
            let Some((&[name, info, target], rest)) = ty.split_first_chunk::<3>() else { continue };
            if let Err(problem) = self.one::<SWAP>(order.u32(name), order.u32(info), order.u32(target), rest)
            {
                let id = TypeId(self.first_id.wrapping_add(i as u32));
                return Err(describe(self.btf, id, at, problem));
            }
        }
        Ok(())
    }

    fn one<const SWAP: bool>(&self, name: u32, info: u32, third: u32, rest: &[Word]) -> Checked {
        let order = Order(SWAP);
        if info & RESERVED != 0 {
            return Err(TypeProblem::ReservedBits { info });
        }
        self.name(name, || "name".into())?;
        let kind = Kind::from_number(info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void);
        let vlen = info & VLEN_MASK;
        match kind {
            Kind::Struct | Kind::Union => return self.members::<SWAP>(third, info & KFLAG != 0, rest),
            Kind::Enum => return self.enumerators::<SWAP, 2>(third, rest),
            Kind::Enum64 => return self.enumerators::<SWAP, 3>(third, rest),
            Kind::FuncProto => {
                self.id(third, || "result".into())?;
                return self.params::<SWAP>(rest);
            }
            Kind::Datasec => return self.variables::<SWAP>(rest),
            Kind::Func => {
                if vlen > MAX_LINKAGE {
                    return Err(TypeProblem::Linkage { got: vlen });
                }
                self.id(third, || "target".into())?;
                return match self.kind_of(third) {
                    Kind::FuncProto => Ok(()),
                    got => Err(TypeProblem::TargetKind {
                        what: "target".into(),
                        target: TypeId(third),
                        expected: "FUNC_PROTO",
                        got,
                    }),
                };
            }
            _ => {}
        }
        if vlen != 0 {
            return Err(TypeProblem::UnexpectedVlen { got: vlen });
        }
        match (kind, rest) {
            (Kind::Int, &[encoding, ..]) => {
                let (offset, bits) = int_bits(order.u32(encoding));
                if !int_fits((offset, bits), third) {
                    return Err(TypeProblem::IntEncoding { bits, offset, size: third });
                }
                Ok(())
            }
            (Kind::Float, _) if is_float_size(third) => Ok(()),
            (Kind::Float, _) => Err(TypeProblem::Size { expected: "2, 4, 8, 12 or 16", got: third }),
            (Kind::Array, &[elem, index, _]) => {
                self.id(order.u32(elem), || "element type".into())?;
                self.id(order.u32(index), || "index type".into())
            }
            (Kind::Var, &[linkage, ..]) => {
                self.id(third, || "target".into())?;
                match order.u32(linkage) {
                    0..=MAX_LINKAGE => Ok(()),
                    got => Err(TypeProblem::Linkage { got }),
                }
            }
            (Kind::DeclTag, &[component, ..]) => {
                self.id(third, || "target".into())?;
                match order.u32(component) as i32 {
                    -1.. => Ok(()),
                    got => Err(TypeProblem::Component { got }),
                }
            }
            _ if kind.has_target() => self.id(third, || "target".into()),
            _ => Ok(()),
        }
    }

    #[inline]
    fn name(&self, off: u32, what: impl FnOnce() -> String) -> Checked {
        if u64::from(off) < self.strs_len {
            return Ok(());
        }
        Err(TypeProblem::NameOffset { what: what(), offset: off, len: self.strs_len })
    }

    #[inline]
    fn id(&self, id: u32, what: impl FnOnce() -> String) -> Checked {
        if id < self.end_id {
            return Ok(());
        }
        Err(TypeProblem::TypeReference { what: what(), target: TypeId(id), end: TypeId(self.end_id) })
    }

    fn kind_of(&self, id: u32) -> Kind {
        let Some(own) = id.checked_sub(self.first_id) else {
            return self.btf.header(TypeId(id)).map_or(Kind::Void, |h| h.kind());
        };
        let number = earlier_kind(self.words, self.btf.order(), self.offs, own);
        Kind::from_number(number).unwrap_or(Kind::Void)
    }

    fn members<const SWAP: bool>(&self, size: u32, kflag: bool, rest: &[Word]) -> Checked {
        let order = Order(SWAP);
        let mask = if kflag { MEMBER_OFFSET_MASK } else { u32::MAX };
        let members = rest.as_chunks::<3>().0;
        let size_bits = u64::from(size).saturating_mul(8);
        for (&[n, t, o], i) in members.iter().zip(0u32..) {
            self.name(order.u32(n), || format!("name of member {i}"))?;
            self.id(order.u32(t), || format!("type of member {i}"))?;
            let bit_offset = order.u32(o) & mask;
            if u64::from(bit_offset) > size_bits {
                return Err(TypeProblem::MemberOffset { index: i, bit_offset, size });
            }
        }
        Ok(())
    }

    fn enumerators<const SWAP: bool, const N: usize>(&self, size: u32, rest: &[Word]) -> Checked {
        let order = Order(SWAP);
        if !is_enum_size(size) {
            return Err(TypeProblem::Size { expected: "1, 2, 4 or 8", got: size });
        }
        let entries = rest.as_chunks::<N>().0;
        for (e, i) in entries.iter().zip(0u32..) {
            let name = order.u32(e.first().copied().unwrap_or_default());
            self.name(name, || format!("name of enumerator {i}"))?;
        }
        Ok(())
    }

    fn params<const SWAP: bool>(&self, rest: &[Word]) -> Checked {
        let order = Order(SWAP);
        for (&[n, t], i) in rest.as_chunks::<2>().0.iter().zip(0u32..) {
            self.name(order.u32(n), || format!("name of parameter {i}"))?;
            self.id(order.u32(t), || format!("type of parameter {i}"))?;
        }
        Ok(())
    }

    fn variables<const SWAP: bool>(&self, rest: &[Word]) -> Checked {
        let order = Order(SWAP);
        for (&[t, _, _], i) in rest.as_chunks::<3>().0.iter().zip(0u32..) {
            let target = order.u32(t);
            self.id(target, || format!("entry {i}"))?;
            let got = self.kind_of(target);
            // Compilers list extern functions in the section `.ksyms`.
            if !matches!(got, Kind::Var | Kind::Func) {
                return Err(TypeProblem::TargetKind {
                    what: format!("entry {i}"),
                    target: TypeId(target),
                    expected: "VAR or FUNC",
                    got,
                });
            }
        }
        Ok(())
    }
}
