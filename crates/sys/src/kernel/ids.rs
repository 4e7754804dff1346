//! Objects by their ids.

use std::fmt;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::Kernel;
use crate::attr::{Attr, fd_or_zero};
use crate::uapi::{self, Cmd, IdAttr, OpenFlags};
use crate::{Errno, Result};

/// What has ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// Programs.
    Prog,
    /// Maps.
    Map,
    /// BTF.
    Btf,
    /// Links.
    Link,
}

impl ObjectKind {
    /// The command that finds the next id.
    fn next_id(self) -> Cmd {
        match self {
            Self::Prog => Cmd::PROG_GET_NEXT_ID,
            Self::Map => Cmd::MAP_GET_NEXT_ID,
            Self::Btf => Cmd::BTF_GET_NEXT_ID,
            Self::Link => Cmd::LINK_GET_NEXT_ID,
        }
    }

    /// The command that opens by id.
    fn fd_by_id(self) -> Cmd {
        match self {
            Self::Prog => Cmd::PROG_GET_FD_BY_ID,
            Self::Map => Cmd::MAP_GET_FD_BY_ID,
            Self::Btf => Cmd::BTF_GET_FD_BY_ID,
            Self::Link => Cmd::LINK_GET_FD_BY_ID,
        }
    }
}

/// How to open an object by its id. What is not set, no kernel is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct FdById<'a> {
    /// What the descriptor allows: of maps only (4.15).
    pub flags: OpenFlags,
    /// A token that stands in for privileges: of BTF only (6.15).
    pub token_fd: Option<BorrowedFd<'a>>,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prog => "program",
            Self::Map => "map",
            Self::Btf => "BTF",
            Self::Link => "link",
        })
    }
}

impl Kernel {
    /// The first id after `id` (0: the first of all), in ascending order; `None` after the last. Since Linux 4.13
    /// (BTF 5.4, links 5.8).
    ///
    /// An id is given once in a kernel's life, as far as matters. To have one keeps nothing alive: until it is opened
    /// ([`fd_by_id`](Self::fd_by_id)) the object may go. What is made while one walks is seen or not.
    ///
    /// # Errors
    /// - `EPERM`: no `CAP_SYS_ADMIN`
    /// - `EINVAL`: an `id` of 2³¹ - 1 or more; a kernel without the command
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let map = MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// # let (_one, _two) = (kernel.map_create(&map)?, kernel.map_create(&map)?);
    /// use oxbpf_sys::{Errno, ObjectKind, OpenFlags};
    ///
    /// let (mut id, mut found) = (0, 0);
    /// while let Some(next) = kernel.next_id(ObjectKind::Map, id)? {
    ///     match kernel.fd_by_id(ObjectKind::Map, next, OpenFlags::empty()) {
    ///         Ok(_map) => found += 1,
    ///         Err(e) if e.errno == Errno::ENOENT => {} // gone meanwhile
    ///         Err(e) => return Err(e),
    ///     }
    ///     id = next;
    /// }
    /// assert_eq!(found, 2);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_prog_get_next_id")]
    #[doc(alias = "bpf_map_get_next_id")]
    #[doc(alias = "bpf_btf_get_next_id")]
    #[doc(alias = "bpf_link_get_next_id")]
    pub fn next_id(&self, kind: ObjectKind, id: u32) -> Result<Option<u32>> {
        let mut attr = Attr::new(kind.next_id(), &IdAttr { id, ..Default::default() });
        match self.bpf(&mut attr) {
            Ok(()) => Ok(Some(attr.view::<IdAttr>().next_id)),
            Err(e) if e.errno == Errno::ENOENT => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Opens an object by its id. Since Linux 4.13 (BTF 4.18, links 5.8). The descriptor keeps the object alive;
    /// flags are for maps.
    ///
    /// # Errors
    /// - `ENOENT`: there is none with this id, or not any more
    /// - `EPERM`: no `CAP_SYS_ADMIN`; an LSM refuses
    /// - `EINVAL`: flags that the kernel does not take; a kernel without the command
    /// - `EAGAIN`: a link that is being made just now
    /// - `ENOMEM`, `EMFILE`: no memory, no room for a descriptor
    ///
    /// # Examples
    /// See [`next_id`](Self::next_id).
    #[doc(alias = "bpf_prog_get_fd_by_id")]
    #[doc(alias = "bpf_map_get_fd_by_id")]
    #[doc(alias = "bpf_btf_get_fd_by_id")]
    #[doc(alias = "bpf_link_get_fd_by_id")]
    pub fn fd_by_id(&self, kind: ObjectKind, id: u32, flags: OpenFlags) -> Result<OwnedFd> {
        self.fd_by_id_with(kind, id, &FdById { flags, ..Default::default() })
    }

    /// As [`fd_by_id`](Self::fd_by_id), with all that can be asked for.
    ///
    /// # Errors
    /// As there. Kernels refuse (`EINVAL`) what they do not know: flags of other objects than maps, a token for other
    /// objects than BTF or before 6.15. A token that does not allow this leaves the call without privileges: `EPERM`.
    ///
    /// # Examples
    /// ```
    /// # use oxbpf_sys::{Kernel, MapCreate, MapType, doors::Fake};
    /// # use std::os::fd::AsFd;
    /// # let kernel = Kernel::with_door(std::sync::Arc::new(Fake::new()));
    /// # let map = MapCreate { map_type: MapType::ARRAY, key_size: 4, value_size: 4, max_entries: 1, ..Default::default() };
    /// use oxbpf_sys::{FdById, ObjectKind, OpenFlags};
    ///
    /// let map = kernel.map_create(&map)?;
    /// let id = kernel.map_info(map.as_fd())?.id;
    /// let read_only = FdById { flags: OpenFlags::RDONLY, ..Default::default() };
    /// let again = kernel.map_from_fd(kernel.fd_by_id_with(ObjectKind::Map, id, &read_only)?)?;
    /// assert_eq!(again.value_size(), 4);
    /// # Ok::<(), oxbpf_sys::SysError>(())
    /// ```
    #[doc(alias = "bpf_prog_get_fd_by_id_opts")]
    #[doc(alias = "bpf_map_get_fd_by_id_opts")]
    #[doc(alias = "bpf_btf_get_fd_by_id_opts")]
    #[doc(alias = "bpf_link_get_fd_by_id_opts")]
    pub fn fd_by_id_with(&self, kind: ObjectKind, id: u32, how: &FdById<'_>) -> Result<OwnedFd> {
        let open = |token: Option<BorrowedFd<'_>>| {
            let flag = if token.is_some() { uapi::TOKEN_FD } else { 0 };
            let layout = IdAttr {
                id,
                open_flags: how.flags.bits() | flag,
                token_fd: fd_or_zero(token),
                ..Default::default()
            };
            self.bpf_fd(&mut Attr::new(kind.fd_by_id(), &layout)).map_err(|e| e.with(format!("{kind} {id}")))
        };
        match self.token().filter(|_| kind == ObjectKind::Btf && how.token_fd.is_none()) {
            // Nobody asked for it, and kernels before 6.15 take none here.
            Some(own) => match open(Some(own)) {
                Err(refused) if refused.errno == Errno::EINVAL => open(None).map_err(|mut e| {
                    // Without privileges, it is the token that is missed.
                    e.unsupported = refused.unsupported.filter(|_| e.errno == Errno::EPERM);
                    e
                }),
                opened => opened,
            },
            None => open(how.token_fd),
        }
    }

    /// All objects of a kind that are loaded, each with its id and a descriptor, in the order of their ids.
    ///
    /// What goes between being listed and being opened is left out. An object that cannot be opened is an item, and the
    /// next one follows; if the list itself cannot be had, that error is the last item.
    pub fn loaded(&self, kind: ObjectKind) -> Loaded {
        Loaded { kernel: self.clone(), kind, last: Some(0) }
    }
}

/// Objects of one kind, one after another, each with its id. See [`Kernel::loaded`].
#[derive(Debug, Clone)]
pub struct Loaded {
    kernel: Kernel,
    kind: ObjectKind,
    /// The last id, until the end.
    last: Option<u32>,
}

impl Iterator for Loaded {
    type Item = Result<(u32, OwnedFd)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.kernel.next_id(self.kind, self.last?);
            self.last = next.as_ref().ok().copied().flatten();
            let id = match next {
                Ok(id) => id?,
                Err(e) => return Some(Err(e)),
            };
            match self.kernel.fd_by_id(self.kind, id, OpenFlags::empty()) {
                // Gone since, or a link that is being made.
                Err(e) if matches!(e.errno, Errno::ENOENT | Errno::EAGAIN) => {}
                fd => return Some(fd.map(|fd| (id, fd))),
            }
        }
    }
}

impl std::iter::FusedIterator for Loaded {}
