//! A network of the test's own.

mod netlink;
mod veth;

use std::io;
use std::thread;

use rustix::thread::UnshareFlags;

pub use veth::Veth;

/// Runs a function on a thread that has a network namespace of its own, empty but for its loopback interface
/// (which is up). The namespace ends with the thread. Needs [`Need::SysAdmin`](crate::Need::SysAdmin).
///
/// Threads that the function makes are in the namespace too; sockets stay in the one that they were made in.
///
/// # Errors
///
/// If no namespace can be made.
///
/// # Panics
///
/// If the function does.
pub fn in_own_netns<R: Send>(run: impl FnOnce() -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter_new_netns()?;
            netlink::Socket::open()?.set_up(LOOPBACK)?;
            Ok(run())
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The loopback interface is the first of every namespace.
const LOOPBACK: u32 = 1;

#[expect(
    deprecated,
    reason = "for CLONE_FILES, which can break other threads' descriptors; this has none of it"
)]
fn enter_new_netns() -> io::Result<()> {
    Ok(rustix::thread::unshare(UnshareFlags::NEWNET)?)
}
