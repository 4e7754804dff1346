//! Making a `.BTF.ext`.

use super::{CoreRelo, FuncInfo, LineInfo, read::CORE_HEADER};
use crate::{Endian, Error, header::MAGIC, words::Order};

/// A `.BTF.ext` in the making: the records of each code section, which is told by the offset of its name among the
/// strings of the BTF that it belongs to.
///
/// ```
/// use oxbpf_btf::{BtfBuilder, BtfExt, BtfExtBuilder, Endian, FuncInfo};
///
/// # fn main() -> Result<(), oxbpf_btf::Error> {
/// let mut types = BtfBuilder::new();
/// let proto = types.add_func_proto(Default::default(), [])?;
/// let ty = types.add_func("prog", 1, proto)?;
/// let section = types.add_str("xdp")?;
///
/// let mut ext = BtfExtBuilder::default();
/// ext.func_info(section, &[FuncInfo { insn_off: 0, ty }]);
/// let ext = BtfExt::parse(ext.to_vec(Endian::NATIVE)?, &types.build()?)?;
/// assert_eq!(ext.func_info().next().map(|s| (s.name, s.records.len())), Some(("xdp", 1)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct BtfExtBuilder {
    /// Of each part all words behind the size of its records, in native order.
    func: Vec<u32>,
    line: Vec<u32>,
    core: Vec<u32>,
}

impl BtfExtBuilder {
    /// Where each function of a code section starts. Nothing is added if there are no records.
    pub fn func_info(&mut self, section: u32, records: &[FuncInfo]) {
        add(&mut self.func, section, records.iter().map(|r| [r.insn_off, r.ty.0]));
    }

    /// Which lines the instructions of a code section come from.
    pub fn line_info(&mut self, section: u32, records: &[LineInfo]) {
        let words = |r: &LineInfo| [r.insn_off, r.file_name_off, r.line_off, r.line_col];
        add(&mut self.line, section, records.iter().map(words));
    }

    /// Which instructions of a code section depend on a kernel's types.
    pub fn core_relos(&mut self, section: u32, records: &[CoreRelo]) {
        let words = |r: &CoreRelo| [r.insn_off, r.ty.0, r.access_str_off, r.kind as u32];
        add(&mut self.core, section, records.iter().map(words));
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.func.is_empty() && self.line.is_empty() && self.core.is_empty()
    }

    /// The raw data in this byte order.
    ///
    /// # Errors
    /// If there are more records than 32 bits count bytes of.
    pub fn to_vec(&self, endian: Endian) -> Result<Vec<u8>, Error> {
        let order = Order::of(endian);
        let mut header = vec![CORE_HEADER];
        let mut words = Vec::new();
        let size = |words: usize| words.checked_mul(4).and_then(|n| u32::try_from(n).ok());
        for (part, record) in [(&self.func, 8), (&self.line, 16), (&self.core, 16)] {
            let start = words.len();
            if !part.is_empty() {
                words.push(record);
                words.extend(part);
            }
            let len = words.len().saturating_sub(start);
            let place = size(start).zip(size(len)).ok_or(Error::TooMany { what: "records of .BTF.ext" })?;
            header.extend([place.0, place.1]);
        }
        let [m0, m1] = order.half(MAGIC);
        let mut out = vec![m0, m1, 1, 0];
        out.extend(header.into_iter().chain(words).flat_map(|w| order.word(w)));
        Ok(out)
    }
}

fn add<const N: usize>(part: &mut Vec<u32>, section: u32, records: impl ExactSizeIterator<Item = [u32; N]>) {
    if records.len() > 0 {
        // A count that does not fit makes more bytes than `to_vec` takes.
        part.extend([section, records.len() as u32]);
        part.extend(records.flatten());
    }
}
