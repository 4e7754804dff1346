//! The struct type that defines a map in `.maps`: each field's name says what it sets, its type says to what.

use oxbpf_btf::{Kind, Member, Type, TypeId};

use crate::error::{FieldProblem, MapProblem};
use crate::spec::{MapOrigin, MapSpec, Pinning};
use crate::uapi::{MapFlags, MapType};
use crate::{Btf, Error};

/// Fields of a definition, several times what is known. Many maps may share one of thousands.
const MAX_FIELDS: u32 = 64;

/// Bytes of a value of maps whose values are descriptors.
const FD_SIZE: u32 = 4;

/// Reads the definition of the map of this name.
pub(crate) fn parse(btf: &Btf, name: &str, def: Type<'_>) -> Result<MapSpec, Error> {
    Definition { btf, name, is_inner: false }.parse(def)
}

struct Definition<'a> {
    btf: &'a Btf,
    name: &'a str,
    is_inner: bool,
}

impl Definition<'_> {
    fn parse(&self, def: Type<'_>) -> Result<MapSpec, Error> {
        if def.vlen() > MAX_FIELDS {
            return Err(Error::map(self.name, MapProblem::TooManyFields { count: def.vlen() }));
        }
        let mut map = MapSpec::new(self.name, MapType::UNSPEC, MapOrigin::BtfDefined);
        let mut members = def.members().peekable();
        while let Some(member) = members.next() {
            let is_last = members.peek().is_none();
            self.field(&mut map, &member, is_last)?;
        }
        if map.map_type == MapType::UNSPEC {
            return Err(Error::map(self.name, MapProblem::NoType));
        }
        Ok(map)
    }

    fn field(&self, map: &mut MapSpec, member: &Member<'_>, is_last: bool) -> Result<(), Error> {
        match member.name {
            "type" => map.map_type = MapType(self.number(member)?),
            "max_entries" => map.max_entries = self.number(member)?,
            "map_flags" => map.flags = MapFlags::from_bits_retain(self.number(member)?),
            "numa_node" => map.numa_node = Some(self.number(member)?),
            "map_extra" => map.map_extra = self.long_number(member)?,
            "key_size" => self.size(member, &mut map.key_size, self.number(member)?)?,
            "value_size" => self.size(member, &mut map.value_size, self.number(member)?)?,
            "key" => {
                let (ty, size) = self.typed(member)?;
                self.size(member, &mut map.key_size, size)?;
                map.key_type = ty;
            }
            "value" => {
                let (ty, size) = self.typed(member)?;
                self.size(member, &mut map.value_size, size)?;
                map.value_type = ty;
            }
            "pinning" if self.is_inner => return Err(self.fail(member, FieldProblem::InnerPinned)),
            "pinning" => {
                map.pinning = match self.number(member)? {
                    0 => Pinning::None,
                    1 => Pinning::ByName,
                    other => return Err(self.fail(member, FieldProblem::Value(other.into()))),
                }
            }
            "values" => self.values(map, member, is_last)?,
            _ => return Err(self.fail(member, FieldProblem::Unknown)),
        }
        Ok(())
    }

    fn fail(&self, member: &Member<'_>, problem: FieldProblem) -> Error {
        Error::field(self.name, member.name, problem)
    }

    fn expect(&self, member: &Member<'_>, found: Kind, expected: &'static str) -> Error {
        self.fail(member, FieldProblem::Kind { found, expected })
    }

    fn get(&self, member: &Member<'_>, id: TypeId) -> Result<Type<'_>, Error> {
        self.btf.get(id).map_err(|source| Error::bad_type(self.name, member.name, id, source))
    }

    /// The type behind typedefs and qualifiers.
    fn resolve(&self, member: &Member<'_>, id: TypeId) -> Result<Type<'_>, Error> {
        self.btf.resolve(id).map_err(|source| Error::bad_type(self.name, member.name, id, source))
    }

    /// `__uint(name, value)`: a pointer to an array of that many elements.
    fn number(&self, member: &Member<'_>) -> Result<u32, Error> {
        let pointer = self.resolve(member, member.ty)?;
        let Some(target) = pointer.target().filter(|_| pointer.kind() == Kind::Ptr) else {
            return Err(self.expect(member, pointer.kind(), "a pointer (use __uint)"));
        };
        let array = self.get(member, target)?;
        match array.array() {
            Some(array) => Ok(array.len),
            None => Err(self.expect(member, array.kind(), "a pointer to an array (use __uint)")),
        }
    }

    /// `__ulong(name, value)`: an enum of one enumerator; or as [`number`](Self::number).
    fn long_number(&self, member: &Member<'_>) -> Result<u64, Error> {
        let ty = self.resolve(member, member.ty)?;
        match ty.kind() {
            Kind::Enum | Kind::Enum64 => {
                let mut values = ty.enumerators();
                match (values.next(), values.next()) {
                    // The bits, whatever the sign.
                    (Some(only), None) => Ok(only.value as u64),
                    _ => Err(self.expect(member, ty.kind(), "an enum of one value (use __ulong)")),
                }
            }
            _ => self.number(member).map(u64::from),
        }
    }

    /// `__type(name, type)`: a pointer to the type.
    fn typed(&self, member: &Member<'_>) -> Result<(TypeId, u32), Error> {
        let pointer = self.get(member, member.ty)?;
        let Some(target) = pointer.target().filter(|_| pointer.kind() == Kind::Ptr) else {
            return Err(self.expect(member, pointer.kind(), "a pointer (use __type)"));
        };
        let size = self.btf.size_of(target);
        let size = size.map_err(|source| Error::bad_type(self.name, member.name, target, source))?;
        let size = u32::try_from(size).map_err(|_| self.fail(member, FieldProblem::TooLarge { size }))?;
        Ok((target, size))
    }

    /// Sets a size that another field may have set already: then they have to agree.
    fn size(&self, member: &Member<'_>, slot: &mut u32, size: u32) -> Result<(), Error> {
        if *slot != 0 && *slot != size {
            return Err(self.fail(member, FieldProblem::Conflict { size, other: *slot }));
        }
        *slot = size;
        Ok(())
    }

    /// `__array(values, type)`: what the values of a map of maps or a program array are.
    fn values(&self, map: &mut MapSpec, member: &Member<'_>, is_last: bool) -> Result<(), Error> {
        if self.is_inner {
            return Err(self.fail(member, FieldProblem::Nested));
        }
        if !is_last {
            return Err(self.fail(member, FieldProblem::NotLast));
        }
        let is_prog_array = map.map_type == MapType::PROG_ARRAY;
        if !is_prog_array && !map.map_type.is_map_in_map() {
            return Err(self.fail(member, FieldProblem::NoValues));
        }
        self.size(member, &mut map.value_size, FD_SIZE)?;
        let array = self.get(member, member.ty)?;
        let Some(elem) = array.array().filter(|a| a.len == 0).map(|a| a.elem) else {
            return Err(self.expect(member, array.kind(), "an array without a length (use __array)"));
        };
        let pointer = self.resolve(member, elem)?;
        let Some(target) = pointer.target().filter(|_| pointer.kind() == Kind::Ptr) else {
            return Err(self.expect(member, pointer.kind(), "an array of pointers"));
        };
        let target = self.resolve(member, target)?;
        match target.kind() {
            Kind::FuncProto if is_prog_array => Ok(()),
            other if is_prog_array => Err(self.expect(member, other, "an array of pointers to functions")),
            Kind::Struct => {
                let name = format!("{}.inner", self.name);
                let inner = Definition { btf: self.btf, name: &name, is_inner: true }.parse(target)?;
                map.inner = Some(Box::new(inner));
                Ok(())
            }
            other => Err(self.expect(member, other, "an array of pointers to a map's struct")),
        }
    }
}
