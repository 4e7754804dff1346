//! Values for each CPU.

use oxbpf::typed::Plain;
use oxbpf::{ElemFlags, Errno, Error, Kernel, LruPerCpuHashMap, MapType, PerCpuArray, PerCpuHashMap};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{lacks, make, refused};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("percpu::hash", &[Need::Bpf, Need::Kernel(5, 6)], hash);
    suite.test("percpu::taking", &[Need::Bpf, Need::Kernel(5, 14)], taking);
    suite.test("percpu::array", &[Need::Bpf, Need::Kernel(4, 6)], array);
    suite.test("percpu::lru", &[Need::Bpf, Need::Kernel(5, 6)], lru);
    suite.test("percpu::one_cpu_or_all", &[Need::Bpf, Need::Kernel(5, 6)], one_cpu);
}

fn values<V: Plain>(value: impl Fn(u32) -> V) -> Result<Vec<V>, Error> {
    Ok((0..Kernel::host().possible_cpus()?).map(value).collect())
}

fn hash() -> TestResult {
    // 6 bytes are 8 in the kernel.
    let map = PerCpuHashMap::<u32, [u16; 3]>::new(&make(MapType::PERCPU_HASH, 4, 6, 2)?)?;
    let mine = values(|cpu| [cpu as u16, 7, 9])?;
    map.insert(&1, &mine)?;
    map.update(&2, &mine, ElemFlags::NOEXIST)?;
    assert_eq!((map.get(&1)?, map.get(&3)?), (Some(mine.clone()), None));
    refused(
        map.insert(&3, &mine),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    let error = map.insert(&1, &mine[1..]).expect_err("one less").to_string();
    assert_eq!(error, format!("map m: {} values for {} possible CPUs", mine.len() - 1, mine.len()));
    let mut all: Vec<(u32, Vec<[u16; 3]>)> = map.iter().collect::<oxbpf::Result<_>>()?;
    all.sort();
    assert_eq!(all, [(1, mine.clone()), (2, mine)]);
    assert!(map.remove(&1)? && !map.remove(&1)?);
    Ok(())
}

fn taking() -> TestResult {
    let map = PerCpuHashMap::<u32, u32>::new(&make(MapType::PERCPU_HASH, 4, 4, 2)?)?;
    let mine = values(|cpu| cpu + 100)?;
    map.insert(&1, &mine)?;
    assert_eq!((map.lookup_and_delete(&1)?, map.lookup_and_delete(&1)?), (Some(mine), None));
    Ok(())
}

fn array() -> TestResult {
    let map = PerCpuArray::<u32>::new(&make(MapType::PERCPU_ARRAY, 4, 4, 3)?)?;
    let mine = values(|cpu| cpu + 1)?;
    map.set(2, &mine)?;
    assert_eq!((map.len(), map.get(2)?, map.get(3)?), (3, Some(mine.clone()), None));
    assert_eq!(map.set(3, &mine).expect_err("past the end").errno(), Some(Errno::E2BIG));
    let all = map.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    assert_eq!(all, [values(|_| 0)?, values(|_| 0)?, mine]);
    Ok(())
}

fn lru() -> TestResult {
    let map = LruPerCpuHashMap::<u32, u64>::new(&make(MapType::LRU_PERCPU_HASH, 4, 8, 64)?)?;
    let mine = values(u64::from)?;
    for n in 0..500 {
        map.insert(&n, &mine)?;
    }
    let left = map.iter().collect::<oxbpf::Result<Vec<_>>>()?;
    assert!(!left.is_empty() && left.len() <= 64 && left.iter().all(|(_, v)| *v == mine));
    Ok(())
}

/// `BPF_F_CPU` and `BPF_F_ALL_CPUS`, or the refusal of a kernel without.
fn one_cpu() -> TestResult {
    let hash = PerCpuHashMap::<u32, u32>::new(&make(MapType::PERCPU_HASH, 4, 4, 2)?)?;
    let array = PerCpuArray::<u32>::new(&make(MapType::PERCPU_ARRAY, 4, 4, 2)?)?;
    hash.insert(&1, &values(|_| 5)?)?;
    if let Err(error) = hash.insert_on_all(&1, &6) {
        assert!(lacks((7, 0), error.errno()));
        for refused in [
            hash.insert_on(&1, 0, &6).map(|()| None),
            hash.get_on(&1, 0),
            array.set_on(1, 0, &6).map(|()| None),
            array.set_on_all(1, &6).map(|()| None),
        ] {
            assert_eq!(refused.expect_err("no such flags").errno(), Some(Errno::EINVAL));
        }
        assert_eq!(hash.get(&1)?, Some(values(|_| 5)?), "nothing was written");
        return Ok(());
    }
    assert_eq!(hash.get(&1)?, Some(values(|_| 6)?));
    hash.insert_on(&1, 0, &9)?;
    assert_eq!(hash.get_on(&1, 0)?, Some(9));
    assert_eq!(hash.get(&1)?, Some(values(|cpu| if cpu == 0 { 9 } else { 6 })?));
    array.set_on_all(1, &3)?;
    array.set_on(1, 0, &4)?;
    assert_eq!((array.get_on(1, 0)?, array.get_on(2, 0)?), (Some(4), None));
    let error = array.get_on(1, 1 << 20).expect_err("no such CPU");
    assert_eq!(error.errno(), Some(Errno::ERANGE), "{error}");
    Ok(())
}
