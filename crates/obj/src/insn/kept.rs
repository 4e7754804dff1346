use std::ops::Deref;

use oxbpf_btf::Bytes;
use zerocopy::FromBytes as _;

use super::Insn;
use crate::Endian;

/// Instructions where they are in a file, if this machine can read them there; otherwise a copy.
pub(crate) struct Insns(Kept);

enum Kept {
    /// Whole slots in this machine's byte order, where instructions may stand in memory.
    InFile(Bytes),
    Copied(Vec<Insn>),
}

impl Insns {
    /// Those of a section; bytes after the last whole slot are left out.
    pub(crate) fn of(bytes: Bytes, endian: Endian) -> Self {
        let whole = bytes.as_chunks::<{ Insn::SIZE }>().0.as_flattened();
        let in_file = bytes.slice_of(whole).filter(|_| endian.is_native());
        Self(match in_file.filter(|slots| <[Insn]>::ref_from_bytes(slots).is_ok()) {
            Some(slots) => Kept::InFile(slots),
            None => Kept::Copied(Insn::decode_all(&bytes, endian)),
        })
    }
}

impl Deref for Insns {
    type Target = [Insn];

    fn deref(&self) -> &[Insn] {
        match &self.0 {
            Kept::InFile(bytes) => <[Insn]>::ref_from_bytes(bytes).unwrap_or_default(),
            Kept::Copied(insns) => insns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_read_in_place_is_copied() {
        let insns = [Insn::mov64_imm(1, 2), Insn::exit()];
        let native = Insn::encode_all(&insns, Endian::NATIVE);
        let mut moved = vec![0; 8];
        moved.extend(&native);
        moved.extend([7; 3]);
        let all = Bytes::from(moved);
        for from in 0..8 {
            // Rotated, so that the same instructions begin at each place in a word.
            let mut bytes = vec![0; from];
            bytes.extend(&native);
            let bytes = Bytes::from(bytes);
            let kept = Insns::of(bytes.slice(from..from + 16).unwrap(), Endian::NATIVE);
            assert_eq!(*kept, insns);
            let is_there = kept.as_ptr().cast() == bytes[from..].as_ptr();
            assert_eq!(is_there, bytes[from..].as_ptr().addr().is_multiple_of(4), "from {from}");
        }
        // What is no whole instruction is left out.
        assert_eq!(Insns::of(all.slice(8..27).unwrap(), Endian::NATIVE).len(), 2);
        let other = Insn::encode_all(&insns, Endian::NATIVE.other());
        assert_eq!(*Insns::of(other.into(), Endian::NATIVE.other()), insns);
    }
}
