use std::{fmt, ops::Deref, ops::Range, sync::Arc};

/// Immutable bytes that are cheap to clone and to take a part of: owned, or lent by someone who keeps them alive
/// (a mapping, the program itself).
///
/// ```
/// use oxbpf_btf::Bytes;
///
/// // Kept where they are: a vector, bytes that are part of the program, those of the crate `bytes`.
/// let read = Bytes::from(vec![1, 2, 3]);
/// let built_in = Bytes::from_static(b"\x01\x02\x03");
/// assert_eq!(read, built_in);
/// // Copied.
/// let copy = Bytes::from(&read[..2]);
/// assert_eq!(copy.len(), 2);
/// // A part has a share in the whole.
/// let part = read.slice(1..3).ok_or("out of range")?;
/// drop(read);
/// assert_eq!(*part, [2, 3]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
pub struct Bytes(Repr);

#[derive(Clone)]
enum Repr {
    Lent(bytes::Bytes),
    /// Bytes that were changed.
    Own(Arc<Vec<u8>>),
}

/// An owner that others share.
struct Owner<T: ?Sized>(Arc<T>);

impl<T: AsRef<[u8]> + ?Sized> AsRef<[u8]> for Owner<T> {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl Bytes {
    /// Bytes that are part of the program, as `include_bytes!` gives them, without copying.
    pub const fn from_static(bytes: &'static [u8]) -> Bytes {
        Bytes(Repr::Lent(bytes::Bytes::from_static(bytes)))
    }

    /// Bytes of any owner, for instance a memory mapping, without copying. The owner is asked once.
    pub fn shared(owner: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Bytes {
        Bytes(Repr::Lent(bytes::Bytes::from_owner(Owner(owner))))
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Lent(bytes) => bytes,
            Repr::Own(bytes) => bytes,
        }
    }

    /// A part of the bytes, without copying; `None` if they do not reach as far.
    pub fn slice(&self, range: Range<usize>) -> Option<Bytes> {
        self.as_slice().get(range.clone())?;
        Some(Bytes(Repr::Lent(match &self.0 {
            Repr::Lent(bytes) => bytes.slice(range),
            Repr::Own(bytes) => bytes::Bytes::from_owner(Owner(bytes.clone())).slice(range),
        })))
    }

    /// The same for a part that was borrowed from these bytes; `None` if it was not.
    pub fn slice_of(&self, part: &[u8]) -> Option<Bytes> {
        let start = part.as_ptr().addr().checked_sub(self.as_slice().as_ptr().addr())?;
        self.slice(start..start.checked_add(part.len())?)
    }

    /// The bytes to be changed: copied first unless nobody else has them.
    pub fn make_mut(&mut self) -> &mut [u8] {
        if let Repr::Lent(bytes) = &mut self.0 {
            self.0 = Repr::Own(Arc::new(std::mem::take(bytes).into()));
        }
        match &mut self.0 {
            Repr::Own(bytes) => Arc::make_mut(bytes).as_mut_slice(),
            Repr::Lent(_) => &mut [],
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes::from_static(&[])
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Bytes {}

impl From<Vec<u8>> for Bytes {
    fn from(v: Vec<u8>) -> Self {
        Bytes(Repr::Lent(v.into()))
    }
}

impl From<bytes::Bytes> for Bytes {
    fn from(bytes: bytes::Bytes) -> Self {
        Bytes(Repr::Lent(bytes))
    }
}

impl From<&[u8]> for Bytes {
    fn from(v: &[u8]) -> Self {
        v.to_vec().into()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_and_changes_do_not() {
        let mut all = Bytes::from(vec![1, 2, 3, 4]);
        let part = all.slice(1..3).unwrap();
        assert_eq!(part.as_ptr(), all[1..].as_ptr(), "nothing was copied");
        assert_eq!(all.slice_of(&all[2..]), all.slice(2..4));
        assert_eq!(all.slice(2..5), None);
        assert_eq!(all.slice_of(&[3, 4]), None, "equal bytes of someone else");
        assert_eq!(part.slice_of(&all), None, "more than it has");
        all.make_mut()[1] = 9;
        assert_eq!((&*part, &*all), (&[2, 3][..], &[1, 9, 3, 4][..]));
        let changed = all.slice(1..2).unwrap();
        all.make_mut()[1] = 8;
        assert_eq!((&*changed, &*all), (&[9][..], &[1, 8, 3, 4][..]));
    }

    #[test]
    fn what_nobody_else_has_is_changed_in_place() {
        let mut bytes = Bytes::from(vec![1, 2, 3]);
        let place = bytes.as_ptr();
        bytes.make_mut()[0] = 7;
        bytes.make_mut()[1] = 8;
        assert_eq!((bytes.as_ptr(), &*bytes), (place, &[7, 8, 3][..]));
        let mut built_in = Bytes::from_static(b"abc");
        built_in.make_mut()[0] = b'x';
        assert_eq!(&*built_in, b"xbc");
    }
}
