//! Arrays with types.

use oxbpf::{Array, ElemFlags, Errno, InsnArray, Kernel, MapType, features};
use oxbpf_testing::{Need, Skip, Suite, TestResult};

use super::{make, refused};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("arrays::array", &[Need::Bpf, Need::Kernel(5, 6)], array);
    suite.test("arrays::of_instructions", &[Need::Bpf], insn_array);
}

fn array() -> TestResult {
    let map = make(MapType::ARRAY, 4, 2, 5)?;
    let array = Array::<u16>::new(&map)?;
    assert_eq!((array.len(), array.is_empty()), (5, false));
    assert_eq!(array.set_all(1, &[1, 2, 3])?, 3);
    array.set(0, &9)?;
    assert_eq!(array.iter().collect::<oxbpf::Result<Vec<_>>>()?, [9, 1, 2, 3, 0]);
    assert_eq!((array.get(4)?, array.get(5)?), (Some(0), None));
    refused(
        array.set(5, &1),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the index is beyond its end, it has 5 \
         elements",
    );
    refused(
        array.set_flags(0, &1, ElemFlags::NOEXIST),
        Errno::EEXIST,
        "map m: BPF_MAP_UPDATE_ELEM failed: EEXIST (File exists): all its elements exist",
    );
    refused(
        map.delete(&[0; 4]),
        Errno::EINVAL,
        "map m: BPF_MAP_DELETE_ELEM failed: EINVAL (Invalid argument): elements of an array cannot be deleted",
    );
    refused(
        array.set_all(3, &[7, 8, 9]),
        Errno::E2BIG,
        "map m: after 2 of 3 elements BPF_MAP_UPDATE_BATCH failed: E2BIG (Argument list too long): the index is beyond \
         its end, it has 5 elements",
    );
    assert_eq!((array.get(3)?, array.get(4)?), (Some(7), Some(8)));
    Ok(())
}

fn insn_array() -> TestResult {
    if !features::makes_maps_of(&Kernel::host(), MapType::INSN_ARRAY)? {
        return Err(Skip::because("needs maps of type insn_array (kernel 6.19)").into());
    }
    let map = make(MapType::INSN_ARRAY, 4, 16, 3)?;
    let insns = InsnArray::new(&map)?;
    insns.set(1, 5)?;
    assert_eq!(insns.get(1)?.map(|at| at.original), Some(5));
    assert_eq!(insns.get(3)?, None);
    refused(
        insns.set(3, 0),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): the index is beyond its end, it has 3 \
         elements",
    );
    map.freeze()?;
    assert_eq!(insns.set(1, 6).expect_err("frozen").errno(), Some(Errno::EPERM));
    Ok(())
}
