//! The check of `.BTF.ext`, which finds where its parts are.

use super::{CoreRelo, ExtRecord, FuncInfo, LineInfo, Part, Parts};
use crate::{
    Btf, Error, TypeId,
    error::ExtProblem,
    header::Preamble,
    words::{Order, words},
};

pub(super) const WHAT: &str = ".BTF.ext";
/// magic to hdr_len, then offset and length of func_info and line_info.
const MIN_HEADER: u32 = 24;
/// The same with core_relo.
pub(super) const CORE_HEADER: u32 = 32;

pub(super) struct Reader<'a> {
    data: &'a [u8],
    pub(super) order: Order,
    hdr_len: u32,
    btf: &'a Btf,
    end_id: TypeId,
    strs_end: u64,
}

impl<'a> Reader<'a> {
    /// Checks all of it.
    pub(super) fn parts(data: &'a [u8], btf: &'a Btf) -> Result<Parts, Error> {
        let pre = Preamble::read(data, WHAT, MIN_HEADER)?;
        pre.tail_is_zero(data, WHAT, CORE_HEADER)?;
        let (end_id, strs_end) = (btf.end_id(), btf.strs_end());
        let reader = Self { data, order: Order::of(pre.endian), hdr_len: pre.hdr_len, btf, end_id, strs_end };
        Ok(Parts {
            endian: pre.endian,
            func: reader.part::<FuncInfo>(8)?,
            line: reader.part::<LineInfo>(16)?,
            core: if pre.hdr_len >= CORE_HEADER { reader.part::<CoreRelo>(24)? } else { Part::default() },
        })
    }

    /// Finds and checks the part whose offset and length are at `field` of the header.
    fn part<R: ExtRecord>(&self, field: usize) -> Result<Part, Error> {
        let header = words(self.data.get(field..field.saturating_add(8)).unwrap_or_default());
        let &[off, len] = header else { return Ok(Part::default()) };
        let [off, len] = [off, len].map(|w| u64::from(self.order.u32(w)));
        if len == 0 {
            return Ok(Part::default());
        }
        let hdr_len = u64::from(self.hdr_len);
        let available = (self.data.len() as u64).saturating_sub(hdr_len);
        let (what, section) = (WHAT, R::PART);
        if off.saturating_add(len) > available {
            return Err(Error::SectionBounds { what, section, offset: off, len, available });
        }
        if !off.is_multiple_of(4) || !len.is_multiple_of(4) {
            return Err(Error::SectionAlignment { what, section, offset: off, len });
        }
        // Inside the data, so it fits.
        let start = hdr_len.saturating_add(off) as usize;
        let end = start.saturating_add(len as usize);
        let all = words(self.data.get(start..end).unwrap_or_default());
        let Some((&record, rest)) = all.split_first() else { return Ok(Part::default()) };
        let record = self.order.u32(record);
        let fail = |at: usize, problem| {
            let offset = (start as u64).saturating_add((at as u64).saturating_mul(4));
            Err(Error::Ext { section, offset, problem })
        };
        let min = (R::WORDS as u32).saturating_mul(4);
        if record < min || !record.is_multiple_of(4) {
            return fail(0, ExtProblem::RecordSize { expected: min, got: record });
        }
        let mut left = rest;
        while !left.is_empty() {
            let at = all.len().wrapping_sub(left.len());
            let Some((&[name, count], tail)) = left.split_first_chunk::<2>() else {
                let (expected, got) = (8, 4);
                return fail(at, ExtProblem::Truncated { what: "section header", expected, got });
            };
            let (name, count) = (self.order.u32(name), self.order.u32(count));
            match self.btf.str_at(name) {
                Ok(_) => {}
                Err(Error::NotUtf8 { .. }) => return fail(at, ExtProblem::SectionName { offset: name }),
                Err(_) => return fail(at, self.no_string("section name", name)),
            }
            let expected = u64::from(count).saturating_mul(u64::from(record));
            let got = (tail.len() as u64).saturating_mul(4);
            if expected > got {
                return fail(at, ExtProblem::Truncated { what: "records", expected, got });
            }
            // Not more than the words left.
            let (records, next) = tail.split_at((expected / 4) as usize);
            for (r, i) in records.chunks_exact((record / 4) as usize).zip(0usize..) {
                if let Some(problem) = R::check(self, r) {
                    let at = at.saturating_add(2).saturating_add(i.saturating_mul((record / 4) as usize));
                    return fail(at, problem);
                }
            }
            left = next;
        }
        let start = start.saturating_add(4);
        Ok(Part { start, len: (len as usize).saturating_sub(4), record })
    }

    #[cold]
    fn no_string(&self, what: &'static str, offset: u32) -> ExtProblem {
        ExtProblem::String { what, offset, len: self.strs_end }
    }

    pub(super) fn string(&self, what: &'static str, offset: u32) -> Option<ExtProblem> {
        (u64::from(offset) >= self.strs_end).then(|| self.no_string(what, offset))
    }

    pub(super) fn ty(&self, id: TypeId) -> Option<ExtProblem> {
        let end = self.end_id;
        (id >= end).then_some(ExtProblem::Type { id, end })
    }
}
