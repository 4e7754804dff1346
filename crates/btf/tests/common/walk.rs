//! Asks a BTF everything there is to ask, and checks that the answers agree. The fuzz targets run this on
//! whatever they come up with, and a test runs it on what they found.

use oxbpf_btf::{Btf, BtfBuilder, BtfExt, Endian, Error, IntEncoding, KindSupport, TypeId};

/// How many types are asked the questions that may take long; a file of the size that is fuzzed has few more.
const THOROUGH: usize = 200;

/// Raw BTF of any quality.
pub fn btf(data: &[u8]) {
    let whole = Btf::parse(data);
    print(&whole);
    if let Ok(b) = &whole {
        walk(b, data);
        let again = Btf::parse_split(data, b);
        print(&again);
        if let Ok(split) = &again {
            walk(split, data);
        }
    }
}

/// BTF of any quality that continues another.
pub fn btf_split(data: &[u8]) {
    let base = small_base();
    let split = Btf::parse_split(data, &base);
    print(&split);
    if let Ok(b) = &split {
        walk(b, data);
    }
    // Both from the fuzzer: the first two bytes say where the one ends and the other starts.
    if let Some((at, rest)) = data.split_first_chunk::<2>()
        && let Some((a, b)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*at)))
        && let Ok(base) = Btf::parse(a)
    {
        let split = Btf::parse_split(b, &base);
        print(&split);
        if let Ok(b) = &split {
            walk(b, data);
        }
    }
}

/// A `.BTF.ext` of any quality, for a BTF that has a few types.
pub fn btf_ext(data: &[u8]) {
    let base = small_base();
    match BtfExt::parse(data, &base) {
        Ok(ext) => walk_ext(&ext, &base),
        Err(e) => assert!(!e.to_string().is_empty()),
    }
    // The BTF from the fuzzer as well.
    if let Some((at, rest)) = data.split_first_chunk::<2>()
        && let Some((a, b)) = rest.split_at_checked(usize::from(u16::from_le_bytes(*at)))
        && let Ok(btf) = Btf::parse(a)
    {
        match BtfExt::parse(b, &btf) {
            Ok(ext) => walk_ext(&ext, &btf),
            Err(e) => assert!(!e.to_string().is_empty()),
        }
    }
}

pub fn walk_ext(ext: &BtfExt, btf: &Btf) {
    for s in ext.func_info() {
        assert!(s.records.len() <= ext.as_bytes().len());
        s.records.for_each(|r| assert!(btf.get(r.ty).is_ok()));
    }
    for s in ext.line_info() {
        for r in s.records {
            btf.bytes_at(r.file_name_off).unwrap();
            btf.bytes_at(r.line_off).unwrap();
            assert_eq!(r.line() << 10 | r.column(), r.line_col);
        }
    }
    for s in ext.core_relos() {
        for r in s.records {
            btf.bytes_at(r.access_str_off).unwrap();
            btf.get(r.ty).unwrap();
        }
    }
    assert!(!format!("{ext:?}").is_empty());
}

fn print<T>(r: &Result<T, Error>) {
    if let Err(e) = r {
        assert!(!e.to_string().is_empty());
    }
}

fn small_base() -> Btf {
    let mut b = BtfBuilder::new();
    for n in 0..10u32 {
        b.add_int(&format!("int{n}"), 4, IntEncoding::SIGNED).unwrap();
    }
    b.build().unwrap()
}

/// Every question, of a BTF that has been accepted.
pub fn walk(b: &Btf, data: &[u8]) {
    assert_eq!(b.check_all(), Ok(()));
    let own = (b.first_id().0..b.end_id().0).map(TypeId);
    assert_eq!(b.headers().len(), own.len());
    assert!(b.get(b.end_id()).is_err());
    let sample = &data[..data.len().min(256)];
    for (id, h) in own.clone().zip(b.headers()) {
        let t = b.get(id).unwrap();
        assert_eq!((t.id(), h.id, t.kind(), t.name_bytes()), (id, id, h.kind(), h.name_bytes()));
        assert!(h.name_is(t.name_bytes()));
        entries(b, id);
    }
    for id in own.clone().take(THOROUGH) {
        let t = b.get(id).unwrap();
        let (size, align) = (b.size_of(id), b.align_of(id));
        print(&size);
        print(&align);
        if let Ok(a) = align {
            assert!(a.is_power_of_two());
        }
        print(&b.resolve(id));
        if let Ok(v) = b.decode(id, sample) {
            drop(v);
        }
        if let Ok(size) = size
            && size <= sample.len() as u64
        {
            // All bytes are there, but for a pointer to what is no pointer at all.
            b.decode(id, &sample[..size as usize]).map(drop).unwrap_or_else(|e| assert!(is_loop(&e)));
        }
        assert!(!format!("{t:?}").is_empty());
    }
    for id in own.clone().take(20) {
        let t = b.get(id).unwrap();
        if let (Ok(name), false) = (std::str::from_utf8(t.name_bytes()), t.name().is_empty()) {
            let found = b.find(name, t.kind()).unwrap();
            assert!(found <= id && b.get(found).unwrap().kind() == t.kind());
            assert!(b.find_all(name).any(|f| f == id));
        }
    }
    rewrite(b);
}

/// A type that holds itself, or one without size, is only noticed when it is followed.
fn is_loop(e: &Error) -> bool {
    matches!(e, Error::Type(_))
}

/// Everything that a type holds can be read and refers to what exists.
fn entries(b: &Btf, id: TypeId) {
    let t = b.get(id).unwrap();
    let exists = |id| assert!(b.get(id).is_ok());
    t.target().into_iter().for_each(exists);
    if let Some(a) = t.array() {
        exists(a.elem);
        exists(a.index);
    }
    t.members().for_each(|m| {
        exists(m.ty);
        b.bytes_at(m.name_off).unwrap();
    });
    t.params().for_each(|p| exists(p.ty));
    t.variables().for_each(|v| exists(v.ty));
    assert!(t.enumerators().all(|e| t.enumerator(e.value).is_some()) || t.vlen() > 100);
    let n = t.members().len() + t.params().len() + t.variables().len() + t.enumerators().len();
    let expected = if t.kind() == oxbpf_btf::Kind::Func { 0 } else { t.vlen() as usize };
    assert_eq!(n, expected);
    if let Some(i) = t.int() {
        assert!(i.bits <= 128);
    }
    assert!(t.linkage().is_none_or(|l| l <= 2));
    assert!(t.component().is_none_or(|c| c >= -1));
}

/// What is written again means the same.
fn rewrite(b: &Btf) {
    let parse = |raw: Vec<u8>| match b.base() {
        Some(base) => Btf::parse_split(raw, base),
        None => Btf::parse(raw),
    };
    for endian in [Endian::Little, Endian::Big] {
        let other = parse(b.to_endian(endian)).unwrap();
        assert_eq!(other.endian(), endian);
        same(b, &other);
    }
    for kernel in [KindSupport::NONE, KindSupport { datasec: false, ..KindSupport::ALL }] {
        if let Some(raw) = b.sanitize(&kernel) {
            // Variables outside their section make members outside their struct, which is refused.
            match parse(raw) {
                Ok(clean) => {
                    assert!(clean.end_id() >= b.end_id());
                    assert!(clean.sanitize(&kernel).is_none());
                }
                Err(e) => assert!(e.to_string().contains("behind the end"), "{e}"),
            }
        }
    }
    assert!(b.sanitize(&KindSupport::ALL).is_none());
}

pub fn same(a: &Btf, b: &Btf) {
    assert_eq!((a.first_id(), a.end_id()), (b.first_id(), b.end_id()));
    for (x, y) in a.types().zip(b.types()) {
        assert_eq!((x.kind(), x.name_bytes(), x.vlen()), (y.kind(), y.name_bytes(), y.vlen()));
        assert_eq!((x.kind_flag(), x.size(), x.target()), (y.kind_flag(), y.size(), y.target()));
        assert_eq!((x.int(), x.array(), x.linkage()), (y.int(), y.array(), y.linkage()));
        assert_eq!(x.component(), y.component());
        assert!(x.members().eq(y.members()) && x.params().eq(y.params()));
        assert!(x.variables().eq(y.variables()) && x.enumerators().eq(y.enumerators()));
    }
}
