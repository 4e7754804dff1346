//! Elements as bytes.

use oxbpf::{ElemFlags, Errno, Error, Kernel, Map, MapFlags, MapType};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{flagged, make, refused};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("bytes::hash", &[Need::Bpf], hash);
    suite.test("bytes::sizes_are_checked_before_the_kernel_is_asked", &[Need::Bpf], sizes);
    suite.test("bytes::frozen", &[Need::Bpf, Need::Kernel(5, 2)], frozen);
    suite.test("bytes::one_way_for_user_space", &[Need::Bpf, Need::Kernel(4, 15)], one_way);
    suite.test("bytes::taking", &[Need::Bpf, Need::Kernel(5, 14)], taking);
    suite.test("bytes::not_a_map", &[Need::Bpf], not_a_map);
}

fn hash() -> TestResult {
    let map = make(MapType::HASH, 4, 8, 2)?;
    let (a, b, c) = ([1; 4], [2; 4], [3; 4]);
    map.update(&a, &[1; 8], ElemFlags::NOEXIST)?;
    refused(
        map.update(&a, &[1; 8], ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): the key is there already",
    );
    refused(
        map.update(&b, &[1; 8], ElemFlags::EXIST),
        Errno::ENOENT,
        "map m: BPF_MAP_UPDATE_ELEM failed: ENOENT (No such file or directory): no such key",
    );
    map.update(&b, &[2; 8], ANY)?;
    refused(
        map.update(&c, &[3; 8], ANY),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    map.update(&b, &[4; 8], ElemFlags::EXIST)?;
    assert_eq!((map.lookup(&b)?, map.lookup(&c)?), (Some(vec![4; 8]), None));
    refused(
        map.update(&b, &[4; 8], ElemFlags::LOCK),
        Errno::EINVAL,
        "map m: BPF_MAP_UPDATE_ELEM failed: EINVAL (Invalid argument): the map's values have no spin lock to hold",
    );
    refused(
        map.lookup_flags(&b, ElemFlags::LOCK),
        Errno::EINVAL,
        "map m: BPF_MAP_LOOKUP_ELEM failed: EINVAL (Invalid argument): the map's values have no spin lock to hold",
    );
    refused(
        map.delete_flags(&b, ElemFlags::LOCK),
        Errno::EINVAL,
        "map m: BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument): no kernel so far takes flags for this",
    );
    assert!(map.delete(&b)? && !map.delete(&b)?);
    assert_eq!(map.next_key(None)?, Some(a.to_vec()));
    assert_eq!(map.next_key(Some(&a))?, None);
    assert_eq!(map.next_key(Some(&c))?, Some(a.to_vec()), "a key that is not there: from the beginning");
    Ok(())
}

fn sizes() -> TestResult {
    let map = make(MapType::HASH, 4, 8, 2)?;
    let text = |error: oxbpf::Result<Option<Vec<u8>>>| error.expect_err("sizes").to_string();
    assert_eq!(text(map.lookup(&[0; 3])), "map m: a key is 4 bytes, not 3");
    assert_eq!(text(map.next_key(Some(&[0; 5]))), "map m: a key is 4 bytes, not 5");
    assert!(matches!(map.update(&[0; 4], &[0; 7], ANY), Err(Error::Size { expected: 8, got: 7, .. })));
    assert!(matches!(map.delete(&[]), Err(Error::Size { what: "key", .. })));
    assert!(matches!(map.lookup_and_delete(&[0; 4], &mut [0; 9]), Err(Error::Size { what: "value", .. })));
    let cpus = Kernel::host().possible_cpus()? as usize;
    let percpu = make(MapType::PERCPU_HASH, 4, 3, 2)?;
    assert_eq!((percpu.value_len(), percpu.value_len_with(ElemFlags::ALL_CPUS)), (8 * cpus, 3));
    assert!(percpu.update(&[0; 4], &[0; 3], ANY).is_err());
    Ok(())
}

fn frozen() -> TestResult {
    let map = make(MapType::HASH, 4, 8, 4)?;
    map.update(&[1; 4], &[1; 8], ANY)?;
    map.freeze()?;
    let why = "it is frozen, or opened for reading only";
    let text = |cmd: &str| format!("map m: {cmd} failed: EPERM (Operation not permitted): {why}");
    refused(map.update(&[1; 4], &[2; 8], ANY), Errno::EPERM, &text("BPF_MAP_UPDATE_ELEM"));
    refused(map.delete(&[1; 4]), Errno::EPERM, &text("BPF_MAP_DELETE_ELEM"));
    assert_eq!(map.lookup(&[1; 4])?, Some(vec![1; 8]));
    let again = map.freeze().expect_err("it is frozen");
    match again.errno() {
        Some(Errno::EBUSY) => assert_eq!(
            again.to_string(),
            "map m: BPF_MAP_FREEZE failed: EBUSY (Device or resource busy): it is frozen already, being written, or \
             mapped for writing: drop such mappings first"
        ),
        errno => assert_eq!(errno, Some(Errno::EPERM), "{again}"),
    }
    Ok(())
}

fn one_way() -> TestResult {
    let write = flagged(MapType::HASH, 4, 8, 4, MapFlags::WRONLY)?;
    write.update(&[1; 4], &[1; 8], ANY)?;
    let text = |cmd: &str, why: &str| format!("map m: {cmd} failed: EPERM (Operation not permitted): {why}");
    let only_write = "user space may only write it";
    refused(write.lookup(&[1; 4]), Errno::EPERM, &text("BPF_MAP_LOOKUP_ELEM", only_write));
    refused(write.next_key(None), Errno::EPERM, &text("BPF_MAP_GET_NEXT_KEY", only_write));
    assert!(
        matches!(&write.iter().collect::<Vec<_>>()[..], [Err(error)] if error.errno() == Some(Errno::EPERM))
    );
    let read = flagged(MapType::HASH, 4, 8, 4, MapFlags::RDONLY)?;
    refused(
        read.update(&[1; 4], &[1; 8], ANY),
        Errno::EPERM,
        &text("BPF_MAP_UPDATE_ELEM", "user space may only read it"),
    );
    assert_eq!(read.lookup(&[1; 4])?, None);
    Ok(())
}

fn taking() -> TestResult {
    let map = make(MapType::HASH, 4, 8, 4)?;
    map.update(&[1; 4], &[7; 8], ANY)?;
    let mut value = [0; 8];
    assert!(map.lookup_and_delete(&[1; 4], &mut value)?);
    assert_eq!((value, map.lookup(&[1; 4])?), ([7; 8], None));
    assert!(!map.lookup_and_delete(&[1; 4], &mut value)?);
    let array = make(MapType::ARRAY, 4, 8, 4)?;
    let error = array.lookup_and_delete(&[0; 4], &mut value).expect_err("of an array");
    assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
    let why = "elements of maps of type array cannot be looked up and deleted at once on this kernel";
    assert!(error.to_string().ends_with(why), "{error}");
    Ok(())
}

fn not_a_map() -> TestResult {
    let file = std::fs::File::open("/dev/null")?;
    let error = Map::from_fd(&Kernel::host(), file.into()).expect_err("no map");
    assert_eq!(error.errno(), Some(Errno::EINVAL), "{error}");
    Ok(())
}
