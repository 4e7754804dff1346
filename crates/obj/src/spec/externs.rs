use crate::TypeId;

/// A variable or function that an object expects from outside.
///
/// The kernel takes no types of what is outside, so [`ObjectSpec::btf`](crate::ObjectSpec::btf) has it as a variable of
/// the object, with a type of the loader's choice; [`value_type`](Self::value_type) is what the source says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternSpec {
    /// Name of the symbol.
    pub name: String,
    /// What it is.
    pub kind: ExternKind,
    /// Whether it may be missing (`__weak`): then its address is 0.
    pub weak: bool,
    /// It in the object's BTF: a variable or a function.
    pub ty: TypeId,
    /// The variable's type or the function's prototype, void if the object does not say what the variable is.
    pub value_type: TypeId,
}

/// What an extern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternKind {
    /// A value of the kernel's configuration (`__kconfig`).
    Kconfig {
        /// Its place among all of them, in the map `.kconfig` that is made of them, in bytes.
        offset: u32,
        /// Bytes.
        size: u32,
    },
    /// A variable of the kernel (`__ksym`).
    KsymVar,
    /// A function of the kernel (`__ksym`, a kfunc).
    KsymFunc,
    /// The object has no types that say.
    Unknown,
}
