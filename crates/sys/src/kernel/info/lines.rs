//! Functions and source lines of a program's parts.

use oxbpf_btf::{FuncInfo, LineInfo, TypeId};

use super::ProgramDump;

/// Bytes of an instruction.
const INSN: u32 = 8;

impl ProgramDump {
    /// Its functions ([`FUNC_INFO`](super::ProgramParts::FUNC_INFO)): where each begins in [`xlated`](Self::xlated), in
    /// bytes, and its type in the program's BTF.
    pub fn functions(&self) -> impl Iterator<Item = FuncInfo> {
        records(&self.func_info, self.func_info_rec_size, |[insn, ty]| FuncInfo {
            insn_off: insn.saturating_mul(INSN),
            ty: TypeId(ty),
        })
    }

    /// Its source lines ([`LINE_INFO`](super::ProgramParts::LINE_INFO)): from where on in [`xlated`](Self::xlated) each
    /// stands, in bytes, and its texts in the program's BTF.
    pub fn lines(&self) -> impl Iterator<Item = LineInfo> {
        records(&self.line_info, self.line_info_rec_size, |[insn, file_name_off, line_off, line_col]| {
            LineInfo { insn_off: insn.saturating_mul(INSN), file_name_off, line_off, line_col }
        })
    }

    /// The source line of what stands at an offset in [`xlated`](Self::xlated), in bytes.
    #[doc(alias = "bpf_prog_linfo__lfind")]
    pub fn line_of(&self, insn_off: u32) -> Option<LineInfo> {
        self.lines().take_while(|line| line.insn_off <= insn_off).last()
    }

    /// The source line of the machine code at an address of the kernel's memory. Needs all parts but the code itself
    /// and the tags, none of them withheld.
    #[doc(alias = "bpf_prog_linfo__lfind_addr_func")]
    pub fn line_at(&self, address: u64) -> Option<LineInfo> {
        let functions = self.ksyms.iter().zip(&self.func_lens);
        let mut ranges = functions.map(|(start, len)| *start..start.saturating_add((*len).into()));
        let function = ranges.find(|range| range.contains(&address))?;
        // One after another, function by function, each with its address.
        let with_address = self.lines().zip(&self.jited_line_info);
        let before = with_address.filter(|(_, at)| (function.start..=address).contains(at));
        before.max_by_key(|(_, at)| **at).map(|(line, _)| line)
    }
}

/// The first numbers of each record, made into something.
fn records<const N: usize, T>(
    bytes: &[u8],
    rec_size: u32,
    make: impl Fn([u32; N]) -> T,
) -> impl Iterator<Item = T> {
    let size = (rec_size as usize).max(N * 4);
    bytes.chunks_exact(size).filter_map(move |record| {
        let mut words = record.chunks_exact(4).filter_map(|w| Some(u32::from_ne_bytes(w.try_into().ok()?)));
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = words.next()?;
        }
        Some(make(numbers))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_ne_bytes()).collect()
    }

    /// Two functions, of two lines and one; the second stands before the first in memory. The records are longer than
    /// what is known of them.
    fn dump() -> ProgramDump {
        ProgramDump {
            func_info: bytes(&[0, 5, 4, 6]),
            func_info_rec_size: 8,
            line_info: bytes(&[0, 1, 10, 7 << 10 | 3, 9, 2, 1, 11, 8 << 10, 9, 4, 1, 12, 9 << 10, 9]),
            line_info_rec_size: 20,
            jited_line_info: vec![0x2000, 0x2010, 0x1000],
            ksyms: vec![0x2000, 0x1000],
            func_lens: vec![0x20, 0x20],
            ..ProgramDump::default()
        }
    }

    #[test]
    fn records_are_read() {
        let d = dump();
        let functions: Vec<_> = d.functions().map(|f| (f.insn_off, f.ty.0)).collect();
        assert_eq!(functions, [(0, 5), (32, 6)]);
        let lines: Vec<_> = d.lines().map(|l| (l.insn_off, l.line_off, l.line(), l.column())).collect();
        assert_eq!(lines, [(0, 10, 7, 3), (16, 11, 8, 0), (32, 12, 9, 0)]);
        assert_eq!(ProgramDump::default().lines().count(), 0);
    }

    #[test]
    fn lines_are_found() {
        let d = dump();
        let of = |off| d.line_of(off).map(|l| l.line());
        assert_eq!((of(0), of(8), of(16), of(24), of(400)), (Some(7), Some(7), Some(8), Some(8), Some(9)));
        let at = |address| d.line_at(address).map(|l| l.line());
        assert_eq!((at(0x2000), at(0x200f), at(0x2011), at(0x101f)), (Some(7), Some(7), Some(8), Some(9)));
        assert_eq!((at(0x1fff), at(0x2020), at(0)), (None, None, None));
    }
}
