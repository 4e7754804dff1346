//! Queues, stacks and bloom filters.

use oxbpf::{BloomFilter, Errno, Map, MapCreate, MapType, Queue, Stack};
use oxbpf_testing::{Need, Suite, TestResult};

use super::{make, refused, shape};

pub(crate) fn tests(suite: &mut Suite) {
    suite.test("queues::first_in_first_out", &[Need::Bpf, Need::Kernel(4, 20)], queue);
    suite.test("queues::last_in_first_out", &[Need::Bpf, Need::Kernel(4, 20)], stack);
    suite.test("queues::bloom_filter", &[Need::Bpf, Need::Kernel(5, 16)], bloom);
}

fn queue() -> TestResult {
    let map = make(MapType::QUEUE, 0, 8, 2)?;
    let queue = Queue::<u64>::new(&map)?;
    assert_eq!((queue.peek()?, queue.pop()?), (None, None));
    queue.push(&1)?;
    queue.push(&2)?;
    refused(
        queue.push(&3),
        Errno::E2BIG,
        "map m: BPF_MAP_UPDATE_ELEM failed: E2BIG (Argument list too long): it is full, max_entries is 2",
    );
    queue.push_over(&3)?;
    assert_eq!((queue.peek()?, queue.pop()?, queue.pop()?, queue.pop()?), (Some(2), Some(2), Some(3), None));
    let error = map.next_key(None).expect_err("no keys");
    assert!(matches!(error.errno(), Some(Errno::EINVAL | Errno::ENOTSUPP)), "{error}");
    assert!(map.delete(&[]).is_err());
    map.freeze()?;
    assert_eq!(queue.push(&1).expect_err("frozen").errno(), Some(Errno::EPERM));
    assert_eq!(queue.pop().expect_err("frozen").errno(), Some(Errno::EPERM));
    Ok(())
}

fn stack() -> TestResult {
    let stack = Stack::<[u8; 3]>::new(&make(MapType::STACK, 0, 3, 2)?)?;
    stack.push(b"one")?;
    stack.push(b"two")?;
    assert_eq!(stack.push(b"bad").expect_err("full").errno(), Some(Errno::E2BIG));
    assert_eq!(
        (stack.peek()?, stack.pop()?, stack.pop()?, stack.pop()?),
        (Some(*b"two"), Some(*b"two"), Some(*b"one"), None)
    );
    let error = Queue::<[u8; 3]>::new(stack.map()).expect_err("another type");
    assert_eq!(error.to_string(), "map m is not a queue: its type is stack");
    Ok(())
}

fn bloom() -> TestResult {
    let create = MapCreate { map_extra: 3, ..shape(MapType::BLOOM_FILTER, 0, 8, 1000) };
    let map = Map::create(&oxbpf::Kernel::host(), &create)?;
    assert_eq!(map.info()?.map_extra, 3);
    let filter = BloomFilter::<u64>::new(&map)?;
    for n in 0..1000 {
        filter.insert(&n)?;
    }
    for n in 0..1000 {
        assert!(filter.contains(&n)?, "{n}");
    }
    // One in eight is expected with three hashes, in a filter that is rounded up.
    let wrong = (1000..2000).filter(|n| filter.contains(n).is_ok_and(|yes| yes)).count();
    assert!(wrong < 500, "{wrong} of 1000 that are not in it");
    let error = map.next_key(None).expect_err("no keys");
    assert!(matches!(error.errno(), Some(Errno::EOPNOTSUPP | Errno::ENOTSUPP)), "{error}");
    assert!(
        error.to_string().ends_with("elements of maps of type bloom_filter cannot be walked on this kernel"),
        "{error}"
    );
    let error = map.delete(&[]).expect_err("no deleting");
    assert!(matches!(error.errno(), Some(Errno::EOPNOTSUPP | Errno::ENOTSUPP)), "{error}");
    Ok(())
}
