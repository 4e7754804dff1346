//! What was made: maps, programs and so on, by the inode of their memfd.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::memfd;
use super::values::Values;
use crate::Errno;
use crate::mapping::Prot;
use crate::uapi::{MapCreateAttr, MapFlags, MapType, ProgLoadAttr};

/// A file: its device and its number there, which other file systems have as well.
pub(super) type Inode = (u64, u64);

/// All that was made. Descriptors are told apart by inode, so duplicates are the same object.
#[derive(Debug, Default)]
pub(super) struct Objects {
    by_inode: HashMap<Inode, Object>,
    last_id: u32,
    pub(super) pins: BTreeMap<PathBuf, OwnedFd>,
    /// Programs attached without a link: target, attach type, program's inode.
    pub(super) attached: Vec<(u32, u32, Inode)>,
}

#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: u32,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Map(Box<Map>),
    Prog(Box<Prog>),
    Btf(Vec<u8>),
    Link(Link),
    PerfEvent,
    Other,
}

#[derive(Debug)]
pub(super) struct Map {
    pub(super) attr: MapCreateAttr,
    pub(super) btf_id: u32,
    pub(super) frozen: bool,
    pub(super) values: Values,
}

#[derive(Debug)]
pub(super) struct Prog {
    pub(super) attr: ProgLoadAttr,
    pub(super) insns: Vec<u8>,
    pub(super) btf_id: u32,
    /// Its types, which can be opened as long as it is there.
    pub(super) btf: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) link_type: u32,
    pub(super) prog_id: u32,
    pub(super) target: u32,
    pub(super) attach_type: u32,
    pub(super) name: Vec<u8>,
}

impl Object {
    pub(super) fn map(&mut self) -> Result<&mut Map, Errno> {
        if let Kind::Map(m) = &mut self.kind { Ok(m) } else { Err(Errno::EINVAL) }
    }

    pub(super) fn prog(&mut self) -> Result<&mut Prog, Errno> {
        if let Kind::Prog(p) = &mut self.kind { Ok(p) } else { Err(Errno::EINVAL) }
    }

    pub(super) fn link(&mut self) -> Result<&mut Link, Errno> {
        if let Kind::Link(l) = &mut self.kind { Ok(l) } else { Err(Errno::EINVAL) }
    }

    pub(super) fn perf_event(&self) -> Result<(), Errno> {
        if let Kind::PerfEvent = self.kind { Ok(()) } else { Err(Errno::ENOTTY) }
    }

    /// Whether the kernel would map this part of it, and the memfd has it.
    pub(super) fn can_map(&self, offset: u64, len: u64, prot: Prot) -> bool {
        let Kind::Map(map) = &self.kind else { return false };
        let kind = MapType(map.attr.map_type);
        let mappable = matches!(kind, MapType::RINGBUF | MapType::USER_RINGBUF | MapType::ARENA)
            || MapFlags::from_bits_retain(map.attr.map_flags).contains(MapFlags::MMAPABLE);
        let page = rustix::param::page_size() as u64;
        let size = map.values.mapped_len().next_multiple_of(page);
        mappable
            && !(map.frozen && prot == Prot::ReadWrite)
            && offset.checked_add(len).is_some_and(|end| end <= size)
    }
}

impl Objects {
    /// A new object with its descriptor.
    pub(super) fn add(&mut self, kind: Kind) -> Result<OwnedFd, Errno> {
        self.add_on(memfd("bpf")?, kind)
    }

    /// A new object on a memfd of its own.
    pub(super) fn add_on(&mut self, fd: OwnedFd, kind: Kind) -> Result<OwnedFd, Errno> {
        self.last_id += 1;
        self.add_as(self.last_id, fd, kind)
    }

    fn add_as(&mut self, id: u32, fd: OwnedFd, kind: Kind) -> Result<OwnedFd, Errno> {
        let inode = inode(fd.as_raw_fd().cast_unsigned())?;
        self.by_inode.insert(inode, Object { id, kind });
        Ok(fd)
    }

    /// Types that have no descriptor any more, but a program.
    pub(super) fn reopen_btf(&mut self, id: u32) -> Result<OwnedFd, Errno> {
        let of_program = |object: &Object| match &object.kind {
            Kind::Prog(prog) if prog.btf_id == id && id != 0 => Some(prog.btf.clone()),
            _ => None,
        };
        let types = self.by_inode.values().find_map(of_program).ok_or(Errno::ENOENT)?;
        self.add_as(id, memfd("bpf")?, Kind::Btf(types))
    }

    pub(super) fn find(&mut self, fd: BorrowedFd<'_>) -> Result<&mut Object, Errno> {
        self.find_raw(fd.as_raw_fd().cast_unsigned())
    }

    /// By a descriptor's number, as attributes hold it.
    pub(super) fn find_raw(&mut self, fd: u32) -> Result<&mut Object, Errno> {
        let inode = inode(fd)?;
        self.by_inode.get_mut(&inode).ok_or(Errno::EINVAL)
    }

    pub(super) fn by_inode(&mut self, inode: Inode) -> Option<&mut Object> {
        self.by_inode.get_mut(&inode)
    }

    /// The id of the BTF behind a descriptor, 0 for no descriptor.
    pub(super) fn btf_id(&mut self, fd: u32) -> Result<u32, Errno> {
        if fd == 0 {
            return Ok(0);
        }
        let object = self.find_raw(fd)?;
        if let Kind::Btf(_) = object.kind { Ok(object.id) } else { Err(Errno::EINVAL) }
    }

    /// Objects that some descriptor of this process refers to, with one such descriptor. What is gone, is
    /// forgotten.
    pub(super) fn alive(&mut self) -> BTreeMap<u32, (Inode, u32)> {
        let mut inodes: HashMap<Inode, u32> = HashMap::new();
        for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
            let number = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok());
            if let Some(number) = number
                && let Ok(inode) = inode(number)
            {
                inodes.insert(inode, number);
            }
        }
        self.by_inode.retain(|i, _| inodes.contains_key(i));
        self.by_inode.iter().filter_map(|(i, o)| Some((o.id, (*i, *inodes.get(i)?)))).collect()
    }

    pub(super) fn open(&mut self) -> usize {
        self.alive().len()
    }
}

/// The inode behind a descriptor of this process.
pub(super) fn inode(fd: u32) -> Result<Inode, Errno> {
    std::fs::metadata(format!("/proc/self/fd/{fd}")).map(|m| (m.dev(), m.ino())).map_err(|_| Errno::EBADF)
}
