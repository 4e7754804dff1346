//! Reading and writing memory that others write.

use std::os::fd::AsFd;

use super::*;

#[test]
fn bytes_and_numbers() {
    let m = Mapping::anonymous(4096).unwrap();
    assert!(m.store_u64(8, 0x0102_0304_0506_0708));
    assert_eq!(m.load_u64(8), Some(0x0102_0304_0506_0708));
    assert!(m.write(16, b"abc"));
    let mut out = [0; 3];
    assert!(m.read(16, &mut out));
    assert_eq!(&out, b"abc");
    assert_eq!(m.load_u32(16), Some(u32::from_ne_bytes(*b"abc\0")));
}

#[test]
fn nothing_outside() {
    let m = Mapping::anonymous(4096).unwrap();
    assert_eq!((m.load_u64(4096), m.load_u64(4), m.load_u64(usize::MAX - 7)), (None, None, None));
    assert_eq!((m.load_u32(4096), m.load_u32(2)), (None, None));
    assert!(!m.store_u64(4096, 1) && !m.write(4094, b"abc") && !m.write(usize::MAX, b"a"));
    assert!(!m.read(4095, &mut [0; 2]) && m.read(4096, &mut []));
    // SAFETY: nobody else has this memory.
    let outside = unsafe { (m.slice(4095..4097), m.slice(usize::MAX..usize::MAX)) };
    assert_eq!(outside, (None, None));
}

#[test]
fn memory_for_reading_is_not_written() {
    let fd = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&fd, 4096).unwrap();
    let read = Mapping::of(fd.as_fd(), 0, 4096, Prot::Read).unwrap();
    let write = Mapping::of(fd.as_fd(), 0, 4096, Prot::ReadWrite).unwrap();
    assert!(!read.store_u64(0, 1) && !read.write(0, b"a"));
    assert!(write.store_u64(0, 7));
    assert_eq!(read.load_u64(0), Some(7));
    assert!(read.into_bytes().is_err(), "the memory changes");
}

#[test]
fn only_the_kernels_types_are_plain_bytes() {
    let fd = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&fd, 4096).unwrap();
    assert_eq!(Mapping::of(fd.as_fd(), 0, 4096, Prot::KernelTypes).unwrap_err(), Errno::EINVAL);
    assert_eq!(Mapping::of(fd.as_fd(), 0, 0, Prot::Read).unwrap_err(), Errno::EINVAL);
    assert_eq!(Mapping::of(fd.as_fd(), 1, 4096, Prot::Read).unwrap_err(), Errno::EINVAL);
}

#[test]
fn aligned_numbers_are_not_torn() {
    fn torn<const N: usize>() -> bool {
        let m = Mapping::anonymous(4096).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for i in 0..200_000 {
                    assert!(m.write(16, &[if i % 2 == 0 { 0xff } else { 0 }; N]));
                }
            });
            let mut torn = false;
            while !writer.is_finished() {
                let mut out = [0; N];
                assert!(m.read(16, &mut out));
                torn |= out.iter().any(|b| *b != out[0]);
            }
            torn
        })
    }
    assert!(!torn::<8>());
    assert!(!torn::<4>());
    assert!(!torn::<2>());
}

#[test]
fn bytes_go_in_and_out_at_any_offset() {
    let m = Mapping::anonymous(4096).unwrap();
    let bytes: Vec<u8> = (1..=40).collect();
    for offset in 0..16 {
        for len in 0..=24 {
            assert!(m.write(100, &[0xee; 48]));
            assert!(m.write(100 + offset, &bytes[..len]));
            let mut out = [0; 48];
            assert!(m.read(100, &mut out));
            assert_eq!(&out[offset..offset + len], &bytes[..len], "{offset} {len}");
            assert!(out[..offset].iter().chain(&out[offset + len..]).all(|b| *b == 0xee), "{offset} {len}");
            let mut again = vec![0; len];
            assert!(m.read(100 + offset, &mut again));
            assert_eq!(again, bytes[..len]);
        }
    }
}

#[test]
fn numbers_of_a_structure_are_not_torn() {
    let m = Mapping::anonymous(4096).unwrap();
    // Two of 2 bytes, one of 4, one of 8: as a C structure has them.
    let all = |b| [b; 16];
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..100_000 {
                assert!(m.write(32, &all(if i % 2 == 0 { 0xff } else { 0 })));
            }
        });
        while !writer.is_finished() {
            let mut out = [0; 16];
            assert!(m.read(32, &mut out));
            for part in [&out[..2], &out[2..4], &out[4..8], &out[8..]] {
                assert!(part.iter().all(|b| *b == part[0]), "{out:?}");
            }
        }
    });
}
