use std::fmt;

/// The number of a type inside a BTF. 0 is `void`; the first described type is 1 (in a split BTF: the
/// number after the last one of its base).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, which no BTF describes and every BTF has.
    pub const VOID: TypeId = TypeId(0);
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TypeId({})", self.0)
    }
}

impl From<u32> for TypeId {
    fn from(id: u32) -> Self {
        TypeId(id)
    }
}

/// What a type is. The numbers are BTF's own (`BTF_KIND_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `void`, type 0 (`BTF_KIND_UNKN`). No type of a BTF has it.
    Void = 0,
    /// An integer, `char` or `bool`.
    Int = 1,
    /// A pointer.
    Ptr = 2,
    /// An array.
    Array = 3,
    /// A struct.
    Struct = 4,
    /// A union.
    Union = 5,
    /// An enum with values of up to 32 bits.
    Enum = 6,
    /// A forward declaration of a struct or union.
    Fwd = 7,
    /// A typedef.
    Typedef = 8,
    /// `volatile`.
    Volatile = 9,
    /// `const`.
    Const = 10,
    /// `restrict`.
    Restrict = 11,
    /// A function; its type is a [`Kind::FuncProto`]. Linux 5.0.
    Func = 12,
    /// The parameters and the result of a function. Linux 5.0.
    FuncProto = 13,
    /// A global variable. Linux 5.2.
    Var = 14,
    /// A section of an object file with the variables in it. Linux 5.2.
    Datasec = 15,
    /// A floating-point number. Linux 5.13.
    Float = 16,
    /// `__attribute__((btf_decl_tag("…")))` on a declaration. Linux 5.16.
    DeclTag = 17,
    /// `__attribute__((btf_type_tag("…")))` on a type. Linux 5.17.
    TypeTag = 18,
    /// An enum with values of up to 64 bits. Linux 6.0.
    Enum64 = 19,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Kind; 20] = [
        Kind::Void,
        Kind::Int,
        Kind::Ptr,
        Kind::Array,
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::Fwd,
        Kind::Typedef,
        Kind::Volatile,
        Kind::Const,
        Kind::Restrict,
        Kind::Func,
        Kind::FuncProto,
        Kind::Var,
        Kind::Datasec,
        Kind::Float,
        Kind::DeclTag,
        Kind::TypeTag,
        Kind::Enum64,
    ];

    /// The kind with BTF's number `n`.
    #[inline]
    pub fn from_number(n: u32) -> Option<Kind> {
        Self::ALL.get(n as usize).copied()
    }

    /// The name that bpftool prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Void => "VOID",
            Kind::Int => "INT",
            Kind::Ptr => "PTR",
            Kind::Array => "ARRAY",
            Kind::Struct => "STRUCT",
            Kind::Union => "UNION",
            Kind::Enum => "ENUM",
            Kind::Fwd => "FWD",
            Kind::Typedef => "TYPEDEF",
            Kind::Volatile => "VOLATILE",
            Kind::Const => "CONST",
            Kind::Restrict => "RESTRICT",
            Kind::Func => "FUNC",
            Kind::FuncProto => "FUNC_PROTO",
            Kind::Var => "VAR",
            Kind::Datasec => "DATASEC",
            Kind::Float => "FLOAT",
            Kind::DeclTag => "DECL_TAG",
            Kind::TypeTag => "TYPE_TAG",
            Kind::Enum64 => "ENUM64",
        }
    }

    /// Whether values of this kind are those of the type it refers to: `const`, `volatile`, `restrict` and
    /// type tags.
    #[inline]
    pub fn is_modifier(self) -> bool {
        matches!(self, Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag)
    }

    /// Struct or union.
    #[inline]
    pub fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// Enum of either width.
    #[inline]
    pub fn is_enum(self) -> bool {
        matches!(self, Kind::Enum | Kind::Enum64)
    }

    /// Whether the third word of the type is a type id; otherwise it is a size or unused.
    #[inline]
    pub(crate) const fn has_target(self) -> bool {
        matches!(
            self,
            Kind::Ptr
                | Kind::Typedef
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::Func
                | Kind::FuncProto
                | Kind::Var
                | Kind::DeclTag
                | Kind::TypeTag
        )
    }

    /// Whether the third word of the type is its size in bytes.
    #[inline]
    pub(crate) fn has_size(self) -> bool {
        matches!(
            self,
            Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Datasec | Kind::Float | Kind::Enum64
        )
    }

    /// How many words follow the three of the header: fixed, and for each of `vlen` entries.
    #[inline]
    pub(crate) const fn trailing_words(self) -> (u32, u32) {
        match self {
            Kind::Int | Kind::Var | Kind::DeclTag => (1, 0),
            Kind::Array => (3, 0),
            Kind::Struct | Kind::Union | Kind::Datasec | Kind::Enum64 => (0, 3),
            Kind::Enum | Kind::FuncProto => (0, 2),
            _ => (0, 0),
        }
    }

    /// Which of the words behind the header are type ids.
    #[inline]
    pub(crate) const fn id_words(self) -> Places {
        match self {
            Kind::Array => Places { first: 0, step: 1, most: 2 },
            Kind::Struct | Kind::Union => Places { first: 1, step: 3, most: usize::MAX },
            Kind::FuncProto => Places { first: 1, step: 2, most: usize::MAX },
            Kind::Datasec => Places { first: 0, step: 3, most: usize::MAX },
            _ => Places::NONE,
        }
    }

    /// Which of the words behind the header are string offsets.
    #[inline]
    pub(crate) const fn str_words(self) -> Places {
        match self {
            Kind::Struct | Kind::Union | Kind::Enum64 => Places { first: 0, step: 3, most: usize::MAX },
            Kind::Enum | Kind::FuncProto => Places { first: 0, step: 2, most: usize::MAX },
            _ => Places::NONE,
        }
    }
}

/// Words at equal distances.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    first: usize,
    step: usize,
    most: usize,
}

impl Places {
    const NONE: Places = Places { first: 0, step: 1, most: 0 };

    #[inline]
    pub(crate) fn of<T>(self, words: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        words.skip(self.first).step_by(self.step).take(self.most)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endian {
    /// The byte order of this machine.
    pub const NATIVE: Endian = if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

    /// The other one.
    pub const fn other(self) -> Endian {
        match self {
            Endian::Little => Endian::Big,
            Endian::Big => Endian::Little,
        }
    }

    /// Whether this is the byte order of this machine.
    #[inline]
    pub const fn is_native(self) -> bool {
        matches!((self, Endian::NATIVE), (Endian::Little, Endian::Little) | (Endian::Big, Endian::Big))
    }
}

impl fmt::Display for Endian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Endian::Little => "little-endian",
            Endian::Big => "big-endian",
        })
    }
}
