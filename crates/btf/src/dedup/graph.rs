//! All types of a BTF and its bases in one sequence of words, where what refers to what is cheap to follow.

use crate::{
    Btf, Error, Kind,
    parse::{KFLAG, KIND_MASK, KIND_SHIFT, VLEN_MASK},
};

/// Types by their ids, `void` among them.
pub(super) struct Graph {
    words: Vec<u32>,
    /// Where each type starts in the words; one more at the end.
    offs: Vec<u32>,
    /// The first type that may be changed: those before are the base's.
    first_own: u32,
}

impl Graph {
    /// `types` and `offs` are a builder's.
    pub(super) fn new(base: Option<&Btf>, types: &[u32], offs: &[u32]) -> Result<Graph, Error> {
        let mut chain: Vec<&Btf> = std::iter::successors(base, |b| b.base()).collect();
        chain.reverse();
        let words = chain.iter().fold(types.len(), |n, b| n.saturating_add(b.type_words().len()));
        // Void has the words of a type too.
        let len = words.saturating_add(3);
        if u32::try_from(len).is_err() {
            return Err(Error::TooMany { what: "types" });
        }
        let count = chain.iter().fold(offs.len(), |n, b| n.saturating_add(b.offsets().len()));
        let mut graph = Graph {
            words: Vec::with_capacity(len),
            offs: Vec::with_capacity(count.saturating_add(2)),
            first_own: 0,
        };
        graph.words.extend([0; 3]);
        graph.offs.push(0);
        for b in chain {
            let order = b.order();
            graph.place(b.offsets());
            graph.words.extend(b.type_words().iter().map(|&w| order.u32(w)));
        }
        graph.first_own = graph.offs.len() as u32;
        graph.place(offs);
        graph.words.extend_from_slice(types);
        graph.offs.push(graph.words.len() as u32);
        Ok(graph)
    }

    /// The types whose words come next.
    fn place(&mut self, offs: &[u32]) {
        let at = self.words.len() as u32;
        self.offs.extend(offs.iter().map(|off| off.wrapping_add(at)));
    }

    /// One past the last type.
    #[inline]
    pub(super) fn end(&self) -> u32 {
        (self.offs.len() as u32).wrapping_sub(1)
    }

    pub(super) fn first_own(&self) -> u32 {
        self.first_own
    }

    /// How many words there are.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Where a type starts.
    #[inline]
    pub(super) fn at(&self, id: u32) -> u32 {
        self.offs.get(id as usize).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn word(&self, at: u32) -> u32 {
        self.words.get(at as usize).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn set_word(&mut self, at: u32, to: u32) {
        if let Some(word) = self.words.get_mut(at as usize) {
            *word = to;
        }
    }

    /// The words of a type.
    #[inline]
    pub(super) fn ty(&self, id: u32) -> &[u32] {
        let end = self.at(id.wrapping_add(1));
        self.words.get(self.at(id) as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn ty_mut(&mut self, id: u32) -> &mut [u32] {
        let (start, end) = (self.at(id) as usize, self.at(id.wrapping_add(1)) as usize);
        self.words.get_mut(start..end).unwrap_or_default()
    }

    #[inline]
    pub(super) fn info(&self, id: u32) -> u32 {
        self.word(self.at(id).wrapping_add(1))
    }

    #[inline]
    pub(super) fn kind(&self, id: u32) -> Kind {
        kind_of(self.info(id))
    }

    /// What a type refers to.
    pub(super) fn references(&self, id: u32) -> impl Iterator<Item = u32> {
        let (head, rest) = self.ty(id).split_at_checked(3).unwrap_or_default();
        let kind = self.kind(id);
        let target = head.get(2).filter(|_| kind.has_target());
        target.into_iter().chain(kind.id_words().of(rest.iter())).copied()
    }

    /// The words of all own types, and where each starts. The graph is of no use any more.
    pub(super) fn into_own(mut self) -> (Vec<u32>, Vec<u32>) {
        let start = self.at(self.first_own);
        let types = self.words.split_off((start as usize).min(self.words.len()));
        let mut offs = self.offs.split_off((self.first_own as usize).min(self.offs.len()));
        offs.pop();
        offs.iter_mut().for_each(|off| *off = off.wrapping_sub(start));
        (types, offs)
    }

    /// The own types, for changes of all.
    pub(super) fn own_parts(&mut self) -> (&mut Vec<u32>, &mut Vec<u32>) {
        (&mut self.words, &mut self.offs)
    }
}

#[inline]
pub(super) fn kind_of(info: u32) -> Kind {
    Kind::from_number(info >> KIND_SHIFT & KIND_MASK).unwrap_or(Kind::Void)
}

#[inline]
pub(super) fn vlen_of(info: u32) -> u32 {
    info & VLEN_MASK
}

/// What a forward declaration declares.
#[inline]
pub(super) fn fwd_kind(info: u32) -> Kind {
    if info & KFLAG != 0 { Kind::Union } else { Kind::Struct }
}
