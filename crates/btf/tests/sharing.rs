//! Bytes of any owner, and one BTF on several threads.
#![allow(clippy::unwrap_used, reason = "tests and their helpers")]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use common::EveryKind;
use oxbpf_btf::{Btf, BtfExt, Bytes, Endian, Kind, KindSupport, TypeId};

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

/// Gives other bytes after so many times.
struct Fickle {
    first: Vec<u8>,
    then: Vec<u8>,
    left: AtomicUsize,
}

impl AsRef<[u8]> for Fickle {
    fn as_ref(&self) -> &[u8] {
        match self.left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1)) {
            Ok(_) => &self.first,
            Err(_) => &self.then,
        }
    }
}

/// A mapping can change under our feet. Answers are then wrong, and that is all.
#[test]
fn bytes_that_change_cause_no_panic() {
    let good = EveryKind::new().btf(Endian::NATIVE).as_bytes().to_vec();
    let half = good[..good.len() / 2].to_vec();
    for then in [Vec::new(), half, vec![0xff; good.len()], vec![0; good.len()], vec![0xff; 10 * good.len()]] {
        for left in 0..300 {
            let owner = Fickle { first: good.clone(), then: then.clone(), left: AtomicUsize::new(left) };
            let Ok(btf) = Btf::parse(Bytes::shared(Arc::new(owner))) else { continue };
            for id in (0..30).map(TypeId) {
                let Ok(t) = btf.get(id) else { continue };
                let _ = (t.name(), t.kind(), t.members().len(), t.enumerators().count(), t.params().count());
                let _ =
                    (btf.size_of(id), btf.align_of(id), btf.resolve(id).is_ok(), btf.decode(id, &[1; 40]));
                let _ = (t.variables().count(), t.int(), t.array(), btf.find(t.name(), t.kind()));
            }
            let _ = btf.sanitize(&KindSupport::NONE);
            let _ = btf.to_endian(btf.endian().other());
        }
    }
}
