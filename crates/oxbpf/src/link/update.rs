//! Changing the program of a link, or the struct_ops map.

use std::os::fd::{AsFd, BorrowedFd};

use oxbpf_sys::{Errno, LinkUpdate, SysError};

use super::{Link, LinkKind};
use crate::{Error, Map, Program};

/// The command.
const OP: &str = "BPF_LINK_UPDATE";

impl Link {
    /// Runs another program from now on, in place: no event is missed. For links to cgroups (Linux 5.7), iterators (5.8)
    /// and XDP (5.9); of the same type as before.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EINVAL` for a link of another kind, or a program that does not fit; `EOPNOTSUPP` where
    /// there is one for each CPU (see [`as_fd`](Self::as_fd)); `ENOLINK` if the link was
    /// detached, or what it was on is gone.
    #[doc(alias = "bpf_link__update_program")]
    #[doc(alias = "bpf_link_update")]
    pub fn update(&mut self, program: &Program) -> Result<(), Error> {
        self.change(program, None)
    }

    /// As [`update`](Self::update), if `old` is what runs now: somebody who has the link as well (through a pin, say) may
    /// have changed it.
    ///
    /// # Errors
    /// [`Error::Kernel`]: `EPERM` if `old` is not the program there; otherwise as there.
    pub fn replace(&mut self, old: &Program, new: &Program) -> Result<(), Error> {
        self.change(new, Some(old.as_fd()))
    }

    fn change(&mut self, new: &Program, old: Option<BorrowedFd<'_>>) -> Result<(), Error> {
        let link = self.as_fd().ok_or_else(|| self.no_link(OP))?;
        let update = LinkUpdate { new: new.as_fd(), old, flags: 0 };
        self.kernel.link_update(link, &update).map_err(|e| e.with(self.described()))?;
        tracing::debug!(old = self.program, new = new.name(), target = self.target, "link updated");
        new.name().clone_into(&mut self.program);
        Ok(())
    }

    /// Puts another struct_ops map, of the same struct and with the same name in it, in place of the one that is
    /// registered (6.4), without a moment in between.
    ///
    /// # Errors
    /// [`Error::MapKind`] if `map` is none that a link can register; [`Error::Kernel`]: `EINVAL` if this link is of
    /// another kind or the tables do not go together, `EOPNOTSUPP` if the kernel cannot change such tables, or the one
    /// that is registered is so without a link (`.struct_ops`).
    #[doc(alias = "bpf_link__update_map")]
    pub fn update_struct_ops(&mut self, map: &Map) -> Result<(), Error> {
        // Before anything is put into the map.
        if self.kind != LinkKind::StructOps {
            let refused = SysError::new(OP, Errno::EINVAL).with(self.described());
            return Err(refused.because("only a link of a struct_ops map takes another map").into());
        }
        let link = self.as_fd().ok_or_else(|| self.no_link(OP))?;
        if !map.store_struct_ops()? {
            let (map, found) = (map.name().to_owned(), map.map_type());
            return Err(Error::MapKind { map, expected: "a map of .struct_ops.link", found });
        }
        let update = LinkUpdate { new: map.as_fd(), old: None, flags: 0 };
        self.kernel.link_update(link, &update).map_err(|e| e.with(self.described()))?;
        tracing::debug!(old = self.target, new = map.name(), "link updated");
        map.name().clone_into(&mut self.target);
        map.name().clone_into(&mut self.program);
        Ok(())
    }

    /// What errors call it.
    pub(crate) fn described(&self) -> String {
        let Self { kind, program, target, .. } = self;
        match kind {
            LinkKind::StructOps => format!("the {kind} link of map {target}"),
            _ => format!("the {kind} link of program {program} to {target}"),
        }
    }
}
