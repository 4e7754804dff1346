use std::{fmt, ops::Deref, sync::Arc};

/// Immutable bytes that are cheap to clone: owned, or lent by someone who keeps them alive (a mapping).
#[derive(Clone)]
pub struct Bytes(Repr);

#[derive(Clone)]
enum Repr {
    Owned(Arc<Vec<u8>>),
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl Bytes {
    /// Bytes of any owner, for instance a memory mapping, without copying.
    ///
    /// The owner should give the same bytes each time. Should they change after they were validated,
    /// answers become wrong, but stay inside the bytes.
    pub fn shared(owner: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Bytes {
        Bytes(Repr::Shared(owner))
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Owned(v) => v,
            Repr::Shared(s) => (**s).as_ref(),
        }
    }

    /// The bytes to be changed: copied first unless nobody else has them.
    pub(crate) fn make_mut(&mut self) -> &mut [u8] {
        if let Repr::Shared(_) = &self.0 {
            self.0 = Repr::Owned(Arc::new(self.as_slice().to_vec()));
        }
        match &mut self.0 {
            Repr::Owned(bytes) => Arc::make_mut(bytes).as_mut_slice(),
            Repr::Shared(_) => &mut [],
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

impl From<Vec<u8>> for Bytes {
    fn from(v: Vec<u8>) -> Self {
        Bytes(Repr::Owned(Arc::new(v)))
    }
}

impl From<&[u8]> for Bytes {
    fn from(v: &[u8]) -> Self {
        v.to_vec().into()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.0 {
            Repr::Owned(_) => "owned",
            Repr::Shared(_) => "shared",
        };
        write!(f, "Bytes({how}, {} bytes)", self.len())
    }
}
