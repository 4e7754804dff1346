//! Making BTF: from nothing, on a base, or by editing one that was read.

mod add;
mod copy;
mod edit;
mod field;
mod import;
mod parts;
mod refuse;
mod rewrite;
mod strings;

pub(crate) use edit::Edit;
pub use field::{Field, IntEncoding};
pub use import::{Import, Imported};
pub(crate) use strings::Strings;

use crate::{
    Btf, Bytes, Endian, Error, Kind, TypeId,
    error::{TypeError, TypeProblem},
    header,
    parse::{KFLAG, KIND_SHIFT, VLEN_MASK},
    words::Order,
};

/// A BTF in the making. Types get their ids as they are added; they may refer to ids that are added later.
/// [`build`](BtfBuilder::build) checks the result as any other BTF.
#[derive(Clone, Default)]
#[doc(alias = "btf__new_empty")]
pub struct BtfBuilder {
    base: Option<Btf>,
    /// The types, as words in native order.
    types: Vec<u32>,
    /// Where each type starts in them.
    offs: Vec<u32>,
    strs: Strings,
    /// The strings were read, and may be there twice or be of no use.
    strs_read: bool,
}

impl From<&Btf> for BtfBuilder {
    /// Everything as it is in `btf`: ids and string offsets stay the same, so that a `.BTF.ext` still fits.
    fn from(btf: &Btf) -> Self {
        let order = btf.order();
        BtfBuilder {
            base: btf.base().cloned(),
            types: btf.type_words().iter().map(|&w| order.u32(w)).collect(),
            offs: btf.offsets().to_vec(),
            strs: Strings::new(btf.own_strs().to_vec(), btf.first_str()),
            // One that has the empty string alone is as good as new.
            strs_read: btf.own_strs().len() > usize::from(btf.base().is_none()),
        }
    }
}

impl BtfBuilder {
    /// An empty BTF.
    pub fn new() -> Self {
        BtfBuilder::default()
    }

    /// An empty BTF that continues `base`.
    #[doc(alias = "btf__new_empty_split")]
    pub fn split(base: &Btf) -> Self {
        let first = u32::try_from(base.strs_end()).unwrap_or(u32::MAX);
        BtfBuilder {
            base: Some(base.clone()),
            strs: Strings::new(Vec::new(), first),
            ..BtfBuilder::default()
        }
    }

    fn first_id(&self) -> u32 {
        self.base.as_ref().map_or(1, |b| b.end_id().0)
    }

    /// The id that the next type gets.
    pub fn end_id(&self) -> TypeId {
        TypeId(self.first_id().saturating_add(u32::try_from(self.offs.len()).unwrap_or(u32::MAX)))
    }

    /// Makes sure that `s` is among the strings, those of a base included, and says where.
    #[doc(alias = "btf__add_str")]
    pub fn add_str(&mut self, s: &str) -> Result<u32, Error> {
        if s.contains('\0') {
            return Err(Error::NulInString { string: s.to_owned() });
        }
        self.add_bytes(s.as_bytes())
    }

    /// The same for bytes without NUL.
    pub(crate) fn add_bytes(&mut self, s: &[u8]) -> Result<u32, Error> {
        match &self.base {
            _ if s.is_empty() => Ok(0),
            Some(base) => base.find_bytes(s).map_or_else(|| self.strs.add(s, false), Ok),
            None => self.strs.add(s, true),
        }
    }

    fn push(
        &mut self,
        kind: Kind,
        name: &str,
        third: u32,
        info: Info,
        rest: &[u32],
    ) -> Result<TypeId, Error> {
        let id = self.end_id();
        let limit = |what, got: usize, limit: u32| {
            if got as u64 <= u64::from(limit) {
                return Ok(());
            }
            let problem = TypeProblem::Limit { what, got: got as u64, limit: u64::from(limit) };
            Err(self.about_next(kind, name, problem))
        };
        self.refuse(kind, name, third, rest)?;
        limit("number of entries", info.vlen, VLEN_MASK)?;
        let len = self.types.len();
        limit("size of all types", len.saturating_add(rest.len()).saturating_add(3), u32::MAX / 4)?;
        let name = self.add_str(name)?;
        let kflag = if info.kflag { KFLAG } else { 0 };
        self.offs.push(len as u32);
        self.types.extend([name, kflag | (kind as u32) << KIND_SHIFT | info.vlen as u32, third]);
        self.types.extend(rest);
        Ok(id)
    }

    fn type_error(
        &self,
        id: TypeId,
        kind: Option<Kind>,
        name: Option<String>,
        problem: TypeProblem,
    ) -> Error {
        Error::Type(Box::new(TypeError { id, kind, name, offset: None, problem }))
    }

    /// The raw BTF in this byte order, not checked.
    #[doc(alias = "btf__raw_data")]
    #[doc(alias = "btf__set_endianness")]
    pub fn to_vec(&self, endian: Endian) -> Result<Vec<u8>, Error> {
        let order = Order::of(endian);
        let strs: &[u8] =
            if self.strs.bytes.is_empty() && self.base.is_none() { &[0] } else { &self.strs.bytes };
        let types_len = self.types.len().checked_mul(4).and_then(|n| u32::try_from(n).ok());
        let types_len = types_len.ok_or(Error::TooMany { what: "types" })?;
        let strs_len = u32::try_from(strs.len()).map_err(|_| Error::TooMany { what: "strings" })?;
        let mut out = Vec::with_capacity(
            (types_len as usize).saturating_add(strs.len()).saturating_add(header::HEADER_LEN as usize),
        );
        out.extend(header::write(endian, types_len, strs_len));
        out.extend(self.types.iter().flat_map(|&w| order.word(w)));
        out.extend(strs);
        Ok(out)
    }

    /// The BTF in this machine's byte order, checked.
    pub fn build(&self) -> Result<Btf, Error> {
        self.build_as(Endian::NATIVE)
    }

    /// The BTF in this byte order, checked.
    pub fn build_as(&self, endian: Endian) -> Result<Btf, Error> {
        let bytes = Bytes::from(self.to_vec(endian)?);
        match &self.base {
            Some(b) => Btf::parse_split(bytes, b),
            None => Btf::parse(bytes),
        }
    }
}

impl std::fmt::Debug for BtfBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BtfBuilder")
            .field("ids", &(self.first_id()..self.end_id().0))
            .field("strings", &self.strs.bytes.len())
            .finish_non_exhaustive()
    }
}

struct Info {
    vlen: usize,
    kflag: bool,
}

impl Info {
    const NONE: Info = Info { vlen: 0, kflag: false };
}
