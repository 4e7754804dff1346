//! BTF as data: the type information of the Linux kernel and of BPF objects, read, looked up, edited, and used
//! to make sense of bytes.
//!
//! The crate makes no system call and has no `unsafe`; it works on any operating system.
//!
//! | to | use |
//! |---|---|
//! | read raw BTF, the ELF section `.BTF` or a module's split BTF | [`Btf::parse`], [`Btf::parse_split`] |
//! | find a type, look at it | [`Btf::find`], [`Btf::get`], [`Type`] |
//! | go through all types fast | [`Btf::headers`] |
//! | know sizes, alignments, what a typedef stands for | [`Btf::size_of`], [`Btf::align_of`], [`Btf::resolve`] |
//! | turn bytes into values with names | [`Btf::decode`], [`Value`] |
//! | write types as C: `vmlinux.h`, one type, a declaration | [`Btf::dump_c`], [`CDump`] |
//! | turn bytes into values with names, text or JSON | [`Btf::data`], [`TypedData`], [`Value`], [`Visitor`] |
//! | read the ELF section `.BTF.ext` | [`BtfExt`] |
//! | make BTF, or change one | [`BtfBuilder`] |
//! | give an older kernel what it takes | [`Btf::sanitize`] |
//! | put BTFs together, leave each type once | [`BtfBuilder::add_btf`], [`BtfBuilder::dedup`], [`Btf::dedup`] |
//! | take over some types, make the `.BTF.ext` for them | [`BtfBuilder::import`], [`BtfExtBuilder`] |
//! | move a module's types to a kernel that was built again | [`Btf::distill`], [`Btf::relocate`] |
//! | cut out some types | [`Btf::subset`] |
//! | put types in another order, that of their names for instance | [`Btf::permute`], [`Btf::sorted`] |
//!
//! ```
//! use oxbpf_btf::{Btf, BtfBuilder, Endian, Field, IntEncoding, Kind, Value};
//!
//! # fn main() -> Result<(), oxbpf_btf::Error> {
//! // What a compiler would have put into an object.
//! let mut b = BtfBuilder::new();
//! let int = b.add_int("int", 4, IntEncoding::SIGNED)?;
//! let char = b.add_int("char", 1, IntEncoding::SIGNED)?;
//! let name = b.add_array(char, int, 16)?;
//! b.add_struct("event", 20, [Field::new("pid", int, 0), Field::new("comm", name, 32)])?;
//! let raw = b.to_vec(Endian::NATIVE)?;
//!
//! let btf = Btf::parse(raw)?;
//! let event = btf.find("event", Kind::Struct).expect("it was added above");
//! let offsets: Vec<_> = btf.get(event)?.members().map(|m| (m.name, m.bit_offset / 8)).collect();
//! assert_eq!(offsets, [("pid", 0), ("comm", 4)]);
//! assert_eq!(btf.size_of(event)?, 20);
//!
//! let mut data = 42i32.to_ne_bytes().to_vec();
//! data.extend(*b"bash\0\0\0\0\0\0\0\0\0\0\0\0");
//! let value = btf.decode(event, &data)?;
//! let comm = Value::Str("bash".into());
//! assert_eq!(value, Value::Struct(vec![("pid", Value::Int(42)), ("comm", comm)]));
//! # Ok(()) }
//! ```
//!
//! # Any bytes
//!
//! A BTF that is cut, bit-flipped or made to do harm gives an [`Error`] that names the type and what is wrong
//! with it. What was parsed can be asked anything: types that contain themselves, sizes of 2^31 and more, and
//! arrays of four billion elements cost neither a panic, nor more time than their size justifies, nor memory.
//!
//! # Costs
//!
//! Parsing is one pass over the types and keeps the bytes that it was given, a mapping for instance
//! ([`Bytes::shared`]); it takes 4 bytes of memory a type beside them. The first look-up of a name makes an
//! index of another 8 bytes a type. Views ([`Type`], its members and so on) are decoded when asked, in either
//! byte order, and copy nothing. [`Btf`] and [`BtfExt`] are reference-counted: clone them, and share them among
//! threads.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// So that the code there compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/btf.md")]
struct Docs;

mod btf;
mod builder;
mod bytes;
mod carry;
mod check;
mod data;
mod dedup;
mod distill;
mod dump;
mod entries;
mod error;
mod ext;
mod header;
mod headers;
mod index;
mod kind;
mod layout;
mod long;
mod lookup;
mod parse;
mod patch;
mod permute;
mod progress;
mod relocate;
mod sanitize;
mod scan;
mod sort;
mod strindex;
mod strings;
mod subset;
mod types;
mod words;
mod work;

pub use btf::Btf;
pub use builder::{BtfBuilder, Field, Import, Imported, IntEncoding};
pub use bytes::Bytes;
pub use data::{Cut, Extent, Float, JsonWriter, PerCpu, Place, TextOptions, TypedData, Value, Visitor};
pub use dedup::{DedupOptions, Deduped};
pub use distill::Distilled;
pub use dump::{CDump, DumpOptions, TypeDecl};
pub use entries::{
    ArrayType, Enumerator, Enumerators, IntType, Member, MemberEntries, MemberEntry, Members, Param, Params,
    SecVar, SecVars,
};
pub use error::{Error, ExtProblem, TypeError, TypeProblem};
pub use ext::{
    BtfExt, BtfExtBuilder, CoreRelo, CoreReloKind, ExtRecord, ExtSection, ExtSections, ExtView, FuncInfo,
    LineInfo, RecordTable, Records,
};
pub use headers::{Header, Headers, Types};
pub use kind::{Endian, Kind, TypeId};
pub use progress::{Progress, ProgressFn, Reporter};
pub use sanitize::KindSupport;
pub use subset::Selection;
pub use types::Type;
