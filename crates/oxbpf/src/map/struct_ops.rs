//! Registering struct_ops maps.

use std::os::fd::{AsFd, AsRawFd};

use oxbpf_obj::{AttachType, MapFlags, MapType};
use oxbpf_sys::uapi::ElemFlags;
use oxbpf_sys::{Errno, LinkCreate, LinkTarget};

use super::Map;
use crate::error::{Error, Result};
use crate::link::{Link, LinkKind, Part};
use crate::program::Program;

const KEY: [u8; 4] = [0; 4];

/// What a struct_ops map is registered with.
#[derive(Debug)]
pub(crate) struct StructOpsValue {
    /// The kernel's value, but for the descriptors of programs.
    pub(crate) value: Vec<u8>,
    /// Programs, and where their descriptors go.
    pub(crate) programs: Vec<(usize, Program)>,
    /// Whether attaching the object attaches it.
    pub(crate) autoattach: bool,
}

impl StructOpsValue {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.value.clone();
        for (at, program) in &self.programs {
            // As wide as the pointer whose place it takes.
            let fd = i64::from(program.as_fd().as_raw_fd()).to_ne_bytes();
            if let Some(place) = bytes.get_mut(*at..).and_then(|rest| rest.get_mut(..fd.len())) {
                place.copy_from_slice(&fd);
            }
        }
        bytes
    }
}

impl Map {
    pub(crate) fn set_struct_ops(&self, value: StructOpsValue) {
        // A map that was given, and belongs to another object, has one already.
        let _ = self.0.struct_ops.set(value);
    }

    /// Registers a struct_ops map of an object with the kernel, which from now on calls its programs.
    ///
    /// Maps of `.struct_ops.link` are registered by a link (6.4), those of `.struct_ops` by their value (5.6). Both end
    /// with the link that this returns; the former can be updated ([`Link::update_struct_ops`]). The latter stay with the
    /// kernel if the process ends without dropping it, as it does when it is killed; to delete the map's one element
    /// (key 0) takes them back.
    ///
    /// # Errors
    /// [`Error::MapKind`] for another map, or one that no object defines. [`Error::Map`]: `EEXIST` if the kernel has a
    /// table of that name already, `EBUSY` if the map is registered already, `EINVAL` if the kernel misses a function
    /// in it.
    #[doc(alias = "bpf_map__attach_struct_ops")]
    pub fn attach_struct_ops(&self) -> Result<Link> {
        let by_link = self.store_struct_ops()?;
        let part = if by_link {
            let create = LinkCreate::new(self.as_fd(), LinkTarget::None, AttachType::STRUCT_OPS);
            Part::of_link(self.kernel().link_create(&create).map_err(|source| self.failed(source))?)
        } else {
            Part::of_map(self.clone())
        };
        Ok(Link::of_map(self, LinkKind::StructOps, vec![part]))
    }

    /// Puts the value into the map; tells whether a link is to be made.
    pub(crate) fn store_struct_ops(&self) -> Result<bool> {
        let wrong = || Error::MapKind {
            map: self.name().to_owned(),
            expected: "a struct_ops map of an object",
            found: self.map_type(),
        };
        let is_struct_ops = self.map_type() == MapType::STRUCT_OPS;
        let value = self.0.struct_ops.get().filter(|_| is_struct_ops).ok_or_else(wrong)?;
        let by_link = self.flags().contains(MapFlags::LINK);
        match self.update(&KEY, &value.bytes(), ElemFlags::empty()) {
            // A link was made before; its value is what it was.
            Err(error) if by_link && error.errno() == Some(Errno::EBUSY) => {}
            result => result?,
        }
        Ok(by_link)
    }

    /// Takes a struct_ops map that was registered by its value out of use.
    pub(crate) fn unregister_struct_ops(&self) -> Result<()> {
        self.delete(&KEY).map(drop)
    }

    /// Whether attaching its object attaches it: for struct_ops maps,
    /// [`MapSpec::autoattach`](oxbpf_obj::MapSpec::autoattach).
    #[doc(alias = "bpf_map__autoattach")]
    pub fn autoattach(&self) -> bool {
        self.0.struct_ops.get().is_some_and(|value| value.autoattach)
    }
}
