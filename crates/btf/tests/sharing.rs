//! Bytes of any owner, and one BTF on several threads.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use common::EveryKind;
use oxbpf_btf::{Btf, BtfBuilder, BtfExt, Bytes, Endian, Kind};

#[test]
fn threads_share_a_btf_and_its_index() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Btf>();
    shared::<BtfExt>();
    shared::<Bytes>();
    let k = EveryKind::new();
    let btf = k.btf(Endian::NATIVE);
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| assert_eq!(btf.clone().find("point", Kind::Struct), Some(k.point)));
        }
    });
}

#[test]
fn a_btf_outlives_whoever_lent_the_bytes() {
    let k = EveryKind::new();
    let lent: Arc<Vec<u8>> = Arc::new(k.btf(Endian::NATIVE).as_bytes().to_vec());
    let btf = Btf::parse(Bytes::shared(lent.clone())).unwrap();
    assert_eq!(btf.as_bytes().as_ptr(), lent.as_ptr(), "nothing was copied");
    drop(lent);
    let second = btf.clone();
    drop(btf);
    assert_eq!(second.get(k.point).unwrap().name(), "point");
}

/// Gives other bytes each time.
struct Fickle {
    bytes: Vec<u8>,
    asked: AtomicUsize,
}

impl AsRef<[u8]> for Fickle {
    fn as_ref(&self) -> &[u8] {
        match self.asked.fetch_add(1, Relaxed) {
            0 => &self.bytes,
            n => &self.bytes[..self.bytes.len() / (n + 1)],
        }
    }
}

#[test]
fn an_owner_is_asked_once() {
    let k = EveryKind::new();
    let bytes = k.btf(Endian::NATIVE).as_bytes().to_vec();
    let owner = Arc::new(Fickle { bytes, asked: AtomicUsize::new(0) });
    let btf = Btf::parse(Bytes::shared(owner.clone())).unwrap();
    assert_eq!(btf.find("point", Kind::Struct), Some(k.point));
    assert_eq!(btf.clone().as_bytes(), owner.bytes);
    assert_eq!(owner.asked.load(Relaxed), 1);
}

#[test]
fn a_change_leaves_what_was_lent_alone() {
    let mut b = BtfBuilder::new();
    let section = b.add_datasec(".data", 0, []).unwrap();
    let lent: Arc<Vec<u8>> = Arc::new(b.to_vec(Endian::NATIVE).unwrap());
    let before = lent.to_vec();
    let first = Btf::parse(Bytes::shared(lent.clone())).unwrap();
    let mut second = first.clone();
    second.set_datasec_size(section, 64).unwrap();
    assert_eq!(first.get(section).unwrap().size(), Some(0));
    assert_eq!(second.get(section).unwrap().size(), Some(64));
    assert_eq!(*lent, before);
}
