//! Many elements at once.

use oxbpf::sys::BatchCursor;
use oxbpf::{Batch, ElemFlags, Errno, Error, HashMap, Map, MapType};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{make, refused};

const ANY: ElemFlags = ElemFlags::empty();

pub(crate) fn tests(suite: &mut Suite) {
    let needs = [Need::Bpf, Need::Kernel(5, 6)];
    suite.test("batches::hash", &needs, hash);
    suite.test("batches::writing_tells_how_far_it_came", &needs, partial);
    suite.test("batches::a_bucket_that_does_not_fit", &needs, bucket);
    suite.test("batches::buffers_that_do_not_match", &needs, buffers);
    suite.test("batches::kinds_without", &needs, without);
}

/// A hash of `0..n`, each with its tenfold.
fn filled(n: u32) -> oxbpf::Result<HashMap<u32, u64>> {
    let map = HashMap::new(&make(MapType::HASH, 4, 8, n)?)?;
    let keys: Vec<u32> = (0..n).collect();
    let values: Vec<u64> = keys.iter().map(|key| u64::from(*key) * 10).collect();
    assert_eq!(map.update_batch(&keys, &values, ANY)?, n as usize);
    Ok(map)
}

fn hash() -> TestResult {
    let map = filled(1000)?;
    let (mut keys, mut values) = ([0; 300], [0; 300]);
    for take in [false, true] {
        let mut cursor = BatchCursor::new();
        let mut seen = Vec::new();
        loop {
            let Batch { count, more } = if take {
                map.lookup_and_delete_batch(&mut cursor, &mut keys, &mut values, ANY)?
            } else {
                map.lookup_batch(&mut cursor, &mut keys, &mut values, ANY)?
            };
            seen.extend(keys.iter().copied().zip(values).take(count));
            if !more {
                break;
            }
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq((0..1000).map(|n| (n, u64::from(n) * 10))), "taking: {take}");
    }
    assert_eq!(map.iter().count(), 0, "all was taken");
    Ok(())
}

fn partial() -> TestResult {
    let map = filled(3)?;
    let error = map.update_batch(&[0, 1, 7, 8], &[5, 6, 7, 8], ANY);
    let error = refused(
        error,
        Errno::E2BIG,
        "map m: after 2 of 4 elements BPF_MAP_UPDATE_BATCH failed: E2BIG (Argument list too long): it is full, \
         max_entries is 3",
    );
    assert!(matches!(error, Error::Batch { done: 2, of: 4, .. }));
    assert_eq!((map.get(&1)?, map.get(&7)?), (Some(6), None));
    refused(
        map.remove_batch(&[0, 1, 7, 2]),
        Errno::ENOENT,
        "map m: after 2 of 4 elements BPF_MAP_DELETE_BATCH failed: ENOENT (No such file or directory): no such key",
    );
    assert_eq!(map.keys().collect::<oxbpf::Result<Vec<_>>>()?, [2]);
    refused(
        map.update_batch(&[2], &[0], ElemFlags::NOEXIST),
        Errno::EINVAL,
        "map m: after 0 of 1 elements BPF_MAP_UPDATE_BATCH failed: EINVAL (Invalid argument): batches take no flag but \
         LOCK, for values with a spin lock",
    );
    assert_eq!(map.remove_batch(&[2])?, 1);
    map.map().freeze()?;
    let error = map.update_batch(&[2], &[0], ANY).expect_err("frozen");
    assert_eq!(error.errno(), Some(Errno::EPERM));
    Ok(())
}

/// With one bucket (a map of one element has one) that two keys cannot share: room for none is `ENOSPC`.
fn bucket() -> TestResult {
    let map = filled(4096)?;
    let mut refusals = 0;
    let mut cursor = BatchCursor::new();
    let (mut keys, mut values) = (vec![0; 1], vec![0; 1]);
    let mut seen = 0;
    loop {
        match map.lookup_batch(&mut cursor, &mut keys, &mut values, ANY) {
            Ok(Batch { count, more }) => {
                seen += count;
                if !more {
                    break;
                }
            }
            Err(error) => {
                refused::<()>(
                    Err(error),
                    Errno::ENOSPC,
                    "map m: BPF_MAP_LOOKUP_BATCH failed: ENOSPC (No space left on device): a bucket has more elements \
                     than the buffers hold",
                );
                refusals += 1;
                keys.push(0);
                values.push(0);
            }
        }
    }
    assert_eq!(seen, 4096, "nothing is lost by a refusal");
    assert!(refusals > 0, "4,096 keys in as many buckets share some");
    Ok(())
}

fn buffers() -> TestResult {
    let map = filled(4)?;
    let error =
        map.lookup_batch(&mut BatchCursor::new(), &mut [0; 4], &mut [0; 3], ANY).expect_err("3 values");
    assert_eq!(
        error.to_string(),
        "map m: BPF_MAP_LOOKUP_BATCH failed: EINVAL (Invalid argument): 16 bytes of keys and 24 of values where the map's have 4 and 8"
    );
    assert!(map.update_batch(&[1, 2], &[1], ANY).is_err());
    let mut of_another = BatchCursor::new();
    let wide = HashMap::<u64, u64>::new(&make(MapType::ARRAY, 4, 8, 4)?);
    assert!(wide.is_err());
    let long_keys = make(MapType::HASH, 8, 8, 8)?;
    for n in 0..4_u8 {
        long_keys.update(&[n; 8], &[0; 8], ANY)?;
    }
    long_keys.lookup_batch(&mut of_another, &mut [0; 64], &mut [0; 64], ANY)?;
    let error =
        map.map().lookup_batch(&mut of_another, &mut [0; 4], &mut [0; 8], ANY).expect_err("another's cursor");
    assert_eq!(error.errno(), Some(Errno::EINVAL));
    Ok(())
}

fn without() -> TestResult {
    let queue = make(MapType::STACK_TRACE, 4, 8, 4)?;
    let text = |map: &Map| {
        let error =
            map.lookup_batch(&mut BatchCursor::new(), &mut [0; 4], &mut [0; 8], ANY).expect_err("no batches");
        assert!(matches!(error.errno(), Some(Errno::ENOTSUPP | Errno::EOPNOTSUPP)), "{error}");
        error.to_string()
    };
    let why = "elements of maps of type stack_trace cannot be accessed in batches so on this kernel";
    assert!(text(&queue).ends_with(why), "{}", text(&queue));
    Ok(())
}
