use std::{fmt, marker::PhantomData, ops::Range};

use super::{ExtRecord, Records};
use crate::{
    Bytes,
    words::{Order, words},
};

/// The records of a code section, with a share in the bytes of the `.BTF.ext` that they stand in: none is copied, each
/// is decoded when it is asked for.
///
/// ```
/// use oxbpf_btf::{BtfBuilder, BtfExtBuilder, Bytes, Endian, ExtView, FuncInfo};
///
/// let mut types = BtfBuilder::new();
/// let proto = types.add_func_proto(oxbpf_btf::TypeId(0), [])?;
/// let ty = types.add_func("first", 1, proto)?;
/// let section = types.add_str("xdp")?;
/// let mut ext = BtfExtBuilder::default();
/// ext.func_info(section, &[FuncInfo { insn_off: 0, ty }, FuncInfo { insn_off: 24, ty }]);
///
/// let (btf, bytes) = (types.build()?, Bytes::from(ext.to_vec(Endian::NATIVE)?));
/// let view = ExtView::parse(&bytes, &btf)?;
/// let part = view.func_info().next().expect("it was added above");
/// let table = part.records.table(&bytes).expect("they are in these bytes");
/// assert_eq!(table.get(1).map(|info| info.insn_off), Some(24));
/// assert_eq!(table.partition_point(|info| info.insn_off < 8), 1);
/// # Ok::<(), oxbpf_btf::Error>(())
/// ```
#[derive(Clone)]
pub struct RecordTable<R> {
    /// Whole records.
    bytes: Bytes,
    order: Order,
    /// Words of a record, 1 at least.
    record: usize,
    kind: PhantomData<R>,
}

impl<R: ExtRecord> Records<'_, R> {
    /// The records that are left, to be kept with a share in `bytes`; `None` if they are not in them.
    pub fn table(&self, bytes: &Bytes) -> Option<RecordTable<R>> {
        let bytes = bytes.slice_of(self.rest.as_flattened())?;
        Some(RecordTable { bytes, order: self.order, record: self.record, kind: PhantomData })
    }
}

impl<R: ExtRecord> RecordTable<R> {
    /// All records, in the order of the file.
    pub fn iter(&self) -> Records<'_, R> {
        Records { order: self.order, record: self.record, rest: words(&self.bytes), kind: PhantomData }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().left()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The record at an index.
    pub fn get(&self, index: usize) -> Option<R> {
        self.range(index..index.saturating_add(1)).next()
    }

    /// The records with these indexes; none if there are not as many.
    pub fn range(&self, range: Range<usize>) -> Records<'_, R> {
        let mut all = self.iter();
        let [start, end] = [range.start, range.end].map(|at| at.saturating_mul(self.record));
        all.rest = all.rest.get(start..end).unwrap_or_default();
        all
    }

    /// How many at the beginning are so, of records of which those that are so come first.
    pub fn partition_point(&self, mut is_so: impl FnMut(R) -> bool) -> usize {
        let (mut start, mut end) = (0, self.len());
        while start < end {
            let middle = start.midpoint(end);
            match self.get(middle).is_some_and(&mut is_so) {
                true => start = middle.saturating_add(1),
                false => end = middle,
            }
        }
        start
    }
}

impl<R: ExtRecord> fmt::Debug for RecordTable<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordTable({} records)", self.len())
    }
}
