//! Longest-prefix match.

use std::net::{Ipv4Addr, Ipv6Addr};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{HashMap, Plain, Prefixes};

/// A trie of prefixes (`BPF_MAP_TYPE_LPM_TRIE`, Linux 4.11): [`get`](HashMap::get) finds the entry with the longest prefix
/// that the key begins with.
///
/// It is made with [`MapFlags::NO_PREALLOC`](crate::MapFlags::NO_PREALLOC). A full trie says `ENOSPC`, a prefix longer than
/// the key `EINVAL`. [`update`](HashMap::update), [`remove`](HashMap::remove) and [`iter`](HashMap::iter) mean the entry
/// with exactly the prefix that is given.
///
/// ```no_run
/// # fn example(map: oxbpf::Map) -> oxbpf::Result<()> {
/// use oxbpf::typed::{LpmKey, LpmTrie};
///
/// let routes = LpmTrie::<LpmKey<[u8; 4]>, u32>::new(&map)?;
/// routes.insert(&LpmKey::new(8, [10, 0, 0, 0]), &1)?;
/// routes.insert(&LpmKey::new(16, [10, 1, 0, 0]), &2)?;
/// assert_eq!(routes.get(&LpmKey::new(32, [10, 1, 2, 3]))?, Some(2));
/// # Ok(())
/// # }
/// ```
pub type LpmTrie<K, V> = HashMap<K, V, Prefixes>;

/// A key of an [`LpmTrie`]: so many leading bits of some bytes in network order (`struct bpf_lpm_trie_key`).
#[derive(FromBytes, IntoBytes, Immutable, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(C, packed)]
pub struct LpmKey<T: Plain + Copy> {
    prefix_len: u32,
    data: T,
}

impl<T: Plain + Copy> LpmKey<T> {
    /// The first `prefix_len` bits of `data`, which is big-endian: `[u8; 4]` for IPv4, `[u8; 16]` for IPv6.
    pub const fn new(prefix_len: u32, data: T) -> Self {
        Self { prefix_len, data }
    }

    /// How many bits count.
    pub const fn prefix_len(&self) -> u32 {
        self.prefix_len
    }

    /// The bits.
    pub const fn data(&self) -> T {
        self.data
    }
}

/// The network `.0` with so many bits.
impl From<(Ipv4Addr, u32)> for LpmKey<[u8; 4]> {
    fn from((address, prefix_len): (Ipv4Addr, u32)) -> Self {
        Self::new(prefix_len, address.octets())
    }
}

/// The network `.0` with so many bits.
impl From<(Ipv6Addr, u32)> for LpmKey<[u8; 16]> {
    fn from((address, prefix_len): (Ipv6Addr, u32)) -> Self {
        Self::new(prefix_len, address.octets())
    }
}
