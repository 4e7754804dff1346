//! Questions that follow references: what a typedef is in the end, sizes, alignments. References can form
//! loops, so each is bounded.

use std::collections::HashMap;

use crate::{Btf, Error, Kind, Type, TypeId, error::TypeError, error::TypeProblem, parse::short};

/// No compiler nests modifiers, typedefs, arrays or structs as deep.
const MAX_DEPTH: u32 = 64;

impl Type<'_> {
    /// An error about this type.
    #[cold]
    pub(crate) fn error(&self, problem: TypeProblem) -> Error {
        let kind = Some(self.kind()).filter(|&k| k != Kind::Void);
        Error::Type(Box::new(TypeError {
            id: self.id(),
            kind,
            name: short(self.name_bytes()),
            offset: None,
            problem,
        }))
    }
}

impl Btf {
    /// The type behind typedefs, `const`, `volatile`, `restrict` and type tags.
    #[doc(alias = "btf__resolve_type")]
    #[doc(alias = "skip_mods_and_typedefs")]
    pub fn resolve(&self, id: TypeId) -> Result<Type<'_>, Error> {
        self.skip(id, |k| k.is_modifier() || k == Kind::Typedef)
    }

    /// Whether a type is a pointer to a function, through typedefs and qualifiers.
    ///
    /// ```
    /// use oxbpf_btf::{BtfBuilder, TypeId};
    ///
    /// let mut b = BtfBuilder::new();
    /// let function = b.add_func_proto(TypeId(0), [])?;
    /// let pointer = b.add_ptr(function)?;
    /// let callback = b.add_typedef("callback_t", pointer)?;
    /// let btf = b.build()?;
    /// assert!(btf.points_to_function(callback) && !btf.points_to_function(function));
    /// # Ok::<(), oxbpf_btf::Error>(())
    /// ```
    #[doc(alias = "btf_is_func_proto")]
    pub fn points_to_function(&self, id: TypeId) -> bool {
        let target = self.resolve(id).ok().filter(|ty| ty.kind() == Kind::Ptr).and_then(|ty| ty.target());
        target.is_some_and(|to| self.resolve(to).is_ok_and(|ty| ty.kind() == Kind::FuncProto))
    }

    fn skip(&self, id: TypeId, pred: impl Fn(Kind) -> bool) -> Result<Type<'_>, Error> {
        let mut ty = self.get(id)?;
        for _ in 0..MAX_DEPTH {
            match ty.target() {
                Some(next) if pred(ty.kind()) => ty = self.get(next)?,
                _ => return Ok(ty),
            }
        }
        Err(self.get(id)?.error(TypeProblem::Loop { limit: MAX_DEPTH }))
    }

    /// Size in bytes of a value of type `id`; of a declaration tag, of what it is on. `void`, functions,
    /// prototypes and forward declarations have none.
    #[doc(alias = "btf__resolve_size")]
    pub fn size_of(&self, id: TypeId) -> Result<u64, Error> {
        let asked = self.get(id)?;
        let mut ty = asked;
        let mut count: u64 = 1;
        for _ in 0..MAX_DEPTH {
            let size = match ty.kind() {
                Kind::Ptr => u64::from(self.pointer_size()),
                Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto => {
                    return Err(asked.error(TypeProblem::Unsized));
                }
                _ => match (ty.size(), ty.array(), ty.target()) {
                    (Some(size), ..) => u64::from(size),
                    (_, Some(a), _) => {
                        count = count
                            .checked_mul(u64::from(a.len))
                            .ok_or_else(|| asked.error(TypeProblem::TooLarge))?;
                        ty = self.get(a.elem)?;
                        continue;
                    }
                    (.., Some(next)) => {
                        ty = self.get(next)?;
                        continue;
                    }
                    _ => return Err(asked.error(TypeProblem::Unsized)),
                },
            };
            return count.checked_mul(size).ok_or_else(|| asked.error(TypeProblem::TooLarge));
        }
        Err(asked.error(TypeProblem::Loop { limit: MAX_DEPTH }))
    }

    /// Alignment in bytes of a value of type `id`: that of the largest scalar in it, 1 for a packed struct.
    #[doc(alias = "btf__align_of")]
    pub fn align_of(&self, id: TypeId) -> Result<u64, Error> {
        Aligner { btf: self, asked: id, known: HashMap::new() }.of(id, 0)
    }
}

struct Aligner<'a> {
    btf: &'a Btf,
    asked: TypeId,
    /// Structs already answered: without this, structs that each hold the next one twice take 2^depth steps.
    known: HashMap<TypeId, u64>,
}

impl Aligner<'_> {
    fn of(&mut self, id: TypeId, depth: u32) -> Result<u64, Error> {
        if depth > MAX_DEPTH {
            return Err(self.btf.get(self.asked)?.error(TypeProblem::Loop { limit: MAX_DEPTH }));
        }
        let next = depth.saturating_add(1);
        let ty = self.btf.get(id)?;
        match ty.kind() {
            Kind::Ptr => Ok(u64::from(self.btf.pointer_size())),
            Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Float => {
                let size = ty.size().unwrap_or(1).min(self.btf.pointer_size());
                Ok(u64::from(size.max(1)).next_power_of_two())
            }
            Kind::Struct | Kind::Union => {
                if let Some(&known) = self.known.get(&id) {
                    return Ok(known);
                }
                let align = self.of_struct(ty, next)?;
                self.known.insert(id, align);
                Ok(align)
            }
            Kind::Array => self.of(ty.array().map_or(TypeId::VOID, |a| a.elem), next),
            Kind::Void | Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag | Kind::Datasec => {
                Err(ty.error(TypeProblem::Unsized))
            }
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::Var | Kind::TypeTag => {
                self.of(ty.target().unwrap_or_default(), next)
            }
        }
    }

    fn of_struct(&mut self, ty: Type<'_>, depth: u32) -> Result<u64, Error> {
        let mut max = 1;
        for m in ty.members() {
            let align = self.of(m.ty, depth)?;
            max = align.max(max);
            // A member where its type cannot be: the struct is packed.
            let align_bits = align.saturating_mul(8);
            if m.bitfield_size == 0 && !u64::from(m.bit_offset).is_multiple_of(align_bits) {
                return Ok(1);
            }
        }
        // So is one that arrays could not hold.
        let whole = u64::from(ty.size().unwrap_or(0)).is_multiple_of(max);
        Ok(if whole { max } else { 1 })
    }
}
