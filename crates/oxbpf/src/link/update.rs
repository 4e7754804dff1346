//! Changing the program of a link.

use std::os::fd::{AsFd, BorrowedFd};

use oxbpf_sys::LinkUpdate;

use super::Link;
use crate::{Error, Program};

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
        let link = self.as_fd().ok_or_else(|| self.no_link("BPF_LINK_UPDATE"))?;
        let update = LinkUpdate { new: new.as_fd(), old, flags: 0 };
        self.kernel.link_update(link, &update).map_err(|e| e.with(self.described()))?;
        tracing::debug!(old = self.program, new = new.name(), target = self.target, "link updated");
        new.name().clone_into(&mut self.program);
        Ok(())
    }

    fn described(&self) -> String {
        format!("the {} link of program {} to {}", self.kind, self.program, self.target)
    }
}
